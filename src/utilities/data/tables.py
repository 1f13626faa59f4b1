"""Tables, as CSV files are: read into numbers, whose columns are then told. A row is an image, at an end its label."""

import contextlib
import csv
import gzip
import io
import itertools
import math
import re
import zlib
from dataclasses import dataclass, field

import numpy as np

from utilities.data.datasets import MOST_CLASSES, spread
from utilities.data.idx import GZIP_MAGIC
from utilities.errors import BadInput
from utilities.limits import available_memory
from utilities.terminal.console import ENCODINGS
from utilities.terminal.pictures_done import PicturesDone
from utilities.text import gigabytes, printable

LABEL_NAMES = {"label", "labels", "class", "classes", "target", "y", "digit", "emotion", "letter", "category"}
INDEX_NAMES = {"", "id", "ids", "index", "idx", "unnamed: 0", "image_id", "imageid", "image", "file", "filename"}
LONGEST_LINE = 2**24  # characters; what is longer is cut, and a row of another length
BYTES_OF_CHARACTER = 3  # of memory, at most: a digit and a comma become 4 bytes, in an array that grows by quarters
LEAST_COUNT = 16  # so many numbers in a row or a column, each one more than the last, count and are no data
LOOKED_AT = 200  # rows, for the order of their colours
SMOOTHER = 0.9  # colours that are noise differ by less
NO_ROWS = "expected rows of numbers, found none"
# What NumPy says of a line, and how we say it.
FAULTS = {
    r"could not convert string (.*) to float32 .*": r"expected a number, found \1",
    r"the number of columns changed from (\d+) to (\d+) .*": r"expected \1 cells, found \2",
}


@dataclass(frozen=True)
class Table:
    """Numbers, (rows, columns) or of any shape; columns at either end, exact numbers or texts; names of columns."""

    numbers: np.ndarray
    exact: dict[int, np.ndarray] = field(default_factory=dict)
    head: tuple[str, ...] = ()

    def column(self, number):
        """Return a column, (rows,), as exact as there is one."""
        return self.exact[number] if number in self.exact else self.numbers[:, number]

    def has_texts(self, number):
        """Tell whether a column has texts."""
        return self.column(number).dtype.kind == "U"


def read_table(path, title):
    """Return the Table of a CSV file, in UTF-8 or UTF-16, gzip or not.

    Raises:
        BadInput: no such table; the message calls it by its title.
    """
    at = 0

    def rows(lines):
        nonlocal at
        for at, line in lines:  # noqa: B007, told where NumPy finds a fault in the last that it took
            yield line.removesuffix(separator)

    try:
        with contextlib.closing(_lines(path)) as lines:
            begin = list(itertools.islice(lines, 2))
            is_head, head, separator, columns, may_be_texts = _layout([line for _, line in begin])
            texts = {column: [] for column in _ends(columns)}
            numbers = np.loadtxt(
                rows(itertools.chain(begin[is_head:], lines)),
                np.float32,
                delimiter=separator.strip() or None,
                converters={column: _converter(texts[column], column in may_be_texts) for column in texts},
                comments=None,
                quotechar='"',
                ndmin=2,
            )
        return Table(numbers, {column: _as_numbers(cells) for column, cells in texts.items()}, head)
    except (ValueError, csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:  # of bytes that are no text, too
        fault = str(error)
        for pattern, ours in FAULTS.items():
            fault = re.sub(pattern, f"line {at}: {ours}", fault)
        raise BadInput(f"{title}: not a table of images: {printable(fault, 150)}") from error


def _converter(texts, may_be_texts):
    """Return what parses a cell at an end of a row, and adds it to those of its column."""

    def convert(cell):
        texts.append(cell.strip())
        return 0 if may_be_texts and texts[-1] and not _is_number(cell) else float(cell)

    return convert


def _as_numbers(texts):
    """Return texts as exact numbers, (rows,), or as texts where one is none."""
    try:
        return np.array(texts, np.float64)
    except ValueError:
        return np.array(texts)


def _lines(path):
    """Yield (number, line) of those that are not blank; tell how far it is.

    Raises:
        ValueError: there is not the memory for their numbers.
    """
    progress, memory, length = PicturesDone(path.stat().st_size // 10**6, "MB"), available_memory(), 0
    with path.open("rb") as raw, contextlib.closing(progress):
        content = gzip.GzipFile(fileobj=raw) if raw.peek(2).startswith(GZIP_MAGIC) else raw
        start = content.peek(4)
        encoding = next((each for mark, each in ENCODINGS.items() if start.startswith(mark)), "utf-8")
        text = io.TextIOWrapper(content, encoding)
        for number, line in enumerate(iter(lambda: text.readline(LONGEST_LINE), ""), 1):
            length += len(line)
            if length * BYTES_OF_CHARACTER > memory:
                raise ValueError(f"line {number}: its numbers take more than {gigabytes(memory)}, which is all memory")
            if line.strip():
                yield number, line.rstrip("\n ")
            progress(raw.tell() // 10**6, [])


def _layout(lines):
    """Return whether the first line is a head, and its names; the separator, the number of columns; which may be texts.

    Args:
        lines: the first two of a table.
    """
    if not lines:
        raise ValueError(NO_ROWS)
    separator = max(",;\t", key=lines[0].count)
    separator = separator if separator in lines[0] else " "
    first, *others = [_cells(line, separator) for line in lines]
    is_head = _is_head(first, *others)
    if is_head and not others:
        raise ValueError(NO_ROWS)
    row = others[0] if is_head else first
    head = tuple(map(str.lower, first)) if is_head and len(first) == len(row) else ()
    texts = {column for column in _ends(len(row)) if not _is_number(row[column])}
    texts |= {column for column in _ends(len(head)) if head and head[column] in LABEL_NAMES}
    return is_head, head, separator, len(row), texts


def _ends(columns):
    """Return the columns that may be no pixels: the first two and the last."""
    return sorted({0, min(1, columns - 1), columns - 1})


def _cells(line, separator):
    line = " ".join(line.split()) if separator == " " else line.removesuffix(separator)
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))] or [""]


