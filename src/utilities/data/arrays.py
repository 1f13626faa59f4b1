"""Images and labels in the arrays of IDX, .npy, .npz and CSV files: what they are is told from shapes and names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utilities import crashes
from utilities.data import idx
from utilities.data.datasets import MOST_CHANNELS, QMNIST_COLUMNS
from utilities.data.parts import IN_ORDER, TRAINING, part_of
from utilities.data.pictures import from_array
from utilities.data.tables import Table, read_table, tell_columns
from utilities.data.values import BEYOND, DIM, as_bytes, white_of
from utilities.errors import BadInput
from utilities.limits import available_memory
from utilities.text import gigabytes, printable

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
    """An array of any rank that was found, with what else is known of a table; what it lies in, and is called."""

    table: Table
    file: str
    kind: str
    name: str
    part: str

    @property
    def shape(self):
        """Of the array."""
        return self.table.numbers.shape

    @property
    def are_labels(self):
        """Whether it is labels, by its shape: QMNIST's have more columns than one."""
        is_qmnist = self.shape[1:] == (QMNIST_COLUMNS,) and self.table.numbers.dtype.name == "int32"
        return is_qmnist or self.shape[1:] in ((), (1,))


def find_arrays(place, name):
    """Return a Found for each array in a file; raise BadInput where it is bad, or one has no items."""
    is_table, file = name.lower().endswith(TABLES), Path(name).name
    kind = "CSV" if is_table else NUMPY if name.lower().endswith(SUFFIXES) else "IDX"
    found = []
    for key, table in _load(place, name).items():
        found.append(Found(table, place.title(name), kind, key or file, part_of(f"{file} {key}") or TRAINING))
        if not found[-1].shape or 0 in found[-1].shape:
            raise _another(found[-1])
    if not found:
        raise BadInput(f"{place.title(name)}: {EXPECTED}, found none")
    return found


def _another(found):
    return BadInput(f"{found.file}: {EXPECTED}, found another, {printable(found.name)} {found.shape}")


def _load(place, name):
    """Return the Tables of a file, {name: Table}, mapped from the disk where that can be."""
    title = place.title(name)
    with place.at(name) as path:
        try:
            if name.lower().endswith(TABLES):
                return {"": read_table(path, title)}
            if not name.lower().endswith(SUFFIXES):
                return {"": Table(idx.read(path))}
            return {key: Table(np.asarray(array)) for key, array in _load_numpy(path, title).items()}
        except BadInput as fault:
            raise BadInput(str(fault).replace(str(path), title)) from fault


def _load_numpy(path, title):
    """Return the arrays of a .npz file, {name: array}, or that of a .npy file, which is mapped.

    No Python objects are read: they could run anything.
    """
    try:
        crashes.note_mapped(path)
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"": loaded}
        with loaded:
            size, available = sum(member.file_size for member in loaded.zip.infolist()), available_memory()
            if size > available:
                raise MemoryError(f"they take {gigabytes(size)} of memory, and there are {gigabytes(available)}")
            return dict(loaded)
    except Exception as error:  # a damaged header may raise anything
        fault = printable(" ".join(str(error).split()), 100)
        raise BadInput(f"{title}: not arrays of numbers that can be read: {fault}") from error


# --- what they are


def decide(found, beside=(), wanted=None, white=None, fits=False):
    """Tell the images from the labels among the Found of what was asked for, and of what lies beside, if that fits.

    Args:
        wanted: where a table has its labels; None: where they seem to be.
        white: the value of the pixels that is white; None: as their range tells.
        fits: whether white is only that where the pixels' range fits it.

    Returns:
        Of each image, the Images that it lies in, its number there, its part of the set, and its class or None; what
        the parts are called, {part: names}; phrases on what is left out; and what else a sources.Source has, by name.

    Raises:
        BadInput: too few arrays or too many, counts that differ, or numbers that are no pixels or no labels.
    """
    left_out, items = [], []
    for each in sorted(beside, key=lambda each: each.are_labels):
        try:
            _told_apart([*found, each], wanted)
            found = [*found, each]
        except BadInput as fault:
            left_out.append(str(fault))
    read, about = _told_apart(found, wanted)
    try:
        about["white"], about["is_dim"], told = _white([pixels for _, pixels, _ in read], white, fits)
    except ValueError as error:
        raise BadInput(f"{found[0].file}: {error}") from error
    about["told"] = [" x ".join(map(str, read[0][1].shape[1:])), *about["told"], told]
    for images, pixels, classes in read:
        place = Images(pixels, about["white"], images.file)
        items += [(place, number, images.part, of_class) for number, of_class in enumerate(classes)]
    return items, {images.part: [images.name] for images, *_ in read}, left_out, about


