"""The hyperparameters of each script's networks and training, with all about the questions that they answer."""

import math
import re
from dataclasses import dataclass
from functools import partial

from utilities.errors import BadInput
from utilities.network import architecture
from utilities.network.layers import NetworkSize
from utilities.network.memory import check_memory
from utilities.terminal import answers
from utilities.terminal.answers import whole_number
from utilities.terminal.questions import Answers, question, show_numbers

MOST_LAYERS = 20
MOST_UNITS = 65_536
MOST_EPOCHS = 100_000
LARGEST_BATCH = 65_536

# What Enter takes; benchmarks/ says how they were found. The last layer leaves few numbers at each place of the code.
LAYERS = 6
KERNEL_SIZE = (3, 3)
FIRST_FILTERS, FILTERS, LAST_FILTERS, LAST_FILTERS_OF_COLOUR = 32, 64, 1, 2
UNITS = 128
# The batch size where there are fewer images than so many, and how many steps, in whole epochs, these are trained for.
BATCH_SIZES_OF_FEW = {1_000: 16, 20_000: 32}
AUTOENCODER_STEPS, CLASSIFIER_STEPS = 3000, 1000
MOST_EPOCHS_OF_FEW = 100


@dataclass(frozen=True)
class TrainingData:
    """What defaults and bounds of the answers depend on.

    Attributes:
        image_shape: (rows, columns, channels).
        images: how many there are to train on.
        memory: bytes that the data take.
        encoder: the NetworkSize of the encoder that a classifier is put on.
        classes: how many there are.
    """

    image_shape: tuple[int, int, int]
    images: int
    memory: int = 0
    encoder: NetworkSize | None = None
    classes: int | None = None


MNIST = TrainingData((28, 28, 1), 54_000)


def parse_kernel_sizes(answer, layers):
    """Return the kernel sizes, ((rows, columns), ...), that an answer such as "(5, 5) 3x3 1" names.

    Raises:
        ValueError: neither one kernel size nor as many as layers, or one out of bounds.
    """
    pair = re.fullmatch(r"([0-9]{1,2}),([0-9]{1,2})", answer)
    if pair and pair[1] != pair[2] and layers > 1:
        one, two = "x".join(pair.groups()), " ".join(pair.groups())
        raise ValueError(f"expected {one} if it is the size of all kernels, or {two} if of two, found {answer!r}")
    example = " ".join(f"{rows}x{columns}" for rows, columns in _default_kernel_sizes(layers))
    return answers.one_for_each(answer, layers, _parse_kernel_size, answers.split_pairs, "kernel size", example)


def _show_kernel_sizes(sizes):
    return " ".join(f"({rows}, {columns})" for rows, columns in sizes)


def _parse_kernel_size(text):
    rows, _, columns = text.partition("x")
    side = whole_number(1, architecture.LARGEST_KERNEL_SIDE)
    return side(rows), side(columns or rows)


def parse_filters(answer, layers):
    """Return the numbers of filters that an answer such as "16 32 64" names.

    Raises:
        ValueError: neither one number nor as many as layers, or one out of bounds.
    """
    example = show_numbers(_default_filters(layers))
    number = whole_number(1, architecture.MOST_FILTERS)
    return answers.one_for_each(answer, layers, number, answers.split_list, "number", example)


def _default_kernel_sizes(layers, channels=1):
    return (KERNEL_SIZE,) * layers


def _default_filters(layers, channels=1):
    before_last = (FIRST_FILTERS, *[FILTERS] * layers)[: layers - 1]
    return *before_last, LAST_FILTERS if channels == 1 else LAST_FILTERS_OF_COLOUR


def _of_each_layer(name, text, default, parse, show):
    return question(
        name,
        text,
        lambda so_far: partial(parse, layers=so_far.get("layers", 1)),
        lambda data, so_far: default(so_far["layers"], data.image_shape[2]),
        show=show,
        again=lambda before, default: before if len(before) == len(default) else default,
    )


def _default_layers(data, so_far):
    if fault := architecture.pooling_fault(data.image_shape, 1):
        raise BadInput(f"these images suit no number of layers: {fault}")
    return 1 if architecture.pooling_fault(data.image_shape, LAYERS) else LAYERS


def _batch_size_of_few(images):
    return next((batch_size for limit, batch_size in BATCH_SIZES_OF_FEW.items() if images < limit), None)


