"""What a network made of images that are not in the test set's table: lists to print, and to keep as CSV files."""

from pathlib import Path

import numpy as np

from utilities.text import printable

CLOSE = 0.1  # a second class of no smaller probability is told too
LISTED = 20  # rows that are printed; a file has all
LONGEST_NAME = 24


def predictions_table(names, probabilities, labels, class_names, notes):
    """Return the rows of a CSV file, the head first: of each image the two most probable classes.

    Args:
        names: of the images, [count].
        probabilities: of all classes, (count, classes).
        labels, class_names: of the classes, [classes].
        notes: on the images, [count], "" for none.
    """
    rows = [["image", "label", "name", "probability", "second_label", "second_name", "second_probability", "note"]]
    for name, of_classes, note in zip(names, probabilities, notes, strict=True):
        first_two = np.argsort(-of_classes, kind="stable")[:2]
        rows.append([name])
        for each in first_two:
            rows[-1] += labels[each], class_names[each], f"{of_classes[each]:.6f}"
        rows[-1].append(note)
    return rows


def shown_predictions(table):
    """Yield the rows of a predictions_table as they are printed; the second class where it is close."""
    yield "image", "class", "probability", "or", "note" if any(row[-1] for row in table[1:]) else ""
    for name, _, first, probability, _, second, its_probability, note in table[1:]:
        close = f"{second} {float(its_probability):.2%}" if float(its_probability) >= CLOSE else ""
        yield name, first, f"{float(probability):.2%}", close, note


def mistakes_table(results):
    """Return the rows of a table of what Results have wrong, the head first, then the most confident.

    In a row are the image's index, its true class, the predicted one, and that one's probability.
    """
    rows = [("index", "true", "predicted", "probability")]
    predictions, confidence = results.predictions, results.probabilities.max(axis=1)
    wrong = np.flatnonzero(~results.correct)
    for index in wrong[np.argsort(-confidence[wrong], kind="stable")].tolist():
        true, predicted = results.names[results.targets[index]], results.names[predictions[index]]
        rows.append((index, true, predicted, f"{confidence[index]:.4f}"))
    return rows


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
