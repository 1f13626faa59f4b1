"""The picture of a confusion matrix."""

import numpy as np

from utilities.record.pictures import NUMBER_CHARACTERS, class_names, subplots

CLASS_CHARACTERS = 20  # of a class's name
CHARACTER = 0.08  # the width of one, in inches
POINTS_PER_INCH = 72
SMALLEST_TEXT = 4.5  # in points
DIGIT_WIDTH, LINE_HEIGHT = 0.7, 1.2  # for each point of a text's size, with some space around
LARGEST_MATRIX, MATRIX_SHARE = 14, 0.85  # the picture, in inches, and the matrix's own share of that
LABELLED_SHARES = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1)


def draw_confusion(results):
    """Draw the confusion matrix: colour shows each row's shares, the numbers are images, where its cells hold them."""
    confusion = results.confusion
    side = np.clip(0.5 * len(confusion), 5, LARGEST_MATRIX)
    names = class_names(results, CLASS_CHARACTERS)
    room = CHARACTER * max(0, max(map(len, names)) - NUMBER_CHARACTERS)
    figure, axis = subplots("confusion matrix, in images of the test set", figsize=(side + 1 + room, side + room))
    share = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    image = axis.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)  # the root shows small shares too
    cell = MATRIX_SHARE * side * POINTS_PER_INCH / len(confusion)
    size = min(8, cell / (DIGIT_WIDTH * len(str(confusion.max()))))
    for row, column in np.argwhere(confusion) if size >= SMALLEST_TEXT else ():
        colour = "white" if share[row, column] > 0.25 else "black"
        axis.text(column, row, confusion[row, column], ha="center", va="center", fontsize=size, color=colour)
    _label_classes(axis, names, cell)
    axis.set(xlabel="predicted class", ylabel="true class")
    bar = figure.colorbar(image, label="share of the true class", ticks=np.sqrt(LABELLED_SHARES))
    bar.set_ticklabels([f"{share:.0%}" for share in LABELLED_SHARES])
    return figure


def _label_classes(axis, names, cell):
    """Label the classes on both axes of a confusion matrix, or as many as cells of a width in points have room for."""
    size = 10 if cell >= 10 * LINE_HEIGHT else 8
    steps = (1, 2, 5, 10, 20, 50, 100, len(names))
    step = next(step for step in steps if step * cell >= size * LINE_HEIGHT or step == len(names))
    labels = names[::step]
    wide = DIGIT_WIDTH * size * max(map(len, labels)) > step * cell
    axis.set_xticks(range(0, len(names), step), labels, fontsize=size, rotation="vertical" if wide else "horizontal")
    axis.set_yticks(range(0, len(names), step), labels, fontsize=size)
