"""A folder in which one process keeps files, and tries again where one cannot be written."""

import contextlib
import itertools
import shutil
import sys
import tempfile
from pathlib import Path

from utilities.errors import BadInput, Fault
from utilities.files import replacing
from utilities.processes import is_first_process
from utilities.record.lock import LOCK, lock, owner_of

NEW = ""  # what stands for the making of the folder among its files


class Folder:
    """A folder in which one process keeps files; of several processes of a job, the first does.

    A file that cannot be written is told, and tried again with whatever is kept next: after each epoch, while training.

    Attributes:
        path: None where nothing is kept.
    """

    def __init__(self, path=None):
        self.path = path
        self._lock = None  # a file, open for as long as no other process may write the folder
        # {what it is: (name, function that writes it to a path)}: all there is to keep, and what is not there yet.
        self._files, self._due = {}, {}
        self._fault = None  # why it is not

    def make(self):
        """Make the folder, for this process alone."""
        if not is_first_process():
            return
        self._due[NEW] = NEW, lambda path: path.mkdir(parents=True, exist_ok=True)
        self._due[LOCK] = LOCK, lambda path: self._take_lock(path.parent)
        self._write_due()

    def lock(self):
        """Have this process alone write the folder; return None, or in words which process does that already.

        Raises:
            BadInput: it cannot be written.
        """
        try:
            if is_first_process():
                self._take_lock(self.path)
        except BlockingIOError:
            return owner_of(self.path) or "a process that has just ended"
        except OSError as error:
            raise BadInput(f"{self.path}: cannot be written: {error.strerror}") from error
        return None

    def _take_lock(self, path):
        self._lock, is_kept = lock(path)
        if not is_kept:
            tell(f"{path / LOCK}: there are no locks here: remove it where its process was killed on another host")

    def release(self):
        """Let other processes write the folder."""
        if self._lock:
            with contextlib.suppress(OSError):  # the file system has gone, and come back as another
                self._lock.truncate(0)
            with contextlib.suppress(OSError):
                self._lock.close()
            self._lock = None

    @property
    def is_kept(self):
        """Whether all that was to be kept is there."""
        return not self._due

    def keep(self, name, write, kind="", again=True):
        """Have ``write(path)`` write the file of a name; return its path, or None where it is not there yet.

        Args:
            kind: of a file of which only the last counts, and only while training.
            again: whether to try again where that fails; later ``write`` would write something else.
        """
        if self.path is None or not is_first_process():
            return None
        key = kind or name
        self._due[key] = name, write
        if again and not kind:
            self._files.pop(name, None)
            self._files[name] = name, write
        self._write_due()
        is_there = key not in self._due
        if not again:
            self._due.pop(key, None)
        return self.path / name if is_there else None

    def keep_bytes(self, name, content):
        """Write a file in one step; return what keep returns."""
        return self.keep(name, lambda path: replace_bytes(path, content))

    def keep_next(self, stem, suffix, content):
        """Write a file named "stem-1", or by the next number that is free; return what keep returns."""
        taken = {path.name for path in self.path.glob(f"{stem}-*")} if self.path else ()
        number = next(number for number in itertools.count(1) if f"{stem}-{number}{suffix}" not in taken)
        return self.keep_bytes(f"{stem}-{number}{suffix}", content)

    def _write_due(self):
        """Write what is not there yet; tell where that begins to fail."""
        if self.path is None or not is_first_process():
            return
        fault = None
        for key, (name, write) in list(self._due.items()):
            try:
                write(self.path / name)
                del self._due[key]
            except (OSError, Fault) as error:
                fault = fault or getattr(error, "strerror", None) or str(error)
        if fault and not self._fault:
            tell(f"{self.path}: cannot be written: {fault}; going on, and trying again")
        self._fault = fault

    def ensure_kept(self):
        """Keep all in the working folder or that of temporary files, where it cannot be in its place."""
        self._write_due()
        place, fault = self.path, self._fault
        for parent in (Path, _temporary_folder) if self._due else ():
            with contextlib.suppress(OSError, Fault):
                self._move(parent() / place.name)
                tell(f"{place}: cannot be written: {fault}; all of it is kept in {self.path}")
                break

    def _move(self, path):
        path.mkdir()
        try:
            for key, (name, write) in (self._files | self._due).items():
                if key not in (NEW, LOCK):
                    write(path / name)
            self._take_lock(path)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        self.path, self._due = path, {}


def tell(line):
    """Tell something on standard error; of several processes, the first does."""
    if is_first_process():
        print(line, file=sys.stderr, flush=True)


def replace_bytes(path, content):
    """Write a file in one step."""
    with replacing(path) as beside:
        beside.write_bytes(content)


def _temporary_folder():
    return Path(tempfile.gettempdir())
