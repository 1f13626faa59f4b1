"""Text from files and users, made safe to show."""

import sys
from collections import Counter


def printable(text, longest=60):
    """Return text safe to print on one line of a terminal: control characters escaped, and shortened."""
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


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


def as_in_paths(text):
    """Return a text that was kept in UTF-8 as this process's paths have it, whose encoding may lack characters.

    What such an encoding cannot decode, Python escapes: so does this, and it takes back what another process escaped.
    """
    return text.encode("utf-8", "surrogateescape").decode(sys.getfilesystemencoding(), "surrogateescape")
