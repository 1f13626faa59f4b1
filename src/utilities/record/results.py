"""What a classifier makes of the test set, in numbers that agree with each other."""

import math
from dataclasses import dataclass

import numpy as np

from utilities.data.names import LONGEST_NAME
from utilities.text import distinct

SMALLEST_PROBABILITY = 1e-7
NAME = 7  # columns of the class that a row is about, at least
LONGEST_HEAD = 10  # of a column of the confusion matrix
CLASS_TABLE, NARROW_CLASS_TABLE = (11, 9, 9, 9), (10, 7, 7, 8)  # the columns beside the class


@dataclass(frozen=True)
class Results:
    """The outcome of classifying every image of a set.

    Attributes:
        targets: true class of each image, (count,).
        probabilities: of each class, in [0, 1], (count, classes).
        classes: the label of each class, (classes,).
        names: what each class is called.
    """

    targets: np.ndarray
    probabilities: np.ndarray
    classes: np.ndarray
    names: tuple[str, ...]

    @property
    def predictions(self):
        """The most probable class of each image, (count,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self):
        """Whether each prediction is right, (count,)."""
        return self.predictions == self.targets

    @property
    def accuracy(self):
        """The share of right predictions, in [0, 1]."""
        return self.correct.mean()

    @property
    def loss(self):
        """The mean cross-entropy of the images, in nats."""
        of_target = self.probabilities[np.arange(len(self.targets)), self.targets].astype(np.float64)
        return -np.log(of_target.clip(SMALLEST_PROBABILITY, 1)).mean()

    @property
    def confusion(self):
        """How many images of each class (rows) were taken for each class (columns), (classes, classes)."""
        matrix = np.zeros((len(self.classes),) * 2, int)
        np.add.at(matrix, (self.targets, self.predictions), 1)
        return matrix


def format_results(results, width=None):
    """Return the results as text: the totals, the table per class, and the confusion matrix.

    Args:
        width: the columns that the tables are made to fit; None for no limit.
    """
    correct, count = results.correct.sum(), len(results.targets)
    return "\n".join(
        [
            f"test loss      {results.loss:.4f}",
            f"test accuracy  {results.accuracy:.2%}",
            f"correct        {correct} of {count}",
            f"incorrect      {count - correct} of {count}",
            "the loss is the mean cross-entropy in nats: "
            f"0 for certainty, {math.log(len(results.classes)):.2f} for a guess among {len(results.classes)} classes",
            "",
            *_class_table(results, width),
            "",
            "confusion matrix (rows: true class, columns: predicted)",
            *_confusion_table(results, width),
        ]
    )


def _class_table(results, width):
    """Return the lines of the table of precision, recall, F1 and support.

    The precision of a class that is never predicted is 0, as is usual; a class without an image has no ratios ("-"),
    and the means are of the others.
    """
    widths = CLASS_TABLE if width is None or NAME + sum(CLASS_TABLE) <= width else NARROW_CLASS_TABLE
    names = distinct(results.names, results.classes, max(NAME, width - sum(widths)) if width else LONGEST_NAME)
    widths = (max(NAME, *map(len, names)), *widths)
    confusion = results.confusion
    right, support, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    there = support > 0
    ratios = [right / predicted.clip(1), right / support.clip(1), 2 * right / (support + predicted).clip(1)]
    columns = [[f"{ratio:.4f}" if known else "-" for ratio, known in zip(one, there, strict=True)] for one in ratios]
    rows = [
        ("class", "precision", "recall", "F1", "support"),
        *zip(names, *columns, support, strict=True),
        ("mean", *(f"{one[there].mean():.4f}" for one in ratios), support.sum()),
    ]
    for row in rows:
        yield "".join(f"{value:>{size}}" for value, size in zip(row, widths, strict=True))


def _confusion_table(results, width):
    """Return the lines of the confusion matrix, folded to a width: some of its columns below the others."""
    names = distinct(results.names, results.classes, LONGEST_HEAD)
    count, longest = len(names), max(map(len, names))
    cell, first = 1 + max(longest, len(str(results.confusion.max()))), max(NAME, longest)
    most = max(1, (width - first) // cell) if width else count
    columns = math.ceil(count / math.ceil(count / most))  # as many below as above
    for begin in range(0, count, columns):
        if begin:
            yield ""
        for name, counts in zip(["", *names], [names, *results.confusion], strict=True):
            yield f"{name:>{first}}" + "".join(f"{count:>{cell}}" for count in counts[begin : begin + columns])
