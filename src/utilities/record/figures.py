"""What the pictures show: histories, comparisons, images and codes, kernels, predictions."""

import itertools
import math
import re

import numpy as np

from utilities.record.pictures import legible, subplots

# Okabe and Ito's colours, told apart by the colour-blind too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
EXAMPLES = 12
THUMBNAIL = 0.04  # share of the map's side that an image takes
WHITE = 255
LABEL_CHARACTERS, AXIS_CHARACTERS = 30, 60  # of a label below an axis, and of all of them side by side
AXIS_LABELS = 30
KERNELS = 128
POINTS_PER_INCH = 72
SMALLEST_TEXT = 4.5  # in points
DIGIT_WIDTH, LINE_HEIGHT = 0.7, 1.2  # for each point of a text's size, with some space around
LARGEST_MATRIX, MATRIX_SHARE = 14, 0.85  # a confusion matrix's picture, in inches, and its own share of that
LABELLED_SHARES = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1)
SMALLEST_SPREAD = 4  # the largest value over the smallest, for a logarithmic axis to help


def draw_history(history, title):
    """Draw loss, accuracy where there is one, and the learning rate, against epochs, one below the other."""
    metrics = [name for name in ("loss", "accuracy") if name in history[0]]
    units = {"loss": "cross-entropy in nats" if "accuracy" in metrics else "mean squared error of pixels in [0, 1]"}
    heights = [3] * len(metrics) + [1]
    figure, axes = subplots(
        f"loss against epochs: {title}", len(heights), figsize=(8, sum(heights) + 1), sharex=True, height_ratios=heights
    )
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


def draw_comparison(hyperparameters, losses):
    """Draw the final validation loss of several experiments against each of their hyperparameters.

    Args:
        hyperparameters: {name: the value of each experiment as text}.
        losses: of each experiment, (experiments,).
    """
    title = "validation loss against hyperparameters: each point an experiment, with its number"
    columns = min(2, len(hyperparameters))
    rows = math.ceil(len(hyperparameters) / columns)
    figure, axes = subplots(title, rows, columns, figsize=(6.5 * columns, 4.5 * rows), sharey=True, squeeze=False)
    for axis, (name, values) in zip(axes.flat, hyperparameters.items(), strict=False):
        _draw_against(axis, values, losses)
        axis.set(xlabel=name, ylabel="validation loss")
    for axis in axes.flat[len(hyperparameters) :]:
        axis.remove()
    scale_by_spread(axes[0, 0])
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
    too_wide = len(places) * max(map(len, labels)) > AXIS_CHARACTERS
    slant = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if too_wide else {}
    axis.set_xticks(range(0, len(labels), step), labels[::step], fontsize=9, **slant)
    axis.set_xlim(-0.5, len(places) - 0.5)
    axis.grid(alpha=0.3)


def _by_numbers(value):
    """Return what sorts values by the numbers in them, and those without any by their text."""
    return [int(number) for number in re.findall(r"\d+", value)], value


def draw_reconstructions(images, reconstructions, title):
    """Draw images, (count, rows, columns), above their reconstructions of the same shape and range."""
    title = f"images held out from training: {title}"
    figure, axes = subplots(title, 2, len(images), figsize=(max(5, len(images)), 2.6), squeeze=False)
    rows = {"originals": images, "reconstructions": reconstructions}
    for in_row, (name, of_row) in zip(axes, rows.items(), strict=True):
        in_row[0].set_title(name, loc="left", fontsize=9)
        for axis, image in zip(in_row, of_row, strict=True):
            _draw_image(axis, image)
    return figure


