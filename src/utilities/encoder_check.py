"""What an encoder file holds, read and judged before Keras builds anything from it."""

import json
import zipfile
import zlib

import h5py
import numpy as np

from utilities.errors import BadInput

ENCODER_LAYERS = {"InputLayer", "Conv2D", "BatchNormalization", "MaxPooling2D", "Activation", "ReLU"}
NETWORKS = {"Functional", "Sequential", "Model"}
LARGEST_CONFIGURATION = 2**20
LARGEST_WEIGHT = 2**30


def check_encoder(path, image_shape):
    """Check that a file holds an encoder for images of (rows, columns), as autoencoder.py saves it.

    Raises:
        BadInput: it does not; the message names the file and what was found in it.
    """
    configuration, unsound_weight = _contents(path)
    layers = _layers(configuration, path)
    foreign = [layer["class_name"] for layer in layers if layer["class_name"] not in ENCODER_LAYERS]
    if foreign:
        raise BadInput(f"{path}: not an encoder: {_name_the_stranger(foreign)}")
    expected = [None, *image_shape, 1]
    found = _input_shape(layers)
    if found != expected:
        raise BadInput(f"{path}: the images have {_sides(expected)} pixels, the encoder is for {_sides(found)}")
    if unsound_weight:
        raise BadInput(f"{path}: the weight {unsound_weight} is too large, or not finite")


def _contents(path):
    """Return the network's configuration, JSON, and the name of a weight that cannot be used, or None."""
    try:
        if not path.is_file():
            raise BadInput(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
        # Keras goes by the name, so a name that belies the content is told here.
        for suffix, is_so in ((".keras", zipfile.is_zipfile), (".h5", h5py.is_hdf5)):
            if is_so(path) and path.suffix != suffix:
                raise BadInput(f"{path}: the name must end in {suffix}, as its content is")
        return _keras_contents(path) if path.suffix == ".keras" else _hdf5_contents(path)
    except PermissionError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except (OSError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"{path}: not a Keras model in .h5 or .keras format") from error


def _hdf5_contents(path):
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise BadInput(f"{path}: holds no model, only {'weights' if len(file) else 'an empty HDF5 file'}")
        if "model_weights" not in file:
            raise BadInput(f"{path}: holds a model without its weights")
        return file.attrs["model_config"], _name_unsound(file)


def _keras_contents(path):
    with zipfile.ZipFile(path) as archive:
        with archive.open("config.json") as file:
            configuration = file.read(LARGEST_CONFIGURATION + 1)
        with archive.open("model.weights.h5") as file, h5py.File(file, "r") as weights:
            return configuration, _name_unsound(weights)


def _name_unsound(group):
    """Return the name of the first array in an HDF5 group that is too large or not of finite numbers, or None."""

    def judge(name, item):
        if not isinstance(item, h5py.Dataset):
            return None
        is_sound = item.shape is not None and item.dtype.kind in "iuf" and item.nbytes <= LARGEST_WEIGHT
        return None if is_sound and np.isfinite(item[()]).all() else name

    return group.visititems(judge)


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

    if isinstance(text, str | bytes) and len(text) > LARGEST_CONFIGURATION:
        raise BadInput(f"{path}: not an encoder: its configuration is longer than {LARGEST_CONFIGURATION} bytes")
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
