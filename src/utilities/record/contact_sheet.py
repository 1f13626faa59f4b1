"""A picture of some images of each class with its name: inverted, turned or mislabelled sets are seen in it."""

import gzip
import math

import matplotlib.pyplot as plt
import numpy as np

from utilities.data import idx
from utilities.data.datasets import spread
from utilities.record.conversion import IMAGES
from utilities.record.image_figures import draw_rows
from utilities.record.pictures import as_png, legible

MOST_CLASSES, EXAMPLES = 40, 12
LARGEST_SIDE = 128  # of an image in the picture, in pixels
LONGEST_NAME = 18
AS_VALUES = {"cmap": "gray", "vmin": 0, "vmax": 1}  # where draw_rows would draw ink on paper


def draw_contact_sheet(source, form, folder):
    """Return a PNG with a row of images for each class of a sources.Source that was converted to a Form in a folder.

    They are training images as they are in the IDX file, 0 black.
    """
    labels = source.labels[~source.is_test]
    classes = source.class_names or {0: f"{len(labels):,} pictures"}
    found = [label for label in classes if label in labels][:MOST_CLASSES]
    examples = {label: spread(np.flatnonzero(labels == label), EXAMPLES) for label in found}
    images = _read(folder / IMAGES[False], sorted(index for some in examples.values() for index in some), form)
    step = -(-max(form.rows, form.columns) // LARGEST_SIDE)
    rows = {}
    for label, indices in examples.items():
        name = classes[label] if classes[label] == str(label) or not source.class_names else f"{label} {classes[label]}"
        rows[legible(name, LONGEST_NAME)] = np.stack([images[index][::step, ::step] for index in indices])
    figure = draw_rows(rows, "as the networks see them; MNIST's ink is light on dark", **AS_VALUES)
    try:
        return as_png(figure)
    finally:
        plt.close(figure)


def _read(path, indices, form):
    """Return images of an IDX file, {index: (rows, columns, channels)}; others are not kept. The indices ascend."""
    size, header = math.prod(form.shape), len(idx.header(np.uint8, (0, *form.shape)))
    images = {}
    with gzip.open(path) as file:
        for index in indices:
            file.seek(header + index * size)
            images[index] = np.frombuffer(file.read(size), np.uint8).reshape(form.rows, form.columns, -1)
    return images
