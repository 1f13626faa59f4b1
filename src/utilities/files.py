"""Files that are there whole or not at all, and tables as the bytes of one."""

import contextlib
import csv
import io
import os
from pathlib import Path

from utilities import system


@contextlib.contextmanager
def replacing(path):
    """Yield a path beside ``path`` to write to; afterwards flush it to the disk, and put it in place in one step.

    A reader finds the old file or the new one, never a part. The path yielded has the suffix of ``path``; where
    writing fails, it is removed and ``path`` is as it was. Of a link, the file that it names is replaced; the new file
    has the mode of the old one, and its owner where this process may give files away.

    Raises:
        OSError: the place cannot be written, or holds something else than a file.
    """
    path = Path(path)
    place = Path(os.path.realpath(path)) if path.is_symlink() else path
    beside = place.with_name(f".{place.stem}-{os.getpid()}{path.suffix}")
    if place.exists() and not place.is_file():
        raise OSError("not a regular file")
    try:
        beside.touch()  # tells in plain words why a place cannot be written, whatever writes to it then
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        if place.exists():
            system.copy_rights(place, beside)
        beside.replace(place)
    finally:
        with contextlib.suppress(OSError, ValueError):
            beside.unlink()


def as_csv(rows):
    """Return rows as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
