"""What a network made of single images: tables to print, and to keep as CSV files."""

from pathlib import Path

import numpy as np

from utilities.text import printable

CLOSE = 0.1  # a second class of no smaller probability is told too
LISTED = 20  # rows that are printed; a file has all
LONGEST_NAME = 24
PATHS = ("image", "file")  # heads of columns of paths


def predictions_table(others, probabilities, labels, class_names):
    """Return the rows of a table, the head first: of each image the two most probable classes.

    Args:
        others: the images, [count], each as other_images.Other.
        probabilities: of all classes, (count, classes).
        labels, class_names: of the classes, [classes].
    """
    of_second = "second_label", "second_name", "second_probability"
    rows = [["image", "label", "name", "probability", *of_second, "note", "file"]]
    for (name, note, file), of_classes in zip(others, probabilities, strict=True):
        rows.append([name])
        for each in np.argsort(-of_classes, kind="stable")[:2]:
            rows[-1] += labels[each], class_names[each], f"{of_classes[each]:.6f}"
        rows[-1] += note, file
    return rows


def shown_predictions(table):
    """Yield the rows of a predictions_table as they are printed; the second class where it is close."""
    yield "image", "class", "probability", "or", "note", "file"
    for name, _, first, probability, _, second, its_probability, note, file in table[1:]:
        close = f"{second} {float(its_probability):.2%}" if float(its_probability) >= CLOSE else ""
        yield name, first, f"{float(probability):.2%}", close, note, file


def mistakes_table(results, files=()):
    """Return the rows of a table of what Results have wrong, the head first, then the most confident.

    In a row are the image's index, its true class, the predicted one, that one's probability, and the file that it was
    made of.

    Args:
        files: these, of all images, [count], where they are known.
    """
    rows = [("index", "true", "predicted", "probability", "file")]
    predictions, confidence = results.predictions, results.probabilities.max(axis=1)
    wrong = np.flatnonzero(~results.correct)
    for index in wrong[np.argsort(-confidence[wrong], kind="stable")].tolist():
        true, predicted = results.names[results.targets[index]], results.names[predictions[index]]
        rows.append((index, true, predicted, f"{confidence[index]:.4f}", files[index] if files else ""))
    return rows


def filled(rows):
    """Return the rows of a table, the head first, without the columns that have nothing below it."""
    columns = [column for column in zip(*rows, strict=True) if any(cell != "" for cell in column[1:])]
    return list(zip(*columns, strict=True))


def format_table(rows):
    """Return the first rows of a table that are filled, the head and LISTED more, as lines."""
    rows = filled(rows)
    shown = [[_shorten(*cell) for cell in zip(rows[0], row, strict=True)] for row in rows[: LISTED + 1]]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    if len(rows) > len(shown):
        lines.append(f"... and {len(rows) - len(shown):,} more")
    return "\n".join(lines)


def _shorten(head, cell):
    return short_path(cell) if head in PATHS else printable(str(cell), LONGEST_NAME)


def short_path(path, longest=LONGEST_NAME):
    """Return what tells a file from others: its name and its folder's, or the ends of that."""
    return printable("/".join(Path(path).parts[-2:]), longest)
