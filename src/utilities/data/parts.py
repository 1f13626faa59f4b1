"""Which part of a data set and which class something is of, told by the names of files and folders."""

import os
import re
import unicodedata

TRAINING, VALIDATION, TEST = IN_ORDER = "training", "validation", "test"
PARTS = dict.fromkeys(("train", "training", "trn"), TRAINING)
PARTS |= dict.fromkeys(("test", "testing", "tst", "t10k"), TEST)
PARTS |= dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), VALIDATION)
OF_A_PART = "images?|imgs?|pictures|photos|labels?|data|dataset|set|x|y"  # what else a part's name says
PART = rf"(?<![a-z])[xy]?({'|'.join(PARTS)})(?:{OF_A_PART})?(?![a-z])"
# Folders between a part and its classes.
BETWEEN = [{name} for name in ("images", "Images", "image", "img", "imgs", "pictures", "photos", "data", "dataset")]
# What the names of files of one data set may differ in.
ROLE = rf"{PART}|(?<![a-z])(images?|imgs|labels?|x|y|idx\d|ubyte|int)(?![a-z])|\.gz$"


def set_of(name):
    """Return what the names of the files of one data set have in common."""
    return re.sub(ROLE, "", name.lower())


def part_of(name):
    """Return which part of a data set a name tells of last, or None."""
    found = re.findall(PART, name.lower())
    return PARTS[found[-1]] if found else None


def told_by_folders(names):
    """Return the (part, class, name of the part's folder) of each picture, each None where there is none.

    Folders around all pictures say nothing. Below them may be folders of parts, at any one depth, and of classes, below
    or above these. Where there are parts, pictures elsewhere are of none.

    Args:
        names: of the pictures, with slashes.
    """
    folders = [unicodedata.normalize("NFC", name).split("/")[:-1] for name in names]
    around = len(os.path.commonprefix(folders))  # noqa: RUF071, of lists: whole names are compared
    folders = [folder[around:] for folder in folders]
    told = [[part_of(name) for name in folder] for folder in folders]
    depths = range(max(map(len, folders), default=0))
    depth = max(depths, key=lambda depth: sum(any(parts[depth : depth + 1]) for parts in told), default=0)
    parts = [(each[depth : depth + 1] or [None])[0] for each in told]
    below = [len(folder) - depth - (folder[depth : depth + 1] == folder[depth + 1 : depth + 2]) for folder in folders]
    if not _are_parts(parts, [count > 1 for count in below], depth):
        return [(TRAINING, folder[0] if folder else None, None) for folder in folders]
    inner = []
    for folder in folders:
        rest = folder[:depth] + folder[depth + 1 :]
        inner.append(rest[1:] if rest[1:] and rest[:1] == folder[depth : depth + 1] else rest)
    for part in IN_ORDER:
        own = {folder[depth] for folder, other in zip(folders, parts, strict=True) if other == part}
        between = [*BETWEEN, own] if own else BETWEEN
        while {rest[0] if rest else None for rest, other in zip(inner, parts, strict=True) if other == part} in between:
            inner = [rest[1:] if other == part else rest for rest, other in zip(inner, parts, strict=True)]
    return [
        (part, rest[0] if rest else None, folder[depth]) if part else (None, None, None)
        for part, rest, folder in zip(parts, inner, folders, strict=True)
    ]


def _are_parts(parts, are_deeper, depth):
    """Tell whether folders at a depth are those of parts, and not of classes that happen to be called so."""
    most, several = parts.count(None) < len(parts) / 2, len({*parts} - {None}) > 1
    deeper = any(deep for deep, part in zip(are_deeper, parts, strict=True) if part == TRAINING)
    flat = not any(deep for deep, part in zip(are_deeper, parts, strict=True) if part is None)
    known = (several and (most or deeper)) or (most and (deeper or depth > 0)) or (deeper and flat)
    return TRAINING in parts and known


def in_order(names):
    """Return names, each once, in the order that people count in: 10 comes after 2."""

    def key(name):
        return [(int(each), "") if each.isdecimal() else (0, each) for each in re.split("([0-9]+)", name)]

    return sorted(set(names), key=key)
