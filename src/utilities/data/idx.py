"""The IDX file format of MNIST and its family, plain or gzip-compressed.

An IDX file is a header and the items in row-major order, everything big-endian::

    bytes 0-1   zero
    byte  2     type code of the items, a key of TYPES
    byte  3     rank: how many sizes follow
    4 x rank    the sizes, unsigned 32-bit

Source: Yann LeCun and Corinna Cortes, "The MNIST database of handwritten digits".
"""

import codecs
import contextlib
import gzip
import math
import os
import struct
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from utilities import crashes
from utilities.errors import BadInput
from utilities.limits import LIBRARIES, available_memory
from utilities.text import gigabytes, printable

TYPES = {
    code: np.dtype(name) for code, name in {8: "u1", 9: "i1", 0xB: ">i2", 0xC: ">i4", 0xD: ">f4", 0xE: ">f8"}.items()
}
GZIP_MAGIC = b"\x1f\x8b"
# Deflate cannot shrink data further than this, so a gzip file cannot hold more than its size times it.
LARGEST_DEFLATE_RATIO = 1032
LONGEST_SHOWN = 80
# Bytes to decompress at a time: zlib prepares for as many as it is asked for, and is slower the more these are.
PIECE = 2**18
# What is given for an IDX file by mistake, by how it begins, and what to do. A web page may begin with blank lines.
LOOKED_AT = 4096
OTHER_FILES = {
    b"<": "a web page; the download may have failed",
    b"PK": "a zip archive; unpack it, and give the file in it",
    GZIP_MAGIC: "a gzip file within the gzip file; gunzip it once, and give what comes out",
    b"\xfd7zXZ": "an xz file; unxz it",
    b"BZh": "a bzip2 file; bunzip2 it",
    b"version https://git-lfs": "a Git LFS pointer in place of the file; git lfs pull fetches it",
    b"\x89HDF": "an HDF5 file, such as a saved network",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


def read(path):
    """Return the array that an IDX file holds, read-only and of the file's own big-endian type.

    A plain file is memory-mapped; what becomes of its path afterwards does not matter. A gzip file, told by its magic
    bytes, is decompressed into memory, never past the size that its header promises.

    Args:
        path: where only ``path.gz`` exists, that is read.

    Raises:
        BadInput: the file is missing, unreadable, damaged, or no IDX file; or decompressed it does not fit in memory.
    """
    path = Path(path)
    with _faults_of(path):
        path = _find(path)
    with _faults_of(path), path.open("rb") as file:
        compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        return _decompress(file, path) if compressed else _map(file, path)


def _find(path):
    """Return the path, or ``path.gz`` where only that exists; raise BadInput where there is no such file."""
    compressed = Path(f"{path}.gz")
    if path.is_file():
        return path
    if not path.exists() and compressed.is_file():
        return compressed
    fault = "no such file"
    if path.exists():
        fault = "not a regular file, but a folder" if path.is_dir() else "not a regular file"
    meant = _similar_file(path)
    raise BadInput(f"{path}: {fault}{f'; did you mean {meant}?' if meant else ''}")


def exists(path):
    """Tell whether there is a file for read, compressed or not."""
    return path.is_file() or (not path.exists() and Path(f"{path}.gz").is_file())


def _similar_file(path):
    """Return the file that a path was perhaps meant for, or None.

    It is compressed or not, is named ``images.idx3-ubyte`` in place of ``images-idx3-ubyte`` or the other way round,
    or lies in a folder of its own name, as some archives unpack.
    """
    name = path.name.removesuffix(".gz")
    other = name.replace(".idx", "-idx") if ".idx" in name else name.replace("-idx", ".idx")
    folder = path if path.is_dir() else path.parent
    similar = (folder / f"{name}{suffix}" for name in (name, other) for suffix in ("", ".gz"))
    return next((file for file in similar if file.is_file()), None)


@contextlib.contextmanager
def _faults_of(path):
    """Tell what goes wrong with a file as BadInput."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"{path}: damaged or cut-off gzip file: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: NumPy's, of a rank or a size that no array can have
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _map(file, path):
    """Return the array in a plain file, memory-mapped."""
    dtype, shape = _read_header(file, path)
    offset, size = file.tell(), file.seek(0, os.SEEK_END)
    expected = offset + _byte_count(dtype, shape)
    if size != expected:
        raise BadInput(f"{path}: {_promise(dtype, shape)} needs {_shorten(expected)} bytes, the file has {size}")
    crashes.note_mapped(path)
    return np.memmap(file, dtype, "r", offset, shape)


def _decompress(file, path):
    """Return the array in a gzip file."""
    with gzip.open(file) as content:
        dtype, shape = _read_header(content, path)
        size = _byte_count(dtype, shape)
        _check_room(path, dtype, shape)
        items, filled = np.empty(size, np.uint8), 0
        while filled < size and (count := content.readinto(items[filled : filled + PIECE])):
            filled += count
        if filled < size:
            raise BadInput(f"{path}: {_promise(dtype, shape)} needs {size} bytes of items, found {filled}")
        if content.read(1):  # at the end gzip compares its checksum
            raise BadInput(f"{path}: goes on after the end of {_promise(dtype, shape)}")
    items.flags.writeable = False
    return items.view(dtype).reshape(shape)


def _check_room(path, dtype, shape):
    """Check that the items that a header promises can come out of a gzip file, and fit in the memory that there is."""
    size, available = _byte_count(dtype, shape), available_memory()
    if size > path.stat().st_size * LARGEST_DEFLATE_RATIO:
        raise BadInput(f"{path}: {_promise(dtype, shape)} cannot come out of so small a gzip file")
    if LIBRARIES + size > available:
        raise BadInput(
            f"{path}: decompressed it takes {gigabytes(size)} of memory, the libraries {gigabytes(LIBRARIES)}, and "
            f"there are {gigabytes(available)}; gunzip it: a plain file stays on the disk"
        )


def _read_header(file, path):
    """Return the items' type and the array's shape; the file is then at the first item."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise BadInput(f"{path}: not an IDX file: {_describe(magic + file.read(LOOKED_AT))}")
    rank = magic[3]
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise BadInput(f"{path}: ends inside its header, which promises {rank} sizes")
    return TYPES[magic[2]], struct.unpack(f">{rank}I", sizes)


def _describe(start):
    """Return what a file that begins so is in place of an IDX file."""
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    for beginning, kind in OTHER_FILES.items():
        if text.startswith(beginning):
            return f"it begins like {kind}"
    found = start[:4].hex(" ") or "nothing, the file is empty"
    return f"expected it to begin with 00 00, a type code and a rank; found {found}"


def _byte_count(dtype, shape):
    return math.prod(shape) * dtype.itemsize


def _promise(dtype, shape):
    return f"a header of {_shorten(' x '.join(map(str, shape))) or 'one item'} ({dtype.name})"


def _shorten(text):
    """Return a text, or a number, no longer than a message can carry: a header may promise 255 sizes."""
    return printable(str(text), LONGEST_SHOWN)


def header(dtype, shape):
    """Return the header of an IDX file of items of a type, in either byte order, and of a rank of at most 255.

    Raises:
        ValueError: the format has no code for the type.
    """
    big_endian = np.dtype(dtype).newbyteorder(">")
    code = next((code for code, known in TYPES.items() if known == big_endian), None)
    if code is None:
        raise ValueError(f"IDX has no type code for {dtype}")
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)


def write(path, array):
    """Write an array as an IDX file, gzip-compressed where the name ends in ``.gz``.

    Raises:
        ValueError: the format cannot hold the array, as ``header`` tells.
    """
    array = np.asarray(array)
    begin = header(array.dtype, array.shape)
    opener = partial(gzip.GzipFile, mtime=0) if str(path).endswith(".gz") else open  # the same bytes at any time
    with opener(path, "wb") as file:
        file.write(begin)
        file.write(np.ascontiguousarray(array, array.dtype.newbyteorder(">")).tobytes())
