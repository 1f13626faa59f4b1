"""The lock of a run's folder: one process at a time trains the experiment in it."""

import errno
import os
import platform
import re

from utilities import system

LOCK = ".lock"
OWNER = re.compile(r"process ([0-9]{1,9}) on (.+)")


def lock(folder):
    """Lock a folder for this process, until the file that is returned is closed or the process ends, however it does.

    Returns:
        The file, which names this process, and whether the system keeps the lock. Where the file system has none, the
        process that the file names has the folder: on this host while it runs, on others until the file is removed.

    Raises:
        BlockingIOError: another process has it.
        OSError: the folder cannot be written.
    """
    own = f"process {os.getpid()} on {platform.node()}\n".encode()
    file = (folder / LOCK).open("a+b", buffering=0)
    try:
        is_kept = _lock(file)
        if is_kept or not _named_in(file):
            file.truncate(0)
        file.write(own)  # at the end: of several that write at once, the first has the folder
        if not is_kept and _named_in(file) != own.decode().strip():
            raise BlockingIOError(errno.EAGAIN, "another process has it")
    except OSError:
        file.close()
        raise
    return file, is_kept


def owner_of(folder):
    """Return which process has a folder, such as "process 12 on host"; None where none has."""
    try:
        with (folder / LOCK).open("rb") as file:
            try:
                return None if _lock(file, shared=True) else _named_in(file)
            except BlockingIOError:
                return _named_in(file) or "another process"
    except OSError:  # it was never locked
        return None


def _lock(file, shared=False):
    """Lock an open file; return whether the file system has locks."""
    try:
        system.lock(file, shared)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _named_in(file):
    """Return the process that a file names, a text, or None where it names none, or one of this host that has ended."""
    file.seek(0)
    text = file.readline().decode(errors="replace").strip()
    found = OWNER.fullmatch(text)
    has_ended = found and found[2] == platform.node() and not system.is_running(int(found[1]))
    return text if found and not has_ended else None
