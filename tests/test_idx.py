import bz2
import gzip
import io
import lzma
import resource
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from utilities import limits
from utilities.data import idx
from utilities.errors import BadInput

# Each type code's struct letter, and values that show sign, byte order and range.
TYPES = {
    0x08: ("B", [0, 1, 127, 128, 200, 255]),
    0x09: ("b", [-128, -1, 0, 1, 100, 127]),
    0x0B: ("h", [-32768, -2, 0, 1, 258, 32767]),
    0x0C: ("i", [-(2**31), -2, 0, 1, 66051, 2**31 - 1]),
    0x0D: ("f", [-1.5, 0.0, 0.25, 2.0**-20, 2.0**100, float("inf")]),
    0x0E: ("d", [-1.5, 0.1, 1e-300, 2.0**-20, 2.0**1000, float("inf")]),
}
SHAPES = [(), (0, 2), (6,), (2, 3), (1, 2, 3), (3, 1, 2, 1)]


def file_bytes(code, shape, values):
    letter = TYPES[code][0]
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)
    return header + struct.pack(f">{len(values)}{letter}", *values)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("code", TYPES)
def test_reads_every_type_and_rank(tmp_path, code, shape, pack):
    values = TYPES[code][1][: int(np.prod(shape))]
    path = tmp_path / "items"
    path.write_bytes(pack(file_bytes(code, shape, values)))
    array = idx.read(path)
    assert array.shape == shape
    assert array.ravel().tolist() == values
    assert not array.flags.writeable


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_array_outlives_its_path(tmp_path, pack):
    path = tmp_path / "items"
    path.write_bytes(pack(file_bytes(0x0B, (6,), TYPES[0x0B][1])))
    array = idx.read(path)
    assert isinstance(array, np.memmap) == (pack is bytes)
    path.unlink()
    assert array.tolist() == TYPES[0x0B][1]


@pytest.mark.parametrize(("name", "pack"), [("items", gzip.compress), ("items.gz", bytes)])
def test_gzip_is_told_by_its_magic_bytes_and_not_by_the_name(tmp_path, name, pack):
    path = tmp_path / name
    path.write_bytes(pack(file_bytes(0x0B, (6,), TYPES[0x0B][1])))
    assert idx.read(path).tolist() == TYPES[0x0B][1]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("code", TYPES)
def test_writes_the_bytes_of_the_format(tmp_path, code, order):
    letter, values = TYPES[code]
    array = np.repeat(np.array(values, f"{order}{np.dtype(letter).str[1:]}"), 2)[::2].reshape(1, 2, 3)
    idx.write(tmp_path / "items", array)
    idx.write(tmp_path / "items.gz", array)
    expected = file_bytes(code, (1, 2, 3), values)
    assert (tmp_path / "items").read_bytes() == expected
    assert gzip.decompress((tmp_path / "items.gz").read_bytes()) == expected


def test_refuses_to_write_a_type_that_the_format_lacks(tmp_path):
    with pytest.raises(ValueError, match="int64"):
        idx.write(tmp_path / "items", np.zeros(3, np.int64))
    assert not (tmp_path / "items").exists()


GOOD = file_bytes(0x08, (3, 2, 2), range(12))
ZIPPED = gzip.compress(GOOD)
STORED = gzip.compress(GOOD, 0)  # the items lie in it as they are
HUGE = file_bytes(0x0E, (65535,) * 4, [1.0])
PAGE = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 9912422\n"


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train-images-idx3-ubyte", content)
    return file.getvalue()


