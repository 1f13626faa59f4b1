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
        changed: what differs from the scripts as they are, one of CHANGES, or "" in all experiments but "choices".
        seeds: one for each training.
    """

    hyperparameters: AutoencoderHyperparameters | ClassifierHyperparameters
    images: int = ALL_IMAGES
    encoder: AutoencoderHyperparameters | None = None
    weights: str | None = None
    changed: str = ""
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


def _sweep(base, *changes):
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
# An encoder without the third pooling.
LARGE_CODE = AutoencoderHyperparameters(
    _kernels(5, 5, 3, 3, 3), (32, 64, 64, 64, 64), epochs=3, batch_size=64, third_pooling=False
)
# In each group one hyperparameter of the base is varied, on few images and with few filters: to take minutes.
AUTOENCODER_BASE = Experiment(replace(DEFAULT, filters=(16, 16, 64), epochs=5), images=12_000)
CLASSIFIER_BASE = Experiment(
    ClassifierHyperparameters(units=128, epochs=5, batch_size=32), 6000, encoder=DEFAULT, weights=PRETRAINED
)


def _phase(name, settings):
    return f"phases.{name} = replace(phases.{name}, {settings})"


def _small_set(epochs):
    """Return the autoencoders' base on few images, with the batch size that Enter takes for them."""
    batch_size = enter(AutoencoderHyperparameters, SMALL_SETS[0]).batch_size
    answers = replace(AUTOENCODER_BASE.hyperparameters, epochs=epochs, batch_size=batch_size)
    return replace(AUTOENCODER_BASE, hyperparameters=answers, images=SMALL_SETS[0])


ADAM = "optimizer=keras.optimizers.Adam, learning_rate=0.002"
# The cross-entropy's gradient, but the value of the squared error, by which all are compared.
CROSS_ENTROPY = """
def loss(true, drawn):
    square, cross = keras.losses.MeanSquaredError()(true, drawn), keras.losses.BinaryCrossentropy()(true, drawn)
    return cross + keras.ops.stop_gradient(square - cross)
"""
GLOROT = """
def glorot(self, seed=None):
    keras.initializers.VarianceScaling.__init__(self, 1.0, "fan_avg", "uniform", seed)
keras.initializers.HeNormal.__init__ = glorot
"""
CONSTANT = {"constant learning rate": "schedule.PlateauedCosine.__call__ = lambda self, step: self.start * self.factor"}
KERAS_MOMENTUM = {"moving statistics with Keras' momentum of 0.99": "schedule.moving_momentum = lambda steps: 0.99"}
# What the questions do not ask for, of each base: {what is changed: Python that changes it, before a script trains}.
AUTOENCODER_CHOICES = {
    AUTOENCODER_BASE: {
        "nothing": "",
        "learning rate 0.002 instead of 0.004": _phase("RECONSTRUCTION", "learning_rate=0.002"),
        "learning rate 0.008 instead of 0.004": _phase("RECONSTRUCTION", "learning_rate=0.008"),
        "Adam at 0.002 instead of Muon": _phase("RECONSTRUCTION", ADAM),
        **CONSTANT,
        "images shifted, as those of small sets": _phase("RECONSTRUCTION", "enough_images=math.inf"),
        "cross-entropy of the pixels as loss": CROSS_ENTROPY + _phase("RECONSTRUCTION", "loss=loss"),
        "Glorot's initial weights instead of He's": GLOROT,
        "last kernel (3, 3) instead of (5, 5)": "architecture.RECONSTRUCTION_KERNEL = (3, 3)",
    },
    _small_set(60): {"nothing": "", "images not shifted": _phase("RECONSTRUCTION", "shift=0")},
    # So few steps that it matters how many the moving statistics average over.
    _small_set(10): {"nothing": "", **KERAS_MOMENTUM},
}
CLASSIFIER_CHOICES = {
    CLASSIFIER_BASE: {
        "nothing": "",
        "phase 1: Adam at 0.002 instead of Muon": _phase("FROZEN", ADAM),
        "phase 2: Adam at 0.002 instead of Muon": _phase("EVERYTHING", ADAM),
        "phase 2: learning rate 0.006 instead of 0.012": _phase("EVERYTHING", "learning_rate=0.006"),
        "phase 2: learning rate 0.025 instead of 0.012": _phase("EVERYTHING", "learning_rate=0.025"),
        "phase 2: images not shifted": _phase("EVERYTHING", "shift=0"),
        "phase 2: no weight decay": _phase("EVERYTHING", "weight_decay=None"),
        **CONSTANT,
        "no label smoothing": "phases.LARGEST_SMOOTHING = 0",
        **KERAS_MOMENTUM,
    }
}
CHANGES = dict(
    change
    for choices in (AUTOENCODER_CHOICES, CLASSIFIER_CHOICES)
    for changes in choices.values()
    for change in changes.items()
)


