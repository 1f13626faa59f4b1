"""A folder in which one process keeps files, and tries again where one cannot be written."""

import contextlib
import errno
import itertools
import os
import platform
import shutil
import tempfile
from pathlib import Path

from utilities import system
from utilities.errors import BadInput, Fault
from utilities.files import replacing
from utilities.processes import is_first_process, tell

LOCK = ".lock"


class Folder:
    """A folder in which one process keeps files; of several processes of a job, the first does.

    A file that cannot be written is told, and tried again with whatever is kept next: after each epoch, while training.
    """

    def __init__(self, path):
        self.path = path
        self._lock = None  # a file, open for as long as no other process may write the folder
        # {name: function that writes it to a path}: all that is kept, and what is not there yet.
        self._files, self._due = {}, {}
        self._fault = None  # why it is not

    def make(self, path):
        """Make the folder at a path, for this process alone."""
        path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path)

    def lock(self):
        """Have this process alone write the folder; return None, or in words which process does that already.

        Raises:
            BadInput: it cannot be written.
        """
        try:
            self._lock = _lock(self.path)
        except BlockingIOError as error:
            return error.strerror
        except OSError as error:
            raise BadInput(f"{self.path}: cannot be written: {error.strerror}") from error
        return None

    def release(self):
        """Let other processes write the folder."""
        if self._lock:
            with contextlib.suppress(OSError), self._lock as file:  # a file system that was away is another now
                file.truncate(0)
            self._lock = None

    @property
    def is_kept(self):
        """Whether all that was to be kept is there."""
        return not self._due

    def keep(self, name, write):
        """Have ``write(path)`` write the file of a name; return its path, or None where it is not there yet."""
        self._files[name] = write
        return self.keep_here(name, write)

    def keep_here(self, name, write):
        """Do what keep does, of something that is worth nothing where all is kept elsewhere in the end."""
        if not is_first_process():
            return None
        self._due[name] = write
        self._write_due()
        return None if name in self._due else self.path / name

    def forget(self, name):
        """Try no more to write a file: ``write`` would write something else from now on."""
        self._files.pop(name, None)
        self._due.pop(name, None)

    def keep_bytes(self, name, content):
        """Write a file in one step; return what keep returns."""

        def write(path):
            with replacing(path) as beside:
                beside.write_bytes(content)

        return self.keep(name, write)

    def keep_next(self, stem, suffix, content):
        """Write a file named "stem-1", or by the next number that is free; return what keep returns."""
        taken = {path.name for path in self.path.glob(f"{stem}-*")} | self._files.keys()
        names = (f"{stem}-{number}{suffix}" for number in itertools.count(1))
        return self.keep_bytes(next(name for name in names if name not in taken), content)

    def _write_due(self):
        """Write what is not there yet; tell where that begins to fail."""
        fault = None
        for name, write in list(self._due.items()):
            try:
                write(self.path / name)
                del self._due[name]
            except (OSError, Fault) as error:
                fault = fault or getattr(error, "strerror", None) or str(error)
        if fault and not self._fault:
            tell(f"{self.path}: cannot be written: {fault}; going on, and trying again")
        self._fault = fault

    def ensure_kept(self):
        """Keep all in the working folder or that of temporary files, where it cannot be in its place."""
        self._write_due()
        place, fault = self.path, self._fault
        for parent in (Path, tempfile.gettempdir) if self._due else ():
            with contextlib.suppress(OSError, Fault):
                self._move(Path(parent(), place.name))
                tell(f"{place}: cannot be written: {fault}; all of it is kept in {self.path}")
                break

    def _move(self, path):
        """Keep all in another folder, a new one, and what else can be read of this one."""
        path.mkdir()
        try:
            for name, write in (self._files | self._due | {"": self.make}).items():
                write(path / name)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        with contextlib.suppress(OSError):
            shutil.copytree(self.path, path, ignore=lambda *_: {LOCK, *self._files}, dirs_exist_ok=True)
        self.path, self._due, self._fault = path, {}, None


def _lock(folder):
    """Lock a folder for this process, until the file that is returned is closed or the process ends, however it does.

    The file names this process. Where the file system has no locks, which is told, the process that the file names has
    the folder: on this host while it runs, on others until the file is removed.

    Raises:
        BlockingIOError: another process has it, which its ``strerror`` names.
        OSError: the folder cannot be written.
    """
    file = (folder / LOCK).open("a+b", buffering=0)
    try:
        if owner := _owner(file):
            raise BlockingIOError(errno.EAGAIN, owner)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}\n".encode())
    except OSError:
        file.close()
        raise
    return file


def owner_of(folder):
    """Return which process has a folder, such as "process 12 on host"; None where none has."""
    try:
        with (folder / LOCK).open("rb") as file:
            return _owner(file, shared=True)
    except OSError:  # it was never locked
        return None


def _owner(file, shared=False):
    """Lock an open file; return which process has it already, or None."""
    try:
        system.lock(file, shared)
    except BlockingIOError:
        return _named_in(file) or "another process"
    except OSError:
        owner = _named_in(file)
        if not (owner or shared):
            tell(f"{file.name}: there are no locks here: remove it where its process was killed on another host")
        return owner
    return None


def _named_in(file):
    """Return the process that a file names, a text, or None where it names none, or one of this host that has ended."""
    file.seek(0)
    text = file.readline().decode(errors="replace").strip()
    number, _, host = text.removeprefix("process ").partition(" on ")
    has_ended = host == platform.node() and number.isdecimal() and not system.is_running(int(number))
    return None if has_ended else text or None
