"""Where pictures come from, a folder, a zip archive or arrays, and which of them are taken; all are read alike."""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from utilities.data import arrays, pictures
from utilities.data.batches import WHITE
from utilities.data.datasets import MOST_CLASSES
from utilities.data.parts import IN_ORDER, in_order, part_of, set_of, told_by_folders
from utilities.data.places import Archive, Folder, is_archive, is_picture
from utilities.errors import BadInput
from utilities.text import printable

EXPECTED = f"expected pictures ({' '.join(pictures.SUFFIXES)}), or a file of them"
PACKED = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
UNREAD = (".heic", ".heif", ".avif", ".svg", ".pdf", ".tga", ".psd", ".jp2", ".jxl", ".ppm", ".pgm", ".dng", ".cr2")
UNREAD += (".eps", ".ico")
MOST_KINDS = 5


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures, read one by one when they are asked for.

    Attributes:
        items: of each picture, the place that it lies in (a Folder, an Archive, Images), and its name there.
        labels: int64, (count,); all alike where there are no classes.
        is_test: bool, (count,): those of the test set.
        class_names: {label: name}, ascending; empty where there are no classes.
        left_out: a line on each picture that is known not to be readable.
        kind: what it was read as.
        told: phrases on how.
        passed_over: phrases on what of it was left aside.
        labels_at: the column of a table's labels, "first", "last" or "none"; None where there is no table.
        in_doubt: whether it is.
        white: the value that is white; None: that of each picture's type.
        is_dim: whether it is in doubt.
    """

    items: list[tuple[Any, Any]]
    labels: np.ndarray
    is_test: np.ndarray
    class_names: dict[int, str]
    left_out: list[str]
    kind: str = "pictures"
    told: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    labels_at: str | None = None
    in_doubt: bool = False
    white: float | None = None
    is_dim: bool = False

    def __len__(self):
        return len(self.items)

    def name(self, index):
        """Return what a picture is called in messages."""
        place, name = self.items[index]
        return place.title(name)

    def open(self, index):
        """Return a picture as a Pillow image, or raise whatever Pillow raises."""
        place, name = self.items[index]
        return place.open(name)

    def bring(self, index, form):
        """Return a picture in a form, uint8, or raise BadInput, which names it."""
        if isinstance(self.items[index][0], arrays.Images):
            form = replace(form, white=None)  # it is scaled already
        with pictures.faults_of(lambda: self.name(index)):
            return pictures.bring(self.open(index), form)

    def take(self, indices):
        """Return the Source of some of the pictures."""
        items = [self.items[index] for index in indices.tolist()]
        return replace(self, items=items, labels=self.labels[indices], is_test=self.is_test[indices])


@dataclass(frozen=True)
class Found:
    """What was found under a path: pictures, (place, names of files), or arrays, and others beside the file given.

    Faults are lines on what cannot be read, and ``passed_over`` phrases on what else is left aside.
    """

    path: Path
    pictures: tuple[Any, list[str]] | None = None
    arrays: list = ()
    beside: list = ()
    faults: list[str] = ()
    passed_over: list[str] = ()


def open_pictures(path, form=None):
    """Return the Source of what a network is to look at, without classes: of one picture, too, or of one file of many.

    Args:
        form: the Form that the network takes: what is white in its images is white here.

    Raises:
        BadInput: there is none, or it cannot be read.
    """
    found = find(path, one=True)
    white = (form and form.white) or WHITE
    items, *_ = arrays.decide(found.arrays, white=white, fits=True) if found.arrays else _by_folders(*found.pictures)
    return Source([item[:2] for item in items], np.zeros(len(items), int), np.zeros(len(items), bool), {}, found.faults)


def find(path, one=False):
    """Return what is found under a path; only that itself, and nothing beside it, where ``one`` is true.

    Raises:
        BadInput: nothing, or nothing that can be read.
    """
    path, compressed = Path(path), Path(f"{path}.gz")
    path = compressed if compressed.is_file() and not path.exists() else path
    try:
        if path.is_dir():
            return _find_in(path, Folder(path))
        if path.is_file() and path.suffix.lower() not in arrays.SUFFIXES and is_archive(path):
            return _find_in(path, Archive(path))
        return _find_file(path, one)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error


def _find_in(path, place):
    names, faults = place.files()
    found = [name for name in names if is_picture(name)]
    files = [name for name in names if re.search(r"[-.]idx\d", name) and not is_picture(name)]
    if not found and not files:
        files = [name for name in names if name.lower().endswith(arrays.SUFFIXES)]
        files = [name for name in files if not name.lower().endswith(".txt")] or files  # README.txt
    # Of a training set, a test set and another file, as Kaggle has them, the last is left alone.
    files = [*filter(part_of, files)] or files
    taken = {*(files or found)}
    others = [name for name in names if name not in taken]
    if files:
        files = [name for name in files if not (name.endswith(".gz") and name.removesuffix(".gz") in taken)]
        found = [each for name in files for each in arrays.find_arrays(place, name)]
        return Found(path, arrays=found, faults=faults, passed_over=_counted(others))
    if not found:
        advice = ["unpack the archives in it first"] * any(map(_is_packed, others))
        reasons = [f"left out: {each}" for each in _counted(others)] + faults[:1]
        raise BadInput("; ".join([f"{path}: {EXPECTED}", *advice, *reasons]))
    return Found(path, (place, found), faults=faults, passed_over=_counted(others))


def _find_file(path, one):
    if path.is_file() and _is_packed(path.name):
        raise BadInput(f"{path}: an archive that is not read: unpack it first")
    if path.is_file() and path.suffix.lower() in UNREAD:
        raise BadInput(f"{path}: pictures of this format are not read: convert it to PNG or JPEG")
    place, beside, passed_over = Folder(path.parent), [], []
    if path.is_file() and is_picture(path.name):
        return Found(path, (place, [path.name]))
    found = arrays.find_arrays(place, path.name)
    for name in [] if one else sorted(file.name for file in path.parent.glob("*") if file.is_file()):
        # The same file may be there twice, compressed and not.
        if set_of(name) == set_of(path.name) and name.removesuffix(".gz") != path.name.removesuffix(".gz"):
            try:
                beside += arrays.find_arrays(place, name)
            except BadInput as fault:
                passed_over.append(str(fault))
    return Found(path, None, found, beside, passed_over=passed_over)


def _is_packed(name):
    return name.lower().endswith(PACKED)


def _counted(names):
    """Return a phrase on files, counted by their suffixes, as a list; none where there are no files."""
    suffixes = Counter(Path(name).suffix.lower() or "no suffix" for name in names)
    kinds = ", ".join(f"{printable(suffix)} {count:,}" for suffix, count in suffixes.most_common(MOST_KINDS))
    return [f"{len(names):,} file{'s' * (len(names) > 1)} ({kinds})"] if names else []


def decide(found, labels=None, white=None):
    """Return the Source of what was found.

    Args:
        labels: where a table has its labels, "first", "last" or "none"; None: where they seem to be.
        white: the value of the pixels that is white; None: as their range tells.

    Raises:
        BadInput: it holds no pictures, or its labels are none.
    """
    if found.arrays:
        items, where, left_out, about = arrays.decide(found.arrays, found.beside, labels, white)
    else:
        items, where, left_out, about = *_by_folders(*found.pictures), [], {"white": white}
    if labels and not about.get("labels_at"):
        raise BadInput(f"{found.path}: --label {labels}: expected a table with its labels in a column, found none")
    first = min({part for *_, part, _ in items if part}, key=IN_ORDER.index)
    has_classes = any(of_class is not None for *_, part, of_class in items if part == first)
    used, of_no_part, of_no_class = [], [], []
    for item in items:
        (of_no_part if not item[2] else of_no_class if has_classes and item[3] is None else used).append(item)
    places, names, parts, classes = zip(*used, strict=True)
    test = max({*parts}, key=IN_ORDER.index)  # of two or three, the last
    is_test = np.array([part == test != first for part in parts])
    about["told"] = [*_counts(is_test, parts, where), *about.get("told", [])]
    about["passed_over"] = [*found.passed_over, *left_out]
    about["passed_over"] += [*_without("part", of_no_part), *_without("class", of_no_class)]
    numbers, class_names = _number(classes) if has_classes else (np.zeros(len(used), int), {})
    source = Source([*zip(places, names, strict=True)], numbers, is_test, class_names, found.faults, **about)
    try:
        check_classes(source)
    except BadInput as fault:
        raise BadInput(f"{found.path}: {fault}") from fault
    return source


def _without(what, items):
    """Return a phrase on pictures that are left out, as a list; none where there are none."""
    return [f"{len(items):,} of no {what} ({items[0][0].title(items[0][1])})"] if items else []


def _counts(is_test, parts, where):
    """Return phrases on how many pictures there are to train on, and to test with, and where these are."""
    told = []
    for of_test, what in ((False, "for training"), (True, "to test with")):
        if count := np.sum(is_test == of_test):
            those = {part for part, each in zip(parts, is_test, strict=True) if each == of_test}
            names = [name for part in IN_ORDER if part in those for name in where[part]]
            told.append(f"{count:,} {what}" + (f" ({printable(', '.join(names))})" if names else ""))
    return told


def _by_folders(place, names):
    """Return of each picture its place, name, part and class, as arrays.decide does, and what the parts are called."""
    told = told_by_folders(names)
    items = [(place, name, part, of_class) for name, (part, of_class, _) in zip(names, told, strict=True)]
    return items, {part: in_order(folder for other, _, folder in told if other == part and folder) for part in IN_ORDER}


def _number(names):
    """Return the labels of classes' names, int64, and {label: name}, ascending; whole numbers are labels themselves."""
    classes = in_order(names)
    are_numbers = all(re.fullmatch("0|[1-9][0-9]{0,8}", name) for name in classes)
    label_of = {name: int(name) if are_numbers else number for number, name in enumerate(classes)}
    return np.array([label_of[name] for name in names]), {label: printable(name) for name, label in label_of.items()}


