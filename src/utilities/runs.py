"""The folder in which an experiment keeps itself."""

import csv
import json
import sys
from datetime import datetime
from pathlib import Path

from utilities.errors import Fault


class RunFolder:
    """A new folder for one experiment. Where it cannot be written, that is said once, and the experiment goes on.

    Attributes:
        path: the folder; None once something could not be kept in it.
        history: the rows added so far, one per epoch; training.Record says what is in one.
    """

    def __init__(self, parent, name, answers):
        """Make the folder ``parent/DATE_TIME_name``, with the answers as its ``input.txt``."""
        self.history = []
        self.path = Path(parent) / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}_{name}"
        self._guard(lambda: self.path.mkdir(parents=True))
        self.keep("input.txt", lambda path: path.write_text("\n".join(answers) + "\n"))

    def keep(self, name, write):
        """Have ``write(path)`` write the folder's file of that name; return its path, or None where it cannot be."""
        if self.path is None:
            return None
        path = self.path / name
        self._guard(lambda: write(path))
        return path if self.path else None

    def add_row(self, row):
        """Add one epoch to the history, in memory and in ``history.csv``."""
        self.history.append(row)
        self.keep("history.csv", self._append_last_row)

    def keep_summary(self, summary):
        """Write a dictionary as ``experiment.json``."""
        self.keep("experiment.json", lambda path: path.write_text(json.dumps(summary, indent=2) + "\n"))

    def _append_last_row(self, path):
        row = self.history[-1]
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if len(self.history) == 1:
                writer.writeheader()
            writer.writerow(row)

    def _guard(self, write):
        try:
            write()
        except (OSError, Fault) as error:
            print(f"{self.path}: going on without this run's folder: {error}", file=sys.stderr, flush=True)
            self.path = None
