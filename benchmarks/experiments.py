"""The experiments of these benchmarks: the answers to the scripts' questions, and the seeds, of each."""

import sys
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from utilities.backend import check_backend
from utilities.data.datasets import split_for_validation
from utilities.network.architecture import feature_maps
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters, TrainingData

check_backend()  # the scripts' settings, for what trains in a benchmark's own process: before Keras is imported
IMAGE_SHAPE = (28, 28, 1)
ALL_IMAGES = 60_000  # MNIST's training images
SEEDS = (1, 2, 3)
ONE_SEED = SEEDS[:1]
# All pre-trained classifiers of an encoder use the same one, trained with this seed, whatever their own.
ENCODER_SEED = 1
PRETRAINED, RANDOM, COMPONENTS, OWN = WEIGHTS = "pre-trained", "random", "principal components", "of the same images"
COMPARED = (PRETRAINED, RANDOM, COMPONENTS)


@dataclass(frozen=True)
class Experiment:
    """Trainings by a script that differ in their seed, and in what it chooses, alone.

    Attributes:
        hyperparameters: the answers; of autoencoder.py, or of classification.py.
        images: how many of MNIST's training images, as many of each class; the seed chooses which.
        encoder: for classification.py, the hyperparameters of the autoencoder that the encoder is of.
        weights: of that encoder, one of WEIGHTS: trained on all images, initial, in its place as many principal
            components of all images as its code has numbers, or trained on the classifier's own images alone.
        seeds: one for each training.
    """

    hyperparameters: AutoencoderHyperparameters | ClassifierHyperparameters
    images: int = ALL_IMAGES
    encoder: AutoencoderHyperparameters | None = None
    weights: str | None = None
    seeds: tuple[int, ...] = SEEDS


def code_size(hyperparameters):
    """Return how many numbers the code of an autoencoder has."""
    maps, _ = feature_maps(IMAGE_SHAPE, hyperparameters.filters, hyperparameters.third_pooling)
    return prod(maps[-1])


def enter(hyperparameters, images):
    """Return the answers that Enter takes, AutoencoderHyperparameters or the classifier's, with so many images."""
    return hyperparameters.defaults(TrainingData(IMAGE_SHAPE, len(split_for_validation(images, ENCODER_SEED).training)))


def _kernels(*sides):
    return tuple((side, side) for side in sides)


def _changes(name, *values):
    """Return the changes that give one hyperparameter each of some values."""
    return [{name: value} for value in values]


def _sweep(base, changes):
    """Return an experiment for each change of a base's hyperparameters.

    A changed one has one seed. The base, which no change or an equal value leaves, has all: their spread is the measure
    of what a difference says.
    """
    changed = [replace(base.hyperparameters, **change) for change in changes]
    return [
        replace(base, hyperparameters=answers, seeds=SEEDS if answers == base.hyperparameters else ONE_SEED)
        for answers in changed
    ]


DEFAULT = enter(AutoencoderHyperparameters, ALL_IMAGES)
LONG_64 = replace(DEFAULT, epochs=20)
LONG_32 = replace(LONG_64, filters=(32, 32, 32))
# A larger network, which learns more from an image, and takes twice the time for it.
BEST_64 = replace(LONG_64, kernel_sizes=_kernels(5, 13, 7), filters=(32, 64, 64))
SMALL_SETS = (2000, 500)

# In each group one hyperparameter of the base is varied, on few images and with few filters: to take minutes.
AUTOENCODER_BASE = Experiment(replace(DEFAULT, filters=(16, 16, 64), epochs=5), images=12_000)
AUTOENCODER_CHANGES = {
    "layers": [
        {"kernel_sizes": _kernels(5), "filters": (16,), "third_pooling": None},
        {"kernel_sizes": _kernels(5, 7), "filters": (16, 16), "third_pooling": None},
        {},
        {"kernel_sizes": _kernels(5, 7, 7, 1), "filters": (16, 16, 64, 64)},
    ],
    "kernels": _changes("kernel_sizes", *map(_kernels, (3, 5, 5, 3, 5, 5), (3, 5, 7, 7, 7, 13), (3, 5, 3, 7, 7, 7))),
    "filters": _changes("filters", (16, 16, 16), (16, 16, 32), (8, 8, 64), (16, 16, 64), (32, 32, 64)),
    "epochs": _changes("epochs", 2, 5, 10, 20),
    "batch size": _changes("batch_size", 16, 64, 256),
    "third pooling": _changes("third_pooling", True, False),
}
AUTOENCODERS = {
    "best": [Experiment(answers, seeds=ONE_SEED) for answers in (BEST_64, LONG_64, LONG_32)],
    "default": [Experiment(DEFAULT)],
    "small sets": [Experiment(enter(AutoencoderHyperparameters, images), images) for images in SMALL_SETS],
    **{name: _sweep(AUTOENCODER_BASE, changes) for name, changes in AUTOENCODER_CHANGES.items()},
}

# An encoder without the third pooling.
LARGE_CODE = AutoencoderHyperparameters(
    _kernels(5, 5, 3, 3, 3), (32, 64, 64, 64, 64), epochs=3, batch_size=64, third_pooling=False
)
DEFAULT_CLASSIFIER = enter(ClassifierHyperparameters, ALL_IMAGES)
# With all labels, random weights and components need few seeds to be told from pre-trained ones.
DEFAULT_CLASSIFIERS = [
    Experiment(DEFAULT_CLASSIFIER, encoder=DEFAULT, weights=weights, seeds=seeds)
    for weights, seeds in zip(COMPARED, (SEEDS, ONE_SEED, ONE_SEED), strict=True)
]
# How many labels, and the seeds, which choose them; components have SEEDS.
FEW_LABELS = {100: (1, 2, 3, 4, 5), 1000: (1, 2, 3, 4, 5), 10_000: SEEDS}
CLASSIFIER_BASE = Experiment(
    ClassifierHyperparameters(units=128, epochs=5, batch_size=32), 6000, encoder=DEFAULT, weights=PRETRAINED
)
CLASSIFIER_CHANGES = {
    "units": _changes("units", 16, 128, 512),
    "epochs": _changes("epochs", 1, 5, 10),
    "batch size": _changes("batch_size", 32, 128, 512),
}


def _of_small_sets(weights):
    return [
        Experiment(enter(ClassifierHyperparameters, images), images, enter(AutoencoderHyperparameters, images), weights)
        for images in SMALL_SETS
    ]


CLASSIFIERS = {
    "best": [
        *DEFAULT_CLASSIFIERS,
        Experiment(DEFAULT_CLASSIFIER, encoder=LARGE_CODE, weights=PRETRAINED, seeds=ONE_SEED),
    ],
    "few labels": [
        *(
            Experiment(
                enter(ClassifierHyperparameters, images),
                images,
                DEFAULT,
                weights,
                SEEDS if weights == COMPONENTS else seeds,
            )
            for images, seeds in FEW_LABELS.items()
            for weights in COMPARED
        ),
        *DEFAULT_CLASSIFIERS,
    ],
    "small sets": [*_of_small_sets(OWN), *_of_small_sets(RANDOM)],
    "encoder": [
        replace(
            CLASSIFIER_BASE,
            encoder=encoder,
            weights=weights,
            seeds=SEEDS if encoder == DEFAULT and weights == PRETRAINED else ONE_SEED,
        )
        for encoder in (LONG_32, DEFAULT, LARGE_CODE)
        for weights in COMPARED
    ],
    **{name: _sweep(CLASSIFIER_BASE, changes) for name, changes in CLASSIFIER_CHANGES.items()},
}
