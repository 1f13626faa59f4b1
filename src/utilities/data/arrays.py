"""Images and labels in the arrays of IDX, .npy, .npz and CSV files: what they are is told from shapes and names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utilities.data import columns, idx, tables
from utilities.data.datasets import MOST_CHANNELS, QMNIST_COLUMNS
from utilities.data.parts import TEST, TRAINING, VALIDATION, part_of
from utilities.data.pictures import from_array
from utilities.data.places import Archive
from utilities.data.values import BEYOND, DIM, WHITE, as_bytes, white_of
from utilities.errors import BadInput
from utilities.text import printable

TABLES = tuple(f"{suffix}{gz}" for suffix in (".csv", ".tsv", ".txt") for gz in ("", ".gz"))
SUFFIXES = (*TABLES, ".npz", ".npy")
NUMPY = "NumPy arrays"
EXPECTED = "expected an array of images, and one of labels"
LARGEST_LABEL = 10**9
# One image is no longer than so many times its height. What is longer is rather a row of numbers for each image.
LONGEST = 4


@dataclass(frozen=True)
class Images:
    """Images in an array, (count, rows, columns) or (count, rows, columns, 1 to 4 channels); see places.Folder."""

    pixels: np.ndarray
    white: float  # the value that becomes 255
    file: str

    def image(self, number):
        """Return an image as uint8, (rows, columns) or (rows, columns, channels)."""
        return as_bytes(self.pixels[number], self.white)

    def open(self, number):
        """Return an image as a Pillow image."""
        return from_array(self.image(number))

    def title(self, number):
        """Return what an image is called in messages."""
        return f"{self.file}, image {number}"


@dataclass(frozen=True)
class Found:
    """An array that was found.

    Attributes:
        table: it, of any rank, with what else is known of a table.
        file: what it lies in, as messages call it; kind: of file.
        name: what it is called.
        part: of the data set.
        asked_for: whether its faults are errors: what merely lies beside that is passed over.
    """

    table: tables.Table
    file: str
    kind: str
    name: str
    part: str
    asked_for: bool

    def __len__(self):
        return self.shape[0]

    @property
    def shape(self):
        """Of the array."""
        return self.table.numbers.shape

    @property
    def are_labels(self):
        """Whether it is labels, by its shape: QMNIST's have more columns than one."""
        is_qmnist = self.shape[1:] == (QMNIST_COLUMNS,) and self.table.numbers.dtype.name == "int32"
        return is_qmnist or self.shape[1:] in ((), (1,))

    @property
    def labels(self):
        """What it has for labels, (count,)."""
        return self.table.column(0) if self.shape[1:] else self.table.numbers

    @property
    def is_one(self):
        """Whether it is rather one image of NumPy's than many: its sides are alike, and no axis counts others."""
        sides, channels = self.shape[:2], self.shape[2:]
        alike = len(sides) == 2 and min(sides) > 4 and max(sides) <= LONGEST * min(sides)
        return self.kind == NUMPY and alike and channels in ((), (1,), (3,), (4,))


def find_arrays(place, files, asked_for=None):
    """Return a Found for each array in files of a data set, and a line on each file that is passed over.

    Args:
        asked_for: the file that must be good; None: all.

    Raises:
        BadInput: a bad file, or an array without items.
    """
    found, passed_over = [], []
    for name in files:
        if name.endswith(".gz") and name.removesuffix(".gz") in files:
            continue
        must_be_good = asked_for in (None, name)
        try:
            for key, table in _load(place, name).items():
                file, part = Path(name).name, part_of(f"{Path(name).name} {key}") or TRAINING
                each = Found(table, place.title(name), _kind(name), key or file, part, must_be_good)
                if not each.shape or 0 in each.shape:
                    raise BadInput(f"{each.file}: {EXPECTED}, found another, {printable(each.name)} {each.shape}")
                found.append(each)
        except BadInput as fault:
            if must_be_good:
                raise
            passed_over.append(str(fault))
    if not found:
        raise BadInput(f"{place.title(asked_for or files[0])}: {EXPECTED}, found none")
    return sorted(found, key=lambda each: not each.asked_for), passed_over


def _kind(name):
    return "CSV" if name.lower().endswith(TABLES) else NUMPY if name.lower().endswith(SUFFIXES) else "IDX"


def _load(place, name):
    """Return the Tables of a file, {name: Table}, mapped from the disk where that can be."""
    title = place.title(name)
    with place.at(name) as path:
        try:
            if name.lower().endswith(TABLES):
                return {"": tables.read_table(path, title)}
            if name.lower().endswith(".npz"):
                return _load_npz(path)
            return {"": tables.Table(_map(path, title) if name.lower().endswith(".npy") else idx.read(path))}
        except BadInput as fault:
            raise BadInput(str(fault).replace(str(path), title)) from fault


def _load_npz(path):
    archive, arrays = Archive(path), {}
    for name in archive.files()[0]:
        with archive.at(name) as member:
            arrays[name.removesuffix(".npy")] = tables.Table(_map(member, archive.title(name)))
    return arrays