def draw_code_map(images, codes, title):
    """Draw images, uint8 in (count, rows, columns), where the two principal components of their codes put them.

    Args:
        codes: (count, ...).
    """
    places, shares = _principal_components(codes.reshape(len(codes), -1))
    figure, axis = subplots(f"map of the codes: {title}", figsize=(9, 9))
    axis.scatter(*places.T, s=4, color=GREY)
    sides = np.ptp(places, axis=0)
    half = np.where(sides > 0, sides, 1) * THUMBNAIL / 2
    for index in _spread_out(places / (2 * half)):
        (x, y), (width, height) = places[index], half
        ink = (images[index] / WHITE)[..., np.newaxis] * (0, 0, 0, 1)  # the paper is left transparent
        axis.imshow(ink, extent=(x - width, x + width, y - height, y + height), aspect="auto", zorder=2)
    left, bottom = places.min(axis=0) - half
    right, top = places.max(axis=0) + half
    first, second = (f"principal component of the code ({share:.0%} of its variance)" for share in shares)
    axis.set(xlim=(left, right), ylim=(bottom, top), xlabel=f"first {first}", ylabel=f"second {second}")
    return figure


def _principal_components(codes):
    """Return the first two principal components of codes, (count, 2), and their shares of the variance."""
    # Zeros in a row and a column more add no variance; without them, a single image or number has fewer components.
    centred = np.pad(codes - codes.mean(axis=0), (0, 1))
    _, scales, directions = np.linalg.svd(centred, full_matrices=False)
    variances = scales**2
    shares = variances[:2] / max(variances.sum(), np.finfo(np.float32).tiny)
    return centred[:-1] @ directions[:2].T, shares


def _spread_out(places):
    """Return the indices of places, (count, 2), that are each 1 or more from those chosen before."""
    chosen = []
    for index, place in enumerate(places):
        if all(np.abs(place - places[other]).max() >= 1 for other in chosen):
            chosen.append(index)
    return chosen


def draw_kernels(kernels, title):
    """Draw kernels, (count, rows, columns), or the first of many: what a layer that sees the image itself looks for."""
    title = title if len(kernels) <= KERNELS else f"the first {KERNELS} of {len(kernels)}: {title}"
    kernels = kernels[:KERNELS]
    columns = min(8, len(kernels))
    rows = math.ceil(len(kernels) / columns)
    figure, axes = subplots(
        f"kernels of the first layer: {title}", rows, columns, figsize=(max(5, columns), rows + 1), squeeze=False
    )
    largest = np.abs(kernels).max()
    for axis in axes.flat:
        axis.axis("off")
    for axis, kernel in zip(axes.flat, kernels, strict=False):
        image = axis.imshow(kernel, cmap="PuOr", vmin=-largest, vmax=largest)
    figure.colorbar(image, ax=axes, label="weight")
    return figure


def draw_examples(results, images):
    """Draw up to 12 correct and 12 incorrect predictions, with their probabilities."""
    title = "predictions (and their probability) on the test set: correct above, incorrect below"
    figure, axes = subplots(title, 4, 6, figsize=(10, 7.5))
    for half, chosen in zip((axes[:2], axes[2:]), (results.correct, ~results.correct), strict=True):
        indices = chosen.nonzero()[0][:EXAMPLES]
        for axis, index in zip(half.flat, indices, strict=False):
            _draw_image(axis, images[index])
            predicted, correct = results.predictions[index], results.correct[index]
            text = f"{results.classes[predicted]} ({results.probabilities[index, predicted]:.0%})"
            text += "" if correct else f", is {results.classes[results.targets[index]]}"
            axis.set_title(text, fontsize=10, color=GREEN if correct else ORANGE)
        for axis in half.flat[len(indices) :]:
            axis.axis("off")
    return figure


def draw_confusion(results):
    """Draw the confusion matrix: colour shows each row's shares, the numbers are images, where its cells hold them."""
    confusion = results.confusion
    side = np.clip(0.5 * len(confusion), 5, LARGEST_MATRIX)
    figure, axis = subplots("confusion matrix, in images of the test set", figsize=(side + 1, side))
    share = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    image = axis.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)  # the root shows small shares too
    cell = MATRIX_SHARE * side * POINTS_PER_INCH / len(confusion)
    size = min(8, cell / (DIGIT_WIDTH * len(str(confusion.max()))))
    for row, column in np.argwhere(confusion) if size >= SMALLEST_TEXT else ():
        colour = "white" if share[row, column] > 0.25 else "black"
        axis.text(column, row, confusion[row, column], ha="center", va="center", fontsize=size, color=colour)
    _label_classes(axis, results.classes, cell)
    axis.set(xlabel="predicted class", ylabel="true class")
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
