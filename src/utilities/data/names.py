"""What classes and images are called: by ``labels.txt`` and ``files.csv``, which dataset.py writes beside these."""

import csv
import re
from pathlib import Path

from utilities.data.parts import part_of
from utilities.terminal.console import say
from utilities.text import distinct, printable

NAMES_FILE = "labels.txt"
FILES_FILE, FILES_HEAD = "files.csv", ["set", "index", "file", "class"]
LARGEST_FILE = 2**20  # bytes; MOST_CLASSES names take less
LONGEST_NAME = 60
LINE = re.compile(r"([0-9]{1,10})[ \t]+(.+)")


def read_names(path, labels):
    """Return what each label is called, (labels,), all of them different; itself where the file has no line for it.

    A file that is damaged, or is about something else, is passed over, and that is said.

    Args:
        path: of the file, a number and a name on each line; it need not exist.
        labels: integers, (labels,).
    """
    labels, names = labels.tolist(), {}
    try:
        if path.is_file():
            names = _parse(path)
            if names.keys().isdisjoint(labels):
                raise ValueError("it names none of the labels")
    except (OSError, ValueError) as error:
        say(f"{path}: passed over: {getattr(error, 'strerror', None) or error}")
        names = {}
    return distinct([names.get(label, str(label)) for label in labels], labels, LONGEST_NAME)


def _parse(path):
    """Return the names in a file, {label: name}."""
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"larger than {LARGEST_FILE:,} bytes")
    names = {}
    for line in filter(None, map(str.strip, content.decode("utf-8-sig").split("\n"))):
        found = LINE.fullmatch(line)
        if not found or int(found[1]) in names:
            raise ValueError(f"expected a label and its name on each line, each label once, found {printable(line)!r}")
        names[int(found[1])] = found[2]
    return names


def read_files(images, count):
    """Return which file each image of an IDX file was made of, [count], by the table beside it; [] where there is none.

    One that has not exactly one row for each of these images is passed over, and that is said.

    Args:
        images: the path of the IDX file, whose name tells of which set it is.
    """
    path, own = Path(images).with_name(FILES_FILE), part_of(Path(images).name)
    try:
        if not path.is_file():
            return []
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            next(rows, None)
            found = sorted((int(index), name) for part, index, name, _ in rows if part == own)
        if [index for index, _ in found] == list(range(count)):
            return [name for _, name in found]
        fault = f"expected a row for each of the {count:,} images of {Path(images).name}, found {len(found):,}"
    except OSError as error:
        fault = error.strerror
    except (ValueError, csv.Error):
        fault = f"expected a table with the columns {', '.join(FILES_HEAD)}"
    say(f"{path}: passed over: {fault}")
    return []
