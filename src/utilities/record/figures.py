"""What the pictures show: histories, comparisons, images and codes, kernels, predictions."""

import itertools
import math
import re
import textwrap

import numpy as np

from utilities.record.pictures import legible, subplots

# Okabe and Ito's colours, told apart by the colour-blind too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
EXAMPLES = 12
THUMBNAIL = 0.04  # share of the map's side that an image takes
WHITE = 255
TITLE_CHARACTERS = 11  # for each inch of a figure's width
LABEL_CHARACTERS, AXIS_CHARACTERS = 30, 60  # of a label below an axis, and of all of them side by side
AXIS_LABELS = 30
KERNELS = 128
POINTS_PER_INCH = 72
SMALLEST_TEXT = 4.5  # in points
DIGIT_WIDTH, LINE_HEIGHT = 0.7, 1.2  # for each point of a text's size, with some space around
LARGEST_MATRIX, MATRIX_SHARE = (
    14,
    0.85,
)  # of a confusion matrix: the picture's side in inches, and its own share of that
LABELLED_SHARES = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1)
SMALLEST_SPREAD = 4  # the largest value over the smallest, for a logarithmic axis to help


def draw_history(history, title):
    """Draw loss, accuracy where there is one, and the learning rate, against epochs, one below the other."""
    metrics = [name for name in ("loss", "accuracy") if name in history[0]]
    units = {"loss": "cross-entropy in nats" if "accuracy" in metrics else "mean squared error of pixels in [0, 1]"}
    rows = len(metrics) + 1
    figure, axes = subplots(rows, figsize=(8, 2 + 3 * len(metrics)), sharex=True, height_ratios=[3] * (rows - 1) + [1])
    epochs = np.arange(1, len(history) + 1)
    for axis, metric in zip(axes, metrics, strict=False):
        axis.plot(epochs, [row[metric] for row in history], "o--", color=ORANGE, markersize=4, label="training")
        axis.plot(epochs, [row[f"val_{metric}"] for row in history], "s-", color=BLUE, markersize=4, label="validation")
        axis.set_ylabel(units.get(metric, metric))
    scale_by_spread(axes[0])
    rates = [row["learning_rate"] for row in history]
    axes[-1].plot(epochs, rates, ".-", color=GREEN, drawstyle="steps-mid")
    axes[-1].set(xlabel="epoch", ylabel="learning rate", ylim=(0, 1.1 * max(rates)))
    axes[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    for axis in axes:
        axis.grid(alpha=0.3)
        for before, row, border in zip(history, history[1:], epochs + 0.5, strict=False):
            if row["phase"] != before["phase"]:
                axis.axvline(border, color="black", linestyle=":", label="phase 2 begins")
    for axis in axes[:-1]:
        axis.legend()
    _entitle(figure, f"loss against epochs: {title}")
    return figure


def scale_by_spread(axis):
    """Give a y-axis of positive values a logarithmic scale, where they spread over more than its labels are apart."""
    lowest, highest = axis.dataLim.intervaly
    if 0 < lowest < highest / SMALLEST_SPREAD:
        scale_by_logarithm(axis, (1, 2, 5) if lowest < highest / 20 else (1, 2, 3, 5, 7))


def scale_by_logarithm(axis, labelled=(1, 2, 5)):
    """Give an axis a logarithmic y-axis, with plain numbers at these multiples of each power of ten."""
    axis.set_yscale("log")
    axis.yaxis.get_major_locator().set_params(subs=labelled)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")


def _entitle(figure, title):
    """Give a figure a title, folded to its width."""
    figure.suptitle(textwrap.fill(title, int(figure.get_figwidth() * TITLE_CHARACTERS)), fontsize=11)


def draw_comparison(hyperparameters, losses):
    """Draw the final validation loss of several experiments against each of their hyperparameters.

    Args:
        hyperparameters: {name: the value of each experiment as text}.
        losses: of each experiment, (experiments,).
    """
    columns = min(2, len(hyperparameters))
    rows = -(-len(hyperparameters) // columns)
    figure, axes = subplots(rows, columns, figsize=(6.5 * columns, 4.5 * rows), sharey=True, squeeze=False)
    for axis, (name, values) in zip(axes.flat, hyperparameters.items(), strict=False):
        _draw_against(axis, values, losses)
        axis.set(xlabel=name, ylabel="validation loss")
    for axis in axes.flat[len(hyperparameters) :]:
        axis.remove()
    scale_by_spread(axes[0, 0])
    _entitle(figure, "validation loss against hyperparameters: each point an experiment, with its number")
    return figure


def _draw_against(axis, values, losses):
    """Draw losses against values that are texts, each with the number of its experiment."""
    places = {value: place for place, value in enumerate(sorted(set(values), key=_by_numbers))}
    x = [places[value] for value in values]
    axis.plot(x, losses, "o", color=BLUE)
    sides = {place: itertools.cycle(("left", "right")) for place in x}  # neighbours have their numbers on both sides
    for place, loss, number in sorted(zip(x, losses, range(1, len(x) + 1), strict=True)):
        axis.text(place, loss, f"  {number}  ", ha=next(sides[place]), va="center", fontsize=8)
    labels = [legible(value, LABEL_CHARACTERS) for value in places]
    step = math.ceil(len(labels) / AXIS_LABELS)
    axis.set_xticks(range(0, len(labels), step), labels[::step], fontsize=9)
    if len(places) * max(map(len, labels)) > AXIS_CHARACTERS:
        axis.tick_params("x", rotation=40)
        for label in axis.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axis.set_xlim(-0.5, len(places) - 0.5)
    axis.grid(alpha=0.3)


def _by_numbers(value):
    """Return what sorts values by the numbers in them, and those without any by their text."""
    return [int(number) for number in re.findall(r"\d+", value)], value


def draw_reconstructions(images, reconstructions, title):
    """Draw images, (count, rows, columns), above their reconstructions of the same shape and range."""
    figure, axes = subplots(2, len(images), figsize=(max(5, len(images)), 2.6), squeeze=False)
    for row, what in zip(axes, (images, reconstructions), strict=True):
        for axis, image in zip(row, what, strict=True):
            _draw_image(axis, image)
    axes[0, 0].set_title("originals", loc="left", fontsize=9)
    axes[1, 0].set_title("reconstructions", loc="left", fontsize=9)
    _entitle(figure, f"images held out from training: {title}")
    return figure


def draw_code_map(images, codes, title):
    """Draw images, uint8 in (count, rows, columns), where the two principal components of their codes put them.

    Args:
        codes: (count, ...).
    """
    places, shares = _principal_components(codes.reshape(len(codes), -1))
    figure, axis = subplots(figsize=(9, 9))
    axis.scatter(*places.T, s=4, color=GREY)
    sides = np.ptp(places, axis=0)
    half = np.where(sides > 0, sides, 1) * THUMBNAIL / 2
    for index in _spread_out(places / (2 * half)):
        (x, y), (width, height) = places[index], half
        ink = (images[index] / WHITE)[..., np.newaxis] * (0, 0, 0, 1)  # the paper is left transparent
        axis.imshow(ink, extent=(x - width, x + width, y - height, y + height), aspect="auto", zorder=2)
    axis.set_xlim(places[:, 0].min() - half[0], places[:, 0].max() + half[0])
    axis.set_ylim(places[:, 1].min() - half[1], places[:, 1].max() + half[1])
    for name, share in zip("xy", shares, strict=True):
        which = "first" if name == "x" else "second"
        axis.set(**{f"{name}label": f"{which} principal component of the code ({share:.0%} of its variance)"})
    _entitle(figure, f"map of the codes: {title}")
    return figure


def _principal_components(codes):
    """Return the first two principal components of codes, (count, 2), and their shares of the variance."""
    centred = codes - codes.mean(axis=0)
    _, scales, directions = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(codes), 2))
    shares = np.zeros(2)
    found = min(2, len(scales))  # a code may be a single number, and a single image has no components
    places[:, :found] = centred @ directions[:found].T
    shares[:found] = scales[:found] ** 2 / max((scales**2).sum(), np.finfo(np.float32).tiny)
    return places, shares


