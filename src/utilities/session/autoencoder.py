"""The experiments of ``autoencoder.py``: an autoencoder of images, its pictures, and its saving."""

from functools import partial

from utilities.data.datasets import mean_image_error
from utilities.network import architecture, networks
from utilities.record import figures
from utilities.record.runs import identify
from utilities.session.experiments import Task, Trained
from utilities.session.menus import save_encoder
from utilities.training import training

PICTURED_IMAGES = 10
MAPPED_IMAGES = 2000
LEARNT = 0.95  # of the mean image's error: what is above has learnt no more than that image


class AutoencoderTask(Task):
    """Trains autoencoders of the same images, uint8 in (count, rows, columns)."""

    script = "autoencoder"

    def __init__(self, arguments, split, data_bytes, images):
        super().__init__(arguments, split, data_bytes, {str(arguments.data.resolve()): identify(images)})
        self.images = images

    def build(self, hyperparameters):
        """Return a networks.Autoencoder, and lines of the feature maps of encoder and decoder, and of the code."""
        shape = self.images.shape[1:]
        lines = [architecture.describe(shape, hyperparameters.filters, hyperparameters.third_pooling)]
        return networks.build_autoencoder(shape, hyperparameters), lines

    def train(self, network, hyperparameters, folder):
        """Train the networks.Autoencoder, and return the Trained."""
        stopped_by = training.train_autoencoder(
            network, self.images, self.split, hyperparameters, self.arguments.seed, folder
        )
        error, baseline = folder.outcome["val_loss"], mean_image_error(self.images, self.split)
        return Trained(
            network.encoder,
            f"mean squared error {error:.5f}",
            None if error < LEARNT * baseline else f"the mean image has {baseline:.5f}",
            stopped_by,
            choices={3: ("save the encoder", lambda console: save_encoder(console, network.encoder))},
            graphs={
                3: ("reconstructions", partial(self._draw_reconstructions, network)),
                4: ("map of the codes", partial(self._draw_code_map, network)),
                5: ("kernels of the first layer", partial(_draw_first_layer, network)),
            },
            kept_graphs=(3,),
        )

    def _draw_reconstructions(self, network, experiments):
        images = self._held_out(PICTURED_IMAGES)
        reconstructions = training.predict(network.whole, images)[..., 0]
        title = experiments[-1].title
        return {"reconstructions": partial(figures.draw_reconstructions, images, reconstructions, title)}

    def _draw_code_map(self, network, experiments):
        images = self._held_out(MAPPED_IMAGES)
        codes = training.predict(network.encoder, images)
        return {"code_map": partial(figures.draw_code_map, images, codes, experiments[-1].title)}

    def _held_out(self, count):
        return self.images[self.split.validation[:count]]  # no more are copied than are drawn


def _draw_first_layer(network, experiments):
    (kernels,) = network.encoder.get_layer("encoder_1_convolution").get_weights()
    kernels = kernels[:, :, 0].transpose(2, 0, 1)
    return {"first_layer": partial(figures.draw_kernels, kernels, experiments[-1].title)}
