"""What an encoder file holds, read and judged before Keras builds anything from it.

The configuration and the weights are read with json, zipfile and h5py alone; no code in the file is ever run.
"""

import io
import zipfile
from dataclasses import astuple

import h5py

from utilities.network.encoder_check import NO_MODEL
from utilities.network.encoder_configuration import (
    LARGEST_WEIGHTS,
    LONGEST_CONFIGURATION,
    EncoderFault,
    read_configuration,
)
from utilities.network.encoder_weights import check_hdf5_weights, check_keras_weights, read_attribute

# The weights, and what surrounds them.
LARGEST_FILE = LARGEST_WEIGHTS + 2**24
LARGEST_METADATA = 2**16
LARGEST_DIRECTORY = 2**12
LARGEST_EXPANSION = 20  # weights hardly compress; a member of so small a size that it cannot matter may
HARMLESS_SIZE = 2**24
MEMBERS = {
    "metadata.json": LARGEST_METADATA,
    "config.json": LONGEST_CONFIGURATION,
    "model.weights.h5": LARGEST_FILE,
}


def size_or_fault(path, image_shape):
    """Return the numbers of an encoder's NetworkSize, [number], or what is wrong with its file."""
    try:
        return astuple(_check(path, image_shape).size)
    except EncoderFault as fault:
        return str(fault)
    except PermissionError as error:
        return error.strerror
    except Exception:  # h5py and zipfile raise whatever a damaged file leads them to
        return NO_MODEL


def _check(path, image_shape):
    """Return the network in a file that holds an encoder, as a Part; raise an EncoderFault for any other."""
    if not path.is_file():
        raise EncoderFault("not a regular file" if path.exists() else "no such file")
    if path.stat().st_size > LARGEST_FILE:
        raise EncoderFault(f"not an encoder: larger than {LARGEST_FILE} bytes")
    # Keras goes by the name, so a name that belies the content is told here.
    for suffix, is_so in ((".keras", zipfile.is_zipfile), (".h5", h5py.is_hdf5)):
        if is_so(path) and path.suffix != suffix:
            raise EncoderFault(f"the name must end in {suffix}, as its content is")
    if path.suffix == ".keras":
        return _check_keras(path, image_shape)
    return _check_hdf5(path, image_shape)


def _check_hdf5(path, image_shape):
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise EncoderFault(f"holds no model, only {'weights' if len(file) else 'an empty HDF5 file'}")
        network = read_configuration(read_attribute(file, "model_config"), image_shape)
        if "training_config" in file.attrs:
            raise EncoderFault("not an encoder alone: it brings a training configuration; save it uncompiled")
        check_hdf5_weights(file, network)
        return network


def _check_keras(path, image_shape):
    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        unexpected = [name for name in names if name not in MEMBERS or names.count(name) > 1]
        if unexpected:
            raise EncoderFault(f"not an encoder alone: it brings {ascii(unexpected[0])[:80]}")
        for member in archive.infolist():
            _check_size(member)
        network = read_configuration(archive.read("config.json"), image_shape)
        with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as weights:
            check_keras_weights(weights, network)
        return network


def _check_directory(path):
    """Check that the archive's list of members is short, before zipfile reads all of it."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 2**16 + 42), io.SEEK_END)
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    is_64_bit = tail[max(end - 20, 0) : end].startswith(b"PK\6\7")
    if end < 0 or size > LARGEST_DIRECTORY or is_64_bit:
        raise EncoderFault(NO_MODEL)


def _check_size(member):
    """Check that the size of a member, and what it grew from, are harmless, before it is read."""
    name, size = member.filename, member.file_size
    if size > MEMBERS[name]:
        what = "configuration is longer" if name == "config.json" else f"{name} is larger"
        raise EncoderFault(f"not an encoder: its {what} than {MEMBERS[name]} bytes")
    if size > max(HARMLESS_SIZE, LARGEST_EXPANSION * member.compress_size):
        raise EncoderFault(f"not an encoder: its {name} is compressed beyond what weights can be")
