"""The folder in which an experiment keeps itself, and from which it goes on after an interruption."""

import csv
import io
import json
import sys
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np

from utilities.errors import BadInput, Fault
from utilities.files import replacing
from utilities.processes import is_first_process

SUMMARY, ANSWERS, HISTORY = "experiment.json", "input.txt", "history.csv"
CHECKPOINT, CHECKPOINTS = "checkpoint-{:06}.npz", "checkpoint-*.npz"
KEPT_CHECKPOINTS = 2  # where the last is damaged, training goes on from the one before
# Of a larger array, which may be a mapped file larger than memory, this many bytes are summed up, in this many parts.
CHECKSUM_BYTES, CHECKSUM_PARTS = 2**26, 2**8
# What reading a summary raises that is damaged, or that something else made.
DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class RunFolder:
    """One experiment's folder. Where it cannot be written, that is said once, and the experiment goes on without.

    All that --resume needs is in ``experiment.json`` and the checkpoints; ``input.txt`` and ``history.csv`` repeat
    parts of it for the user.

    Attributes:
        path: the folder; None where there is none, or once something could not be kept in it.
        summary: what ``experiment.json`` holds.
        history: the rows so far, one per epoch; training.Record says what is in one.
        checkpoint: what a reopened experiment goes on from, {name: array}; empty for one that begins.
    """

    def __init__(self, path=None):
        self.path = path
        self.summary = {}
        self.history = []
        self.checkpoint = {}

    @classmethod
    def create(cls, parent, script, answers, arguments, data):
        """Make the folder ``parent/DATE_TIME_script``, with what it takes to repeat the experiment.

        Args:
            answers: the lines that answer the script's questions.
            arguments: the command line's, {name: value}.
            data: the files that are trained on, {path: what tells its content from others}.
        """
        folder = cls(Path(parent) / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}_{script}")
        folder.keep("", lambda path: path.mkdir(parents=True))
        # Paths are made absolute: they mean the same in any folder.
        texts = {name: str(value.resolve() if isinstance(value, Path) else value) for name, value in arguments.items()}
        folder.summary = {"finished": False, "arguments": texts, "answers": answers, "data": data}
        folder.keep_bytes(ANSWERS, folder.answers.encode())
        folder.keep_summary({})
        return folder

    @classmethod
    def reopen(cls, parent, script):
        """Return the folder of the last unfinished experiment of a script, at its last checkpoint that is whole.

        Raises:
            BadInput: there is none, all its checkpoints are damaged, or its files cannot be written.
        """
        for folder in reversed(folders_of(parent, script)):
            if folder._is_unfinished():
                folder._read_checkpoint()
                folder._restore(ANSWERS, folder.answers.encode())
                folder._restore(HISTORY, _as_csv(folder.history))
                return folder
        raise BadInput(f"{parent}: no unfinished experiment of {script}.py to resume")

    def _is_unfinished(self):
        """Read the summary; tell whether it is that of an experiment that can be trained further."""
        try:
            self.read_summary()
            if self.summary["finished"]:
                return False
            texts = [*self.summary["answers"], *self.summary["arguments"].values(), *self.summary["data"].values()]
            if all(isinstance(text, str) for text in texts):
                return True
        except DAMAGED:
            pass
        _tell(f"{self.path / SUMMARY}: damaged, or of an earlier version; passing over this experiment")
        return False

    def _read_checkpoint(self):
        """Read the last checkpoint that is whole, and the history of its epochs."""
        paths = sorted(self.path.glob(CHECKPOINTS), reverse=True)
        for path in paths:
            try:
                with np.load(path, allow_pickle=False) as archive:
                    checkpoint = dict(archive)
                self.history = json.loads(checkpoint.pop("history").item())
            except MemoryError:
                raise
            except Exception:  # NumPy and zipfile raise whatever their parts raise
                continue
            self.checkpoint = checkpoint
            if path != paths[0]:
                _tell(f"{paths[0]}: damaged; going on from the checkpoint before it, {path.name}")
            return
        if paths:
            raise BadInput(
                f"{self.path}: cannot be resumed: damaged: {', '.join(path.name for path in paths)}; delete that to "
                "train this experiment from its beginning, or move its folder away to resume an earlier one"
            )

    def _restore(self, name, content):
        """Give a file its content, and say so where it does not begin with that; epochs after it are trained again."""
        if not is_first_process():
            return
        path = self.path / name
        try:
            found = path.read_bytes() if path.exists() else b""
            if not found.startswith(content):
                _tell(f"{path}: not as the experiment left it; written anew")
            if found != content:
                _replace(path, content)
        except OSError as error:
            raise BadInput(f"{path}: cannot be resumed: {error.strerror or error}") from error

    @property
    def outcome(self):
        """The row of the epoch that tells what came of the experiment.

        It is the last epoch; of several phases, that of the one which ended with the highest validation accuracy.
        """
        last_of_phases = {row["phase"]: row for row in self.history}
        return max(reversed(last_of_phases.values()), key=lambda row: row.get("val_accuracy", 0))

    def check_data(self, data):
        """Check that a reopened experiment's data, as create takes them, are what it was trained on before.

        Raises:
            BadInput: a file holds something else now.
        """
        for path, found in data.items():
            expected = self.summary["data"].get(path, "nothing")
            if found != expected:
                raise BadInput(
                    f"{path}: not what {self.path} was trained on: expected {expected}, found {found}; put it back, or "
                    f"begin again with < {self.path / ANSWERS}"
                )

    def siblings(self):
        """Return the folders of the same script beside this one, this one too, as folders_of does."""
        return folders_of(self.path.parent, self.path.name.rpartition("_")[2]) if self.path else []

    def read_summary(self):
        """Read ``experiment.json``."""
        self.summary = json.loads((self.path / SUMMARY).read_bytes())

    @property
    def answers(self):
        """The answers that the experiment was made with, a line each."""
        return "".join(f"{answer}\n" for answer in self.summary["answers"])

    @property
    def command_line(self):
        """The arguments that the experiment was made with, as the script's parser takes them."""
        arguments = self.summary["arguments"]
        return [word for name, value in arguments.items() if name != "resume" for word in (f"--{name}", value)]

    def keep(self, name, write):
        """Have ``write(path)`` write the file of that name ("": the folder); return its path, None if that fails."""
        if self.path is None or not is_first_process():
            return None
        path = self.path / name
        try:
            write(path)
        except (OSError, Fault) as error:
            _tell(f"{self.path}: going on without this run's folder: {error}")
            self.path = path = None
        return path

    def keep_bytes(self, name, content):
        """Write a file in one step; return what keep returns."""
        return self.keep(name, lambda path: _replace(path, content))

    def add_row(self, row):
        """Add one epoch to the history, in memory and in ``history.csv``."""
        self.history.append(row)

        def append(path):
            with path.open("ab") as file:
                file.write(_as_csv([row], header=file.tell() == 0))

        self.keep(HISTORY, append)

    def keep_checkpoint(self, arrays):
        """Keep what training goes on from, {name: array}, and the history so far, in one step."""
        history = np.array(json.dumps(self.history).encode())

        def write(path):
            with replacing(path) as beside:
                np.savez(beside, history=history, **arrays)
            _remove_checkpoints(path.parent, keep=KEPT_CHECKPOINTS)

        self.keep(CHECKPOINT.format(len(self.history)), write)

    def keep_summary(self, changes):
        """Add to ``experiment.json``, which tells under "finished" whether there is more to train."""
        self.summary |= changes
        self.keep_bytes(SUMMARY, f"{json.dumps(self.summary, indent=2)}\n".encode())
        if self.summary["finished"]:
            self.keep("", _remove_checkpoints)


