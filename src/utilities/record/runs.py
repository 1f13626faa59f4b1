"""The folder in which an experiment keeps itself, and from which it goes on after an interruption."""

import contextlib
import json
import math
import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from utilities.data import idx
from utilities.errors import BadInput
from utilities.files import replacing
from utilities.processes import tell
from utilities.record.folder import Folder
from utilities.record.history import history_as_csv, read_history
from utilities.record.summary import DAMAGED, Summary, show
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
        summary: the Summary that ``experiment.json`` holds.
        history: the rows so far, one per epoch; callbacks.Record says what is in one.
        checkpoint: what a resumed experiment goes on from, {name: array}; empty for one that begins.
    """

    def __init__(self, path, summary=None):
        super().__init__(path)
        self.summary = summary
        self.history = []
        self.checkpoint = {}
        self._csv = b""  # what history.csv is to hold; the file has the beginning of it

    @classmethod
    def create(cls, parent, name, answers, arguments, data, origin=None, copied=MappingProxyType({})):
        """Make the folder ``parent/DATE_TIME_name``, with what it takes to repeat the experiment.

        Args:
            name: ends in the script's.
            answers: the lines that answer the script's questions.
            arguments: the command line's, {name: value}.
            data: the files that it is made with, {name of the argument: what tells its content from others}.
            origin: the RunFolder of the experiment whose weights this one begins with; None for new weights.
            copied: files of which it keeps a copy to be repeated with, {name of the argument: bytes}.
        """
        now = datetime.now()
        folder = cls(Path(parent) / f"{now:%Y-%m-%d_%H-%M-%S-%f}_{name}")
        folder.keep_here("", folder.make)
        arguments = {
            name: os.path.realpath(value) if isinstance(value, Path) else value
            for name, value in arguments.items()
            if name not in OF_SESSION and value is not None
        }
        arguments |= {name: f"{name}/{Path(arguments[name]).name}" for name in copied}
        parent = epochs = None
        if origin:
            is_beside = origin.path.parent == folder.path.parent
            parent = origin.path.name if is_beside else os.path.realpath(origin.path)
            epochs = str(origin.summary.hyperparameters["epochs"])
        begun = now.astimezone(UTC).isoformat(timespec="microseconds")
        folder.summary = Summary(False, arguments, answers, data, begun, parent, epochs)
        for name, content in copied.items():
            folder.keep(name, lambda path: path.mkdir(exist_ok=True))
            folder.keep_bytes(arguments[name], content)
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
            with contextlib.suppress(BadInput):
                self.checkpoint = self._load(path)
                if path != paths[0]:
                    tell(f"{paths[0]}: damaged; going on from the checkpoint before it, {path.name}")
                break
        if paths and not self.checkpoint:
            raise BadInput(
                f"{self.path}: cannot be resumed: damaged: {', '.join(path.name for path in paths)}; delete that to "
                "train this experiment from its beginning, or move its folder away to resume an earlier one"
            )
        self._restore_answers()
        self._csv = history_as_csv(self.history)
        self.keep_bytes(HISTORY, self._csv)  # without the epochs that are trained again
        return self

    def read_weights(self):
        """Return the weights that a finished experiment ended with, {name: array}; its history is read with them.

        Raises:
            BadInput: they are damaged, or not there.
        """
        return self._load(self.path / WEIGHTS)

    def _load(self, path):
        """Return the arrays of a file, and read the history up to it."""
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
            raise BadInput(f"{path}: cannot be opened: {getattr(error, 'strerror', None) or 'damaged'}") from error
        return arrays

    def _restore_answers(self):
        found, content = None, self.answers.encode()
        with contextlib.suppress(OSError):
            found = (self.path / ANSWERS).read_bytes()
        if found != content:
            tell(f"{self.path / ANSWERS}: not as the experiment left it; written anew")
        self.keep_bytes(ANSWERS, content)

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
                is_file = name in self.summary.data
                setattr(arguments, name, self._find(name, str(value), arguments) if is_file else value)
        arguments.runs = self.path.parent

    def _find(self, name, path, arguments):
        """Return where a file is: where it was, or as far below the project or beside the runs, or beside the images.

        What is found may be another file of that name, which check_data tells.
        """
        parts, bases = Path(path).parts, (Path(os.path.realpath(self.path)).parent.parent, SOURCE.parent)
        places = [base.joinpath(*parts[start:]) for start in range(1, len(parts)) for base in bases]
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
            if found != (expected := self.summary.data.get(name)):
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

    def add_row(self, row):
        """Add one epoch to the history, in memory and in ``history.csv``."""
        self.history.append(row)
        self._csv += history_as_csv([row], has_head=len(self.history) == 1)
        self.keep(HISTORY, self._write_history)

    def _write_history(self, path):
        """Append what a file lacks: of a row that was written in part, the rest."""
        with path.open("ab") as file:
            file.write(self._csv[file.tell() :])
            file.flush()
            os.fsync(file.fileno())

    def keep_checkpoint(self, arrays):
        """Keep what training goes on from, {name: array}, in the place of all before but the last."""
        name, arrays = CHECKPOINT.format(sum(row["epoch"] for row in self.ends)), self._with_ends(arrays)

        def write(path):
            _save(arrays, path.with_name(name))
            _remove_checkpoints(path.parent, keep=KEPT_CHECKPOINTS)

        self.keep_here(CHECKPOINTS, write)  # of which only the last counts

    def keep_arrays(self, name, arrays):
        """Keep a file of arrays, {name: array}, in one step."""
        self.keep(name, partial(_save, self._with_ends(arrays)))

    def _with_ends(self, arrays):
        """Return arrays, and with them what tells which rows of history.csv come before."""
        return arrays | {"history": np.array(json.dumps(self.ends).encode())}

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
        if self._lock and self.is_kept and self.summary.finished:
            with contextlib.suppress(OSError):
                _remove_checkpoints(self.path)
            self.release()


def _save(arrays, path):
    with replacing(path) as beside:
        np.savez(beside, **arrays)


def _remove_checkpoints(folder, keep=0):
    """Remove a folder's checkpoints but the last ones, and what is left of any whose writing was killed."""
    paths = sorted(folder.glob(f"*{CHECKPOINTS}"))  # the names of those left over begin with a dot, and so come first
    for path in paths[: len(paths) - keep]:
        path.unlink()
