"""The folder in which an experiment keeps itself, and from which it goes on after an interruption."""

import contextlib
import json
import math
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from utilities.data import idx
from utilities.errors import BadInput
from utilities.files import replacing
from utilities.processes import is_first_process
from utilities.record.folder import Folder, replace_bytes, tell
from utilities.record.history import history_as_csv, read_history
from utilities.record.summary import DAMAGED, NAME_FORMAT, Summary, as_begun, show
from utilities.terminal.arguments import BESIDE, OF_SESSION, SOURCE

SUMMARY, ANSWERS, HISTORY = "experiment.json", "input.txt", "history.csv"
CHECKPOINT, CHECKPOINTS = "checkpoint-{:06}.npz", "checkpoint-*.npz"
WEIGHTS = "weights.npz"
KEPT_CHECKPOINTS = 2  # where the last is damaged, training goes on from the one before


class RunFolder(Folder):
    """One experiment's folder.

    All that --resume needs is in ``experiment.json``, the checkpoints and ``history.csv``; ``input.txt`` repeats the
    answers for the user.

    Attributes:
        summary: the Summary that ``experiment.json`` holds; None where nothing is kept.
        history: the rows so far, one per epoch; callbacks.Record says what is in one.
        checkpoint: what a resumed experiment goes on from, {name: array}; empty for one that begins.
    """

    def __init__(self, path=None, summary=None):
        super().__init__(path)
        self.summary = summary
        self.history = []
        self.checkpoint = {}
        self._written = 0, 0  # rows of history, and bytes, that history.csv has

    @classmethod
    def create(cls, parent, name, answers, arguments, data, origin=None):
        """Make the folder ``parent/DATE_TIME_name``, with what it takes to repeat the experiment.

        Args:
            name: ends in the script's.
            answers: the lines that answer the script's questions.
            arguments: the command line's, {name: value}.
            data: the files that it is made with, {name of the argument: what tells its content from others}.
            origin: the RunFolder of the experiment whose weights this one begins with; None for new weights.
        """
        now = datetime.now()
        folder = cls(Path(parent) / f"{now:{NAME_FORMAT}}_{name}")
        folder.make()
        arguments = {each: value for each, value in arguments.items() if each not in OF_SESSION and value is not None}
        paths = {name: Path(os.path.realpath(value)) for name, value in arguments.items() if isinstance(value, Path)}
        places = {
            name: [str(path), *(str(path.relative_to(base)) for base in folder._bases if path.is_relative_to(base))]
            for name, path in paths.items()
        }
        arguments |= {name: str(path) for name, path in paths.items()}
        parent = epochs = None
        if origin:
            is_beside = origin.path.parent == folder.path.parent
            parent = origin.path.name if is_beside else os.path.realpath(origin.path)
            epochs = str(origin.summary.hyperparameters["epochs"])
        folder.summary = Summary(False, arguments, answers, data, places, as_begun(now), parent, epochs)
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
            BadInput: all checkpoints are damaged.
        """
        paths = sorted(self.path.glob(CHECKPOINTS), reverse=True)
        for path in paths:
            with contextlib.suppress(ValueError):
                self.checkpoint = self._load(path)
                if path != paths[0]:
                    tell(f"{paths[0]}: damaged; going on from the checkpoint before it, {path.name}")
                break
        if paths and not self.checkpoint:
            raise BadInput(
                f"{self.path}: cannot be resumed: damaged: {', '.join(path.name for path in paths)}; delete that to "
                "train this experiment from its beginning, or move its folder away to resume an earlier one"
            )
        self._restore(ANSWERS, self.answers.encode())
        content = history_as_csv(self.history)
        if self._restore(HISTORY, content):
            self._written = len(self.history), len(content)
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
        """Return the arrays of a file, and read the history up to it; raise ValueError with why that cannot be."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
            ends = json.loads(arrays.pop("history").item())
            if not arrays:
                raise ValueError
            self.history = read_history(self.path / HISTORY, ends)
        except MemoryError:
            raise
        except Exception as error:  # whatever NumPy and zipfile raise
            raise ValueError(getattr(error, "strerror", None) or "damaged") from error
        return arrays

    def _restore(self, name, content):
        """Give a file its content; return its path where that could be done.

        That is told where it does not begin with it; epochs after it are trained again.
        """
        found = b""
        with contextlib.suppress(OSError):
            found = (self.path / name).read_bytes()
        if not found.startswith(content):
            tell(f"{self.path / name}: not as the experiment left it; written anew")
        return self.keep_bytes(name, content)

    @property
    def ends(self):
        """The last row of each phase."""
        return [*{row["phase"]: row for row in self.history}.values()]

    @property
    def outcome(self):
        """The row of the epoch that tells what came of the experiment.

        It is the last epoch; of several phases, that of the one which ended with the lowest validation loss, the later
        of equal ones.
        """
        return min(reversed(self.ends), key=lambda row: (math.isnan(row["val_loss"]), row["val_loss"]))

    def complete(self, arguments):
        """Set those arguments of the command line that were not given to those that the experiment was made with.

        Raises:
            BadInput: another seed is given.
        """
        for name, value in self.summary.arguments.items():
            given = getattr(arguments, name, None)
            if name == "seed" and given not in (None, value):
                raise BadInput(f"--seed: {self.path} has its own, {value}: leave it out")
            if given is None:
                setattr(arguments, name, self._find(name, value, arguments) if name in self.summary.places else value)
        arguments.runs = self.path.parent

    @property
    def _bases(self):
        """The folders that paths of files are kept relative to."""
        return Path(os.path.realpath(self.path)).parent.parent, SOURCE.parent

    def _find(self, name, path, arguments):
        """Return where a file is: where it was, or in the project, or beside the runs, or beside the images given."""
        places = [base / place for place in self.summary.places[name] for base in self._bases]
        if name in BESIDE:
            places.append(Path(getattr(arguments, BESIDE[name])).parent / Path(path).name)
        return next(filter(idx.exists, [self.path / path, *places]), self.path / path)

    def check_data(self, data, paths):
        """Check that a reopened experiment's files hold what they did, wherever they are now.

        Args:
            data: as create takes it.
            paths: {name of the argument: path}.

        Raises:
            BadInput: a file holds something else.
        """
        for name, found in data.items():
            expected = self.summary.data.get(name, "")  # earlier versions kept nothing of the test set
            if not found.startswith(expected):
                raise BadInput(
                    f"{paths[name]}: not what {self.path} was made with: expected {expected}, found {found}; give that "
                    f"with --{name}, or begin again with < {self.path / ANSWERS}"
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

    def keep_copy(self, name, content):
        """Keep a copy of the file that an argument names, and repeat the experiment with that.

        Its path is kept relative to this folder, which may be moved.
        """
        copy = f"{name}/{Path(self.summary.arguments[name]).name}"

        def write(path):
            path.parent.mkdir(exist_ok=True)
            replace_bytes(path, content)

        self.keep(copy, write)
        self.keep_summary({"arguments": self.summary.arguments | {name: copy}})

    def add_row(self, row):
        """Add one epoch to the history, in memory and in ``history.csv``."""
        self.history.append(row)
        self.keep(HISTORY, self._write_history)

    def _write_history(self, path):
        """Add the rows that a file lacks, after those that were written whole; all to a new one."""
        rows, size = self._written if path.exists() else (0, 0)
        content = history_as_csv(self.history[rows:], has_head=rows == 0)
        with path.open("r+b" if size else "wb") as file:
            file.seek(size)  # over what was written in part
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._written = len(self.history), size + len(content)

    def keep_checkpoint(self, arrays):
        """Keep what training goes on from, {name: array}, in the place of all before but the last."""
        save = self._saver(arrays)

        def write(path):
            save(path)
            _remove_checkpoints(path.parent, keep=KEPT_CHECKPOINTS)

        self.keep(CHECKPOINT.format(sum(row["epoch"] for row in self.ends)), write, CHECKPOINTS)

    def keep_arrays(self, name, arrays):
        """Keep a file of arrays, {name: array}, in one step."""
        self.keep(name, self._saver(arrays))

    def _saver(self, arrays):
        """Return a function that saves arrays, and with them what tells which rows of history.csv come before."""
        ends = np.array(json.dumps(self.ends).encode())

        def write(path):
            with replacing(path) as beside:
                np.savez(beside, history=ends, **arrays)

        return write

    def keep_summary(self, changes):
        """Change fields of the summary, {name: value}."""
        self.summary = replace(self.summary, **changes)
        self.keep_bytes(SUMMARY, self.summary.as_bytes())

    def finish(self, changes):
        """At the end of the training, see that all is kept, here or elsewhere, and then change fields of the summary.

        Of a finished experiment the checkpoints go then, and other processes may write the folder.
        """
        self.ensure_kept()
        self.keep_summary(changes)
        self.ensure_kept()
        self._files = {}  # among them were networks
        if is_first_process() and self.path and self.is_kept and self.summary.finished:
            with contextlib.suppress(OSError):
                _remove_checkpoints(self.path)
            self.release()


def _remove_checkpoints(folder, keep=0):
    """Remove a folder's checkpoints but the last ones, and what is left of any whose writing was killed."""
    paths = sorted(folder.glob(f"*{CHECKPOINTS}"))  # the names of those left over begin with a dot, and so come first
    for path in paths[: len(paths) - keep]:
        path.unlink()
