"""Tables, as CSV files are: read into numbers, whose columns are then told. A row is an image, at an end its label."""

import contextlib
import csv
import gzip
import io
import itertools
import math
import shutil
import tempfile
import warnings
import zlib
from dataclasses import dataclass, field

import numpy as np

from utilities.data.datasets import MOST_CLASSES, spread
from utilities.data.idx import GZIP_MAGIC
from utilities.errors import BadInput
from utilities.terminal.console import ENCODINGS
from utilities.terminal.pictures_done import PicturesDone
from utilities.text import printable

LABEL_NAMES = {"label", "labels", "class", "classes", "target", "y", "digit", "emotion", "letter", "category"}
INDEX_NAMES = {"", "id", "ids", "index", "idx", "unnamed: 0", "image_id", "imageid", "image", "file", "filename"}
LONGEST_LINE, BLOCK = 2**24, 2**22  # characters: of a line, and of those that are parsed at a time
SPARE = 2**26  # bytes that are left free on the disk
LEAST_COUNT = 16  # so many numbers in a row or a column, each one more than the last, count and are no data
LOOKED_AT = 200  # rows, for the order of their colours
SMOOTHER = 0.9  # colours that are noise differ by less


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
    """Return the Table of a CSV file, in UTF-8 or UTF-16, gzip or not; its numbers are kept in a temporary file.

    Raises:
        BadInput: no such table; the message calls it by its title.
    """
    layout, exact = None, {}
    try:
        with tempfile.TemporaryFile() as file, contextlib.closing(_blocks(path)) as blocks:
            for lines in blocks:
                layout = layout or _layout(lines)
                rows, texts = _parse(lines, *layout[1:])
                if shutil.disk_usage(tempfile.gettempdir()).free < SPARE + 4 * rows.size:
                    raise ValueError(f"its numbers take more room than is free in {tempfile.gettempdir()}")
                file.write(rows.astype(np.float32).tobytes())
                for column in _edges(layout[2]):
                    exact.setdefault(column, []).append(texts.get(column, rows[:, column]))
            if not file.tell():
                raise ValueError("expected rows of numbers, found none")
            file.flush()
            numbers = np.memmap(file, np.float32, "r").reshape(-1, layout[2])
        return Table(numbers, {column: _joined(parts) for column, parts in exact.items()}, layout[0])
    except (ValueError, csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:  # of bytes that are no text, too
        raise BadInput(f"{title}: not a table of images: {printable(str(error), 150)}") from error


def _joined(parts):
    """Return the whole of a column; labels that are digits in one part may be letters in another."""
    if all(part.dtype.kind != "U" for part in parts):
        return np.concatenate(parts)
    texts = [each for part in parts for each in part.tolist()]
    texts = [f"{float(each):.17g}" if _is_number(each) else each for each in texts]  # alike in all parts
    column = np.array(texts)
    return column.astype(np.float64) if all(map(_is_number, set(texts))) else column


def _blocks(path):
    """Yield the lines that are not blank, {number: line}, of so many as are parsed at a time; tell how far it is."""
    progress = PicturesDone(path.stat().st_size // 10**6, "MB")
    with path.open("rb") as raw, contextlib.closing(progress):
        content = gzip.GzipFile(fileobj=raw) if raw.peek(2).startswith(GZIP_MAGIC) else raw
        start = content.peek(4)
        encoding = next((each for mark, each in ENCODINGS.items() if start.startswith(mark)), "utf-8")
        text, lines, length = io.TextIOWrapper(content, encoding), {}, 0
        for number in itertools.count(1):
            line = text.readline(LONGEST_LINE)
            if len(line) == LONGEST_LINE:
                raise ValueError(f"line {number}: longer than {LONGEST_LINE:,} characters")
            length += len(line)
            if line.strip():
                lines[number] = line.rstrip("\n ")
            if lines and (length > BLOCK or not line):
                yield lines
                progress(raw.tell() // 10**6, [])
                lines, length = {}, 0
            if not line:
                break


def _layout(lines):
    """Return the head, which is removed, the separator, the number of columns, and those that may have texts."""
    number, first = next(iter(lines.items()))
    separator = max(",;\t", key=first.count)
    separator = separator if separator in first else " "
    cells, *after = [_cells(line, separator) for line in list(lines.values())[:2]]
    head = tuple(cell.lower() for cell in cells) if _is_head(cells, *after) else ()
    if head:
        del lines[number]
    row = after[0] if head and after else ["0"] * len(cells) if head else cells
    head = head if len(head) == len(row) else ()
    texts = {column for column in _edges(len(row)) if not _is_number(row[column])}
    texts |= {column for column in _edges(len(head)) if head and head[column] in LABEL_NAMES}
    return head, separator, len(row), texts


def _edges(columns):
    """Return the first two columns and the last two."""
    return sorted({0, min(1, columns - 1), max(0, columns - 2), columns - 1})


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
        return bool(names) and (cells[0].lower() in LABEL_NAMES - {"y"} or any(map(_is_number, after)))
    # pandas calls columns that had the same name 0, 0.1, 0.2: no two are alike.
    decimals = [sum("." in cell for cell in row) > len(cells) / 2 for row in (cells, after)]
    is_pandas = decimals == [True, False] and len({*cells}) == len(cells)
    numbers = [float(cell) for cell in cells if _is_number(cell)]
    return len(names) > len(cells) / 2 or is_pandas or _counts(numbers)


def _counts(numbers):
    """Tell whether each number is one more than the last."""
    return len(numbers) >= LEAST_COUNT and bool((np.diff(numbers) == 1).all())


def _parse(lines, separator, columns, may_be_texts):
    """Return the numbers of lines, (lines, columns), 0 for texts; and the columns of texts, {column: texts}."""
    rows = [line.removesuffix(separator) for line in lines.values()]
    if all(row.count(separator) == columns - 1 for row in rows):
        with contextlib.suppress(ValueError, Warning), warnings.catch_warnings(action="error"):
            numbers = np.fromstring(separator.join(rows), np.int64, sep=separator)  # whole ones, in half the time
            return numbers.reshape(len(rows), columns), {}
    with contextlib.suppress(ValueError, Warning), warnings.catch_warnings(action="error"):
        numbers = np.loadtxt(rows, delimiter=separator.strip() or None, comments=None, ndmin=2)
        if numbers.shape[1] == columns and np.isfinite(numbers).all():
            return numbers, {}
    numbers, texts = np.empty((len(rows), columns)), {column: [] for column in may_be_texts}
    for place, (number, line) in enumerate(lines.items()):
        cells = _cells(line, separator)
        if len(cells) != columns:
            raise ValueError(f"line {number}: expected {columns} cells, found {len(cells)}")
        for column in texts:
            texts[column].append(cells[column])
            cells[column] = "0" if cells[column] else ""
        if bad := [column for column, cell in enumerate(cells) if not _is_number(cell)]:
            what, cell = "label" if bad[0] in texts else "number", printable(cells[bad[0]])
            raise ValueError(f"line {number}: expected a {what}, found {cell!r}")
        numbers[place] = cells
    return numbers, {column: np.array(texts[column]) for column in texts}


# --- what the columns are


def tell_columns(table, wanted=None):
    """Tell the pixels of a table from its labels, which are in the column "first" or "last", or "none", where wanted.

    Returns:
        The images, (rows, side, side) or (rows, side, side, 3); their labels, numbers or texts, or None; the column of
        these, as above; whether that is in doubt; and phrases on how the table was read.

    Raises:
        ValueError: the pixels of a row make no square.
    """
    count, in_doubt = table.numbers.shape[1], False
    spare = {column for column in _edges(count) if _is_index(table, column)}
    begin, end = _between(count, spare)
    label = _named(table, [column for column in _edges(count) if column not in spare])
    if wanted:
        label = {"first": begin, "last": end - 1, "none": None}[wanted]
    elif label is None:
        label, in_doubt = _likely(table, begin, end)
    begin, end = _between(count, spare | {label})
    shape, between = image_shape(end - begin), {column for column in _edges(count) if begin <= column < end}
    if shape is None or between & (spare | {label}) or any(map(table.has_texts, between)):
        raise ValueError(f"expected a label and the pixels of a square in each row, found {count} columns")
    place = "none" if label is None else "first" if label < begin else "last"
    told = [f'head "{printable(", ".join(table.head[:2]), 40)} ..."'] if table.head else []
    told += [f"labels in the {place} column" if label is not None else "no column of labels"]
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


def _between(count, taken):
    """Return the first column, and the one after the last, between those that are taken for something else."""
    left = [column for column in range(count) if column not in taken]
    return (left[0], left[-1] + 1) if left else (count, count)


def _is_index(table, column):
    """Tell whether a column names or counts the rows."""
    values = table.column(column)
    if table.head:
        return table.head[column] in INDEX_NAMES
    if table.has_texts(column):
        return len(np.unique(values)) > len(values) / 2
    return column < 2 and _counts(values)


def _named(table, columns):
    """Return which of some columns has the labels, as a head tells, or texts, or None."""
    named = [column for column in columns if table.head and table.head[column] in LABEL_NAMES]
    named = named or [column for column in columns if table.has_texts(column)]
    return named[0] if len(named) == 1 or (named and named[0] == columns[0]) else None


def _likely(table, begin, end):
    """Return the column of the labels, or None, as the columns look, and whether that is in doubt."""
    if image_shape(end - begin, (1,)) or not image_shape(end - begin - 1):
        return None, False
    fits = {column: _likeness(table, column, begin, end) for column in (begin, end - 1)}
    best = [column for column in fits if fits[column] == max(fits.values())]
    return best[0], len(best) > 1 or max(fits.values()) < 1


def _likeness(table, column, begin, end):
    """Return how much a column at an end is like labels: 2, 1 where it is like pixels too, 0, or -1 if it has none."""
    values, pixels = table.column(column), table.numbers[:, begin + 1 : end - 1]
    found, times = np.unique(values, return_counts=True)
    if found[0] < 0 or (found != found.round()).any():
        return -1
    if not 2 <= len(found) <= min(MOST_CLASSES, len(values) / 2):
        return 0
    has_gaps = len(found) < 0.8 * (found[-1] - found[0] + 1)
    is_ground = times.max() > 0.9 * len(values)
    return 1 if has_gaps or is_ground or pixels.max() / 2 < found[-1] <= pixels.max() else 2


def _is_planar(rows, shape):
    """Tell whether rows of numbers are smoother when all red come first than when each pixel's colours are together."""
    some = rows[spread(np.arange(len(rows)), LOOKED_AT)].astype(np.float64)
    side = shape[0]
    planar, together = some.reshape(-1, 3, side, side).transpose(0, 2, 3, 1), some.reshape(-1, *shape)
    rough = [sum(np.abs(np.diff(each, axis=axis)).mean() for axis in (1, 2)) for each in (planar, together)]
    return bool(rough[0] < SMOOTHER * rough[1])
