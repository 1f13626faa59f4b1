"""The folder in which an experiment keeps itself, and from which it goes on after an interruption."""

import csv
import json
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np

from utilities.errors import BadInput, Fault
from utilities.files import replacing
from utilities.processes import is_first_process

STATE = "state.npz"


class RunFolder:
    """One experiment's folder. Where it cannot be written, that is said once, and the experiment goes on without.

    Attributes:
        path: the folder; None where there is none, or once something could not be kept in it.
        history: the rows so far, one per epoch; training.Record says what is in one.
        state: what a reopened experiment goes on from, {name: array}; empty for one that begins.
    """

    def __init__(self, path=None):
        self.path = path
        self.history = []
        self.state = {}

    @classmethod
    def create(cls, parent, script, answers, arguments):
        """Make the folder ``parent/DATE_TIME_script``, with what it takes to repeat the experiment.

        Args:
            answers: the lines that answer the script's questions.
            arguments: the command line's, {name: value}.
        """
        folder = cls(Path(parent) / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}_{script}")
        if is_first_process():
            folder._guard(lambda: folder.path.mkdir(parents=True))
        folder.keep_text("input.txt", "".join(f"{answer}\n" for answer in answers))
        folder.keep_summary({"finished": False, "arguments": as_texts(arguments)})
        return folder

    @classmethod
    def reopen(cls, parent, script):
        """Return the folder of the last unfinished experiment of a script, its history and state read back.

        Raises:
            BadInput: there is none, or it cannot be read.
        """
        unfinished = [path for path in _folders(parent, script) if not _is_finished(path)]
        if not unfinished:
            raise BadInput(f"{parent}: no unfinished experiment of {script}.py to resume")
        folder = cls(unfinished[-1])
        try:
            folder._return_to_state()
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BadInput(f"{folder.path}: cannot be resumed: {error}") from error
        return folder

    def _return_to_state(self):
        """Read the state back, and forget the epochs that the history has beyond it."""
        if not (self.path / STATE).exists():
            if is_first_process():
                (self.path / "history.csv").unlink(missing_ok=True)
            return
        with np.load(self.path / STATE, allow_pickle=False) as state:
            self.state = dict(state)
        self.history = self.read_history()[: int(self.state["rows"])]
        if is_first_process():
            self._rewrite_history()

    def siblings(self):
        """Return the folders of the same script beside this one, this one too, the oldest first; none is read."""
        if self.path is None:
            return []
        _, _, script = self.path.name.rpartition("_")
        return [RunFolder(path) for path in _folders(self.path.parent, script)]

    def read_summary(self):
        """Return what ``experiment.json`` holds."""
        return json.loads((self.path / "experiment.json").read_text())

    def read_history(self):
        """Return the rows of ``history.csv``."""
        with (self.path / "history.csv").open(newline="") as file:
            return [{name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)]

    @property
    def answers(self):
        """The answers that the experiment was made with, as they were typed."""
        return (self.path / "input.txt").read_text()

    @property
    def command_line(self):
        """The arguments that the experiment was made with, as the script's parser takes them."""
        arguments = self.read_summary()["arguments"]
        return [word for name, value in arguments.items() if name != "resume" for word in (f"--{name}", value)]

    def keep(self, name, write):
        """Have ``write(path)`` write the folder's file of that name; return its path, or None where it cannot be."""
        if self.path is None or not is_first_process():
            return None
        path = self.path / name
        self._guard(lambda: write(path))
        return path if self.path else None

    def keep_text(self, name, text):
        """Write a text file in one step."""

        def write(path):
            with replacing(path) as beside:
                beside.write_text(text)

        self.keep(name, write)

    def add_row(self, row):
        """Add one epoch to the history, in memory and in ``history.csv``."""
        self.history.append(row)
        self.keep("history.csv", self._append_last_row)

    def _append_last_row(self, path):
        with path.open("a", newline="") as file:
            self._write_rows(file, self.history[-1:], header=len(self.history) == 1)

    def _rewrite_history(self):
        with replacing(self.path / "history.csv") as beside, beside.open("w", newline="") as file:
            self._write_rows(file, self.history, header=True)

    @staticmethod
    def _write_rows(file, rows, header):
        writer = csv.DictWriter(file, rows[0])
        if header:
            writer.writeheader()
        writer.writerows(rows)

    def keep_state(self, state):
        """Keep what training goes on from, in one step; its history is that of now."""
        rows = np.array(len(self.history))

        def write(path):
            with replacing(path) as beside:
                np.savez(beside, rows=rows, **state)

        self.keep(STATE, write)

    def keep_summary(self, summary):
        """Write a dictionary as ``experiment.json``; it tells under "finished" whether there is more to train."""
        self.keep_text("experiment.json", json.dumps(summary, indent=2) + "\n")
        if summary["finished"]:
            self.keep(STATE, lambda path: path.unlink(missing_ok=True))

    def _guard(self, write):
        try:
            write()
        except (OSError, Fault) as error:
            print(f"{self.path}: going on without this run's folder: {error}", file=sys.stderr, flush=True)
            self.path = None


def as_texts(arguments):
    """Return arguments as texts that mean the same in any folder."""
    return {name: str(value.resolve() if isinstance(value, Path) else value) for name, value in arguments.items()}


def _folders(parent, script):
    """Return the paths of a script's folders, the oldest first: a name begins with the time."""
    return sorted(Path(parent).glob(f"*_{script}"))


def _is_finished(path):
    """Tell whether an experiment needs no more training; one whose folder cannot be read cannot be given any."""
    try:
        return RunFolder(path).read_summary()["finished"]
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _number(text):
    """Return the number that a text is, or the text."""
    for parse in (int, float):
        try:
            return parse(text)
        except ValueError:
            continue
    return text