def _of_choices(choices):
    return [replace(base, changed=name, seeds=SEEDS[:2]) for base, changes in choices.items() for name in changes]


AUTOENCODERS = {
    "best": [Experiment(answers, seeds=ONE_SEED) for answers in (BEST_64, LONG_64, LONG_32)],
    "default": [Experiment(DEFAULT)],
    "small sets": [Experiment(enter(AutoencoderHyperparameters, images), images) for images in SMALL_SETS],
    "layers": _sweep(
        AUTOENCODER_BASE,
        {"kernel_sizes": _kernels(5), "filters": (16,), "third_pooling": None},
        {"kernel_sizes": _kernels(5, 7), "filters": (16, 16), "third_pooling": None},
        {},
        {"kernel_sizes": _kernels(5, 7, 7, 1), "filters": (16, 16, 64, 64)},
    ),
    "kernels": _sweep(
        AUTOENCODER_BASE,
        *({"kernel_sizes": _kernels(*sides)} for sides in [(3, 3, 3), (5, 5, 5), (5, 7, 3), (3, 7, 7), (5, 7, 7)]),
        {"kernel_sizes": _kernels(5, 13, 7)},
    ),
    "filters": _sweep(
        AUTOENCODER_BASE,
        *({"filters": filters} for filters in [(16, 16, 16), (16, 16, 32), (8, 8, 64), (16, 16, 64), (32, 32, 64)]),
    ),
    "epochs": _sweep(AUTOENCODER_BASE, *({"epochs": epochs} for epochs in (2, 5, 10, 20))),
    "batch size": _sweep(AUTOENCODER_BASE, *({"batch_size": size} for size in (16, 64, 256))),
    "third pooling": _sweep(AUTOENCODER_BASE, {}, {"third_pooling": False}),
    "choices": _of_choices(AUTOENCODER_CHOICES),
}

DEFAULT_CLASSIFIER = enter(ClassifierHyperparameters, ALL_IMAGES)
# With all labels, random weights and components need few seeds to be told from pre-trained ones.
DEFAULT_CLASSIFIERS = [
    Experiment(DEFAULT_CLASSIFIER, encoder=DEFAULT, weights=weights, seeds=seeds)
    for weights, seeds in zip(COMPARED, (SEEDS, ONE_SEED, ONE_SEED), strict=True)
]
# How many labels, and the seeds, which choose them; components have SEEDS.
FEW_LABELS = {100: (1, 2, 3, 4, 5), 1000: (1, 2, 3, 4, 5), 10_000: SEEDS}
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
                seeds=SEEDS if weights == COMPONENTS else seeds,
            )
            for images, seeds in FEW_LABELS.items()
            for weights in COMPARED
        ),
        *DEFAULT_CLASSIFIERS,
    ],
    "small sets": [
        Experiment(enter(ClassifierHyperparameters, images), images, enter(AutoencoderHyperparameters, images), weights)
        for weights in (OWN, RANDOM)
        for images in SMALL_SETS
    ],
    "encoder": [
        replace(
            CLASSIFIER_BASE,
            encoder=encoder,
            weights=weights,
            seeds=SEEDS if (encoder, weights) == (DEFAULT, PRETRAINED) else ONE_SEED,
        )
        for encoder in (LONG_32, DEFAULT, LARGE_CODE)
        for weights in COMPARED
    ],
    "units": _sweep(CLASSIFIER_BASE, *({"units": units} for units in (16, 128, 512))),
    "epochs": _sweep(CLASSIFIER_BASE, *({"epochs": epochs} for epochs in (1, 5, 10))),
    "batch size": _sweep(CLASSIFIER_BASE, *({"batch_size": size} for size in (32, 128, 512))),
    "choices": _of_choices(CLASSIFIER_CHOICES),
}
