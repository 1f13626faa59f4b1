"""Pictures of numbers: histories, comparisons, the map of codes, kernels."""

import itertools
import math
import re

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import Rectangle

from utilities.record.image_figures import draw_grid, visible
from utilities.record.pictures import BLUE, GREEN, GREY, ORANGE, legible, subplots

THUMBNAIL = 0.04  # share of the map's side that an image takes
LABEL_CHARACTERS, AXIS_CHARACTERS = 30, 60  # of a label below an axis, and of all of them side by side
AXIS_LABELS = 30
KERNELS = 128
NAMED_COLOURS = 30  # of classes, that have room beside a map
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


def draw_comparison(hyperparameters, losses, spreads):
    """Draw the final validation loss of several experiments against each of their hyperparameters.

    Of two that have several values each, a map of those with the most is drawn too.

    Args:
        hyperparameters: {name: the value of each experiment as text}.
        losses: of each experiment, or the mean over its seeds, (experiments,).
        spreads: standard deviations over these, (experiments,).
    """
    title = "validation loss against hyperparameters: each point with the number of its line in the table"
    counts = {name: len(set(values)) for name, values in hyperparameters.items()}
    several = sorted((name for name in counts if counts[name] > 1), key=lambda name: -counts[name])
    panels = len(hyperparameters) + (len(several) > 1)
    columns = min(2, panels)
    rows = math.ceil(panels / columns)
    figure, axes = subplots(title, rows, columns, figsize=(6.5 * columns, 4.5 * rows), squeeze=False)
    for axis, (name, values) in zip(axes.flat, hyperparameters.items(), strict=False):
        _draw_against(axis, values, losses, spreads)
        axis.set(xlabel=name, ylabel="validation loss")
        scale_by_spread(axis)
    for axis in axes.flat[len(hyperparameters) + 1 :] if len(several) > 1 else axes.flat[len(hyperparameters) :]:
        axis.remove()
    if len(several) > 1:
        _draw_map(axes.flat[len(hyperparameters)], *((name, hyperparameters[name]) for name in several[:2]), losses)
    return figure


def _draw_against(axis, values, losses, spreads):
    """Draw losses against values that are texts, each with the number of its experiment."""
    places = _places(values)
    x = [places[value] for value in values]
    axis.errorbar(x, losses, spreads, fmt="o", color=BLUE, capsize=3)
    sides = {place: itertools.cycle(("left", "right")) for place in x}  # neighbours have their numbers on both sides
    for place, loss, number in sorted(zip(x, losses, range(1, len(x) + 1), strict=True)):
        axis.text(place, loss, f"  {number}  ", ha=next(sides[place]), va="center", fontsize=8)
    _label(axis.xaxis, places)
    axis.set_xlim(-0.5, len(places) - 0.5)
    axis.grid(alpha=0.3)


def _draw_map(axis, first, second, losses):
    """Draw the mean losses for each pair of values of two hyperparameters, (name, [value])."""
    (name, values), (other, others) = first, second
    columns, rows = _places(values), _places(others)
    found = {}
    for value, of_other, loss in zip(values, others, losses, strict=True):
        found.setdefault((rows[of_other], columns[value]), []).append(loss)
    means = np.full((len(rows), len(columns)), np.nan)
    for place, of_place in found.items():
        means[place] = np.mean(of_place)
        axis.text(*place[::-1], f"{means[place]:.3g}", ha="center", va="center", fontsize=8, backgroundcolor="white")
    shown = axis.imshow(means, cmap="viridis_r", aspect="auto", origin="lower")
    axis.figure.colorbar(shown, label="mean validation loss")
    axis.set(xlabel=name, ylabel=other)
    _label(axis.xaxis, columns)
    _label(axis.yaxis, rows)


def _places(values):
    """Return {value: its place on an axis}, by the numbers in them."""
    return {value: place for place, value in enumerate(sorted(set(values), key=_by_numbers))}


def _label(axis, places):
    """Write values at their places on an axis, slanted where they are wide."""
    labels = [legible(value, LABEL_CHARACTERS) for value in places]
    step = math.ceil(len(labels) / AXIS_LABELS)
    too_wide = axis.axis_name == "x" and len(places) * max(map(len, labels)) > AXIS_CHARACTERS
    slant = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if too_wide else {}
    axis.set_ticks(range(0, len(labels), step), labels[::step], fontsize=9, **slant)


def _by_numbers(value):
    """Return what sorts values by the numbers in them, and those without any by their text."""
    return [int(number) for number in re.findall(r"\d+", value)], value


def draw_code_map(images, codes, title, targets=None, names=()):
    """Draw images where the two principal components of their codes put them.

    Args:
        images: uint8, (count, rows, columns, channels).
        codes: (count, ...).
        targets: class of each image, (count,), which has a colour.
        names: of the classes; empty where there are none.
    """
    places, shares = _principal_components(codes.reshape(len(codes), -1))
    figure, axis = subplots(f"map of the codes: {title}", figsize=(10.5 if names else 9, 9))
    colours = _colours(len(names))[targets] if names else np.zeros((len(codes), 3))
    axis.scatter(*places.T, s=10 if names else 4, c=colours if names else GREY)
    sides = np.ptp(places, axis=0)
    half = np.where(sides > 0, sides, 1) * THUMBNAIL / 2
    for index in _spread_out(places / (2 * half)):
        (x, y), (width, height), colour = places[index], half, colours[index]
        shown = visible(images[index])
        if shown.shape[-1] == 1:  # ink; the paper is left transparent
            shown = np.append(np.broadcast_to(colour, (*shown.shape[:2], 3)), shown, axis=-1)
        elif names:
            axis.add_patch(
                Rectangle(
                    (x - width, y - height), 2 * width, 2 * height, fill=False, color=colour, linewidth=1.5, zorder=3
                )
            )
        axis.imshow(shown, extent=(x - width, x + width, y - height, y + height), aspect="auto", zorder=2)
    left, bottom = places.min(axis=0) - half
    right, top = places.max(axis=0) + half
    first, second = (f"principal component of the code ({share:.0%} of its variance)" for share in shares)
    axis.set(xlim=(left, right), ylim=(bottom, top), xlabel=f"first {first}", ylabel=f"second {second}")
    if 0 < len(names) <= NAMED_COLOURS:
        for name, colour in zip(names, _colours(len(names)), strict=True):
            axis.plot([], [], "o", color=colour, label=legible(name, LABEL_CHARACTERS))
        figure.legend(loc="outside right upper")
    return figure


def _colours(count):
    """Return as many colours, (count, 3) in [0, 1], that are told apart as well as so many can be."""
    table = next((name for name, size in (("tab10", 10), ("tab20", 20)) if count <= size), "turbo")
    shades = np.arange(count) if table != "turbo" else np.linspace(0, 1, count)
    return colormaps[table](shades)[:, :3]


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
    """Draw kernels, (count, rows, columns, channels), or the first of many: what a layer that sees images looks for.

    Those of the first channel alone are drawn: grey, and not its opacity.
    """
    title = title if len(kernels) <= KERNELS else f"the first {KERNELS} of {len(kernels)}: {title}"
    kernels = kernels[:KERNELS, ..., :1]
    columns = min(8, len(kernels))
    size = max(5, columns + 1), math.ceil(len(kernels) / columns) + 0.6
    figure, axis = subplots(f"kernels of the first layer: {title}", figsize=size)
    largest = np.abs(kernels).max()
    image, _ = draw_grid(axis, kernels, columns, cmap="PuOr", vmin=-largest, vmax=largest)
    figure.colorbar(image, label="weight")
    return figure
