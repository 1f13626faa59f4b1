"""The experiments of ``autoencoder.py``: an autoencoder of images, its pictures, and its saving."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from utilities.network import architecture, networks
from utilities.record import figures
from utilities.record.runs import identify
from utilities.session.experiments import Task
from utilities.session.menus import save_encoder
from utilities.training import training

PICTURED_IMAGES = 10
MAPPED_IMAGES = 2000


@dataclass(frozen=True)
class AutoencoderTask(Task):
    """Trains autoencoders of the same images, uint8 in (count, rows, columns)."""

    images: np.ndarray

    script = "autoencoder"

    @cached_property
    def trained_on(self):
        """The images."""
        return {str(self.arguments.data.resolve()): identify(self.images)}

    def build(self, hyperparameters):
        """Return a networks.Autoencoder."""
        return networks.build_autoencoder(self.images.shape[1:], hyperparameters)

    def describe(self, hyperparameters):
        """Return the feature maps of encoder and decoder, and what the code saves."""
        shape = self.images.shape[1:]
        return [architecture.describe(shape, hyperparameters.filters, hyperparameters.third_pooling)]

    def train(self, network, hyperparameters, folder):
        """Train the networks.Autoencoder, and return it, and the signal that stopped the training, or None."""
        stopped_by = training.train_autoencoder(
            network, self.images, self.split, hyperparameters, self.arguments.seed, folder
        )
        return network, stopped_by

    def model_to_keep(self, network):
        """Return the encoder."""
        return network.encoder

    def draw(self, experiment, autoencoder):
        """Draw the reconstructions."""
        return draw_reconstructions(experiment, autoencoder, self.images, self.split.validation)

    def tell_outcome(self, losses):
        """Return the mean squared error in words."""
        return f"mean squared error {losses['val_loss']:.5f}"

    def graphs(self, autoencoder, experiments):
        """Return the graphs of what the autoencoder makes of images held out from training, and of its kernels."""
        last, held_out = experiments[-1], (self.images, self.split.validation)
        return {
            3: ("reconstructions", lambda: draw_reconstructions(last, autoencoder, *held_out)),
            4: ("map of the codes", lambda: draw_code_map(last, autoencoder, *held_out)),
            5: ("kernels of the first layer", lambda: draw_first_layer(last, autoencoder)),
        }

    def choices(self, console, autoencoder, experiments):
        """Return the saving of the encoder."""
        return {3: ("save the encoder", lambda: save_encoder(console, autoencoder.encoder))}


def draw_reconstructions(experiment, autoencoder, images, indices):
    """Draw the first of some images, and what the autoencoder makes of them; for pictures.show.

    Args:
        images: uint8, (count, rows, columns).
        indices: those of the images to choose from; no more are copied than are drawn.
    """
    images = images[indices[:PICTURED_IMAGES]]
    reconstructions = training.predict(autoencoder.whole, images)[..., 0]
    return {"reconstructions": partial(figures.draw_reconstructions, images, reconstructions, experiment.title)}


def draw_code_map(experiment, autoencoder, images, indices):
    """Draw the first of some images where their codes put them; arguments and result as of draw_reconstructions."""
    images = images[indices[:MAPPED_IMAGES]]
    codes = training.predict(autoencoder.encoder, images)
    return {"code_map": partial(figures.draw_code_map, images, codes, experiment.title)}


def draw_first_layer(experiment, autoencoder):
    """Draw the kernels of the first layer; for pictures.show."""
    (kernels,) = autoencoder.encoder.get_layer("encoder_1_convolution").get_weights()
    return {"first_layer": partial(figures.draw_kernels, kernels[:, :, 0].transpose(2, 0, 1), experiment.title)}