def identify(array):
    """Return a text that tells an array from others: its shape, and a checksum of its items."""
    parts = [array]
    if array.nbytes > CHECKSUM_BYTES:
        length = max(1, CHECKSUM_BYTES * len(array) // array.nbytes // CHECKSUM_PARTS)
        firsts = np.linspace(0, len(array) - length, CHECKSUM_PARTS, dtype=int)
        parts = [array[first : first + length] for first in firsts]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(np.ascontiguousarray(part), checksum)
    return f"{array.shape}, checksum {checksum:08x}"


def _tell(line):
    """Tell something on standard error; of several processes, the first does."""
    if is_first_process():
        print(line, file=sys.stderr, flush=True)


def folders_of(parent, script):
    """Return the RunFolders of a script, the oldest first, as a name begins with the time; none is read."""
    return [RunFolder(path.parent) for path in sorted(Path(parent).glob(f"*_{script}/{SUMMARY}"))]


def _replace(path, content):
    """Write a file in one step."""
    with replacing(path) as beside:
        beside.write_bytes(content)


def _remove_checkpoints(folder, keep=0):
    """Remove a folder's checkpoints but the last ones, and what is left of any whose writing was killed."""
    paths = sorted(folder.glob(f"*{CHECKPOINTS}"))  # the names of those left over begin with a dot, and so come first
    for path in paths[: len(paths) - keep]:
        path.unlink()


def _as_csv(rows, header=True):
    """Return rows, [{name: value}], as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0] if rows else [])
    if header and rows:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
