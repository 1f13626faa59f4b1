"""The experiments of these benchmarks: the answers to the scripts' questions, and the seeds, of each."""

import sys
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from utilities.backend import check_backend
from utilities.network.architecture import feature_maps
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters

check_backend()  # the scripts' settings, for what trains in a benchmark's own process: before Keras is imported
IMAGE_SHAPE = (28, 28)
ALL_IMAGES = 60_000  # MNIST's training images
SEEDS = (1, 2, 3)
# All pre-trained classifiers of an encoder use the same one, trained with this seed, whatever their own.
ENCODER_SEED = 1
PRETRAINED, RANDOM, COMPONENTS = WEIGHTS = "pre-trained", "random", "principal components"


@dataclass(frozen=True)
class Experiment:
    """Trainings by a script that differ in their seed alone.

    Attributes:
        hyperparameters: the answers; of autoencoder.py, or of classification.py.
        images: how many of MNIST's training images, as many of each class; None for all.
        encoder: for classification.py, the hyperparameters of the autoencoder that the encoder is of.
        weights: of that encoder, one of WEIGHTS: trained, initial, or in its place as many principal components of the
            images as its code has numbers.
        seeds: one for each training.
    """

    hyperparameters: AutoencoderHyperparameters | ClassifierHyperparameters
    images: int | None = None
    encoder: AutoencoderHyperparameters | None = None
    weights: str | None = None
    seeds: tuple[int, ...] = SEEDS


def code_size(hyperparameters):
    """Return how many numbers the code of an autoencoder has."""
    maps, _ = feature_maps(IMAGE_SHAPE, hyperparameters.filters, hyperparameters.third_pooling)
    return prod(maps[-1])


def _kernels(*sides):
    return tuple((side, side) for side in sides)


def _changes(name, *values):
    """Return the changes that give one hyperparameter each of some values."""
    return [{name: value} for value in values]


BEST_64 = AutoencoderHyperparameters(_kernels(5, 7, 7), (32, 32, 64), epochs=20, batch_size=64, third_pooling=True)
BEST_32 = replace(BEST_64, filters=(32, 32, 32))
DEFAULT = replace(BEST_64, epochs=10)

# In each group one hyperparameter of the base is varied, on few images: so there is time for every seed.
AUTOENCODER_BASE = replace(BEST_64, filters=(16, 16, 64), epochs=8)
AUTOENCODER_IMAGES = 12_000
AUTOENCODER_CHANGES = {
    "layers": [
        {"kernel_sizes": _kernels(5), "filters": (16,), "third_pooling": None},
        {"kernel_sizes": _kernels(5, 7), "filters": (16, 16), "third_pooling": None},
        {},
        {"kernel_sizes": _kernels(5, 7, 7, 1), "filters": (16, 16, 64, 64)},
        {"kernel_sizes": _kernels(5, 7, 7, 1, 1), "filters": (16, 16, 64, 64, 64)},
    ],
    "kernels": _changes(
        "kernel_sizes",
        *map(_kernels, (3, 5, 5, 5, 3, 5, 7, 5), (3, 5, 5, 7, 7, 7, 7, 13), (3, 5, 7, 3, 7, 7, 7, 7)),
    ),
    "filters": _changes(
        "filters", (16, 16, 16), (16, 16, 32), (8, 8, 64), (16, 16, 64), (16, 32, 64), (32, 16, 64), (32, 32, 64)
    ),
    "epochs": _changes("epochs", 2, 4, 8, 16, 32),
    "batch size": _changes("batch_size", 16, 32, 64, 128, 256),
    "third pooling": _changes("third_pooling", True, False),
}
AUTOENCODERS = {
    "best": [Experiment(BEST_64, seeds=SEEDS[:1]), Experiment(BEST_32, seeds=SEEDS[:1])],
    "default": [Experiment(DEFAULT)],
    **{
        name: [Experiment(replace(AUTOENCODER_BASE, **change), AUTOENCODER_IMAGES) for change in changes]
        for name, changes in AUTOENCODER_CHANGES.items()
    },
}

# An encoder without the third pooling.
LARGE_CODE = AutoencoderHyperparameters(
    _kernels(5, 5, 3, 3, 3), (32, 64, 64, 64, 64), epochs=4, batch_size=64, third_pooling=False
)
# For few labels: with a small code, pre-trained weights gain more over random ones than with a large one.
SMALL_CODE = replace(BEST_64, filters=(32, 32, 16), epochs=8)


def _classifiers(hyperparameters, images, encoder, seeds=SEEDS):
    """Return the experiments of one classifier with each kind of an encoder's weights."""
    return [Experiment(hyperparameters, images, encoder, weights, seeds) for weights in WEIGHTS]


CLASSIFIER_BASE = ClassifierHyperparameters(units=128, epochs=5, batch_size=128)
CLASSIFIER_IMAGES = 6_000
CLASSIFIER_CHANGES = {
    "units": _changes("units", 16, 128, 512),
    "epochs": _changes("epochs", 1, 5, 20),
    "batch size": _changes("batch_size", 32, 128, 512),
}
FEW_LABELS = {
    images: replace(CLASSIFIER_BASE, epochs=epochs, batch_size=batch_size)
    for images, epochs, batch_size in ((100, 50, 10), (1000, 30, 20), (10_000, 10, 64), (None, 5, 128))
}
CLASSIFIERS = {
    "best": [
        experiment
        for encoder, epochs in ((DEFAULT, 5), (LARGE_CODE, 15))
        for experiment in _classifiers(replace(CLASSIFIER_BASE, epochs=epochs), None, encoder)
    ],
    "few labels": [
        experiment
        for images, hyperparameters in FEW_LABELS.items()
        for experiment in _classifiers(hyperparameters, images, SMALL_CODE, seeds=(1, 2, 3, 4, 5))
    ],
    "encoder": [
        experiment
        for encoder in (SMALL_CODE, DEFAULT, LARGE_CODE)
        for experiment in _classifiers(CLASSIFIER_BASE, CLASSIFIER_IMAGES, encoder)
    ],
    **{
        name: [
            experiment
            for change in changes
            for experiment in _classifiers(replace(CLASSIFIER_BASE, **change), CLASSIFIER_IMAGES, DEFAULT)
        ]
        for name, changes in CLASSIFIER_CHANGES.items()
    },
}
