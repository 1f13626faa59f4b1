"""Images and labels as the scripts use them: read, checked against each other, and split for validation."""

import re
from dataclasses import dataclass, replace

import numpy as np

from utilities.data import idx
from utilities.data.names import NAMES_FILE, read_names
from utilities.errors import BadInput
from utilities.terminal.console import say

VALIDATION_SHARE = 0.1
RANKS = {"images": (3, 4), "labels": (1,)}
MOST_CHANNELS = 4
# Numbers in a row of QMNIST's labels, int32: the class, then where the digit comes from.
QMNIST_COLUMNS = 8
# ImageNet's, the largest common set, are as many. More labels than that are rather the images' numbers.
MOST_CLASSES = 1000


@dataclass(frozen=True)
class LabelledImages:
    """Images with the class of each.

    Attributes:
        images: uint8, (count, rows, columns, channels).
        targets: int64, (count,); the position of each image's label in ``classes``.
        classes: the labels that the training set has, ascending, (classes,).
        names: what each class is called; its label where no name is known.
    """

    images: np.ndarray
    targets: np.ndarray
    classes: np.ndarray
    names: tuple[str, ...]


def read_images(path):
    """Return the images of an IDX file to learn from, uint8 in (count, rows, columns, channels), 0 black and 255 white.

    A file of (count, rows, columns) has a single channel. What is memory-mapped stays so.

    Raises:
        BadInput: no IDX file, not one of images of unsigned bytes, or images that are all alike.
    """
    images = _read_images(path)
    if len(images) > 1 and all(np.array_equal(image, images[0]) for image in images):
        raise BadInput(f"{path}: nothing to learn: its {len(images)} images are all alike")
    return images


def _read_images(path):
    images = idx.read(path)
    _check_rank(path, images, "images")
    if images.dtype != np.uint8:
        raise BadInput(f"{path}: expected images as unsigned bytes, found {images.dtype.name}")
    images = images[..., np.newaxis] if images.ndim == RANKS["images"][0] else images
    _, rows, columns, channels = images.shape
    if 0 in (rows, columns):
        raise BadInput(f"{path}: expected images, found sides of {rows} x {columns} pixels")
    if not 1 <= channels <= MOST_CHANNELS:
        raise BadInput(f"{path}: expected images of 1 to {MOST_CHANNELS} channels, found {channels}")
    return images


def _read_labels(path):
    """Return the labels of an IDX file, integers of any type, (count,)."""
    labels = idx.read(path)
    if labels.shape[1:] == (QMNIST_COLUMNS,) and labels.dtype.name == "int32":
        labels = labels[:, 0]
    _check_rank(path, labels, "labels")
    if labels.dtype.kind == "f":
        raise BadInput(f"{path}: expected labels as whole numbers, found {labels.dtype.name}")
    if labels.min() < 0:
        raise BadInput(f"{path}: expected labels of 0 or more, found {labels.min()}")
    return labels.astype(labels.dtype.newbyteorder("="))


def _check_rank(path, array, what):
    """Check that an array has the rank of images or labels, and is not empty."""
    if array.ndim not in RANKS[what]:
        names = {rank: f"{name} ({_dimensions(rank)})" for name, ranks in RANKS.items() for rank in ranks}
        found = names.get(array.ndim, _dimensions(array.ndim))
        raise BadInput(f"{path}: expected {what} ({_dimensions(*RANKS[what])}), found {found}")
    if len(array) == 0:
        raise BadInput(f"{path}: expected {what}, found none")


def _dimensions(*ranks):
    return "1 dimension" if ranks == (1,) else f"{' or '.join(map(str, ranks))} dimensions"


def _read_pair(read, images_path, labels_path):
    images, labels = read(images_path), _read_labels(labels_path)
    if len(images) != len(labels):
        raise BadInput(
            f"{labels_path}: expected {len(images)} labels, one for each image of {images_path}, found {len(labels)}"
        )
    return images, labels


def read_training_set(images_path, labels_path):
    """Return the labelled training images; their classes are the labels found, and labels.txt beside them names these.

    Raises:
        BadInput: a bad file, counts that differ, images all alike, a single class, or more than MOST_CLASSES.
    """
    images, labels = _read_pair(read_images, images_path, labels_path)
    classes = np.unique(labels)
    if len(classes) < 2:
        raise BadInput(f"{labels_path}: expected 2 or more classes, found only the label {classes[0]}")
    if len(classes) > MOST_CLASSES:
        raise BadInput(
            f"{labels_path}: expected at most {MOST_CLASSES} classes, found {len(classes)} different labels; "
            "a label names the image's class, and most classes have many images"
        )
    names = read_names(labels_path.parent / NAMES_FILE, classes)
    return LabelledImages(images, np.searchsorted(classes, labels), classes, names)


