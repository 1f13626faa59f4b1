"""Where pictures come from, a folder, a zip archive or arrays, and which of them are taken; all are read alike."""

import os
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from utilities.data import arrays, pictures
from utilities.data.datasets import MOST_CLASSES
from utilities.data.places import Archive, Folder, is_picture
from utilities.errors import BadInput
from utilities.text import printable


@dataclass(frozen=True)
class Source:
    """Pictures, read one by one when they are asked for.

    Attributes:
        items: of each picture, the place that it lies in (a Folder, an Archive, Images), and its name there.
        labels: int64, (count,); all alike where there are no classes.
        is_test: bool, (count,): those of the test set.
        class_names: {label: name}, ascending; empty where there are no classes.
        left_out: a line on each picture that is known not to be readable.
    """

    items: list[tuple[Any, Any]]
    labels: np.ndarray
    is_test: np.ndarray
    class_names: dict[int, str]
    left_out: list[str]

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
        with pictures.faults_of(lambda: self.name(index)):
            return pictures.bring(self.open(index), form)

    def take(self, indices):
        """Return the Source of some of the pictures."""
        items = [self.items[index] for index in indices.tolist()]
        return replace(self, items=items, labels=self.labels[indices], is_test=self.is_test[indices])


def open_source(path):
    """Return the Source of a folder, a zip archive, or a CSV, .npz, .npy or IDX file.

    Raises:
        BadInput: there is none, it cannot be read, it holds no pictures, or its labels are none.
    """
    try:
        items, left_out = _open(Path(path))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    has_classes = any(name is not None for *_, part, name in items if part == arrays.TRAINING)
    taken, left_out = [], list(left_out)
    for item in items:
        place, name, part, of_class = item
        if part is None or (has_classes and of_class is None):
            left_out.append(f"{place.title(name)}: in no folder of a class")
        else:
            taken.append(item)
    places, names, parts, classes = zip(*taken, strict=True) if taken else [()] * 4
    test = arrays.TEST if arrays.TEST in parts else arrays.VALIDATION
    labels, class_names = _number(classes) if has_classes else (np.zeros(len(taken), int), {})
    is_test = np.array([part == test for part in parts], bool)
    source = Source(list(zip(places, names, strict=True)), labels, is_test, class_names, left_out)
    if len(class_names) > MOST_CLASSES:
        raise BadInput(f"{path}: expected at most {MOST_CLASSES} classes, found {len(class_names)}")
    check_classes(source)
    return source


def open_pictures(path):
    """Return the Source of what a network is to look at, without classes: of one picture, too, or of one IDX file.

    Raises:
        BadInput: there is none, or it cannot be read.
    """
    path = Path(path)
    try:
        if path.is_file() and is_picture(path.name):
            items, left_out = [(Folder(path.parent), path.name)], []
        elif path.is_dir() or _is_archive(path):
            items, left_out = _open(path)
        else:
            items, left_out = arrays.read_arrays(Folder(path.parent), [path.name]), []
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    items = [item[:2] for item in items]
    return Source(items, np.zeros(len(items), int), np.zeros(len(items), bool), {}, left_out)


def _number(names):
    """Return the labels of classes' names, int64, and {label: name}, ascending; whole numbers are labels themselves."""
    classes = sorted(set(names))
    if all(re.fullmatch("0|[1-9][0-9]{0,8}", name) for name in classes):
        label_of = {name: int(name) for name in sorted(classes, key=int)}
    else:
        label_of = {name: label for label, name in enumerate(classes)}
    return np.array([label_of[name] for name in names]), {label: printable(name) for name, label in label_of.items()}


def check_classes(source):
    """Raise BadInput where there are no pictures to train on, or none of a class that has test pictures."""
    training = source.labels[~source.is_test]
    if len(training) < 2:
        raise BadInput(f"expected 2 or more pictures to train on, found {len(training)}")
    lost = np.setdiff1d(source.labels[source.is_test], training)
    if len(lost):
        raise BadInput(f"the class {source.class_names[lost[0]]} has pictures to test with, and none to train on")


def _open(path):
    """Return the pictures, (place, name, part of the data set, class) of each, and lines on those left out."""
    if path.is_dir():
        place = Folder(path)
    elif _is_archive(path):
        place = Archive(path)
    elif is_picture(path.name):
        raise BadInput(f"{path}: expected a folder of pictures, or an archive or a file of many, not one")
    else:
        files = {file.name for file in path.parent.glob("*") if file.is_file()}
        beside = {name for name in files if arrays.set_of(name) == arrays.set_of(path.name)}
        return arrays.read_arrays(Folder(path.parent), sorted({path.name} | beside)), []
    names, left_out = place.files()
    found = [name for name in names if is_picture(name)]
    files = [name for name in names if re.search(r"[-.]idx\d", name) and not is_picture(name)]
    if not found and not files:
        files = [name for name in names if name.lower().endswith(arrays.SUFFIXES)]
    if files:
        # Of a training set, a test set and another file, as Kaggle has them, the last is left alone.
        return arrays.read_arrays(place, [*filter(arrays.part_of, files)] or files), []
    if not found:
        reasons = f"; left out: {left_out[0]}" if left_out else ""
        raise BadInput(f"{path}: expected pictures ({' '.join(pictures.SUFFIXES)}), or a file of them{reasons}")
    return [(place, name, *told) for name, told in zip(found, _told_by_folders(found), strict=True)], left_out


def _is_archive(path):
    return path.suffix.lower() not in arrays.SUFFIXES and path.is_file() and zipfile.is_zipfile(path)


def _told_by_folders(names):
    """Return the (part, class) of pictures, either None where there is none.

    Folders around all pictures say nothing. Below them may be train/ with test/, val/ or both, where val/ is trained on
    if there is test/, and is the test set if not; then a folder for each class.
    """
    folders = [name.split("/")[:-1] for name in names]
    depth = len(os.path.commonprefix(folders))  # noqa: RUF071, of lists: whole names are compared
    folders = [[*folder[depth:], None, None] for folder in folders]
    parts = [arrays.PARTS.get((folder[0] or "").lower()) for folder in folders]
    if arrays.TRAINING in parts and len({*parts} - {None}) > 1:
        return [(part, folder[1]) for part, folder in zip(parts, folders, strict=True)]
    return [(arrays.TRAINING, folder[0]) for folder in folders]


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
