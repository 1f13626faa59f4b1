"""The IDX file format of MNIST and its family, plain or gzip-compressed.

An IDX file is a header and the items in row-major order, everything big-endian::

    bytes 0-1   zero
    byte  2     type code of the items, a key of TYPES
    byte  3     rank: how many sizes follow
    4 x rank    the sizes, unsigned 32-bit

Source: Yann LeCun and Corinna Cortes, "The MNIST database of handwritten digits".
"""

import contextlib
import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from utilities.console import printable
from utilities.errors import BadInput

TYPES = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
GZIP_MAGIC = b"\x1f\x8b"
# Deflate cannot shrink data further than this, so a gzip file cannot hold more than its size times it.
LARGEST_DEFLATE_RATIO = 1032
LONGEST_SHOWN = 80
# Bytes to decompress at a time: zlib prepares for as many as it is asked for, and is slower the more these are.
PIECE = 2**18


class IdxError(BadInput):
    """A file that is not the IDX file it was expected to be."""


def read_shape(path):
    """Return the shape that the header of an IDX file promises; what read raises of the header, this raises too."""
    with _faults_of(path), _open(path) as file:
        return _read_header(file, path)[1]


def read(path):
    """Return the array that an IDX file holds, read-only and of the file's own big-endian type.

    A plain file is memory-mapped: nothing is read before it is used. A gzip file, told by its magic bytes, is
    decompressed into memory, never past the size that its header promises.

    Raises:
        IdxError: the file is missing, unreadable, damaged, or no IDX file.
    """
    with _faults_of(path), _open(path) as file:
        dtype, shape, offset = _read_header(file, path)
        if isinstance(file, gzip.GzipFile):
            return _decompress(file, path, dtype, shape, offset)
        return _map(path, dtype, shape, offset)


@contextlib.contextmanager
def _faults_of(path):
    """Tell what goes wrong with a file as an IdxError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise IdxError(f"{path}: damaged or cut-off gzip file: {error}") from error
    except OSError as error:
        raise IdxError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # NumPy's, of a rank or a size that no array can have
        raise IdxError(f"{path}: cannot be read: {error}") from error


def _open(path):
    """Open a file to read its content, decompressed where it is compressed."""
    path = Path(path)
    if not path.is_file():
        raise IdxError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
    return gzip.open(path) if compressed else path.open("rb")


def _map(path, dtype, shape, offset):
    size = Path(path).stat().st_size
    expected = offset + _byte_count(dtype, shape)
    if size != expected:
        raise IdxError(f"{path}: {_promise(dtype, shape)} needs {_shorten(expected)} bytes, the file has {size}")
    if size == offset:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, mode="r", offset=offset, shape=shape)


def _decompress(file, path, dtype, shape, offset):
    size = _byte_count(dtype, shape)
    if offset + size > Path(path).stat().st_size * LARGEST_DEFLATE_RATIO:
        raise IdxError(f"{path}: {_promise(dtype, shape)} cannot come out of so small a gzip file")
    content = np.empty(size, np.uint8)
    filled = 0
    while count := file.readinto(memoryview(content)[filled : filled + PIECE]):
        filled += count
    if filled < size:
        raise IdxError(f"{path}: {_promise(dtype, shape)} needs {size} bytes of items, found {filled}")
    if file.read(1):
        raise IdxError(f"{path}: goes on after the end of {_promise(dtype, shape)}")
    content.flags.writeable = False
    return content.view(dtype).reshape(shape)


def _read_header(file, path):
    """Return the items' dtype, the array's shape, and where in the file the items begin."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise IdxError(f"{path}: not an IDX file: {_describe(magic)}")
    rank = magic[3]
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise IdxError(f"{path}: ends inside its header, which promises {rank} sizes")
    return TYPES[magic[2]], struct.unpack(f">{rank}I", sizes), 4 + 4 * rank


def _describe(magic):
    if magic.startswith(b"<"):
        return "it begins like a web page; the download may have failed"
    found = magic.hex(" ") or "nothing, the file is empty"
    return f"expected it to begin with 00 00, a type code and a rank; found {found}"


def _byte_count(dtype, shape):
    return math.prod(shape) * dtype.itemsize


def _promise(dtype, shape):
    return f"a header of {_shorten(' x '.join(map(str, shape))) or 'one item'} ({dtype.name})"


def _shorten(text):
    """Return a text, or a number, no longer than a message can carry: a header may promise 255 sizes."""
    return printable(str(text), LONGEST_SHOWN)


def write(path, array):
    """Write an array as an IDX file, gzip-compressed where the name ends in ``.gz``.

    The array's type must be one of the format's six, in either byte order, and its rank at most 255.

    Raises:
        ValueError: the format has no code for the array's type.
    """
    array = np.asarray(array)
    dtype = array.dtype.newbyteorder(">")
    code = next((code for code, known in TYPES.items() if known == dtype), None)
    if code is None:
        raise ValueError(f"IDX has no type code for {array.dtype}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wb") as file:
        file.write(header)
        file.write(np.ascontiguousarray(array, dtype).tobytes())
