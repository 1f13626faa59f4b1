"""Images and labels as the scripts use them: read, checked against each other, and split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utilities import idx
from utilities.errors import BadInput

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
    path, images = _read(path, "images")
    if 0 in images.shape[1:]:
        raise BadInput(f"{path}: expected images, found sides of {images.shape[1]} x {images.shape[2]} pixels")
    return images


def read_labels(path):
    """Return the labels of an IDX file, uint8 in (count,).

    Raises:
        BadInput: no IDX file, or not one of labels of unsigned bytes.
    """
    return _read(path, "labels")[1]


def _read(path, what):
    """Return the path of the file that there is, and its array, checked to be images or labels."""
    path = locate(path)
    array = idx.read(path)
    _check_rank(path, array.ndim, what)
    if array.dtype != np.uint8:
        raise BadInput(f"{path}: expected {what} as unsigned bytes, found {array.dtype.name}")
    if len(array) == 0:
        raise BadInput(f"{path}: expected {what}, found none")
    return path, array


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
    images, labels = _read_pair(images_path, labels_path)
    classes = np.unique(labels)
    if len(classes) < 2:
        raise BadInput(f"{labels_path}: expected 2 or more classes, found only the label {classes[0]}")
    return LabelledImages(images, np.searchsorted(classes, labels), classes)


def read_test_set(images_path, labels_path, training):
    """Return the labelled test images, with the classes of the training set.

    Raises:
        BadInput: a bad file, counts that differ, other image sides or a label that the training set lacks.
    """
    images, labels = _read_pair(images_path, labels_path)
    if images.shape[1:] != training.images.shape[1:]:
        expected, found = (" x ".join(map(str, a.shape[1:])) for a in (training.images, images))
        raise BadInput(f"{images_path}: expected images of {expected} pixels as in the training set, found {found}")
    unknown = np.setdiff1d(labels, training.classes)
    if len(unknown):
        raise BadInput(f"{labels_path}: the label {unknown[0]} does not occur in the training set")
    return LabelledImages(images, np.searchsorted(training.classes, labels), training.classes)


def _read_pair(images_path, labels_path):
    images, labels = read_images(images_path), read_labels(labels_path)
    if len(images) != len(labels):
        raise BadInput(
            f"{labels_path}: expected {len(images)} labels, one for each image of {images_path}, found {len(labels)}"
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
    if count < 2:
        raise BadInput(f"expected 2 or more training images, one of them for validation, found {count}")
    held_out = np.zeros(count, bool)
    held_out[np.random.default_rng(seed).permutation(count)[: max(1, round(count * VALIDATION_SHARE))]] = True
    return Split(training=np.flatnonzero(~held_out), validation=np.flatnonzero(held_out))


def describe(images, split):
    """Return a line on images, (count, rows, columns), and their split."""
    count, rows, columns = images.shape
    return (
        f"{count} images of {rows} x {columns} pixels: "
        f"{len(split.training)} to train on, {len(split.validation)} for validation"
    )
