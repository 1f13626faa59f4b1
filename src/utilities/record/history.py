"""The history of a training as a CSV file: a row for each epoch."""

import contextlib
import csv
import os

from utilities.files import as_csv, replacing
from utilities.processes import tell
from utilities.record.summary import DAMAGED

KINDS = {"phase": str, "epoch": int}  # all else is a number with a point


def write_history(path, history, written=(0, 0)):
    """Add the rows, [{name: value}], that a CSV file lacks; or write it anew, in one step.

    Args:
        written: how many of the rows it has, and in how many bytes; after these are what was written in part.

    Returns:
        The same, of the file as it is now.
    """
    count, size = written if path.exists() else (0, 0)
    head = [] if count else history[:1]  # whose names are a row of their own
    content = as_csv([*head, *(row.values() for row in history[count:])])
    with contextlib.nullcontext(path) if count else replacing(path) as place, place.open("r+b") as file:
        file.seek(size)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return len(history), size + len(content)


def read_history(path, ends):
    """Return the rows of a CSV file up to the last row of each phase; of a damaged file those that can be read."""
    epochs = {row["phase"]: row["epoch"] for row in ends}
    rows = {}
    with contextlib.suppress(*DAMAGED, csv.Error), path.open(newline="", encoding="utf-8") as file:
        for texts in csv.DictReader(file):
            row = {name: KINDS.get(name, float)(text) for name, text in texts.items()}
            if 0 < row["epoch"] <= epochs.get(row["phase"], 0):
                rows[row["phase"], row["epoch"]] = row
    rows |= {(row["phase"], row["epoch"]): row for row in ends}
    if lost := sum(epochs.values()) - len(rows):
        tell(f"{path}: damaged; going on without {lost} epochs of it")
    return list(rows.values())
