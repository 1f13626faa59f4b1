"""Parsers of what is typed, pure functions: each returns a value, or raises ValueError with what is expected."""

import os
import re
from pathlib import Path

from utilities.text import printable

SEPARATOR = r"\s*[,;]\s*|\s+"
NUMBER = "([0-9]+)"
VALUE = rf"{NUMBER}(x{NUMBER})?"
MODEL_SUFFIXES = (".h5", ".keras")


def whole_number(smallest, largest):
    """Return a parser of one whole number within bounds, both included."""

    def parse(answer):
        # Python makes no number of more than some thousand digits.
        if not (re.fullmatch("[0-9]{1,20}", answer) and smallest <= int(answer) <= largest):
            raise ValueError(f"expected a whole number from {smallest} to {largest}, found {printable(answer)!r}")
        return int(answer)

    return parse


def yes_or_no(answer):
    """Parse ``y`` or ``n``, or the words in full."""
    known = {"y": True, "yes": True, "n": False, "no": False}
    if answer.lower() not in known:
        raise ValueError(f"expected y or n, found {printable(answer)!r}")
    return known[answer.lower()]


def show_yes_or_no(value):
    """Return what ``yes_or_no`` parses as a value."""
    return "y" if value else "n"


def one_for_each(answer, count, parse, split, what, example):
    """Return the ``count`` values that an answer names, a tuple; a single one is taken for all.

    Args:
        parse: parses the text of one value, digits or "5x3".
        split: split_list or split_pairs.
        what: the name of one value.
        example: an answer that is right.
    """
    texts = split(answer)
    if len(texts) not in (1, count) or not all(re.fullmatch(VALUE, text) for text in texts):
        plural, for_all = ("s", ", or one for all") if count > 1 else ("", "")
        raise ValueError(f"expected {count} {what}{plural} such as {example}{for_all}, found {printable(answer)!r}")
    return tuple(map(parse, texts * (count // len(texts))))


def split_list(answer):
    """Return the texts between blanks, commas and semicolons; brackets around the whole are dropped."""
    bracketed = re.fullmatch(r"\((.*)\)|\[(.*)\]", answer.strip())
    whole = bracketed[1] or bracketed[2] or "" if bracketed else answer
    return re.split(SEPARATOR, whole.strip())


def split_pairs(answer):
    """Return the texts of numbers and of pairs of numbers, "5" and "5x3".

    A pair is written 5x3, 5*3, (5, 3) or [5, 3], or with a comma and no blank: 5,3. Commas without blanks between three
    numbers or more separate them.
    """
    joined = re.sub(r"\s*[xX*\u00d7]\s*", "x", answer)
    joined = re.sub(rf"(?<![0-9,x]){NUMBER},{NUMBER}(?![0-9x]|,[0-9])", r"\1x\2", joined)
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]")):
        joined = re.sub(rf"{opening}\s*{NUMBER}(?:x|{SEPARATOR}){NUMBER}\s*{closing}", r" \1x\2 ", joined)
    return split_list(joined)


def is_folder(path):
    """Tell whether a path is that of a folder."""
    return os.path.isdir(path)  # noqa: PTH112, Path's own raises where a path cannot be one


def path_of_model(answer, example="encoder.h5"):
    """Return the path that an answer means: ~ is the home folder, and .h5 the suffix of a name without one.

    Raises:
        ValueError: a folder, a foreign suffix, or the home folder of nobody.
    """
    try:
        path = Path(answer).expanduser()
    except RuntimeError as error:
        raise ValueError(error) from error
    if answer.endswith(("/", os.sep)) or is_folder(path):
        raise ValueError(f"{answer}: a folder; expected a file, such as {path / example}")
    path = path if path.suffix else path.with_suffix(MODEL_SUFFIXES[0])
    if path.suffix not in MODEL_SUFFIXES:
        raise ValueError(f"{answer}: the name must end in {' or '.join(MODEL_SUFFIXES)}")
    return path
