"""Reads an encoder from a file that Keras saved: its layers as plain records, and its weights."""

import contextlib
import hashlib
import io
import zipfile

import numpy as np

from utilities.errors import BadInput
from utilities.network.child_process import run_in_child
from utilities.network.encoder_configuration import LONGEST_CONFIGURATION, read_configuration
from utilities.network.layers import Encoder, size_of_layers
from utilities.network.memory import FLOAT32
from utilities.processes import check_alike
from utilities.text import printable

LONGEST_READING = 20.0  # seconds of the processor; a gigabyte takes one or two
LARGEST_WEIGHTS = 2**31
# Beside its weights, in bytes, a file has the optimizer's, a few for each, and what describes them.
MOST_COPIES, DESCRIPTION = 8, 2**24
LONGEST_FAULT = 240
DIGITS = 6  # of a file's checksum, in an encoder's name
NO_MODEL = "not a Keras model in .h5 or .keras format"


def read_encoder(path, image_shape):
    """Return the layers.Encoder in a file, .h5 or .keras, for images of (rows, columns, channels).

    HDF5's library is known to crash or to loop for ever on some damaged files, so a child process reads it.

    Raises:
        BadInput: the file holds no such encoder, or another than in process 0 of the job; the message names it and what
            was found in it.
    """
    try:
        encoder = run_in_child(_read, path, image_shape, seconds=LONGEST_READING)
    except ChildProcessError as end:
        raise BadInput(f"{path}: {NO_MODEL}: reading it {end}") from end
    except BadInput as fault:
        raise BadInput(f"{path}: {printable(str(fault), LONGEST_FAULT)}") from fault
    check_alike(path, encoder.name)
    return encoder


def _read(path, input_shape):
    import h5py  # in the child process alone

    if not path.is_file():
        raise BadInput("not a regular file" if path.exists() else "no such file")
    with _blaming_the_file():
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            is_archive = file.read(2) == b"PK"
        archive = zipfile.ZipFile(path) if is_archive else None
        hdf5 = None if archive else h5py.File(path)
        text = _member(archive, "config.json", LONGEST_CONFIGURATION) if archive else hdf5.attrs.get("model_config")
        if text is None:
            raise BadInput("holds no model, only weights, if any")
    records, places = read_configuration(text, input_shape)
    size = FLOAT32 * size_of_layers(records, input_shape).weights
    if size > LARGEST_WEIGHTS:
        raise BadInput(f"not an encoder: its weights take more than {LARGEST_WEIGHTS} bytes")
    paths = []
    with _blaming_the_file():
        if archive:
            hdf5 = h5py.File(io.BytesIO(_member(archive, "model.weights.h5", MOST_COPIES * size + DESCRIPTION)))
        hdf5.visit(lambda path: paths.append(str(path)))  # bytes where it is no text; no link to elsewhere is followed
    weights = tuple(_read_array(hdf5, _find(paths, *place), shape) for *place, shape in places)
    return Encoder(input_shape, records, weights, f"{path.name} {digest[:DIGITS]}")


@contextlib.contextmanager
def _blaming_the_file():
    """Tell whatever a library raises as a fault of the file that it reads."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        raise BadInput(getattr(error, "strerror", None) or NO_MODEL) from error


def _member(archive, name, largest):
    if archive.getinfo(name).file_size > largest:
        raise BadInput(f"not an encoder: its {name} is larger than {largest} bytes")
    return archive.read(name)


def _find(paths, layer, weight, place):
    """Return the path of a weight: its place in a .keras file; in an .h5 file the one that the names lead to."""
    group, end = f"model_weights/{layer}/", f"/{layer}/{weight}"
    found = [path for path in paths if path.startswith(group) and path.removesuffix(":0").endswith(end)]
    found = [place] if place in paths else found
    if len(found) != 1:
        raise BadInput(f"the weight {layer}/{weight} is {'there more than once' if found else 'missing'}")
    return found[0]


@_blaming_the_file()
def _read_array(hdf5, path, shape):
    """Return a weight, after its shape and place are known to be harmless."""
    array, fault = hdf5[path], None
    if array.is_virtual or array.external or not array.id.get_storage_size():
        fault = "is not in the file"
    elif array.shape != shape:
        fault = f"has the shape {array.shape}, expected {shape}"
    elif array.dtype != "<f4":
        fault = f"is of {array.dtype}, expected float32"
    elif not np.isfinite(array := array[()]).all():
        fault = "is not finite"
    if fault:
        raise BadInput(f"the weight {path} {fault}")
    return array
