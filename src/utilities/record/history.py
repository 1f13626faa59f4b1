"""The history of a training as a CSV file: a row for each epoch."""

import contextlib
import csv

from utilities.files import as_csv
from utilities.processes import tell
from utilities.record.summary import DAMAGED

KINDS = {"phase": str, "epoch": int}  # all else is a number with a point


def history_as_csv(rows, has_head=True):
    """Return rows of history, [{name: value}], as the bytes of a CSV file, or of a part of one."""
    return as_csv([*(rows[:1] if has_head else []), *(row.values() for row in rows)])


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
    return sorted(rows.values(), key=lambda row: ([*epochs].index(row["phase"]), row["epoch"]))
