"""Reads an encoder from a file that Keras saved: its layers as plain records, and its weights."""

import ast
import contextlib
import fcntl
import hashlib
import io
import re
import zipfile
from dataclasses import astuple

from utilities.errors import BadInput
from utilities.network import layers
from utilities.network.encoder_configuration import LONGEST_CONFIGURATION, read_configuration
from utilities.network.forked_process import Died, run_forked
from utilities.network.memory import FLOAT32
from utilities.text import printable

LONGEST_READING = 20.0  # seconds of the processor; a gigabyte takes one or two
LARGEST_WEIGHTS = 2**31
# Beside its weights, in bytes, a file has the optimizer's, a few for each, and what describes them.
MOST_COPIES, DESCRIPTION = 8, 2**24
NO_MODEL = "not a Keras model in .h5 or .keras format"


def read_encoder(path, image_shape):
    """Return the layers.Encoder in a file, .h5 or .keras, for images of (rows, columns).

    HDF5's library is known to crash or to loop for ever on some damaged files, so a forked child process reads it.

    Raises:
        BadInput: the file holds no such encoder; the message names it and what was found in it.
    """
    input_shape = (*image_shape, 1)
    try:
        content = run_forked(_read, path, input_shape, seconds=LONGEST_READING)
    except Died as end:
        raise BadInput(f"{path}: {NO_MODEL}: reading it {end}") from end
    except BadInput as fault:
        raise BadInput(f"{path}: {fault}") from fault
    end = content.index(b"\n")
    digest, described = ast.literal_eval(content[:end].decode())
    records = tuple(getattr(layers, kind)(*settings) for kind, settings in described)
    return layers.Encoder(input_shape, records, memoryview(content)[end + 1 :], f"{path.name} {digest[:6]}")


def _read(path, input_shape):
    """Return a line with the digest and the layers, as Python writes them, and the weights."""
    import h5py  # in the child process alone

    with _blaming_the_file():
        file = _open(path)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        archive = zipfile.ZipFile(file) if file.read(2) == b"PK" else None
        hdf5 = None if archive else h5py.File(file)
        text = _member(archive, "config.json", LONGEST_CONFIGURATION) if archive else _configuration(hdf5)
    records, places = read_configuration(text, input_shape)
    size = FLOAT32 * layers.size_of_layers(records, input_shape).weights
    if size > LARGEST_WEIGHTS:
        raise BadInput(f"not an encoder: its weights take more than {LARGEST_WEIGHTS} bytes")
    paths, arrays = [], []
    with _blaming_the_file():
        if archive:
            hdf5 = h5py.File(io.BytesIO(_member(archive, "model.weights.h5", MOST_COPIES * size + DESCRIPTION)))
        hdf5.visit(paths.append)  # which follows no link to elsewhere
    for names, place, shape in places:
        path = _take(paths, [place] if archive else _patterns(names), names)
        arrays.append(_read_array(hdf5, path, shape))
    line = repr((digest, [(type(record).__name__, astuple(record)) for record in records]))
    return [f"{line}\n".encode(), *arrays]


@contextlib.contextmanager
def _blaming_the_file():
    """Tell whatever a library raises as a fault of the file that it reads."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        raise BadInput(getattr(error, "strerror", None) or NO_MODEL) from error


def _open(path):
    if not path.is_file():
        raise BadInput("not a regular file" if path.exists() else "no such file")
    file = path.open("rb")
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:  # as HDF5 locks a file that it writes
        raise BadInput("locked by another program, which may be writing it") from error
    except OSError:  # the file system has no locks
        pass
    return file


def _member(archive, name, largest):
    """Return the content of a member of an archive, after its size is known to be harmless."""
    if archive.getinfo(name).file_size > largest:
        raise BadInput(f"not an encoder: its {name} is larger than {largest} bytes")
    return archive.read(name)


def _configuration(hdf5):
    if "model_config" not in hdf5.attrs:
        raise BadInput(f"holds no model, only {'weights' if len(hdf5) else 'an empty HDF5 file'}")
    attribute = hdf5.attrs.get_id("model_config")
    if attribute.get_space().get_simple_extent_npoints() * attribute.get_type().get_size() > LONGEST_CONFIGURATION:
        raise BadInput(f"not an encoder: its configuration is larger than {LONGEST_CONFIGURATION} bytes")
    return hdf5.attrs["model_config"]


def _patterns(names):
    """Return patterns of the path of a weight in an .h5 file, given its names: networks, layer, weight.

    The group of the outermost network in the encoder has the weights of all layers in it. Before a layer's name comes
    that of the network that it was made in: the one around it, another, or none. It tells layers of one name apart.
    """
    group, *inner = map(re.escape, names)
    return [rf"model_weights/{group}/(.+/)?{'/'.join(inner[-count:])}(:0)?" for count in (2, 3)]


def _take(paths, patterns, names):
    """Remove from some paths, and return, the one that matches the first pattern that only one path matches."""
    for pattern in patterns:
        found = [path for path in paths if re.fullmatch(pattern, path)]
        if len(found) == 1:
            paths.remove(found[0])
            return found[0]
    raise BadInput(f"the weight {printable('/'.join(names))} is missing")


@_blaming_the_file()
def _read_array(hdf5, path, shape):
    """Return a weight as float32, after its shape and place are known to be harmless."""
    import h5py
    import numpy as np

    array, fault = hdf5[path], None
    storage = array.id.get_create_plist()
    if storage.get_layout() == h5py.h5d.VIRTUAL or storage.get_external_count() or not array.id.get_storage_size():
        fault = "is not in the file"
    elif array.shape != shape:
        fault = f"has the shape {array.shape}, expected {shape}"
    elif array.dtype.kind != "f" or array.dtype.itemsize > 8 or "dtype" in array.attrs:
        fault = "is not of plain floating-point numbers"
    else:
        array = array.astype("<f4")[()]
        fault = None if np.isfinite(array).all() else "is not finite"
    if fault:
        raise BadInput(f"the weight {printable(path, 100)} {fault}")
    return array