def _told_apart(found, wanted):
    """Return of each part of a set its Found, pixels and classes; and what a sources.Source has, by name."""
    taken, read, about = {}, [], {}
    for each in found:
        if taken.setdefault((each.part, each.are_labels), each) is not each:
            raise _another(each)
    if all(are_labels for _, are_labels in taken):
        raise BadInput(f"{found[0].file}: {EXPECTED}, found none of images")
    for part in IN_ORDER:
        images, labels = taken.get((part, False)), taken.get((part, True))
        count = images.shape[0] if images else 0
        if labels and count != labels.shape[0]:
            raise BadInput(f"{labels.file}: expected {count} labels, one for each image, found {labels.shape[0]}")
        if read and images:  # it is read as the first is, unless a head or the number of columns tells otherwise
            is_alike = images.shape[1:] == read[0][0].shape[1:] and not images.table.head
            wanted = about["labels_at"] if is_alike else None
        if images:
            try:
                pixels, classes, *told = _read(images, labels, wanted)
            except ValueError as error:
                raise BadInput(f"{images.file}: {error}") from error
            read.append((images, pixels, classes))
            about = about or dict(zip(("labels_at", "in_doubt", "told"), told, strict=True))
    return read, about | {"kind": read[0][0].kind}


def _read(images, labels, wanted):
    """Return pixels, a class or None for each image, and what tables.tell_columns does, the column None in no table.

    Raises:
        ValueError: they are no images, or the labels none.
    """
    pixels, told, own, about = images.table.numbers, [], None, (None, False)
    if _is_one(images) and not labels:
        pixels, told = pixels[None], ["one image"]
    elif pixels.ndim == 2:
        pixels, own, *about, told = tell_columns(images.table, wanted)
    elif pixels.ndim == 4 and pixels.shape[1] in (1, 3) and pixels.shape[3] > MOST_CHANNELS:
        pixels, told = pixels.transpose(0, 2, 3, 1), ["channels before rows"]
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] > MOST_CHANNELS):
        raise ValueError(f"expected images, (count, rows, columns, channels), found {pixels.shape}")
    if labels and own is not None:
        raise BadInput(f"{labels.file}: the images have labels of their own")
    names = own if not labels else labels.table.column(0) if labels.shape[1:] else labels.table.numbers
    return pixels, [None] * len(pixels) if names is None else _class_names(names), *about, told


def _is_one(found):
    """Tell whether an array is rather one image than many: its sides are alike, and no axis counts others."""
    sides, channels = found.shape[:2], found.shape[2:]
    alike = len(sides) == 2 and min(sides) > 4 and max(sides) <= LONGEST * min(sides)
    return found.kind == NUMPY and alike and channels in ((), (1,), (3,), (4,))


def _white(arrays, wanted, fits):
    """Return the value that is white in arrays of images, whether that is in doubt, and a phrase on it."""
    if others := [array.dtype for array in arrays if array.dtype.kind not in "biuf"]:
        raise ValueError(f"expected images of numbers, found {others[0]}")
    least, greatests = min(float(array.min()) for array in arrays), [float(array.max()) for array in arrays]
    greatest = max(greatests)
    white, is_dim = white_of(least, greatest)
    if any(0 < each * DIM < white for each in greatests):
        raise ValueError(f"expected one range of pixels, found some to {min(greatests):g}, others to {greatest:g}")
    if fits:  # fractions up to 1 are none of a larger white
        are_fractions = arrays[0].dtype.kind == "f" and greatest <= 1 + BEYOND
        wanted = wanted if 0 <= least <= greatest <= wanted * (1 + BEYOND) and (wanted <= 1 or not are_fractions) else 0
    elif wanted and greatest > wanted * (1 + BEYOND):
        raise ValueError(f"--brightest {wanted:g}: it is not the white of pixels up to {greatest:g}")
    return wanted or white, is_dim and not wanted, f"pixels {least:g} to {greatest:g}"


def _class_names(labels):
    """Return the names of the classes of labels, numbers or texts, as a list."""
    if labels.dtype.kind == "U":
        return labels.tolist()
    is_number = labels.dtype.kind in "biuf"
    if not (is_number and labels.min() >= 0 and labels.max() < LARGEST_LABEL and (labels.astype(int) == labels).all()):
        raise ValueError("expected labels as whole numbers of 0 or more, or as texts, found others")
    return list(map(str, labels.astype(int).tolist()))
