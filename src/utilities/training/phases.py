"""The phases of training: what each minimises, at which learning rate, and how it varies what it learns from."""

import math
from dataclasses import dataclass

import keras

from utilities.training.muon import Muon

# Label smoothing: as if this many images of any class had been seen too, up to the largest share. With few labels, a
# network becomes surer than they warrant.
SMOOTHING_IMAGES = 100
LARGEST_SMOOTHING = 0.1


@dataclass(frozen=True)
class Phase:
    """One run of the optimizer over a network.

    Attributes:
        name: in the history.
        title: for the user.
        loss: the name of a Keras loss.
        optimizer: the class of a Keras optimizer.
        learning_rate: at the start.
        weight_decay: decoupled, as AdamW's; None for none.
        shift: training images are shifted by up to this share of their shorter side.
        enough_images: so many show a network all that shifted ones would, and are not shifted.
        measures_accuracy: beside the loss.
    """

    name: str
    title: str
    loss: str
    optimizer: type[keras.Optimizer]
    learning_rate: float
    weight_decay: float | None = None
    shift: float = 0
    enough_images: float = math.inf
    measures_accuracy: bool = True

    def largest_shift(self, image_shape, count):
        """Return by how many pixels ``count`` training images of (rows, columns, channels) are shifted at most."""
        return round(self.shift * min(image_shape[:2])) if count < self.enough_images else 0


RECONSTRUCTION = Phase(
    "reconstruction",
    "training the autoencoder",
    "mean_squared_error",
    Muon,
    4e-3,
    shift=1 / 28,
    enough_images=10_000,
    measures_accuracy=False,
)
FROZEN = Phase("frozen", "phase 1 of 2: dense layers, encoder frozen", "categorical_crossentropy", Muon, 1.2e-2, 0.03)
EVERYTHING = Phase("everything", "phase 2 of 2: everything", "categorical_crossentropy", Muon, 1.2e-2, 0.1, 1 / 14)


def label_smoothing(count):
    """Return which share of the target of one of ``count`` labelled images is spread over all classes, 0 to 1.

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016.
    """
    return min(LARGEST_SMOOTHING, SMOOTHING_IMAGES / count)