def _map(path, title):
    """Return the array of a .npy file, mapped. No Python objects are read: they could run anything."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header may raise anything
        fault = printable(" ".join(str(error).split()), 100)
        raise BadInput(f"{title}: not an array of numbers that can be read: {fault}") from error


# --- what they are


def decide(found, wanted=None, form=None):
    """Tell the images from the labels among arrays that find_arrays returns.

    Args:
        wanted: where a table has its labels; None: where they seem to be.
        form: the Form of a network that the images are for; None: they are to become a data set.

    Returns:
        Of each image, the Images that it lies in, its number there, its part of the set, and its class or None; what
        the parts are called, {part: names}; phrases on what is left out; and what else a sources.Source has, by name.

    Raises:
        BadInput: too few arrays or too many, counts that differ, or numbers that are no pixels or no labels.
    """
    taken, read, left_out, about, like = {}, {}, [], {}, None
    for each in found:
        if taken.setdefault((each.part, each.are_labels), each) is not each:
            _refuse(each, f"{EXPECTED}, found another, {printable(each.name)} {each.shape}", left_out)
    if all(are_labels for _, are_labels in taken):
        raise BadInput(f"{found[0].file}: {EXPECTED}, found none of images")
    for part in (TRAINING, VALIDATION, TEST):
        images, labels = taken.get((part, False)), taken.get((part, True))
        if labels and (fault := _misfit(labels, images)):
            labels = _refuse(labels, fault, left_out)
        if like and images:  # read as the first is, unless a head or the number of columns tells otherwise
            is_alike = images.shape[1:] == like[0].shape[1:] and not images.table.head
            wanted = like[1] if is_alike else None
        try:
            if images:
                pixels, names, place, in_doubt, told = _read(images, labels, wanted)
                about = about or {"labels_at": place if in_doubt else None, "told": told}
                like = like or (images, place)
                read[part] = images, pixels, None if names is None else _class_names(names)
        except ValueError as error:
            _refuse(images, str(error), left_out)
    if not read:
        raise BadInput(f"{found[0].file}: {EXPECTED}, found none of images; {'; '.join(left_out)}")
    items, where = _items(read, left_out, about, form)
    return items, where, left_out, about


def _misfit(labels, images):
    """Return why labels are not those of images, or None."""
    if not images or len(images) != len(labels):
        count = f"{len(images)} labels, one for each image" if images else "their images"
        return f"expected {count}, found {len(labels)}"
    has_own = len(images.shape) == 2 and not columns.image_shape(images.shape[1])
    return "the images have labels of their own" if has_own and not labels.asked_for else None


def _refuse(found, fault, left_out):
    """Raise BadInput on something that was asked for; else leave it out."""
    if found.asked_for:
        raise BadInput(f"{found.file}: {fault}")
    left_out.append(f"{found.file}: {fault}")


def _items(read, left_out, about, form):
    """Return the items, and the names of their parts, of {part: (Found, pixels, names of their classes or None)}."""
    first, pixels, classes_of_training = next(iter(read.values()))
    try:
        about["white"], about["is_dim"], told = _white([pixels for _, pixels, _ in read.values()], form)
    except ValueError as error:
        raise BadInput(f"{first.file}: {error}") from error
    about["kind"], about["told"] = first.kind, [" x ".join(map(str, pixels.shape[1:])), *about["told"], told]
    items, where = [], {}
    for part, (found, pixels, classes) in read.items():
        if classes is None and classes_of_training is not None:
            left_out.append(f"{found.file}: it has no labels")
            continue
        place = Images(pixels, about["white"], found.file)
        items += [(place, number, part, name) for number, name in enumerate(classes or [None] * len(pixels))]
        where[part] = [found.name]
    return items, where


def _read(found, labels, wanted):
    """Return what columns.decide does, of images whose labels are in another array, if there are some.

    Raises:
        ValueError: they are no images.
    """
    pixels, names, told = found.table.numbers, labels and labels.labels, []
    if found.is_one and not labels:
        pixels, told = pixels[None], ["one image"]
    elif len(found.shape) == 2:
        pixels, own_names, *read = columns.decide(found.table, "none" if labels else wanted)
        return pixels, names if labels else own_names, *read
    elif len(found.shape) == 4 and found.shape[1] in (1, 3) and found.shape[3] > MOST_CHANNELS:
        pixels, told = pixels.transpose(0, 2, 3, 1), ["channels before rows"]
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] > MOST_CHANNELS):
        raise ValueError(f"expected images, (count, rows, columns, channels), found {pixels.shape}")
    return pixels, names, "none", False, told


def _white(arrays, form):
    """Return the value that is white in arrays of images, whether that is in doubt, and a phrase on it."""
    if others := [array.dtype for array in arrays if array.dtype.kind not in "biuf"]:
        raise ValueError(f"expected images of numbers, found {others[0]}")
    leasts, greatests = zip(*((float(array.min()), float(array.max())) for array in arrays), strict=True)
    least, greatest = min(leasts), max(greatests)
    are_fractions = arrays[0].dtype.kind == "f" and greatest <= 1 + BEYOND
    known = form and (form.white or WHITE)
    if known and 0 <= least <= greatest <= known * (1 + BEYOND) and (known <= 1 or not are_fractions):
        return known, False, ""
    white, is_dim = white_of(least, greatest)
    if any(0 < each * DIM < white for each in greatests):
        raise ValueError(f"expected one range of pixels, found some to {min(greatests):g}, others to {greatest:g}")
    return white, is_dim, f"pixels {least:g} to {greatest:g}"


def _class_names(labels):
    """Return the names of the classes of labels, numbers or texts, as a list."""
    if labels.dtype.kind == "U":
        return labels.tolist()
    is_number = labels.dtype.kind in "biuf"
    if not (is_number and labels.min() >= 0 and labels.max() < LARGEST_LABEL and (labels.astype(int) == labels).all()):
        raise ValueError("expected labels as whole numbers of 0 or more, or as texts, found others")
    return list(map(str, labels.astype(int).tolist()))
