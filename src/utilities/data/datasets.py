"""Images and labels as the scripts use them: inspected, checked against each other, read, and split.

As in idx.py, NumPy is imported where arrays are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from utilities.data import idx
from utilities.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

VALIDATION_SHARE = 0.1
RANKS = {"images": 3, "labels": 1}


@dataclass(frozen=True)
class LabelledImages:
    """Images with the class of each.

    Attributes:
        images: uint8, (count, rows, columns).
        targets: int64, (count,); the position of each image's label in ``classes``.
        classes: the labels that the training set has, ascending, (classes,).
    """

    images: np.ndarray
    targets: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class LabelledFiles:
    """The files of LabelledImages, checked; ``classes`` is a list of the labels that the training set has."""

    images: idx.IdxFile
    labels: idx.IdxFile
    classes: list[int]

    @cached_property
    def labelled_images(self):
        """The LabelledImages, read once."""
        import numpy as np

        classes = np.array(self.classes, np.uint8)
        return LabelledImages(self.images.array, np.searchsorted(classes, self.labels.array), classes)


def locate(path):
    """Return ``path``, or ``path.gz`` where only that exists."""
    path = Path(path)
    compressed = Path(f"{path}.gz")
    return compressed if not path.exists() and compressed.exists() else path


def read_image_shape(path):
    """Return the (rows, columns) that the header of an IDX file of images promises.

    Raises:
        BadInput: no IDX file, or not one of images.
    """
    path = locate(path)
    shape = idx.read_shape(path)
    _check_rank(path, len(shape), "images")
    return shape[1:]


def read_images(path):
    """Return the images of an IDX file, uint8 in (count, rows, columns), 0 black and 255 white.

    Raises:
        BadInput: no IDX file, or not one of images of unsigned bytes.
    """
    return inspect_images(path).array


def inspect_images(path):
    """Return the IdxFile of images; what read_images raises, this raises."""
    file = _inspect(path, "images")
    if 0 in file.shape[1:]:
        raise BadInput(f"{file.path}: expected images, found sides of {file.shape[1]} x {file.shape[2]} pixels")
    return file


def _inspect(path, what):
    """Return the IdxFile that there is, checked to be of images or labels."""
    file = idx.inspect(locate(path))
    _check_rank(file.path, len(file.shape), what)
    if file.type != "uint8":
        raise BadInput(f"{file.path}: expected {what} as unsigned bytes, found {file.type}")
    if file.shape[0] == 0:
        raise BadInput(f"{file.path}: expected {what}, found none")
    return file


def _check_rank(path, rank, what):
    if rank != RANKS[what]:
        known = {rank: f"{name} ({_dimensions(rank)})" for name, rank in RANKS.items()}
        raise BadInput(f"{path}: expected {known[RANKS[what]]}, found {known.get(rank, _dimensions(rank))}")


def _dimensions(rank):
    return "1 dimension" if rank == 1 else f"{rank} dimensions"


def read_training_set(images_path, labels_path):
    """Return the labelled training images; their classes are the labels found.

    Raises:
        BadInput: a bad file, counts that differ, or a single class.
    """
    return inspect_training_set(images_path, labels_path).labelled_images


def inspect_training_set(images_path, labels_path):
    """Return the LabelledFiles of the training set; what read_training_set raises, this raises."""
    images, labels = _inspect_pair(images_path, labels_path)
    classes = sorted(set(labels.items()))
    if len(classes) < 2:
        raise BadInput(f"{labels_path}: expected 2 or more classes, found only the label {classes[0]}")
    return LabelledFiles(images, labels, classes)


def read_test_set(images_path, labels_path, training):
    """Return the labelled test images, with the classes of the training set, LabelledImages or LabelledFiles.

    Raises:
        BadInput: a bad file, counts that differ, other image sides or a label that the training set lacks.
    """
    return inspect_test_set(images_path, labels_path, training).labelled_images


def inspect_test_set(images_path, labels_path, training):
    """Return the LabelledFiles of the test set; what read_test_set raises, this raises."""
    images, labels = _inspect_pair(images_path, labels_path)
    if images.shape[1:] != training.images.shape[1:]:
        expected, found = (" x ".join(map(str, a.shape[1:])) for a in (training.images, images))
        raise BadInput(f"{images_path}: expected images of {expected} pixels as in the training set, found {found}")
    unknown = set(labels.items()) - set(training.classes)
    if unknown:
        raise BadInput(f"{labels_path}: the label {min(unknown)} does not occur in the training set")
    return LabelledFiles(images, labels, list(training.classes))


def _inspect_pair(images_path, labels_path):
    images, labels = inspect_images(images_path), _inspect(labels_path, "labels")
    counts = images.shape[0], labels.shape[0]
    if counts[0] != counts[1]:
        raise BadInput(
            f"{labels_path}: expected {counts[0]} labels, one for each image of {images_path}, found {counts[1]}"
        )
    return images, labels


@dataclass(frozen=True)
class Split:
    """The ascending indices of the images to train on, and of those held out for validation."""

    training: np.ndarray
    validation: np.ndarray


def split_for_validation(count, seed):
    """Return the Split of ``count`` images that holds out a tenth, chosen by the seed; each part has an image or more.

    Raises:
        BadInput: fewer than 2 images cannot be split.
    """
    import numpy as np

    held_out = np.zeros(count, bool)
    held_out[np.random.default_rng(seed).permutation(count)[: _count_for_validation(count)]] = True
    return Split(training=np.flatnonzero(~held_out), validation=np.flatnonzero(held_out))


def _count_for_validation(count):
    if count < 2:
        raise BadInput(f"expected 2 or more training images, one of them for validation, found {count}")
    return max(1, round(count * VALIDATION_SHARE))


def describe(images, split):
    """Return a line on images, (count, rows, columns), and their split."""
    count, rows, columns = images.shape
    parts = f"{len(split.training)} to train on, {len(split.validation)} for validation"
    return f"{count} images of {rows} x {columns} pixels: {parts}"
