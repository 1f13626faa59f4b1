"""The folder of a data set: there whole or not at all."""

import contextlib
import glob
import os
import re
import shutil
import tempfile
from pathlib import Path

from utilities import system
from utilities.data.forms import FORM_FILE
from utilities.data.names import FILES_FILE, NAMES_FILE
from utilities.errors import BadInput
from utilities.record.conversion import IMAGES

LABELS = {False: "train-labels-idx1-ubyte.gz", True: "t10k-labels-idx1-ubyte.gz"}  # by whether they are of test images
OLD = "-old"  # ends the name of a folder put aside, where two cannot be exchanged
SHEET_FILE = "contact-sheet.png"
OF_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what macOS and Windows leave in a folder that was looked at
FILES = {*IMAGES.values(), *LABELS.values(), NAMES_FILE, FILES_FILE, FORM_FILE, SHEET_FILE}


def holds_dataset(path, source):
    """Tell whether a folder, which need not exist, has a data set; ``source`` is the path of the pictures.

    Raises:
        BadInput: the folder cannot be made, has other files, or lies where the pictures are.
    """
    try:
        path, source = path.resolve(), source.resolve()
        if path.is_relative_to(source) or source.is_relative_to(path):
            raise BadInput(f"{path}: the pictures lie there: give another folder")
        if path == Path.cwd():
            raise BadInput(f"{path}: the folder that this shell is in cannot be put in place in one step: give another")
        if path.exists() and not path.is_dir():
            raise BadInput(f"{path}: expected a folder, or none yet, found a file")
        above = next(folder for folder in path.parents if folder.exists())
        tempfile.TemporaryFile(dir=above).close()
        found = {file.name for file in path.iterdir()} - OF_SYSTEMS if path.exists() else set()
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror or error}") from error
    if found - FILES:
        raise BadInput(f"{path}: has other files than a data set's, such as {min(found - FILES)}: give a new folder")
    return bool(found)


@contextlib.contextmanager
def replacing_folder(path):
    """Yield the path of a new folder beside ``path``; afterwards flush its files, and put it in place of that.

    Where something fails, it is removed, and ``path`` is as it was. A script that is killed leaves it: the next one
    removes it.
    """
    path = path.resolve()
    beside, old = (path.with_name(f".{path.name}-{os.getpid()}{suffix}") for suffix in ("", OLD))
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    try:
        beside.mkdir()
        yield beside
        for file in beside.iterdir():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
        if path.exists() and not system.exchange(beside, path):
            path.rename(old)
        if not path.exists():
            beside.rename(path)
    finally:
        with system.signals_held():
            if old.exists() and not path.exists():
                old.rename(path)
            for folder in (beside, old):
                shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(path):
    """Remove what killed scripts left beside a folder; what was put aside for a new one returns to its place."""
    for folder in path.parent.glob(f".{glob.escape(path.name)}-*"):
        found = re.fullmatch(rf"-(\d+)({OLD})?", folder.name.removeprefix(f".{path.name}"))
        if found and found[2] and not path.exists():
            folder.rename(path)
        elif not found or {file.name for file in folder.iterdir()} - FILES:  # somebody's own
            continue
        elif int(found[1]) == os.getpid() or not system.is_running(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)