def _is_number(cell):
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _is_head(cells, after=()):
    """Tell whether cells are names, texts or numbers that only count, by the cells after them too."""
    names = [cell for cell in cells if cell and not _is_number(cell)]
    if len(cells) == 1:
        return cells[0].lower() in LABEL_NAMES
    # pandas calls columns that had the same name 0, 0.1, 0.2: no two are alike.
    decimals = [sum("." in cell for cell in row) > len(cells) / 2 for row in (cells, after)]
    is_pandas = decimals == [True, False] and len({*cells}) == len(cells)
    numbers = [float(cell) for cell in cells if _is_number(cell)]
    return len(names) > len(cells) / 2 or is_pandas or _counts(numbers)


def _counts(numbers):
    """Tell whether each number is one more than the last."""
    return len(numbers) >= LEAST_COUNT and bool((np.diff(numbers) == 1).all())


# --- what the columns are


def tell_columns(table, wanted=None):
    """Tell the pixels of a table from its labels, which are in the column "first" or "last", or "none", where wanted.

    Returns:
        The images, (rows, side, side) or (rows, side, side, 3); their labels, numbers or texts, or None; the column of
        these, as above; whether that is in doubt; and phrases on how the table was read.

    Raises:
        ValueError: the pixels of a row make no square.
    """
    start, count = int(_begins_with_index(table)), table.numbers.shape[1]
    place, in_doubt = (wanted, False) if wanted else _place_of_labels(table, start)
    label = {"first": start, "last": count - 1, "none": None}[place]
    begin, end = start + (place == "first"), count - (place == "last")
    shape = image_shape(end - begin)
    if shape is None or any(table.has_texts(column) for column in _ends(count) if begin <= column < end):
        raise ValueError(f"expected a label and the pixels of a square in each row, found {count} columns")
    told = [f'head "{printable(", ".join(table.head[:2]), 40)} ..."'] if table.head else []
    told += ["no column of labels" if label is None else f"labels in the {place} column"]
    images, labels = table.numbers[:, begin:end], None if label is None else table.column(label)
    if len(shape) == 3:
        planar = _is_planar(images, shape)
        told += ["all red first, then green, then blue" if planar else "red, green and blue of each pixel"]
        images = images.reshape(-1, 3, *shape[:2]).transpose(0, 2, 3, 1) if planar else images
    return images.reshape(-1, *shape), labels, place, in_doubt, told


def image_shape(pixels, channels=(1, 3)):
    """Return (rows, columns) or (rows, columns, 3) of a square image of so many numbers, or None if none has."""
    for each in channels:
        side = math.isqrt(pixels // each)
        if side > 1 and side * side * each == pixels:
            return (side, side) if each == 1 else (side, side, each)
    return None


def _begins_with_index(table):
    """Tell whether the first column names or counts the rows."""
    values = table.column(0)
    if table.head:
        return table.head[0] in INDEX_NAMES
    return len(np.unique(values)) > len(values) / 2 if table.has_texts(0) else _counts(values)


def _place_of_labels(table, start):
    """Return where the labels of columns from ``start`` are, "first", "last" or "none", and whether that is in doubt.

    Names in the head tell, or texts; else a column is labels that has whole numbers, few different ones. Where both
    ends have, those of the smaller numbers are rather the labels.
    """
    count = table.numbers.shape[1]
    ends = {"first": table.column(start), "last": table.column(count - 1)}
    names = dict(zip(ends, (table.head[start], table.head[-1]), strict=True)) if table.head else {}
    named = [place for place in names if names[place] in LABEL_NAMES]
    if named := named or [place for place, column in ends.items() if column.dtype.kind == "U"]:
        return named[0], False
    if image_shape(count - start, (1,)) or not image_shape(count - start - 1):
        return "none", False
    fits = [place for place, column in ends.items() if _are_like_labels(column)]
    return min(fits, key=lambda place: ends[place].max(), default="first"), len(fits) != 1


def _are_like_labels(values):
    """Tell whether a column of numbers is like labels: whole, few different ones, and not nearly all alike."""
    found, times = np.unique(values, return_counts=True)
    are_whole = found[0] >= 0 and (found == found.round()).all()
    return are_whole and 2 <= len(found) <= min(MOST_CLASSES, len(values) / 2) and times.max() <= 0.9 * len(values)


def _is_planar(rows, shape):
    """Tell whether rows of numbers are smoother when all red come first than when each pixel's colours are together."""
    some = rows[spread(np.arange(len(rows)), LOOKED_AT)].astype(np.float64)
    side = shape[0]
    planar, together = some.reshape(-1, 3, side, side).transpose(0, 2, 3, 1), some.reshape(-1, *shape)
    rough = [sum(np.abs(np.diff(each, axis=axis)).mean() for axis in (1, 2)) for each in (planar, together)]
    return bool(rough[0] < SMOOTHER * rough[1])
