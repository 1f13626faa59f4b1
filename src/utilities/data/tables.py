"""CSV files, read into tables of numbers, whose columns at either end may be texts."""

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

from utilities.data.idx import GZIP_MAGIC
from utilities.errors import BadInput
from utilities.terminal.console import ENCODINGS
from utilities.terminal.pictures_done import PicturesDone
from utilities.text import printable

LABEL_NAMES = {"label", "labels", "class", "classes", "target", "y", "digit", "emotion", "letter", "category"}
LONGEST_LINE, BLOCK = 2**24, 2**22  # characters: of a line, and of those that are parsed at a time
SPARE = 2**26  # bytes that are left free on the disk
LEAST_COUNT = 16  # so many numbers in a row or a column, each one more than the last, count and are no data
LOOKED_AT = 200  # rows


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


def edges(columns):
    """Return the first two columns and the last two."""
    return sorted({0, min(1, columns - 1), max(0, columns - 2), columns - 1})


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
                rows, texts = _parse_named(lines, *layout) if lines else (np.empty((0, 0)), {})
                if shutil.disk_usage(tempfile.gettempdir()).free < SPARE + 4 * rows.size:
                    raise ValueError(f"its numbers take more room than is free in {tempfile.gettempdir()}")
                file.write(rows.astype(np.float32).tobytes())
                for column in edges(layout[2]) if lines else ():
                    exact.setdefault(column, []).append(texts.get(column, rows[:, column]))
            if not exact:
                raise ValueError("expected rows of numbers, found none")
            file.flush()
            numbers = np.memmap(file, np.float32, "r").reshape(-1, layout[2])
        return Table(numbers, {column: np.concatenate(parts) for column, parts in exact.items()}, layout[0])
    except (ValueError, csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:  # of bytes that are no text, too
        raise BadInput(f"{title}: not a table of images: {printable(str(error), 150)}") from error


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
                lines[number] = line.rstrip("\n")
            if length > BLOCK or not line:
                yield lines
                progress(raw.tell() // 10**6, [])
                lines, length = {}, 0
            if not line:
                break


def _layout(lines):
    """Return the head, which is removed, the separator, the number of columns, and those of texts in the first rows."""
    if not lines:
        raise ValueError("expected rows of numbers, found none")
    first = next(iter(lines.values()))
    separator = max(",;\t", key=first.count)
    separator = separator if separator in first else " "
    cells, *rows = [_cells(line, separator) for line in list(lines.values())[:LOOKED_AT]]
    head = tuple(cell.lower() for cell in cells) if _is_head(cells, *rows[:1]) else ()
    if head:
        del lines[next(iter(lines))]
    rows = rows if head else [cells, *rows]
    columns = len(rows[0]) if rows else len(head)
    head = head if len(head) == columns else ()
    texts = []
    for column in edges(columns):
        of_texts = [bool(row[column]) and not _is_number(row[column]) for row in rows if len(row) == columns]
        if sum(of_texts) > len(of_texts) / 2:
            texts.append(column)
    return head, separator, columns, texts


def _cells(line, separator):
    line = " ".join(line.split()) if separator == " " else line.rstrip("\r ").removesuffix(separator)
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]


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
    # pandas calls columns that had the same name 0, 0.1, 0.2.
    decimals = [sum("." in cell for cell in row) > len(cells) / 2 for row in (cells, after)]
    numbers = [float(cell) for cell in cells if _is_number(cell)]
    return len(names) > len(cells) / 2 or decimals == [True, False] or counts(numbers)


def counts(numbers):
    """Tell whether each number is one more than the last."""
    return len(numbers) >= LEAST_COUNT and bool((np.diff(numbers) == 1).all())


def _parse_named(lines, head, separator, columns, of_texts):
    """Return what _parse does; the labels that a head names may be texts from some line on, as 0 to 9 and A to Z."""
    try:
        return _parse(lines, separator, columns, of_texts)
    except ValueError:
        named = [column for column in edges(columns) if head and head[column] in LABEL_NAMES]
        if not named or named[0] in of_texts:
            raise
        of_texts.append(named[0])
        return _parse(lines, separator, columns, of_texts)


def _parse(lines, separator, columns, of_texts):
    """Return the numbers of lines, (lines, columns), 0 for texts; and the columns of texts, {column: texts}."""
    rows, texts = [line.rstrip("\r ").removesuffix(separator) for line in lines.values()], {}
    if not of_texts and all(row.count(separator) == columns - 1 for row in rows):
        with contextlib.suppress(ValueError, Warning), warnings.catch_warnings(action="error"):
            numbers = np.fromstring(separator.join(rows), np.int64, sep=separator)  # whole ones, in half the time
            return numbers.reshape(len(rows), columns), {}
    try:
        if of_texts:
            cells = [_cells(line, separator) for line in rows]
            texts = {column: np.array([row[column] for row in cells]) for column in of_texts}
            rows = [separator.join("0" if at in texts else cell for at, cell in enumerate(row)) for row in cells]
        delimiter = None if separator == " " else separator
        numbers = np.loadtxt(rows, delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
        is_whole = numbers.shape[1] == columns and np.isfinite(numbers).all()
        if is_whole and not any("" in column for column in texts.values()):
            return numbers, texts
    except (ValueError, IndexError):
        pass  # which line is bad, NumPy does not say
    raise ValueError(_fault(lines, separator, columns, of_texts))


def _fault(lines, separator, columns, of_texts):
    """Return what is wrong with the first bad line."""
    for number, line in lines.items():
        cells = _cells(line, separator)
        if len(cells) != columns:
            return f"line {number}: expected {columns} cells, found {len(cells)}"
        for column, cell in enumerate(cells):
            if not (cell if column in of_texts else _is_number(cell)):
                what = "label" if column in of_texts else "number"
                return f"line {number}: expected a {what}, found {printable(cell)!r}"
    return f"expected rows of {columns} numbers"
