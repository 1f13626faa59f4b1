"""Files that are there whole or not at all, and tables as the bytes of one."""

import contextlib
import csv
import io
import os
from pathlib import Path


@contextlib.contextmanager
def replacing(path):
    """Yield a path beside ``path`` to write to; afterwards flush it to the disk, and put it in place in one step.

    A reader finds the old file or the new one, never a part. The path yielded has the suffix of ``path``; where
    writing fails, it is removed and ``path`` is as it was.
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        beside.touch()  # tells in plain words why a place cannot be written, whatever writes to it then
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with contextlib.suppress(OSError, ValueError):
            beside.unlink()


def as_csv(rows):
    """Return rows as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