def _spread_out(places):
    """Return the indices of places, (count, 2), that are each 1 or more from those chosen before."""
    chosen = []
    for index, place in enumerate(places):
        if all(np.abs(place - places[other]).max() >= 1 for other in chosen):
            chosen.append(index)
    return chosen


def draw_kernels(kernels, title):
    """Draw kernels, (count, rows, columns), or the first of many: what a layer that sees the image itself looks for."""
    if len(kernels) > KERNELS:
        title = f"the first {KERNELS} of {len(kernels)}: {title}"
        kernels = kernels[:KERNELS]
    columns = min(8, len(kernels))
    rows = -(-len(kernels) // columns)
    figure, axes = subplots(rows, columns, figsize=(max(5, columns), rows + 1), squeeze=False)
    largest = np.abs(kernels).max()
    for axis in axes.flat:
        axis.axis("off")
    for axis, kernel in zip(axes.flat, kernels, strict=False):
        image = axis.imshow(kernel, cmap="PuOr", vmin=-largest, vmax=largest)
    figure.colorbar(image, ax=axes, label="weight")
    _entitle(figure, f"kernels of the first layer: {title}")
    return figure


def draw_examples(results, images):
    """Draw up to 12 correct and 12 incorrect predictions, with their probabilities."""
    figure, axes = subplots(4, 6, figsize=(10, 7.5))
    for half, chosen in zip((axes[:2], axes[2:]), (results.correct, ~results.correct), strict=True):
        indices = chosen.nonzero()[0][:EXAMPLES]
        for axis, index in zip(half.flat, indices, strict=False):
            _draw_image(axis, images[index])
            predicted, target = results.predictions[index], results.targets[index]
            text = f"{results.classes[predicted]} ({results.probabilities[index, predicted]:.0%})"
            if predicted == target:
                axis.set_title(text, fontsize=10, color=GREEN)
            else:
                axis.set_title(f"{text}, is {results.classes[target]}", fontsize=10, color=ORANGE)
        for axis in half.flat[len(indices) :]:
            axis.axis("off")
    _entitle(figure, "predictions (and their probability) on the test set: correct above, incorrect below")
    return figure


def draw_confusion(results):
    """Draw the confusion matrix: colour shows each row's shares, the numbers are images, where its cells hold them."""
    confusion = results.confusion
    side = np.clip(0.5 * len(confusion), 5, LARGEST_MATRIX)
    figure, axis = subplots(figsize=(side + 1, side))
    share = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    image = axis.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)  # the root shows small shares too
    cell = MATRIX_SHARE * side * POINTS_PER_INCH / len(confusion)
    size = min(8, cell / (DIGIT_WIDTH * len(str(confusion.max()))))
    for row, column in np.argwhere(confusion) if size >= SMALLEST_TEXT else ():
        colour = "white" if share[row, column] > 0.25 else "black"
        axis.text(column, row, confusion[row, column], ha="center", va="center", fontsize=size, color=colour)
    _label_classes(axis, results.classes, cell)
    axis.set(xlabel="predicted class", ylabel="true class", title="confusion matrix, in images of the test set")
    bar = figure.colorbar(image, label="share of the true class", ticks=np.sqrt(LABELLED_SHARES))
    bar.set_ticklabels([f"{share:.0%}" for share in LABELLED_SHARES])
    return figure


def _label_classes(axis, classes, cell):
    """Label the classes on both axes of a confusion matrix, or as many as cells of a width in points have room for."""
    size = 10 if cell >= 10 * LINE_HEIGHT else 8
    steps = (1, 2, 5, 10, 20, 50, 100, len(classes))
    step = next(step for step in steps if step * cell >= size * LINE_HEIGHT or step == len(classes))
    labels = [legible(label, LABEL_CHARACTERS) for label in classes[::step]]
    wide = DIGIT_WIDTH * size * max(map(len, labels)) > step * cell
    axis.set_xticks(range(0, len(classes), step), labels, fontsize=size, rotation="vertical" if wide else "horizontal")
    axis.set_yticks(range(0, len(classes), step), labels, fontsize=size)


def _draw_image(axis, image):
    """Draw an image, uint8 or in [0, 1], ink on paper."""
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=WHITE if image.dtype == np.uint8 else 1)
    axis.set_xticks([])
    axis.set_yticks([])
