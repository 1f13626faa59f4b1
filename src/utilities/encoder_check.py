"""What an encoder file holds, read and judged before Keras builds anything from it."""

import json
import zipfile

import h5py

from utilities.errors import BadInput

ENCODER_LAYERS = {"InputLayer", "Conv2D", "BatchNormalization", "MaxPooling2D", "Activation", "ReLU"}
NETWORKS = {"Functional", "Sequential", "Model"}
LARGEST_CONFIGURATION = 2**20


def check_encoder(path, image_shape):
    """Check that a file holds an encoder for images of (rows, columns), as autoencoder.py saves it.

    Raises:
        BadInput: it does not; the message names the file and what was found in it.
    """
    layers = _layers(_configuration(path), path)
    foreign = [layer["class_name"] for layer in layers if layer["class_name"] not in ENCODER_LAYERS]
    if foreign:
        raise BadInput(f"{path}: not an encoder: {_name_the_stranger(foreign)}")
    expected = [None, *image_shape, 1]
    found = _input_shape(layers)
    if found != expected:
        raise BadInput(f"{path}: the images have {_sides(expected)} pixels, the encoder is for {_sides(found)}")


def _configuration(path):
    """Return the text of the network's configuration, JSON."""
    try:
        if not path.is_file():
            raise BadInput(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
        text = _keras_configuration(path) if zipfile.is_zipfile(path) else _hdf5_configuration(path)
    except (OSError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, PermissionError) else "not a Keras model in .h5 or .keras format"
        raise BadInput(f"{path}: {reason}") from error
    if len(text) > LARGEST_CONFIGURATION:
        raise BadInput(f"{path}: not an encoder: its configuration is longer than {LARGEST_CONFIGURATION} bytes")
    return text


def _hdf5_configuration(path):
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise BadInput(f"{path}: holds no model, only {'weights' if len(file) else 'an empty HDF5 file'}")
        return file.attrs["model_config"]


def _keras_configuration(path):
    with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
        return file.read(LARGEST_CONFIGURATION + 1)


def _layers(text, path):
    """Return the configuration of every layer, those of nested networks in their place."""

    def flatten(network):
        for layer in network["config"]["layers"]:
            if len(layer.get("inbound_nodes", [])) > 1:
                raise BadInput(f"{path}: not an encoder: a layer is used more than once")
            if layer["class_name"] in NETWORKS:
                yield from flatten(layer)
            else:
                yield {"class_name": str(layer["class_name"]), "config": dict(layer["config"])}

    try:
        network = json.loads(text)
        if network["class_name"] not in NETWORKS:
            raise BadInput(f"{path}: not an encoder: found a {network['class_name']}")
        return list(flatten(network))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path}: not an encoder: its configuration cannot be read") from error


def _name_the_stranger(foreign):
    if "UpSampling2D" in foreign:
        return "it has a decoder too; give the encoder that autoencoder.py saved"
    if "Dense" in foreign:
        return "it has dense layers; give an encoder, not a classifier"
    return f"it has a layer of the kind {foreign[0]}"


def _input_shape(layers):
    """Return the network's input shape, from the first layer that tells; Keras 2 and 3 name it differently."""
    shapes = (layer["config"].get("batch_shape", layer["config"].get("batch_input_shape")) for layer in layers)
    return next((shape for shape in shapes if shape), None)


def _sides(shape):
    return " x ".join(map(str, shape[1:])) if isinstance(shape, list) else "an unknown size"
