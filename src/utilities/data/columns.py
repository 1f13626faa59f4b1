"""What the columns of a table are: a row is an image, its label in a column at either end."""

import math
import re
from collections import Counter

import numpy as np

from utilities.data.datasets import MOST_CLASSES, spread
from utilities.data.tables import LABEL_NAMES, LOOKED_AT, counts, edges
from utilities.text import printable

INDEX_NAMES = {"", "id", "ids", "index", "idx", "unnamed: 0", "image_id", "imageid", "image", "file", "filename"}
SMOOTHER = 0.9  # colours that are noise differ by less


def decide(table, wanted=None):
    """Tell the pixels of a table from its labels, which are in the column "first" or "last", or "none", where wanted.

    Returns:
        The images, (rows, side, side) or (rows, side, side, 3); their labels, numbers or texts, or None; the column of
        these, as above; whether that is in doubt; and phrases on how the table was read.

    Raises:
        ValueError: the pixels of a row make no square.
    """
    count, in_doubt = table.numbers.shape[1], False
    ends = edges(count)
    spare = {column for column in ends if _is_index(table, column)}
    label = _named(table, [column for column in ends if column not in spare])
    begin, end = _pixels(count, spare)
    if wanted:
        label = {"first": begin, "last": end - 1, "none": None}[wanted]
    elif label is None:
        label, in_doubt = _likely(table, begin, end)
    taken = spare | {label}
    begin, end = _pixels(count, taken)
    shape = image_shape(end - begin)
    if shape is None or any(column in taken or table.has_texts(column) for column in ends if begin <= column < end):
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


def _pixels(count, taken):
    """Return the first column, and the one after the last, between those that are taken for something else."""
    begin = next((column for column in range(count) if column not in taken), count)
    end = next((column for column in range(count, begin, -1) if column - 1 not in taken), begin)
    return begin, end


def _is_index(table, column):
    """Tell whether a column names or counts the rows."""
    values = table.column(column)
    if table.head:
        return table.head[column] in INDEX_NAMES
    if table.has_texts(column):
        return len(np.unique(values)) > len(values) / 2
    return column < 2 and counts(values)


def _named(table, columns):
    """Return which of some columns has the labels, as a head tells, or texts, or None."""
    named = [column for column in columns if table.head and table.head[column] in LABEL_NAMES]
    named = named or [column for column in columns if table.has_texts(column)]
    if table.head and not named:
        stems = [re.sub("[0-9]+", "#", name) for name in table.head]
        usual = Counter(stems).most_common(1)[0][0]
        named = [column for column in columns if stems[column] != usual]
    return named[0] if len(named) == 1 or (named and named[0] == min(columns)) else None


def _likely(table, begin, end):
    """Return the column of the labels, or None, as the columns look, and whether that is in doubt."""
    count = end - begin
    if image_shape(count, (1,)) or not image_shape(count - 1):
        return None, False
    fits = {column: _likeness(table, column, begin, end) for column in (begin, end - 1)}
    best = [column for column in fits if fits[column] == max(fits.values())]
    return best[0], len(best) > 1 or not any(fits.values())


def _likeness(table, column, begin, end):
    """Return how much a column at an end is like labels: 2, 1 where it is like pixels too, or 0."""
    values, pixels = table.column(column), table.numbers[:, begin + 1 : end - 1]
    found, times = np.unique(values, return_counts=True)
    if not (2 <= len(found) <= min(MOST_CLASSES, len(values) / 2) and found[0] >= 0 and (found == found.round()).all()):
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
