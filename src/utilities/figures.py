"""The pictures: drawn with matplotlib, kept as PNG files, and shown in windows where there is a display."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

# Okabe and Ito's colours, told apart by the colour-blind too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
EXAMPLES = 12
DOTS_PER_INCH = 150
THUMBNAIL = 0.04  # share of the map's side that an image takes
WHITE = 255


def show(figures, folder):
    """Keep figures, {name: figure}, in a run's folder, say where, and open windows where there is a display."""
    paths = _save(figures, folder)
    windows = any(figure.canvas.required_interactive_framework for figure in figures.values())
    for path in paths:
        print(f"picture: {path}", flush=True)
    if not paths and not windows:
        print("no picture: there is neither a display nor a run's folder to keep it in", flush=True)
    if windows:
        plt.show(block=False)
        plt.pause(0.1)
    else:
        _close(figures)


def keep(figures, folder):
    """Keep figures, {name: figure}, as PNG files in a run's folder."""
    _save(figures, folder)
    _close(figures)


def _save(figures, folder):
    """Save figures as PNG files in a run's folder; return the paths of those that could be."""
    paths = [folder.keep(f"{name}.png", partial(figure.savefig, dpi=DOTS_PER_INCH)) for name, figure in figures.items()]
    return [path for path in paths if path]


def _close(figures):
    for figure in figures.values():
        plt.close(figure)


def draw_history(history, title):
    """Draw loss, and accuracy where there is one, against epochs; a line marks the border between phases."""
    metrics = [name for name in ("loss", "accuracy") if name in history[0]]
    figure, axes = plt.subplots(1, len(metrics), figsize=(6 * len(metrics), 4), squeeze=False, layout="constrained")
    epochs = np.arange(1, len(history) + 1)
    borders = [i + 0.5 for i in range(1, len(history)) if history[i]["phase"] != history[i - 1]["phase"]]
    for axis, metric in zip(axes[0], metrics, strict=True):
        for name, label, style in ((metric, "training", "o--"), (f"val_{metric}", "validation", "s-")):
            colour = ORANGE if label == "training" else BLUE
            axis.plot(epochs, [row[name] for row in history], style, color=colour, markersize=4, label=label)
        for border in borders:
            axis.axvline(border, color=GREY, linestyle=":", label="phase 2 begins")
        axis.set(xlabel="epoch", ylabel=metric)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.grid(alpha=0.3)
    scale_by_logarithm(axes[0, 0])
    axes[0, 0].legend()
    figure.suptitle(title)
    return figure


def scale_by_logarithm(axis):
    """Give an axis a logarithmic y-axis, with plain numbers at 1, 2 and 5 of each power of ten."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())


def draw_comparison(hyperparameters, losses):
    """Draw the final validation loss of several experiments against each of their hyperparameters.

    Args:
        hyperparameters: {name: the value of each experiment as text}.
        losses: of each experiment, (experiments,).
    """
    columns = 3
    rows = -(-len(hyperparameters) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(12, 3.5 * rows), squeeze=False, layout="constrained")
    for axis, (name, values) in zip(axes.flat, hyperparameters.items(), strict=False):
        places = {value: place for place, value in enumerate(dict.fromkeys(values))}
        x = [places[value] for value in values]
        axis.plot(x, losses, "o", color=BLUE)
        for number, point in enumerate(zip(x, losses, strict=True), start=1):
            axis.annotate(str(number), point, xytext=(5, 3), textcoords="offset points", color=GREY)
        axis.set_xticks(range(len(places)), places, rotation=30, ha="right")
        axis.set(xlabel=name, ylabel="validation loss", xlim=(-0.5, len(places) - 0.5))
        axis.grid(alpha=0.3)
    for axis in axes.flat[len(hyperparameters) :]:
        axis.remove()
    figure.suptitle("validation loss against hyperparameters, each point an experiment by its number")
    return figure


def draw_reconstructions(images, reconstructions, title):
    """Draw images, (count, rows, columns), above their reconstructions of the same shape and range."""
    figure, axes = plt.subplots(2, len(images), figsize=(len(images), 2.6), layout="constrained", squeeze=False)
    for row, what in zip(axes, (images, reconstructions), strict=True):
        for axis, image in zip(row, what, strict=True):
            _draw_image(axis, image)
    axes[0, 0].set_title("originals", loc="left", fontsize=9)
    axes[1, 0].set_title("reconstructions", loc="left", fontsize=9)
    figure.suptitle(title)
    return figure


def draw_code_map(images, codes, title):
    """Draw images, uint8 in (count, rows, columns), where the two principal components of their codes put them.

    Args:
        codes: (count, ...).
    """
    places, shares = _principal_components(codes.reshape(len(codes), -1))
    figure, axis = plt.subplots(figsize=(9, 9), layout="constrained")
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
    figure.suptitle(f"map of the codes\n{title}")
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
    """Draw kernels, (count, rows, columns): what a layer that sees the image itself looks for."""
    columns = min(8, len(kernels))
    rows = -(-len(kernels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(max(5, columns), rows + 1), squeeze=False, layout="constrained")
    largest = np.abs(kernels).max()
    for axis in axes.flat:
        axis.axis("off")
    for axis, kernel in zip(axes.flat, kernels, strict=False):
        image = axis.imshow(kernel, cmap="PuOr", vmin=-largest, vmax=largest)
    figure.colorbar(image, ax=axes, label="weight")
    figure.suptitle(f"kernels of the first layer\n{title}")
    return figure


def draw_examples(results, images):
    """Draw up to 12 correct and 12 incorrect predictions, with their probabilities."""
    figure, axes = plt.subplots(4, 6, figsize=(10, 7.5), layout="constrained")
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
    figure.suptitle("predictions (and their probability) on the test set: correct above, incorrect below")
    return figure


def draw_confusion(results):
    """Draw the confusion matrix; colour shows each row's shares, the numbers are images."""
    confusion = results.confusion
    side = max(5, 0.5 * len(confusion))
    figure, axis = plt.subplots(figsize=(side + 1, side), layout="constrained")
    share = confusion / confusion.sum(axis=1, keepdims=True).clip(1)
    image = axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(confusion):
        colour = "white" if share[row, column] > 0.5 else "black"
        axis.text(column, row, confusion[row, column], ha="center", va="center", fontsize=8, color=colour)
    ticks = range(len(confusion))
    axis.set_xticks(ticks, results.classes)
    axis.set_yticks(ticks, results.classes)
    axis.set(xlabel="predicted class", ylabel="true class", title="confusion matrix, in images of the test set")
    figure.colorbar(image, label="share of the true class")
    return figure


def _draw_image(axis, image):
    """Draw an image, uint8 or in [0, 1], ink on paper."""
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=WHITE if image.dtype == np.uint8 else 1)
    axis.set_xticks([])
    axis.set_yticks([])
