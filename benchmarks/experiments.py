"""The experiments of these benchmarks: what each answers to the scripts' questions, and with which seeds."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from utilities.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters

SEEDS = (1, 2, 3)
# Classifiers build on one encoder, trained with this seed, whatever their own.
ENCODER_SEED = 1


@dataclass(frozen=True)
class Experiment:
    """One training of a script, once with each of some seeds.

    Attributes:
        group: the table that it belongs to.
        hyperparameters: the answers; of autoencoder.py, or of classification.py.
        images: how many of MNIST's training images, as many of each class; None for all 60,000.
        encoder: for classification.py, the autoencoder that the encoder is of.
        pretrained: whether that autoencoder has been trained, or has the weights that it began with.
    """

    group: str
    hyperparameters: AutoencoderHyperparameters | ClassifierHyperparameters
    images: int | None = None
    encoder: AutoencoderHyperparameters | None = None
    pretrained: bool = True
    seeds: tuple[int, ...] = SEEDS


def _kernels(*sides):
    return tuple((side, side) for side in sides)


# Sweeps: one hyperparameter at a time is changed in a base, on a fifth of the images, which affords every seed.
SWEEP_IMAGES = 12_000
SWEEP_BASE = AutoencoderHyperparameters(_kernels(5, 7, 7), (16, 16, 64), epochs=8, batch_size=64, third_pooling=True)
AUTOENCODER_CHANGES = {
    "layers": [
        {"kernel_sizes": _kernels(5), "filters": (16,), "third_pooling": None},
        {"kernel_sizes": _kernels(5, 7), "filters": (16, 16), "third_pooling": None},
        {},
        {"kernel_sizes": _kernels(5, 7, 7, 1), "filters": (16, 16, 64, 64)},
        {"kernel_sizes": _kernels(5, 7, 7, 1, 1), "filters": (16, 16, 64, 64, 64)},
    ],
    "kernels": [
        {"kernel_sizes": _kernels(*sides)}
        for sides in ((3, 3, 3), (5, 5, 5), (5, 5, 7), (5, 7, 3), (3, 7, 7), (5, 7, 7), (7, 7, 7), (5, 13, 7))
    ],
    "filters": [
        {"filters": filters}
        for filters in ((16, 16, 16), (16, 16, 32), (8, 8, 64), (16, 16, 64), (16, 32, 64), (32, 16, 64), (32, 32, 64))
    ],
    "epochs": [{"epochs": epochs} for epochs in (2, 4, 8, 16, 32)],
    "batch size": [{"batch_size": size} for size in (16, 32, 64, 128, 256)],
    "third pooling": [{"third_pooling": third} for third in (True, False)],
}
AUTOENCODER_SWEEPS = [
    Experiment(group, replace(SWEEP_BASE, **change), SWEEP_IMAGES)
    for group, changes in AUTOENCODER_CHANGES.items()
    for change in changes
]

BEST_64 = AutoencoderHyperparameters(_kernels(5, 7, 7), (32, 32, 64), epochs=20, batch_size=64, third_pooling=True)
BEST_32 = replace(BEST_64, filters=(32, 32, 32))
DEFAULT = replace(BEST_64, epochs=10)
BEST_AUTOENCODERS = [Experiment("best", BEST_64), Experiment("best", BEST_32), Experiment("default", DEFAULT)]

# Few labels: a code of few numbers makes the encoder's features worth more to a classifier than a code of many.
FEW_LABELS_ENCODER = replace(BEST_64, filters=(32, 32, 16), epochs=8)
FEW_LABELS = [
    Experiment(
        "few labels",
        ClassifierHyperparameters(units=128, epochs=epochs, batch_size=batch_size),
        images,
        FEW_LABELS_ENCODER,
        pretrained,
        seeds=(1, 2, 3, 4, 5),
    )
    for images, epochs, batch_size in ((100, 50, 10), (1000, 30, 20), (10_000, 10, 64), (None, 5, 128))
    for pretrained in (True, False)
]

# An encoder without the third pooling: 7 x 7 x 64 numbers a code.
LARGE_CODE = AutoencoderHyperparameters(_kernels(5, 5, 5), (32, 64, 64), epochs=4, batch_size=64, third_pooling=False)
BEST_CLASSIFIERS = [
    Experiment("best", ClassifierHyperparameters(units=128, epochs=epochs, batch_size=128), None, encoder, pretrained)
    for encoder, epochs in ((DEFAULT, 5), (LARGE_CODE, 10))
    for pretrained in (True, False)
]

ALL = [*AUTOENCODER_SWEEPS, *BEST_AUTOENCODERS, *FEW_LABELS, *BEST_CLASSIFIERS]
