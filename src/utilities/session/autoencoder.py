"""The experiments of ``autoencoder.py``: an autoencoder of images, its pictures, and its saving."""

import math
from functools import cache, partial

import numpy as np

from utilities.data.batches import WHITE
from utilities.data.checksum import identify
from utilities.data.datasets import read_classes_beside, split_for_validation, spread
from utilities.data.forms import form_like
from utilities.data.principal_components import sampled_errors
from utilities.files import replacing
from utilities.network import architecture, networks
from utilities.processes import is_first_process
from utilities.record import figures, image_figures
from utilities.record.predictions import format_table, short_path
from utilities.session.experiments import Task, Trained, nothing_learnt
from utilities.session.menus import save
from utilities.session.other_images import ask_for_images, keep_and_show, say_notes
from utilities.session.reading import read_for_autoencoder
from utilities.terminal.console import say
from utilities.training import training
from utilities.training.callbacks import named_arrays

PICTURED_IMAGES = 10
MAPPED_IMAGES = 2000
NEIGHBOURED_IMAGES, SEARCHED_IMAGES, SEARCHED_NUMBERS = 8, 10_000, 2**26
CODES_FILE = "codes.npy"
LEARNT = 0.95  # of the mean image's error: what is above has learnt no more than that image
ALONE = "no principal components beside it"
NO_BETTER = "no better than principal components"
# Measured on MNIST, Fashion-MNIST, emoji and textures: 49 numbers in place beat 64 that are pooled.
KEEP_PLACES = "without the third pooling, and with few filters in the last layer, a code keeps where things are"


read = read_for_autoencoder


def tasks_of(images, data_bytes):
    """Return a function that makes the AutoencoderTask of arguments, all on the same images."""
    data = {"data": identify(images)}

    def make_task(arguments):
        split = split_for_validation(len(images), arguments.seed)
        return AutoencoderTask(arguments, split, data_bytes, data, images)

    return make_task


