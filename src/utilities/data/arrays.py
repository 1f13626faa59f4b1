"""Images and labels in the arrays of IDX, .npy, .npz and CSV files: what they are is told from shapes and names."""

import csv
import itertools
import math
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utilities.data import idx
from utilities.data.batches import WHITE
from utilities.data.datasets import QMNIST_COLUMNS
from utilities.data.pictures import from_array
from utilities.data.places import Archive
from utilities.errors import BadInput
from utilities.terminal.console import say
from utilities.text import printable

LABEL_NAMES = ("label", "labels", "class", "target", "y", "digit")
LONGEST_LINE = 2**24  # characters
BLOCK = 2**20  # numbers that are parsed at a time
TABLES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TABLES, ".npz", ".npy")
EXPECTED = "expected an array of images, and one of labels"
TRAINING, TEST, VALIDATION = "training", "test", "validation"
PARTS = {"train": TRAINING, "training": TRAINING, "test": TEST, "testing": TEST, "t10k": TEST}
PARTS |= dict.fromkeys(("val", "valid", "validation"), VALIDATION)
PART = rf"(?<![a-z])({'|'.join(PARTS)})(?![a-z])"
# What the names of files of one data set may differ in.
ROLE = rf"{PART}|(?<![a-z])(images?|imgs|labels?|x|y|idx\d|ubyte|int)(?![a-z])|\.gz$"


@dataclass(frozen=True)
class Images:
    """Images in an array, (count, rows, columns) or (count, rows, columns, 1 to 4 channels); see places.Folder."""

    pixels: np.ndarray
    scale: int  # what makes them 0 to 255
    file: str

    def image(self, number):
        """Return an image as uint8, (rows, columns) or (rows, columns, channels)."""
        pixels = self.pixels[number]
        return pixels if pixels.dtype == np.uint8 else (pixels * float(self.scale)).round().astype(np.uint8)

    def open(self, number):
        """Return an image as a Pillow image."""
        return from_array(self.image(number))

    def title(self, number):
        """Return what an image is called in messages."""
        return f"{self.file}, image {number}"


def set_of(name):
    """Return what the names of the files of one data set have in common."""
    return re.sub(ROLE, "", name.lower())


def part_of(name):
    """Return which part of a data set a name tells of last, or None."""
    found = re.findall(PART, name.lower())
    return PARTS[found[-1]] if found else None


def read_arrays(place, files):
    """Return the images in the files of a data set, (Images, number, part of the set, class or None) of each.

    Raises:
        BadInput: a bad file, too few arrays or too many, or counts that differ.
    """
    images, labels = {}, {}
    for name in files:
        if name.endswith(".gz") and name.removesuffix(".gz") in files:
            continue
        for key, array in _load(place, name).items():
            is_qmnist = array.shape[1:] == (QMNIST_COLUMNS,) and array.dtype.name == "int32"
            kind = labels if is_qmnist or array.shape[1:] in ((), (1,)) else images
            part = part_of(f"{Path(name).name} {key}") or TRAINING
            if part in kind or 0 in array.shape or not array.shape:
                raise BadInput(f"{place.title(name)}: {EXPECTED}, found another, {printable(key)} {array.shape}")
            kind[part] = array, place.title(name)
    if not images:
        raise BadInput(f"{place.title(files[0])}: {EXPECTED}, found none of images")
    items = []
    for part, (array, title) in images.items():
        of_part, classes = _images(array, title), [None] * len(array)
        if part in labels:
            classes = map(str, _labels(*labels[part], len(array)).tolist())
        elif TRAINING in labels:
            say(f"left out: {title}: it has no labels")
            continue
        items += [(of_part, number, part, name) for number, name in enumerate(classes)]
    return items


def _load(place, name):
    """Return the arrays of a file, {name: array}, mapped from the disk where that can be."""
    title = place.title(name)
    with place.at(name) as path:
        try:
            if name.lower().endswith(TABLES):
                images, labels = _read_table(path, title)
                return {"images": images} | ({} if labels is None else {"labels": labels})
            if name.lower().endswith(".npy"):
                return {"": _map(path, title)}
            return _load_npz(path) if name.lower().endswith(".npz") else {"": idx.read(path)}
        except BadInput as fault:
            raise BadInput(str(fault).replace(str(path), title)) from fault


def _load_npz(path):
    archive, arrays = Archive(path), {}
    for name in archive.files()[0]:
        with archive.at(name) as member:
            arrays[name.removesuffix(".npy")] = _map(member, archive.title(name))
    return arrays