def read_test_set(images_path, labels_path, training):
    """Return the labelled test images, with the classes of the training set.

    Args:
        training: the LabelledImages of the training set.

    Raises:
        BadInput: a bad file, counts that differ, other sides or channels, or a label that the training set lacks.
    """
    images, labels = _read_pair(_read_images, images_path, labels_path)
    if images.shape[1:] != training.images.shape[1:]:
        are_grey = images.shape[3] == training.images.shape[3] == 1
        shapes = (each.shape[1 : 3 if are_grey else 4] for each in (training.images, images))
        expected, found = (" x ".join(map(str, shape)) for shape in shapes)
        raise BadInput(f"{images_path}: expected images of {expected} pixels as in the training set, found {found}")
    unknown = np.setdiff1d(labels, training.classes)
    if len(unknown):
        raise BadInput(f"{labels_path}: the label {unknown[0]} does not occur in the training set")
    return replace(training, images=images, targets=np.searchsorted(training.classes, labels))


def few_of(labelled, count, seed):
    """Return so many of LabelledImages, of each class alike, chosen by the seed; all of them where ``count`` is None.

    A class that has fewer gives all that it has.

    Raises:
        BadInput: fewer than one for each class, or more than there are.
    """
    if count is None:
        return labelled
    classes, all_of_them = len(labelled.classes), len(labelled.images)
    if not classes <= count <= all_of_them:
        raise BadInput(f"--labels: expected {classes}, one for each class, to {all_of_them}, found {count}")
    shuffled = np.random.default_rng(seed).permutation(all_of_them)
    targets, ranks = labelled.targets[shuffled], np.empty(all_of_them, int)
    for target in range(classes):
        ranks[targets == target] = np.arange(np.count_nonzero(targets == target))
    chosen = np.sort(shuffled[np.argsort(ranks, kind="stable")[:count]])
    return replace(labelled, images=labelled.images[chosen], targets=labelled.targets[chosen])


def read_classes_beside(images_path, count):
    """Return the class of each of ``count`` images, int64, and the classes' names, by the labels of the usual name.

    Without such labels there are no names; ones that do not fit are passed over, and that is said.
    """
    path = images_path.with_name(re.sub(r"images([-.])idx3", r"labels\1idx1", images_path.name))
    if path == images_path or not idx.exists(path):
        return np.zeros(count, int), ()
    try:
        labels = _read_labels(path)
        if len(labels) != count:
            raise BadInput(f"{path}: expected {count} labels, one for each image, found {len(labels)}")
    except BadInput as fault:
        say(f"no classes: {fault}")
        return np.zeros(count, int), ()
    classes, targets = np.unique(labels, return_inverse=True)
    return targets, read_names(path.with_name(NAMES_FILE), classes)


@dataclass(frozen=True)
class Split:
    """The ascending indices of the images to train on, and of those held out for validation."""

    training: np.ndarray
    validation: np.ndarray


def split_for_validation(count, seed, targets=None):
    """Return the Split of ``count`` images that holds out a tenth, chosen by the seed; each part has an image or more.

    Args:
        targets: class of each image, (count,): a tenth of each class is held out then, and the only image of a class
            is trained on. None where there are no classes.

    Raises:
        BadInput: fewer than 2 images cannot be split.
    """
    if count < 2:
        raise BadInput(f"expected 2 or more training images, one of them for validation, found {count}")
    random = np.random.default_rng(seed)
    held_out = np.zeros(count, bool)
    if targets is None:
        held_out[random.permutation(count)[: _tenth(count)]] = True
    else:
        for target, number in enumerate(_numbers_held_out(np.bincount(targets), random)):
            held_out[random.permutation(np.flatnonzero(targets == target))[:number]] = True
    return Split(training=np.flatnonzero(~held_out), validation=np.flatnonzero(held_out))


def _tenth(count):
    return max(1, round(count * VALIDATION_SHARE))


def _numbers_held_out(sizes, random):
    """Return how many images of each class are held out, (classes,), by largest remainders; chance decides ties.

    Args:
        sizes: how many images each class has, (classes,).
    """
    if sizes.max() == 1:
        say("each class has a single image: one class is held out for validation, and not trained on")
    divided = np.where(sizes > 1, sizes, 0)
    shares = divided * _tenth(divided.sum()) / max(1, divided.sum())
    numbers = shares.astype(int)
    by_remainder = np.lexsort((random.random(len(sizes)), numbers - shares))
    numbers[by_remainder[: _tenth(divided.sum()) - numbers.sum()]] += 1
    return numbers


def spread(values, most):
    """Return some values of an array, spread over all, as a list; all where there are no more than that."""
    places = np.linspace(0, len(values) - 1, min(most, len(values)))
    return values[places.round().astype(int)].tolist()


def describe(images, split):
    """Return a line on images, (count, rows, columns, channels), and their Split."""
    count, rows, columns, channels = images.shape
    pixels = f"{rows} x {columns} pixels" + (f" in {channels} channels" if channels > 1 else "")
    parts = f"{len(split.training)} to train on, {len(split.validation)} for validation"
    return f"{count} images of {pixels}: {parts}"
