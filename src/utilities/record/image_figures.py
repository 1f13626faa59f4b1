"""Pictures of images: beside their reconstructions, their neighbours, what a classifier takes them for.

Channels are what PNG files have: 1 is grey, 3 are red, green and blue, and after either one more may say how opaque a
pixel is. Grey is drawn as ink on paper, colours as they are.
"""

import itertools
import math
import textwrap

import numpy as np
from matplotlib.patches import Rectangle

from utilities.data.batches import WHITE
from utilities.data.datasets import spread
from utilities.record.pictures import GREEN, ORANGE, legible, subplots

EXAMPLES = 12
COLOURS = 3  # red, green, blue
INK = {"cmap": "gray_r", "vmin": 0, "vmax": 1}  # how imshow draws grey; colours it draws as they are
GAP = 0.1  # between the images of a grid, as a share of their shorter side
NEIGHBOURS = 8
IN_A_ROW = 6  # images with captions
LABEL_CHARACTERS, LONGEST_LINE = 40, 120  # of a class's name in a caption, and of a line before it is folded
CAPTION_CHARACTERS, COLUMN_CHARACTERS = 26, 16  # in a line below an image, and below a column of them


def draw_rows(rows, title, captions=(), **options):
    """Draw rows of images, {name: (count, rows, columns, channels), uint8 or in [0, 1]}, each behind its name.

    Where a row has fewer than another, it ends before that. The options are imshow's, where others than INK are wanted.

    Args:
        captions: lines for below each column, or none.
    """
    count = max(map(len, rows.values()))
    below = [_folded(caption, COLUMN_CHARACTERS) for caption in captions]
    height = len(rows) + 0.4 + 0.11 * max((text.count("\n") + 1 for text in below), default=0)
    figure, axis = subplots(title, figsize=(max(5, count + 1), height))
    shown = [visible(images) for images in rows.values()]
    ends = [[(0, count - len(images)), (0, 0), (0, 0), (0, 0)] for images in shown]
    padded = [np.pad(images, end, constant_values=np.nan) for images, end in zip(shown, ends, strict=True)]
    draw_grid(axis, np.concatenate(padded), count, **INK | options)
    top, bottom = sorted(axis.get_ylim())
    axis.set_yticks(top + (bottom - top) * (np.arange(len(rows)) + 0.5) / len(rows), rows, fontsize=9)
    left, right = axis.get_xlim()
    axis.set_xticks(left + (right - left) * (np.arange(len(below)) + 0.5) / count, below, fontsize=7)
    axis.tick_params(left=False, bottom=False)
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
    distances = (np.square(other_codes - code).sum(axis=1) for code in codes)
    nearest = [distance.argsort(kind="stable")[:columns] for distance in distances]
    rows = np.concatenate([images[:, None], others[nearest]], axis=1)
    figure, axis = subplots(title, figsize=(columns + 1, len(images) + 0.6))
    _, frames = draw_grid(axis, visible(rows.reshape(-1, *images.shape[1:])), columns + 1, **INK)
    for frame in frames[:: columns + 1]:
        frame.set(edgecolor=ORANGE, linewidth=2)
    return figure


def draw_captioned(images, captions, title):
    """Draw images, uint8 in (count, rows, columns, channels), each above the lines of its caption."""
    columns = min(IN_A_ROW, len(images))
    figure, axes = _captioned_subplots(title, math.ceil(len(images) / columns), columns)
    _fill(axes.flat, images, captions)
    return figure


def draw_examples(results, images):
    """Draw up to 12 correct and 12 incorrect predictions, with their probabilities.

    Args:
        images: (count, rows, columns, channels).
    """
    title = "predictions (and their probability) on the test set: correct above, incorrect below"
    figure, axes = _captioned_subplots(title, 2 * EXAMPLES // IN_A_ROW, IN_A_ROW)
    for half, is_correct in zip(np.split(axes, 2), (True, False), strict=True):
        indices = spread(np.flatnonzero(results.correct == is_correct), EXAMPLES)
        captions = []
        for index in indices:
            predicted, true = (results.names[each[index]] for each in (results.predictions, results.targets))
            captions.append(as_caption(predicted, results.probabilities[index].max(), None if is_correct else true))
        _fill(half.flat, images[indices], captions, color=GREEN if is_correct else ORANGE)
    return figure


def as_caption(predicted, probability, true=None):
    """Return in words what an image is taken for, and what it is where that is something else."""
    told = f"{legible(predicted, LABEL_CHARACTERS)} ({100 * probability:.0f} %)"
    return told if true is None else f"taken for {told}, is {legible(true, LABEL_CHARACTERS)}"


def _captioned_subplots(title, rows, columns):
    return subplots(title, rows, columns, figsize=(max(5, 1.8 * columns), 2 * rows + 0.6), squeeze=False)


def _fill(axes, images, captions, **options):
    """Draw images and their captions in some of the axes; the options are those of a text."""
    for axis, image, caption in itertools.zip_longest(axes, images, captions):
        if image is None:
            axis.axis("off")
            continue
        draw_image(axis, image)
        axis.set_xlabel(_folded(caption, CAPTION_CHARACTERS), fontsize=8, **options)


def _folded(caption, width):
    """Return the lines of a caption, folded to a width in characters."""
    lines = (textwrap.wrap(legible(line, LONGEST_LINE), width) for line in caption.split("\n"))
    return "\n".join(itertools.chain.from_iterable(lines))


def draw_image(axis, image):
    """Draw an image, uint8, (rows, columns, channels)."""
    axis.imshow(visible(image), **INK)
    axis.set(xticks=[], yticks=[])


def draw_grid(axis, images, columns, **options):
    """Draw images side by side in one axis, of which each takes 25 ms to draw; return the AxesImage, and a frame each.

    Args:
        images: (count, rows, columns, channels), as imshow takes one; the place of one of NaN is left free.
        columns: images in a row.
        options: of imshow.
    """
    count, height, width, channels = images.shape
    gap, rows = max(1, round(GAP * min(height, width))), math.ceil(count / columns)
    down, across = height + gap, width + gap
    paper = 1 if channels >= COLOURS else np.nan  # which no colour map colours
    cells = np.full((rows * columns, down, across, channels), paper, np.float32)
    there = np.flatnonzero(~np.isnan(images).all(axis=(1, 2, 3)))
    cells[there, :height, :width] = images[there]
    sheet = cells.reshape(rows, columns, down, across, channels).swapaxes(1, 2)
    image = axis.imshow(sheet.reshape(rows * down, columns * across, channels)[:-gap, :-gap], **options)
    axis.set(xticks=[], yticks=[], frame_on=False, anchor="N")
    corners = [(column * across - 0.5, row * down - 0.5) for row in range(rows) for column in range(columns)]
    frames = [Rectangle(corners[at], width, height, fill=False, linewidth=0.8, clip_on=False) for at in there]
    return image, [axis.add_patch(frame) for frame in frames]


def visible(image):
    """Return what is seen of images, uint8 or in [0, 1], (..., rows, columns, channels).

    Returns:
        (..., rows, columns, 1) of ink, or colours, in [0, 1].
    """
    image = image / np.float32(WHITE) if image.dtype == np.uint8 else image
    return image if image.shape[-1] >= COLOURS else image.prod(axis=-1, keepdims=True)
