"""The IDX file format of MNIST and its family, plain or gzip-compressed.

An IDX file is a header and the items in row-major order, everything big-endian::

    bytes 0-1   zero
    byte  2     type code of the items, a key of TYPES
    byte  3     rank: how many sizes follow
    4 x rank    the sizes, unsigned 32-bit

Source: Yann LeCun and Corinna Cortes, "The MNIST database of handwritten digits".

NumPy is imported where an array is made, and not before: a script's first question does not wait for it.
"""

import contextlib
import gzip
import math
import mmap
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from utilities.errors import BadInput
from utilities.text import printable

TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
ITEM_BYTES = {"uint8": 1, "int8": 1, "int16": 2, "int32": 4, "float32": 4, "float64": 8}
GZIP_MAGIC = b"\x1f\x8b"
# Deflate cannot shrink data further than this, so a gzip file cannot hold more than its size times it.
LARGEST_DEFLATE_RATIO = 1032
LONGEST_SHOWN = 80
# Bytes to decompress at a time: zlib prepares for as many as it is asked for, and is slower the more these are.
PIECE = 2**18


class IdxError(BadInput):
    """A file that is not the IDX file it was expected to be."""


@dataclass(frozen=True)
class IdxFile:
    """An IDX file that is whole: as many items as its header promises, and no more.

    Attributes:
        path: where it is.
        type: the name of the items' type, a value of TYPES.
        shape: the sizes that its header gives.
        offset: where the items begin in it, in bytes.
        content: memory with the items of a gzip file, decompressed; None for a plain file: no item has been read.
    """

    path: Path
    type: str
    shape: tuple[int, ...]
    offset: int
    content: mmap.mmap | None

    @cached_property
    def array(self):
        """The items, read-only and of the file's own big-endian type; those of a plain file are memory-mapped.

        They are mapped once: what becomes of the path afterwards does not matter.

        Raises:
            IdxError: no array can have the sizes, or the file cannot be read any more.
        """
        import numpy as np

        dtype = np.dtype(self.type).newbyteorder(">")
        with _faults_of(self.path):
            if 0 in self.shape:
                array = np.empty(self.shape, dtype)
            elif self.content is None:
                return np.memmap(self.path, dtype, mode="r", offset=self.offset, shape=self.shape)
            else:
                array = np.frombuffer(self.content, dtype, math.prod(self.shape)).reshape(self.shape)
        array.flags.writeable = False
        return array

    def items(self):
        """Return the bytes of the items.

        Raises:
            IdxError: the file cannot be read any more.
        """
        if self.content is not None:
            return self.content[: _byte_count(self.type, self.shape)]
        with _faults_of(self.path):
            return self.path.read_bytes()[self.offset :]


def read_shape(path):
    """Return the shape that the header of an IDX file promises; what inspect raises of the header, this raises too."""
    with _faults_of(path), _open(path) as file:
        return _read_header(file, path)[1]


def read(path):
    """Return the array that an IDX file holds; see IdxFile.array, and inspect for what is raised."""
    return inspect(path).array


def inspect(path):
    """Return the IdxFile at a path, when it has been found whole.

    A gzip file, told by its magic bytes, is decompressed into memory, never past the size that its header promises.

    Raises:
        IdxError: the file is missing, unreadable, damaged, or no IDX file.
    """
    path = Path(path)
    with _faults_of(path), _open(path) as file:
        kind, shape, offset = _read_header(file, path)
        if isinstance(file, gzip.GzipFile):
            return IdxFile(path, kind, shape, offset, _decompress(file, path, kind, shape, offset))
        _check_size(path, kind, shape, offset)
        return IdxFile(path, kind, shape, offset, None)


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


def _check_size(path, kind, shape, offset):
    size = path.stat().st_size
    expected = offset + _byte_count(kind, shape)
    if size != expected:
        raise IdxError(f"{path}: {_promise(kind, shape)} needs {_shorten(expected)} bytes, the file has {size}")


def _decompress(file, path, kind, shape, offset):
    size = _byte_count(kind, shape)
    if offset + size > path.stat().st_size * LARGEST_DEFLATE_RATIO:
        raise IdxError(f"{path}: {_promise(kind, shape)} cannot come out of so small a gzip file")
    content = _memory(size)
    filled = 0
    with memoryview(content) as view:
        while count := file.readinto(view[filled : min(filled + PIECE, size)]):
            filled += count
    if filled < size:
        raise IdxError(f"{path}: {_promise(kind, shape)} needs {size} bytes of items, found {filled}")
    if file.read(1):
        raise IdxError(f"{path}: goes on after the end of {_promise(kind, shape)}")
    return content


def _memory(size):
    """Return fresh memory for so many bytes. A bytearray would be filled with zeros first, in small pages."""
    memory = mmap.mmap(-1, max(1, size), access=mmap.ACCESS_COPY)
    with contextlib.suppress(AttributeError, OSError):  # where the system has none
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def _read_header(file, path):
    """Return the name of the items' type, the array's shape, and where in the file the items begin."""
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


def _byte_count(kind, shape):
    return math.prod(shape) * ITEM_BYTES[kind]


def _promise(kind, shape):
    return f"a header of {_shorten(' x '.join(map(str, shape))) or 'one item'} ({kind})"


def _shorten(text):
    """Return a text, or a number, no longer than a message can carry: a header may promise 255 sizes."""
    return printable(str(text), LONGEST_SHOWN)


def write(path, array):
    """Write an array as an IDX file, gzip-compressed where the name ends in ``.gz``.

    The array's type must be one of the format's six, in either byte order, and its rank at most 255.

    Raises:
        ValueError: the format has no code for the array's type.
    """
    import numpy as np

    array = np.asarray(array)
    dtype = array.dtype.newbyteorder(">")
    code = next((code for code, kind in TYPES.items() if kind == array.dtype.name), None)
    if code is None:
        raise ValueError(f"IDX has no type code for {array.dtype}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "wb") as file:
        file.write(header)
        file.write(np.ascontiguousarray(array, dtype).tobytes())