def _epochs(help, many, steps):
    """Return the question of the epochs: so many of many images, tens of them, for so many steps, of few."""

    def default(data, so_far):
        if (batch_size := _batch_size_of_few(data.images)) is None:
            return many
        return min(MOST_EPOCHS_OF_FEW, 10 * math.ceil(steps / math.ceil(data.images / batch_size) / 10))

    help = f"{help} (default: {{default}}; more of few images)"
    return question("epochs", "epochs", lambda so_far: whole_number(1, MOST_EPOCHS), default, help)


def _batch_size(many):
    def note(size, data):
        return f"only {data.images} images to train on: each epoch is a single step" if size > data.images else ""

    return question(
        "batch size",
        "batch size",
        lambda so_far: whole_number(1, LARGEST_BATCH),
        lambda data, so_far: _batch_size_of_few(data.images) or many,
        "images in a step (default: {default}; fewer of few images)",
        note=note,
    )


@dataclass(frozen=True)
class AutoencoderHyperparameters(Answers):
    """The answers to the questions of ``autoencoder.py``.

    Attributes:
        layers: how many; as many as filters.
        kernel_sizes: (rows, columns) of each layer's kernel, from the image to the code.
        filters: each layer's number of filters, as many as kernel_sizes.
        epochs: passes over the training images.
        batch_size: images in each step of the optimizer.
        third_pooling: whether set 3 ends in max-pooling by 7; None where it cannot, and is not asked.
    """

    usual_data = MNIST

    layers: int = question(
        "layers",
        "number of convolutional layers",
        lambda so_far: whole_number(1, MOST_LAYERS),
        _default_layers,
        "{text} (default: as many as kernels or filters are given, or {default})",
        init=False,
    )
    kernel_sizes: tuple[tuple[int, int], ...] = _of_each_layer(
        "kernels", "kernel size of each layer", _default_kernel_sizes, parse_kernel_sizes, _show_kernel_sizes
    )
    filters: tuple[int, ...] = _of_each_layer(
        "filters", "filters of each layer", _default_filters, parse_filters, show_numbers
    )
    epochs: int = _epochs("passes over the images", 5, AUTOENCODER_STEPS)
    batch_size: int = _batch_size(64)
    third_pooling: bool | None = question(
        "third pooling",
        "third max-pooling (7, 7)? y/n",
        lambda so_far: answers.yes_or_no,
        lambda data, so_far: False if architecture.may_pool_third(data.image_shape, so_far["layers"]) else None,
        "y or n, where it can be (default: {default:.1})",
        answers.show_yes_or_no,
        note=lambda value, data: "the code has as many numbers as the last layer has filters" if value else "",
    )

    def __post_init__(self):
        object.__setattr__(self, "layers", len(self.filters))

    @classmethod
    def check_flags(cls, given):
        """Return what Answers' does; lists of kernel sizes or filters imply the number of layers."""
        lists = {"--kernels": answers.split_pairs, "--filters": answers.split_list}
        layers = max((len(split(given[flag])) for flag, split in lists.items() if flag in given), default=1)
        return super().check_flags(({"--layers": str(layers)} if layers > 1 else {}) | given)

    @staticmethod
    def check(data, so_far):
        """Check that images can be pooled by so many layers, and that the autoencoder can be trained in memory."""
        layers = so_far["layers"]
        if fault := architecture.pooling_fault(data.image_shape, layers):
            raise ValueError(fault)
        if "filters" in so_far:
            third_pooling = so_far.get("third_pooling", architecture.may_pool_third(data.image_shape, layers))
            kernels, filters = so_far["kernel_sizes"], so_far["filters"]
            size = architecture.autoencoder_size(data.image_shape, kernels, filters, third_pooling)
            check_memory(size, so_far.get("batch_size", 1), data.memory)


@dataclass(frozen=True)
class ClassifierHyperparameters(Answers):
    """The answers to the questions of ``classification.py``.

    Attributes:
        units: width of the hidden dense layer.
        epochs: passes over the training images, in each of the two phases.
        batch_size: images in each step of the optimizer.
    """

    usual_data = MNIST

    units: int = question(
        "units",
        "units of the hidden dense layer",
        lambda so_far: whole_number(1, MOST_UNITS),
        lambda data, so_far: UNITS,
    )
    epochs: int = _epochs("of each of the two phases", 5, CLASSIFIER_STEPS)
    batch_size: int = _batch_size(128)

    @staticmethod
    def check(data, so_far):
        """Check that the classifier can be trained in memory."""
        size = architecture.classifier_size(data.encoder, so_far["units"], data.classes)
        check_memory(size, so_far.get("batch_size", 1), data.memory)