class AutoencoderTask(Task):
    """Trains autoencoders of the same images, uint8 in (count, rows, columns, channels)."""

    script = "autoencoder"
    kinds_of_weights = ("weight",)

    def __init__(self, arguments, split, data_bytes, data, images):
        super().__init__(arguments, split, data_bytes, data)
        self.images = images
        self.classes = cache(partial(read_classes_beside, arguments.data, len(images)))
        self.sampled_errors = cache(partial(sampled_errors, images, split, seed=arguments.seed))

    def build(self, hyperparameters):
        """Return a networks.Autoencoder, and lines of the feature maps of encoder and decoder, and of the code."""
        shape = self.images.shape[1:]
        lines = [architecture.describe(shape, hyperparameters.filters, hyperparameters.third_pooling)]
        return networks.build_autoencoder(shape, hyperparameters), lines

    def train(self, network, hyperparameters, folder, begin):
        """Train the networks.Autoencoder; return its weights, and what stopped it."""
        stopped_by = training.train_autoencoder(
            network, self.images, self.split, hyperparameters, self.arguments.seed, folder
        )
        errors = self._component_errors(network)
        folder.keep_summary({"principal_components": errors[-1] if len(errors) > 1 else None})
        return named_arrays("weight", network.whole.get_weights()), stopped_by

    def present(self, network, weights, folder):
        """Return the Trained of a networks.Autoencoder."""
        error = folder.outcome["val_loss"]
        return Trained(
            (network.encoder, network.whole),
            weights,
            *compare(error, self._component_errors(network), network.encoder.output_shape[1:], self.images.shape[1:]),
            choices={
                3: ("save the encoder", lambda console: save(console, network.encoder)),
                4: ("save the whole autoencoder", lambda console: save(console, network.whole)),
                5: ("other images, and their reconstructions", partial(self._reconstruct, network, folder)),
                7: ("the codes of all images, as .npy", lambda console: self._write_codes(network, folder)),
            },
            graphs={
                3: ("reconstructions", partial(self._draw_reconstructions, network)),
                4: ("map of the codes", partial(self._draw_code_map, network)),
                5: ("kernels of the first layer", partial(_draw_first_layer, network)),
                7: ("nearest neighbours by code", partial(self._draw_neighbours, network)),
            },
            kept_graphs=(3,),
        )

    def _component_errors(self, network):
        """Return reconstruction_errors of as many components as the code has numbers; of 0 if the image has no more."""
        code, numbers = math.prod(network.encoder.output_shape[1:]), self.images[0].size
        return self.sampled_errors(code if code < numbers else 0).tolist()

    def _draw_reconstructions(self, network, experiments):
        images = self._held_out(PICTURED_IMAGES)
        rows = {"originals": images, "reconstructions": training.predict(network.whole, images)}
        title = f"images held out from training: {experiments[-1].title}"
        return {"reconstructions": partial(image_figures.draw_rows, rows, title)}

    def _draw_code_map(self, network, experiments):
        chosen = spread(self.split.validation, MAPPED_IMAGES)
        images, (targets, names) = self.images[chosen], self.classes()
        codes, title = training.predict(network.encoder, images), experiments[-1].title
        return {"code_map": partial(figures.draw_code_map, images, codes, title, targets[chosen], names)}

    def _draw_neighbours(self, network, experiments):
        images = self._held_out(NEIGHBOURED_IMAGES)
        numbers = max(self.images[0].size, math.prod(network.encoder.output_shape[1:]))
        most = max(1, min(SEARCHED_IMAGES, SEARCHED_NUMBERS // numbers))
        others = self.images[spread(self.split.training, most)]
        codes = [training.predict(network.encoder, some) for some in (images, others)]
        return {"neighbours": partial(image_figures.draw_neighbours, images, others, *codes, experiments[-1].title)}

    def _reconstruct(self, network, folder, console):
        """Ask for images, and print, draw and keep how well each is reconstructed, the worst first."""
        predict, found = training.Predictor(network.whole), []
        form = form_like(self.images, self.arguments.data)
        for others, images in ask_for_images(console, form, self.images):
            reconstructions = predict(images)
            found += zip(_errors(images, reconstructions), others, images, reconstructions, strict=True)
            found.sort(key=lambda each: -each[0])
            worst = [(*each[:2], each[2].copy(), each[3].copy()) for each in found[:PICTURED_IMAGES]]
            found = worst + [(*each[:2], None, None) for each in found[PICTURED_IMAGES:]]
        if not found:
            return
        errors, others, *_ = zip(*found, strict=True)
        shares, told = self._compare_with_held_out(predict, errors)
        rows = [("image", "error", "worse than", "note", "file")]
        for error, share, (name, note, file) in zip(errors, shares, others, strict=True):
            rows.append((name, f"{error:.5f}", f"{share:.0%}", note, file))
        say(f"\nmean squared error of each, the worst first\n{format_table(rows)}\n\n{told}\n")
        say_notes(others)
        errors, others, *pictured = zip(*found[:PICTURED_IMAGES], strict=True)
        pictured = dict(zip(("originals", "reconstructions"), map(np.stack, pictured), strict=True))
        title = "other images, the worst reconstructed first"
        names = [short_path(other.file or other.name, image_figures.COLUMN_CHARACTERS) for other in others]
        captions = [f"{error:.5f}\n{name}" for error, name in zip(errors, names, strict=True)]
        keep_and_show(folder, "errors", rows, partial(image_figures.draw_rows, pictured, title, captions))

    def _compare_with_held_out(self, predict, errors):
        """Return, for each error, the share of images held out that have a smaller one, and a line on both's means."""
        images = self._held_out(MAPPED_IMAGES)
        expected = np.sort(_errors(images, predict(images)))
        told = f"mean {np.mean(errors):.5f}; of {len(images):,} images held out from training {expected.mean():.5f}"
        return np.searchsorted(expected, errors) / len(expected), f"{told}: each is worse than so many of these"

    def _write_codes(self, network, folder):
        """Write the codes of all images, (count, ...), in the images' order, without having all of them in memory."""
        shape = len(self.images), *network.encoder.output_shape[1:]
        path = folder.path / CODES_FILE
        told = f"the codes, {shape}, in the images' order: {path}"
        parts = training.Predictor(network.encoder).parts(self.images)
        try:
            if is_first_process():
                with replacing(path) as beside, beside.open("wb") as file:
                    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(file, header)
                    for part in parts:
                        file.write(part.astype("<f4").tobytes())
        except OSError as error:
            told = f"{path}: cannot be written: {error.strerror or error}"
        for _ in parts:  # all processes predict, whether they write or not
            pass
        say(told)

    def _held_out(self, count):
        return self.images[spread(self.split.validation, count)]  # no more are copied than are drawn


def _errors(images, reconstructions):
    """Return the mean squared error of each reconstruction, a list, of pixels between 0 and 1."""
    return np.square(reconstructions - images / np.float32(WHITE)).mean(axis=(1, 2, 3)).tolist()


def _draw_first_layer(network, experiments):
    (kernels,) = network.encoder.get_layer("encoder_1_convolution").get_weights()
    if kernels.shape[2] >= image_figures.COLOURS:
        say("kernels of the first layer: not drawn of images in colour, where they look like noise")
        return {}
    return {"first_layer": partial(figures.draw_kernels, kernels.transpose(3, 0, 1, 2), experiments[-1].title)}


def compare(error, errors, code_shape, image_shape):
    """Return an autoencoder's validation error in words, beside that of principal components, and remarks on it.

    Args:
        errors: those of 0 components, the mean image, up to as many as could be compared.
        code_shape, image_shape: (rows, columns, channels).
    """
    code, numbers, components = math.prod(code_shape), math.prod(image_shape), len(errors) - 1
    told, remarks = f"mean squared error {error:.5f}", []
    if components:
        more = ", all that there are" if components < code else ""
        counted = f"{components:,} principal component{'s' * (components > 1)}"
        told += f"; {counted} of the same images{more}: {errors[-1]:.5f}"
    elif code < numbers:
        remarks.append(f"{ALONE}: {code:,} of such images take too long")
    else:
        remarks.append(f"{ALONE}: nothing is compressed, the code has {code:,} numbers, an image {numbers:,}")
    if not error < LEARNT * errors[0]:
        remarks.append(nothing_learnt(f"the mean image has {errors[0]:.5f}"))
    elif not error < errors[-1]:
        is_pooled_thrice = image_shape[0] > 4 * code_shape[0]
        remarks.append(f"{NO_BETTER}: {f'{KEEP_PLACES}; ' if is_pooled_thrice else ''}more epochs may help too")
    return told, tuple(remarks)
