"""What a network made of images that are not in the test set's table: lists to print, and to keep as CSV files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utilities.text import printable

CLOSE = 0.1  # a second class of no smaller probability is told too
LISTED = 20  # rows that are printed; a file has all
LONGEST_NAME = 24


@dataclass(frozen=True)
class Predictions:
    """The two most probable classes of each image.

    Attributes:
        names: of the images, [count].
        classes: the positions of the two, the more probable first, (count, 2).
        probabilities: theirs, (count, 2).
    """

    names: list[str]
    classes: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, names, probabilities):
        """Return those of the probabilities of all classes, (count, classes)."""
        classes = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
        return cls(names, classes, np.take_along_axis(probabilities, classes, axis=1))

    def captions(self, class_names):
        """Return what to write above each image, [count]."""
        return [
            f"{class_names[first]} ({probability:.0%})"
            for first, probability in zip(self.classes[:, 0], self.probabilities[:, 0], strict=True)
        ]

    def rows(self, class_names):
        """Yield the rows of a table to print, the head first; the second class where it is close."""
        yield "image", "class", "probability", "or"
        for name, classes, probabilities in zip(self.names, self.classes, self.probabilities, strict=True):
            first, second = (class_names[position] for position in classes)
            close = f"{second} {probabilities[1]:.2%}" if probabilities[1] >= CLOSE else ""
            yield name, first, f"{probabilities[0]:.2%}", close

    def table(self, labels, class_names):
        """Yield the rows of a CSV file, the head first."""
        yield "image", "label", "name", "probability", "second_label", "second_name", "second_probability"
        for name, classes, probabilities in zip(self.names, self.classes, self.probabilities, strict=True):
            row = [name]
            for position, probability in zip(classes, probabilities, strict=True):
                row += [labels[position], class_names[position], f"{probability:.6f}"]
            yield row


def mistakes_of(results):
    """Return the indices of the images that Results have wrong, the most confident first."""
    wrong = np.flatnonzero(~results.correct)
    return wrong[np.argsort(-results.probabilities[wrong].max(axis=1), kind="stable")]


def mistakes_table(results, indices):
    """Yield the rows of a table of mistakes, the head first: index, true class, predicted class, its probability."""
    yield "index", "true", "predicted", "probability"
    predictions = results.predictions
    for index in indices:
        predicted = predictions[index]
        names = results.names[results.targets[index]], results.names[predicted]
        yield index, *names, f"{results.probabilities[index, predicted]:.4f}"


def format_table(rows):
    """Return the first rows of a table, the head and LISTED more, as lines; what is first in a row may be a path."""
    rows = list(rows)
    shown = [
        [_shorten(row[0]), *(printable(str(cell), LONGEST_NAME) for cell in row[1:])] for row in rows[: LISTED + 1]
    ]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    if len(rows) > len(shown):
        lines.append(f"... and {len(rows) - len(shown):,} more")
    return "\n".join(lines)


def _shorten(name):
    """Return what tells a file from others: its name and its folder's, or the end of that; a number as it is."""
    text = str(name)
    text = printable("/".join(Path(text).parts[-2:]), 8 * len(text))
    return text if len(text) <= LONGEST_NAME else f"...{text[3 - LONGEST_NAME :]}"
