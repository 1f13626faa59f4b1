"""The folder in which an experiment keeps itself, and from which it goes on after an interruption."""

import itertools
import json
import math
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from utilities.errors import BadInput, Fault
from utilities.files import as_csv, replacing
from utilities.processes import is_first_process
from utilities.record.summary import DAMAGED, Summary, show

SUMMARY, ANSWERS, HISTORY = "experiment.json", "input.txt", "history.csv"
CHECKPOINT, CHECKPOINTS = "checkpoint-{:06}.npz", "checkpoint-*.npz"
WEIGHTS = "weights.npz"
NOT_KEPT = ("answers", "list", "open", "resume", "save", "results")  # arguments that an experiment is not repeated with
KEPT_CHECKPOINTS = 2  # where the last is damaged, training goes on from the one before


class RunFolder:
    """One experiment's folder. Where it cannot be written, that is said once, and the experiment goes on without.

    All that --resume needs is in ``experiment.json`` and the checkpoints; ``input.txt`` and ``history.csv`` repeat
    parts of it for the user.

    Attributes:
        path: the folder; None where there is none, or once something could not be kept in it.
        summary: the Summary that ``experiment.json`` holds; None where nothing is kept.
        history: the rows so far, one per epoch; training.Record says what is in one.
        checkpoint: what a resumed experiment goes on from, {name: array}; empty for one that begins.
    """

    def __init__(self, path=None, summary=None):
        self.path = path
        self.summary = summary
        self.history = []
        self.checkpoint = {}

    @classmethod
    def create(cls, parent, name, answers, arguments, data, origin=None):
        """Make the folder ``parent/DATE_TIME_name``, with what it takes to repeat the experiment.

        Args:
            name: ends in the script's.
            answers: the lines that answer the script's questions.
            arguments: the command line's, {name: value}.
            data: the files that are trained on, {path: what tells its content from others}.
            origin: the RunFolder, in the same parent, of the experiment whose weights this one begins with; None for
                new weights.
        """
        folder = cls(Path(parent) / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}_{name}")
        folder.keep("", lambda path: path.mkdir(parents=True))
        # Paths are made absolute: they mean the same in any folder.
        arguments = {
            name: str(value.resolve()) if isinstance(value, Path) else value
            for name, value in arguments.items()
            if name not in NOT_KEPT
        }
        parent = epochs = None
        if origin:
            parent, epochs = origin.path.name if origin.path else "", str(origin.summary.hyperparameters["epochs"])
        folder.summary = Summary(False, arguments, answers, data, parent, epochs)
        folder.keep_bytes(ANSWERS, folder.answers.encode())
        folder.keep_summary({})
        return folder

    @classmethod
    def read(cls, path):
        """Return the RunFolder of a path, or None where its ``experiment.json`` is damaged or no experiment's."""
        try:
            return cls(path, Summary.read(path / SUMMARY))
        except DAMAGED:
            return None

    def resume(self):
        """Go to the last checkpoint that is whole; return this folder.

        Raises:
            BadInput: all checkpoints are damaged, or the files cannot be written.
        """
        paths = sorted(self.path.glob(CHECKPOINTS), reverse=True)
        for path in paths:
            try:
                self.checkpoint = self._load(path)
            except ValueError:
                continue
            if path != paths[0]:
                tell(f"{paths[0]}: damaged; going on from the checkpoint before it, {path.name}")
            break
        if paths and not self.checkpoint:
            raise BadInput(
                f"{self.path}: cannot be resumed: damaged: {', '.join(path.name for path in paths)}; delete that to "
                "train this experiment from its beginning, or move its folder away to resume an earlier one"
            )
        self._restore(ANSWERS, self.answers.encode())
        self._restore(HISTORY, _history_as_csv(self.history))
        return self

    def read_weights(self):
        """Return the weights that a finished experiment ended with, {name: array}; its history is read with them.

        Raises:
            BadInput: they are damaged, or not there.
        """
        path = self.path / WEIGHTS
        try:
            return self._load(path)
        except ValueError as fault:
            raise BadInput(f"{path}: cannot be opened: {fault}; earlier versions kept no such file") from fault

    def _load(self, path):
        """Return the arrays of a file, and read the history beside them; raise ValueError with why that cannot be."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
            self.history = json.loads(arrays.pop("history").item())
        except MemoryError:
            raise
        except Exception as error:  # whatever NumPy and zipfile raise
            raise ValueError(getattr(error, "strerror", None) or "damaged") from error
        return arrays

    def _restore(self, name, content):
        """Give a file its content, and say so where it does not begin with that; epochs after it are trained again."""
        if not is_first_process():
            return
        path = self.path / name
        try:
            found = path.read_bytes() if path.exists() else b""
            if not found.startswith(content):
                tell(f"{path}: not as the experiment left it; written anew")
            if found != content:
                _replace(path, content)
        except OSError as error:
            raise BadInput(f"{path}: cannot be resumed: {error.strerror or error}") from error

    @property
    def outcome(self):
        """The row of the epoch that tells what came of the experiment.

        It is the last epoch; of several phases, that of the one which ended with the lowest validation loss, the later
        of equal ones.
        """
        last_of_phases = {row["phase"]: row for row in self.history}
        return min(reversed(last_of_phases.values()), key=lambda row: (math.isnan(row["val_loss"]), row["val_loss"]))

    def check_data(self, data):
        """Check that a reopened experiment's data, as create takes them, are what it was trained on before.

        Raises:
            BadInput: a file holds something else now.
        """
        kept = {self._absolute(path): expected for path, expected in self.summary.data.items()}
        for path, found in data.items():
            expected = kept.get(path, "nothing")
            if found != expected:
                raise BadInput(
                    f"{path}: not what {self.path} was trained on: expected {expected}, found {found}; put it back, or "
                    f"begin again with < {self.path / ANSWERS}"
                )

    @property
    def title(self):
        """The hyperparameters in one line, for pictures, with the epochs that were trained of one that was stopped."""
        labels = self.summary.labels
        if not self.summary.finished:
            labels["epochs"] = f"{self.history[-1]['epoch']} of {labels['epochs']}"
        return show(labels)

    @property
    def answers(self):
        """The answers that the experiment was made with, a line each."""
        return "".join(f"{answer}\n" for answer in self.summary.answers)

    @property
    def command_line(self):
        """The arguments that the experiment was made with, as the script's parser takes them."""
        kept = {name: value for name, value in self.summary.arguments.items() if name not in NOT_KEPT}
        no_path = ("seed", "name")
        texts = {name: str(value) if name in no_path else self._absolute(value) for name, value in kept.items()}
        return [word for name, text in texts.items() for word in (f"--{name}", text)]

    def _absolute(self, path):
        return str(self.path.resolve() / path)

    def keep(self, name, write):
        """Have ``write(path)`` write the file of that name ("": the folder); return its path, None if that fails."""
        if self.path is None or not is_first_process():
            return None
        path = self.path / name
        try:
            write(path)
        except (OSError, Fault) as error:
            tell(f"{self.path}: going on without this run's folder: {error}")
            self.path = path = None
        return path

    def keep_bytes(self, name, content):
        """Write a file in one step; return what keep returns."""
        return self.keep(name, lambda path: _replace(path, content))

    def keep_copy(self, name, content):
        """Keep a copy of the file that an argument names, and repeat the experiment with that.

        Its path is kept relative to this folder, which may be moved.
        """
        arguments, data = self.summary.arguments, self.summary.data
        source = arguments[name]
        copy = f"{name}/{Path(source).name}"
        if self.keep(name, lambda path: path.mkdir()) and self.keep_bytes(copy, content):
            data = {copy if path == source else path: found for path, found in data.items()}
            self.keep_summary({"arguments": arguments | {name: copy}, "data": data})

    def keep_next(self, stem, suffix, content):
        """Write a file named "stem-1", or by the next number that is free; return what keep returns."""
        taken = {path.name for path in self.path.glob(f"{stem}-*")} if self.path else ()
        number = next(number for number in itertools.count(1) if f"{stem}-{number}{suffix}" not in taken)
        return self.keep_bytes(f"{stem}-{number}{suffix}", content)

    def add_row(self, row):
        """Add one epoch to the history, in memory and in ``history.csv``."""
        self.history.append(row)

        def append(path):
            with path.open("ab") as file:
                file.write(_history_as_csv([row], has_head=file.tell() == 0))

        self.keep(HISTORY, append)

    def keep_checkpoint(self, arrays):
        """Keep what training goes on from, {name: array}."""
        self.keep_arrays(CHECKPOINT.format(len(self.history)), arrays)
        self.keep("", lambda path: _remove_checkpoints(path, keep=KEPT_CHECKPOINTS))

    def keep_arrays(self, name, arrays):
        """Keep a file of arrays, {name: array}, with the history so far, in one step."""
        history = np.array(json.dumps(self.history).encode())

        def write(path):
            with replacing(path) as beside:
                np.savez(beside, history=history, **arrays)

        self.keep(name, write)

    def keep_summary(self, changes):
        """Change fields of the summary, {name: value}; the checkpoints of a finished experiment go."""
        self.summary = replace(self.summary, **changes)
        self.keep_bytes(SUMMARY, self.summary.as_bytes())
        if self.summary.finished:
            self.keep("", _remove_checkpoints)


def tell(line):
    """Tell something on standard error; of several processes, the first does."""
    if is_first_process():
        print(line, file=sys.stderr, flush=True)


def _replace(path, content):
    """Write a file in one step."""
    with replacing(path) as beside:
        beside.write_bytes(content)


def _remove_checkpoints(folder, keep=0):
    """Remove a folder's checkpoints but the last ones, and what is left of any whose writing was killed."""
    paths = sorted(folder.glob(f"*{CHECKPOINTS}"))  # the names of those left over begin with a dot, and so come first
    for path in paths[: len(paths) - keep]:
        path.unlink()


def _history_as_csv(rows, has_head=True):
    """Return rows of history, [{name: value}], as the bytes of a CSV file."""
    return as_csv([*([list(rows[0])] if rows and has_head else []), *(row.values() for row in rows)])