def check_classes(source):
    """Raise BadInput where there are no pictures to train on, or none of a class that has test pictures."""
    if len(source.class_names) > MOST_CLASSES:
        raise BadInput(f"expected at most {MOST_CLASSES} classes, found {len(source.class_names)}")
    training = source.labels[~source.is_test]
    if len(training) < 2:
        raise BadInput(f"expected 2 or more pictures to train on, found {len(training)}")
    lost = np.setdiff1d(source.labels[source.is_test], training)
    if len(lost):
        raise BadInput(f"the class {source.class_names[lost[0]]} has pictures to test with, and none to train on")


def choose(source, share, count, seed):
    """Return the Source of ``count`` pictures, or all, and take a share of those to train on for the test set.

    The seed chooses, of each class alike. A class keeps one picture or more to train on.

    Raises:
        BadInput: the count is smaller than that of the classes, or a class that has test pictures has no others.
    """
    classes = len(np.unique(source.labels))
    if count is not None:
        if count < classes:
            raise BadInput(f"--count {count}: expected {classes} or more, a picture of each class")
        source = source.take(_choose_alike(2 * source.labels + source.is_test, count, seed, ~source.is_test))
    check_classes(source)
    is_test, training = source.is_test.copy(), np.flatnonzero(~source.is_test)
    number = min(round(share * len(training)), len(training) - len(np.unique(source.labels[training])))
    is_test[training[_choose_alike(source.labels[training], number, seed)]] = True
    return replace(source, is_test=is_test)


def _choose_alike(groups, number, seed, first=False):
    """Return the ascending indices of ``number`` items chosen by the seed, as large a share of each group as of all.

    The last item of a group is chosen when nothing else is left; one of each group that is to come first, ``first`` of
    its items, is chosen before all others.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    places, sizes = np.arange(len(groups)) - np.repeat(starts, sizes), np.repeat(sizes, sizes)
    shares = np.where(places == sizes - 1, 1, (places + 0.5) / sizes)
    shares[(places == 0) & np.broadcast_to(first, len(groups))[order]] = 0
    return np.sort(order[np.lexsort((random.random(len(groups)), shares))[:number]])
