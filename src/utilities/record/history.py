"""The history of a training as a CSV file: a row for each epoch."""

import contextlib
import csv

from utilities.files import as_csv
from utilities.record.folder import tell


def history_as_csv(rows, has_head=True):
    """Return rows of history, [{name: value}], as the bytes of a CSV file."""
    return as_csv([*([list(rows[0])] if rows and has_head else []), *(row.values() for row in rows)])


def read_history(path, ends):
    """Return the rows of a CSV file up to the last of some rows; of a damaged file those that can be read, and these.

    Args:
        ends: the last row of each phase until then; in earlier versions all rows.
    """
    *_, last = ends
    rows, kinds = [], {"phase": str, "epoch": int}
    damaged = OSError, ValueError, LookupError, TypeError, csv.Error
    with contextlib.suppress(*damaged), path.open(newline="", encoding="utf-8") as file:
        for texts in csv.DictReader(file):
            row = {name: kinds.get(name, float)(text) for name, text in texts.items()}
            if row["phase"] == last["phase"] and row["epoch"] >= last["epoch"]:
                break
            rows.append(row)
    numbers = {(row["phase"], row["epoch"]) for row in rows}
    rows += [row for row in ends if (row["phase"], row["epoch"]) not in numbers]
    if lost := sum({row["phase"]: row["epoch"] for row in ends}.values()) - len(rows):
        tell(f"{path}: damaged; going on without {lost} epochs of it")
    return rows