def _map(path, title):
    """Return the array of a .npy file, mapped. No Python objects are read: they could run anything."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header may raise anything
        fault = printable(" ".join(str(error).split()), 100)
        raise BadInput(f"{title}: not an array of numbers that can be read: {fault}") from error


def _images(array, title):
    """Return an array as Images, checked; fractions up to 1 are taken for shares of white."""
    if array.ndim == 2 and (shape := _image_shape(array.shape[1])):
        array = array.reshape(-1, *shape)
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] > 4):
        raise BadInput(f"{title}: expected images, (count, rows, columns, channels), found {array.shape}")
    if array.dtype.kind not in "biuf":
        raise BadInput(f"{title}: expected images of numbers, found {array.dtype}")
    if array.dtype == np.uint8:
        return Images(array, 1, title)
    least, greatest = array.min(), array.max()
    if not (least >= 0 and greatest <= WHITE):
        raise BadInput(f"{title}: expected pixels from 0 to 255, or from 0 to 1, found {least:g} to {greatest:g}")
    return Images(array, WHITE if array.dtype.kind in "bf" and greatest <= 1 else 1, title)


def _labels(array, title, count):
    """Return an array of labels, int64, checked."""
    labels = array.reshape(len(array), -1)[:, 0]  # QMNIST's have more columns
    if len(labels) != count:
        raise BadInput(f"{title}: expected {count} labels, one for each image, found {len(labels)}")
    is_number = labels.dtype.kind in "biuf"
    if not (is_number and labels.min() >= 0 and labels.max() < 10**9 and (labels.astype(np.int64) == labels).all()):
        raise BadInput(f"{title}: expected labels as whole numbers of 0 or more, found others")
    return labels.astype(np.int64)


def _read_table(path, title):
    """Return the images of a CSV file, and their labels.

    The pixels are kept in a temporary file, not in memory. The label is the first column or the last: the one that a
    head names so, or the one with fewer values.

    Returns:
        uint8, (count, pixels); and float64, (count,), or None where all columns are pixels.

    Raises:
        BadInput: no such table; the message calls it by its title.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file, tempfile.TemporaryFile() as pixels:
            lines = filter(str.strip, iter(lambda: file.readline(LONGEST_LINE), ""))
            first = next(lines, "")
            if not first:
                raise ValueError("expected rows of numbers, found none")
            separator = max(",;\t", key=first.count)
            cells = next(csv.reader([first], delimiter=separator), [])
            try:
                _parse([first], separator)
                head, lines = [], itertools.chain([first], lines)
            except ValueError:
                head = [cell.strip().lower() for cell in cells]
            return _collect(_blocks(lines, separator, len(cells)), head, pixels)
    except (ValueError, csv.Error) as error:  # of bytes that are no text, too
        fault = printable(str(error).split(";")[0], 150)
        raise BadInput(f"{title}: not a table of images: {fault}") from error


def _parse(lines, separator):
    """Return the numbers of some lines, (lines, columns)."""
    return np.loadtxt(lines, np.float32, comments=None, delimiter=separator, quotechar='"', ndmin=2)


def _blocks(lines, separator, columns):
    """Yield the numbers of the next lines."""
    while block := list(itertools.islice(lines, max(1, BLOCK // columns))):
        if len(max(block, key=len)) >= LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE:,} characters")
        rows = _parse(block, separator)
        if rows.shape[1] != columns:
            raise ValueError(f"expected rows of {columns} numbers, found one of {rows.shape[1]}")
        yield rows


def _collect(blocks, head, file):
    """Return the images of blocks of rows, whose pixels are kept in a file, and their labels; see _read_table."""
    labels, column = [], None
    for rows in blocks:
        if not labels:
            column = _label_column(head, rows)
        labels.append(rows[:, column or 0].astype(np.float64))
        pixels = rows if column is None else np.delete(rows, column, axis=1)
        if not (pixels.min() >= 0 and pixels.max() <= 255):
            raise ValueError(f"expected pixels from 0 to 255, found {pixels.min():g} to {pixels.max():g}")
        file.write(pixels.round().astype(np.uint8).tobytes())
    if not labels:
        raise ValueError("expected rows of numbers, found none")
    file.flush()
    labels = np.concatenate(labels)
    return np.memmap(file, np.uint8, "r").reshape(len(labels), -1), None if column is None else labels


def _label_column(head, rows):
    """Return the column of the labels, 0 or -1, or None where all columns are pixels."""
    if _image_shape(rows.shape[1] - 1) is None:
        if _image_shape(rows.shape[1]) is None:
            raise ValueError(f"expected a label and the pixels of a square in each row, found {rows.shape[1]} columns")
        return None
    if named := [column for column in (0, -1) if head and head[column] in LABEL_NAMES]:
        return named[0]
    # A column that never changes is a pixel of the border.
    values = [len(np.unique(rows[:, column])) for column in (0, -1)]
    return min((0, -1), key=lambda column: (values[column] == 1, values[column]))


def _image_shape(pixels):
    """Return (rows, columns) or (rows, columns, 3) of a square image of so many numbers, or None if none has.

    Colours lie side by side: red, green, blue.
    """
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if side > 1 and side * side * channels == pixels:
            return (side, side) if channels == 1 else (side, side, channels)
    return None
