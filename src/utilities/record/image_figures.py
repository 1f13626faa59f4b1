"""Pictures of images: beside their reconstructions, their neighbours, what a classifier takes them for.

Channels are what PNG files have: 1 is grey, 3 are red, green and blue, and after either one more may say how opaque a
pixel is. Grey is drawn as ink on paper, colours as they are.
"""

import math

import numpy as np

from utilities.data.batches import WHITE
from utilities.data.datasets import spread
from utilities.record.pictures import GREEN, NUMBER_CHARACTERS, ORANGE, class_names, legible, subplots

EXAMPLES = 12
COLOURS = 3  # red, green, blue
NEIGHBOURS = 8
LABEL_CHARACTERS = 30
TITLE_CHARACTERS = 14  # of a class's name above a prediction


def draw_reconstructions(images, reconstructions, title):
    """Draw images, (count, rows, columns, channels), above their reconstructions of the same shape, in [0, 1]."""
    figure, axes = subplots(title, 2, len(images), figsize=(max(5, len(images)), 2.6), squeeze=False)
    rows = {"originals": images, "reconstructions": reconstructions}
    for in_row, (name, of_row) in zip(axes, rows.items(), strict=True):
        in_row[0].set_title(name, loc="left", fontsize=9)
        for axis, image in zip(in_row, of_row, strict=True):
            draw_image(axis, image)
    return figure


def draw_neighbours(images, others, codes, other_codes, title):
    """Draw images, each in a row before those of the others whose codes are nearest to its own.

    Args:
        images, others: uint8, (count, rows, columns, channels).
        codes, other_codes: of these, (count, ...).
    """
    codes, other_codes = (some.reshape(len(some), -1) for some in (codes, other_codes))
    title = f"images held out, and the nearest of {len(others):,} training images by code: {title}"
    columns = min(NEIGHBOURS, len(others))
    figure, axes = subplots(title, len(images), columns + 1, figsize=(columns + 1, len(images) + 0.6), squeeze=False)
    for in_row, image, code in zip(axes, images, codes, strict=True):
        nearest = np.square(other_codes - code).sum(axis=1).argsort(kind="stable")[:columns]
        for axis, neighbour in zip(in_row, [image, *others[nearest]], strict=True):
            draw_image(axis, neighbour)
        for side in in_row[0].spines.values():
            side.set(color=ORANGE, linewidth=2)
    return figure


def draw_captioned(images, captions, title):
    """Draw images, uint8 in (count, rows, columns, channels), each below the lines of its caption."""
    columns = min(6, len(images))
    rows = math.ceil(len(images) / columns)
    figure, axes = subplots(title, rows, columns, figsize=(max(5, 1.8 * columns), 2 * rows + 0.6), squeeze=False)
    for axis in axes.flat[len(images) :]:
        axis.axis("off")
    for axis, image, caption in zip(axes.flat, images, captions, strict=False):
        draw_image(axis, image)
        axis.set_title("\n".join(legible(line, LABEL_CHARACTERS) for line in caption.split("\n")), fontsize=9)
    return figure


def draw_examples(results, images):
    """Draw up to 12 correct and 12 incorrect predictions, with their probabilities.

    Args:
        images: (count, rows, columns, channels).
    """
    names = class_names(results, TITLE_CHARACTERS)
    between = ", " if max(map(len, names)) <= NUMBER_CHARACTERS else "\n"
    title = "predictions (and their probability) on the test set: correct above, incorrect below"
    figure, axes = subplots(title, 4, 6, figsize=(10, 7.5))
    for half, chosen in zip((axes[:2], axes[2:]), (results.correct, ~results.correct), strict=True):
        indices = spread(chosen.nonzero()[0], EXAMPLES)
        for axis, index in zip(half.flat, indices, strict=False):
            draw_image(axis, images[index])
            predicted, correct = results.predictions[index], results.correct[index]
            text = f"{names[predicted]} ({results.probabilities[index, predicted]:.0%})"
            text += "" if correct else f"{between}is {names[results.targets[index]]}"
            axis.set_title(text, fontsize=10, color=GREEN if correct else ORANGE)
        for axis in half.flat[len(indices) :]:
            axis.axis("off")
    return figure


def draw_image(axis, image):
    """Draw an image, uint8 or in [0, 1], (rows, columns, channels)."""
    axis.imshow(visible(image), cmap="gray_r", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])


def visible(image):
    """Return what is seen of an image, uint8 or in [0, 1]: (rows, columns, 1) of ink, or colours, in [0, 1]."""
    image = image / WHITE if image.dtype == np.uint8 else image
    return image if image.shape[-1] >= COLOURS else image.prod(axis=-1, keepdims=True)
