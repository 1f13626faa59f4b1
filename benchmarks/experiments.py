"""The experiments of these benchmarks: what each answers to the scripts' questions, and with which seeds."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from utilities.backend import check_backend
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters

check_backend()  # what trains in a benchmark's own process computes as the scripts do; so Keras is imported after this
SEEDS = (1, 2, 3)
# Classifiers build on one encoder, trained with this seed, whatever their own.
ENCODER_SEED = 1
PRETRAINED, RANDOM, COMPONENTS = WEIGHTS = "pre-trained", "random", "principal components"


@dataclass(frozen=True)
class Experiment:
    """One training of a script, once with each of some seeds.

    Attributes:
        hyperparameters: the answers; of autoencoder.py, or of classification.py.
        images: how many of MNIST's training images, as many of each class; None for all 60,000.
        encoder: for classification.py, the autoencoder that the encoder is of.
        weights: that encoder's: trained, or those that it began with; or in its place the first principal components
            of the images, as many as its code has numbers.
    """

    hyperparameters: AutoencoderHyperparameters | ClassifierHyperparameters
    images: int | None = None
    encoder: AutoencoderHyperparameters | None = None
    weights: str | None = None
    seeds: tuple[int, ...] = SEEDS


def _kernels(*sides):
    return tuple((side, side) for side in sides)


def _changes(name, *values):
    """Return what changes in a base where one hyperparameter takes some values."""
    return [{name: value} for value in values]


BEST_64 = AutoencoderHyperparameters(_kernels(5, 7, 7), (32, 32, 64), epochs=20, batch_size=64, third_pooling=True)
BEST_32 = replace(BEST_64, filters=(32, 32, 32))
DEFAULT = replace(BEST_64, epochs=10)

# One hyperparameter at a time is changed in a base, on a fifth of the images, which affords every seed.
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

# An encoder without the third pooling: 7 x 7 x 64 numbers a code.
LARGE_CODE = AutoencoderHyperparameters(
    _kernels(5, 5, 3, 3, 3), (32, 64, 64, 64, 64), epochs=4, batch_size=64, third_pooling=False
)
# Few labels: a code of few numbers makes the encoder's features worth more to a classifier than a code of many.
SMALL_CODE = replace(BEST_64, filters=(32, 32, 16), epochs=8)


def _classifiers(hyperparameters, images, encoder, seeds=SEEDS):
    """Return the experiments of one classifier on an encoder of each kind of weights."""
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