FAULTS = {
    "empty file": (b"", "the file is empty"),
    "web page": (PAGE, "web page"),
    "web page after blank lines": (b"\r\n" * 900 + PAGE, "web page; the download may have failed"),
    "gzip of a web page": (gzip.compress(b"\n" + PAGE), "web page"),
    "zip archive": (zipped(GOOD), "a zip archive; unpack it"),
    "gzip in gzip": (gzip.compress(ZIPPED), "a gzip file within the gzip file; gunzip it once"),
    "xz": (lzma.compress(GOOD), "an xz file; unxz it"),
    "bzip2": (bz2.compress(GOOD), "a bzip2 file; bunzip2 it"),
    "Git LFS pointer": (POINTER, "a Git LFS pointer in place of the file; git lfs pull"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file, such as a saved network"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
    "wrong magic": (b"\x01" + GOOD[1:], "found 01 00 08 03"),
    "unknown type code": (b"\0\0\x0a\x03" + GOOD[4:], "found 00 00 0a 03"),
    "cut in the header": (GOOD[:15], "ends inside its header"),
    "one byte short": (GOOD[:-1], "needs 28 bytes, the file has 27"),
    "one byte over": (GOOD + b"\0", "needs 28 bytes, the file has 29"),
    "sizes that overflow": (HUGE, "65535 x 65535 x 65535 x 65535"),
    "gzip cut off": (ZIPPED[:-10], "damaged or cut-off gzip"),
    "gzip with a changed item": (STORED.replace(b"\x05\x06", b"\x05\x07"), "damaged or cut-off gzip"),
    "gzip with other data behind": (ZIPPED + b"rest", "damaged or cut-off gzip file: Not a gzipped file (b're')"),
    "gzip cut off in its checksum": (ZIPPED[:-1], "damaged or cut-off gzip"),
    "gzip of a short file": (gzip.compress(GOOD[:-1]), "needs 12 bytes of items, found 11"),
    "gzip of an over-long file": (gzip.compress(GOOD + b"\0"), "goes on after the end"),
    "gzip with sizes that overflow": (gzip.compress(HUGE), "65535 x 65535 x 65535 x 65535"),
}


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_told_in_one_line_with_its_name(tmp_path, fault, name):
    content, expected = FAULTS[fault]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        idx.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", [(1,) * 65, (0, *[2**32 - 1] * 3)], ids=["65 dimensions", "none of huge items"])
def test_sizes_that_no_array_can_have_are_the_files_fault(tmp_path, shape, pack):
    path = tmp_path / "items"
    path.write_bytes(pack(file_bytes(0x08, shape, [1] * (shape[0]))))
    with pytest.raises(BadInput, match="items"):
        idx.read(path)


@pytest.mark.parametrize("behind", [bytes(512), bytes(300_000), gzip.compress(b"")], ids=["zeros", "many", "member"])
def test_zeros_or_an_empty_member_behind_the_end_of_a_gzip_file_are_left(tmp_path, capsys, behind):
    (tmp_path / "items").write_bytes(ZIPPED + behind)
    assert idx.read(tmp_path / "items").ravel().tolist() == list(range(12))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("place", [2, 15, 16, 20])
def test_a_gzip_file_of_two_members_is_read_as_one(tmp_path, place):
    (tmp_path / "items").write_bytes(gzip.compress(GOOD[:place]) + gzip.compress(GOOD[place:]))
    assert idx.read(tmp_path / "items").ravel().tolist() == list(range(12))


def test_a_path_that_does_not_exist_means_its_gz(tmp_path):
    (tmp_path / "items.gz").write_bytes(ZIPPED)
    assert idx.read(tmp_path / "items").shape == (3, 2, 2)
    (tmp_path / "items").write_bytes(file_bytes(0x08, (1,), [7]))
    assert idx.read(tmp_path / "items").tolist() == [7]


@pytest.mark.parametrize(
    ("there", "given"),
    [
        ("train-images.idx3-ubyte", "train-images-idx3-ubyte"),
        ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
        ("train-images.idx3-ubyte.gz", "train-images-idx3-ubyte"),
        ("train-images-idx3-ubyte", "train-images.idx3-ubyte.gz"),
        ("labels", "labels.gz"),
        ("train-images-idx3-ubyte/train-images-idx3-ubyte", "train-images-idx3-ubyte"),
        ("train-images-idx3-ubyte/train-images.idx3-ubyte", "train-images-idx3-ubyte"),
        ("images.gz/images", "images.gz"),
    ],
)
def test_the_file_that_a_path_was_meant_for_is_named(tmp_path, there, given):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_bytes(GOOD)
    with pytest.raises(BadInput) as caught:
        idx.read(tmp_path / given)
    fault = "not a regular file, but a folder" if "/" in there else "no such file"
    assert str(caught.value) == f"{tmp_path / given}: {fault}; did you mean {tmp_path / there}?"


def test_a_name_too_long_for_any_file_is_told_in_one_line(tmp_path):
    with pytest.raises(BadInput, match=r"^[^\n]+: File name too long$"):
        idx.read(tmp_path / ("long" * 100))


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path):
    with pytest.raises(BadInput, match=r"missing: no such file$"):
        idx.read(tmp_path / "missing")
    with pytest.raises(BadInput, match=f"{tmp_path.name}: not a regular file, but a folder$"):
        idx.read(tmp_path)


def test_a_gzip_file_that_promises_too_much_takes_no_memory(tmp_path):
    path = tmp_path / "items.gz"
    path.write_bytes(gzip.compress(file_bytes(0x08, (60_000, 2_000, 2_000), bytes(100_000))))
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="60000 x 2000 x 2000"):
            idx.read(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_gzip_file_that_goes_on_is_not_read_past_what_it_promises(tmp_path):
    path = tmp_path / "items.gz"
    path.write_bytes(gzip.compress(GOOD + bytes(2**26)))
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="goes on after the end"):
            idx.read(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_gzip_file_whose_items_do_not_fit_in_memory_is_refused_before_it_is_decompressed(tmp_path):
    path = tmp_path / "items.gz"
    path.write_bytes(gzip.compress(file_bytes(0x08, (200, 1000, 1000), b"") + bytes(200_000_000), 1))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limits.LIBRARIES + 150_000_000, before[1]))
    try:
        with pytest.raises(BadInput) as caught:
            idx.read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    beginning = f"{path}: decompressed it takes 0.2 GB of memory, the libraries 0.7 GB, and there are 0.8 GB; gunzip it"
    assert str(caught.value).startswith(beginning)
    assert idx.read(path).shape == (200, 1000, 1000)
