"""Train autoencoders of several code sizes, and draw reconstructions and codes of images held out from training.

pictures.py    writes pictures/code-sizes.png and pictures/code-map.png
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from common import HERE
from keras.utils import set_random_seed

from utilities.data.datasets import read_training_set, split_for_validation
from utilities.data.principal_components import principal_components
from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.network.networks import build_autoencoder
from utilities.record.image_figures import draw_rows
from utilities.record.runs import RunFolder
from utilities.terminal.arguments import DEFAULT_SEED, TRAINING_IMAGES, TRAINING_LABELS
from utilities.training import training

CODE_SIZES = (2, 8, 16, 32, 64)
EPOCHS = 4
SHOWN = 12
MAPPED = 3000
# Each digit has its own marker as well as its colour: ten colours are too many for colour-blind readers.
MARKERS = "osD^v<>pP*"


def main():
    """Train, and draw."""
    mnist = read_training_set(TRAINING_IMAGES, TRAINING_LABELS)
    split = split_for_validation(len(mnist.images), DEFAULT_SEED)
    autoencoders = {size: trained(size, mnist.images, split) for size in CODE_SIZES}
    unseen = mnist.images[split.validation]
    save(draw_code_sizes(autoencoders, unseen[:SHOWN]), "code-sizes")
    chosen = split.validation[:MAPPED]
    save(draw_maps(autoencoders, mnist.images[chosen], mnist.classes[mnist.targets[chosen]]), "code-map")


def trained(code_size, images, split):
    """Return a small networks.Autoencoder with a code of ``code_size`` numbers, trained for a few epochs."""
    kernels, filters = ((5, 5), (7, 7), (7, 7)), (16, 16, code_size)
    hyperparameters = AutoencoderHyperparameters(kernels, filters, EPOCHS, 64, third_pooling=True)
    set_random_seed(DEFAULT_SEED)
    autoencoder = build_autoencoder(images.shape[1:], hyperparameters)
    with tempfile.TemporaryDirectory() as path:
        training.train_autoencoder(autoencoder, images, split, hyperparameters, DEFAULT_SEED, RunFolder(Path(path)))
    return autoencoder


def draw_code_sizes(autoencoders, images):
    """Draw images above their reconstructions by autoencoders, {code size: Autoencoder}."""
    rows = {"original": images}
    for size, autoencoder in autoencoders.items():
        rows[f"{size} numbers"] = training.predict(autoencoder.whole, images)
    return draw_rows(rows, "images held out from training, and what is left of them in a code of so many")


def draw_maps(autoencoders, images, labels):
    """Draw the codes of images, by label: the two numbers of the smallest, the two first components of the largest."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 6), layout="constrained")
    smallest, largest = (
        training.predict(autoencoders[size].encoder, images).reshape(len(images), -1)
        for size in (CODE_SIZES[0], CODE_SIZES[-1])
    )
    centred = largest - largest.mean(axis=0)
    projected = centred @ principal_components(centred, 2)
    titles = (f"code of {CODE_SIZES[0]} numbers", f"code of {CODE_SIZES[-1]} numbers, its two principal components")
    colours = plt.get_cmap("tab10").colors
    for axis, points, title in zip(axes, (smallest, projected), titles, strict=True):
        for digit, marker in enumerate(MARKERS):
            of_digit = points[labels == digit]
            axis.plot(*of_digit.T, marker, color=colours[digit], markersize=4, alpha=0.6, label=digit)
            axis.annotate(str(digit), np.median(of_digit, axis=0), fontsize=16, weight="bold", ha="center", va="center")
        axis.set(title=title, xlabel="first", ylabel="second")
    figure.legend(*axes[1].get_legend_handles_labels(), title="digit", loc="outside right upper")
    return figure


def save(figure, name):
    """Save a figure in pictures/."""
    figure.savefig(HERE / "pictures" / f"{name}.png", dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
