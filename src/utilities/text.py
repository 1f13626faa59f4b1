"""Text from files and users, made safe to show, or taken for a path."""

import os
import shlex
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def printable(text, longest=60):
    """Return text safe to print on one line of a terminal: control characters escaped, its middle left out if long."""
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    half, rest = divmod(longest - 3, 2)
    return shown if len(shown) <= longest else f"{shown[: half + rest]}...{shown[-half:]}"


def distinct(names, labels, longest):
    """Return names, each as printable does, in a tuple; those that would look alike have their labels before them."""
    shown = [printable(name, longest) for name in names]
    times = Counter(shown)
    labelled = [printable(f"{label} {name}", longest) for label, name in zip(labels, names, strict=True)]
    told_apart = tuple(one if times[one] == 1 else other for one, other in zip(shown, labelled, strict=True))
    return told_apart if len(set(told_apart)) == len(names) else tuple(labelled)


def gigabytes(count):
    """Return a number of bytes as a text in gigabytes."""
    return f"{count / 1e9:,.1f} GB"


def duration(seconds):
    """Return a time in words, in the largest unit of which there are two or more."""
    units = {"hours": 3600, "minutes": 60, "seconds": 1}
    unit = next((unit for unit, size in units.items() if round(seconds / size) > 1), "seconds")
    return f"{round(seconds / units[unit])} {unit}"


def given_path(text):
    """Return the Path that a text names: typed, or dragged into a terminal, which puts quotes, backslashes or file://.

    ``~`` is the home folder, where it is known. What exists under the very text is that.
    """
    path = Path(os.path.expanduser(text))  # noqa: PTH111, Path's raises where there is no home
    if os.path.lexists(path):
        return path
    if text.startswith("file://"):
        return Path(url2pathname(urlsplit(text.strip()).path))
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    lexer.escape = lexer.escape.replace(os.sep, "")  # where it parts folders
    try:
        words = list(lexer)
    except ValueError:  # a quote that is not closed is part of the name
        words = []
    return Path(os.path.expanduser(words[0])) if len(words) == 1 else path  # noqa: PTH111


def as_in_paths(text):
    """Return a text that was kept in UTF-8 as this process's paths have it, whose encoding may lack characters.

    What such an encoding cannot decode, Python escapes: so does this, and it takes back what another process escaped.
    """
    return text.encode("utf-8", "surrogateescape").decode(sys.getfilesystemencoding(), "surrogateescape")
