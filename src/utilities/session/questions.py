"""The questions of each script: their defaults, bounds, and how their answers are parsed."""

import re

from utilities.errors import BadInput
from utilities.network.architecture import (
    LARGEST_KERNEL_SIDE,
    MOST_FILTERS,
    autoencoder_size,
    classifier_size,
    may_pool_third,
    pooling_fault,
)
from utilities.network.hyperparameters import (
    AutoencoderHyperparameters,
    ClassifierHyperparameters,
    show_kernel_sizes,
    show_numbers,
)
from utilities.network.memory import check_memory
from utilities.terminal.answers import (
    checked,
    one_for_each,
    show_yes_or_no,
    split_list,
    split_pairs,
    whole_number,
    yes_or_no,
)
from utilities.terminal.console import Question

MOST_LAYERS = 20
MOST_UNITS = 65_536
MOST_EPOCHS = 100_000
LARGEST_BATCH = 65_536

# What Enter takes for each layer; layers past the last repeat it. benchmarks/ says how they were found.
KERNEL_SIZES = ((5, 5), (7, 7), (7, 7), (1, 1))
FILTERS = (32, 32, 64, 64)
AUTOENCODER = AutoencoderHyperparameters(KERNEL_SIZES[:3], FILTERS[:3], epochs=10, batch_size=64, third_pooling=True)
CLASSIFIER = ClassifierHyperparameters(units=128, epochs=5, batch_size=128)


def ask_autoencoder(console, image_shape, images, before=None, data_bytes=0):
    """Ask the questions of ``autoencoder.py``.

    Args:
        image_shape: (rows, columns).
        images: how many there are to train on.
        before: the AutoencoderHyperparameters that are the defaults; None for those of a first experiment.
        data_bytes: that the data take in memory.

    Raises:
        BadInput: the images suit no number of layers, or a bad answer in redirected input.
    """
    defaults = before or AUTOENCODER
    return console.ask_in_order(lambda: _questions_of_autoencoder(image_shape, images, data_bytes, defaults))


def ask_classifier(console, encoder_size, classes, images, before=None, data_bytes=0):
    """Ask the questions of ``classification.py``.

    Args:
        encoder_size: the encoder's NetworkSize.
        classes: how many there are.
        images: how many there are to train on.
        before: the ClassifierHyperparameters that are the defaults; None for those of a first experiment.
        data_bytes: that the data take in memory.

    Raises:
        BadInput: a bad answer in redirected input.
    """
    defaults = before or CLASSIFIER
    return console.ask_in_order(lambda: _questions_of_classifier(encoder_size, classes, images, data_bytes, defaults))


def _questions_of_autoencoder(image_shape, images, data_bytes, defaults):
    """Yield the Questions, each of which may depend on the answers before it; return the hyperparameters."""
    layers = yield _layers_question(image_shape, len(defaults.filters))
    kernel_sizes = yield Question(
        "kernel size of each layer",
        _for_layers(defaults.kernel_sizes, KERNEL_SIZES, layers),
        lambda answer: parse_kernel_sizes(answer, layers),
        show_kernel_sizes,
    )
    pools_third = may_pool_third(image_shape, layers)

    def check(filters, batch_size=1, third_pooling=pools_third):
        # What has not been asked yet counts for the least.
        check_memory(autoencoder_size(image_shape, kernel_sizes, filters, third_pooling), batch_size, data_bytes)

    filters = yield Question(
        "filters of each layer",
        _for_layers(defaults.filters, FILTERS, layers),
        checked(lambda answer: parse_filters(answer, layers), check),
        show_numbers,
    )
    epochs = yield _number_question("epochs", defaults.epochs, MOST_EPOCHS)
    batch_size = yield _batch_size_question(defaults, images, lambda size: check(filters, size))
    third_pooling = None
    if pools_third:
        parse = checked(yes_or_no, lambda third: check(filters, batch_size, third))
        default = defaults.third_pooling is not False
        third_pooling = yield Question("third max-pooling (7, 7)? y/n", default, parse, show_yes_or_no)
    return AutoencoderHyperparameters(kernel_sizes, filters, epochs, batch_size, third_pooling)


def _questions_of_classifier(encoder_size, classes, images, data_bytes, defaults):
    """Yield the Questions, and return the hyperparameters."""

    def check(units, batch_size=1):
        check_memory(classifier_size(encoder_size, units, classes), batch_size, data_bytes)

    units = yield _number_question("units of the hidden dense layer", defaults.units, MOST_UNITS, check)
    epochs = yield _number_question("epochs", defaults.epochs, MOST_EPOCHS)
    batch_size = yield _batch_size_question(defaults, images, lambda size: check(units, size))
    return ClassifierHyperparameters(units, epochs, batch_size)


def _layers_question(image_shape, default):
    def check(layers):
        fault = pooling_fault(image_shape, layers)
        if fault:
            raise ValueError(fault)

    if pooling_fault(image_shape, default):
        default = 1
        if fault := pooling_fault(image_shape, default):
            raise BadInput(f"these images suit no number of layers: {fault}")
    return Question("number of convolutional layers", default, checked(whole_number(1, MOST_LAYERS), check))


def _number_question(text, default, largest, check=lambda number: None, note=lambda number: ""):
    return Question(text, default, checked(whole_number(1, largest), check), note=note)


def _batch_size_question(defaults, images, check):
    def note(size):
        return f"only {images} images to train on: each epoch is a single step" if size > images else ""

    return _number_question("batch size", defaults.batch_size, LARGEST_BATCH, check, note)


def _for_layers(values, defaults, layers):
    """Return a value for each layer: those of before, the last one repeated, or defaults where those were taken."""
    if values == defaults[: len(values)]:
        values = defaults
    return (values + values[-1:] * layers)[:layers]


def parse_kernel_sizes(answer, layers):
    """Return the kernel sizes, ((rows, columns), ...), that an answer such as "(5, 5) 3x3 1" names.

    Raises:
        ValueError: neither one kernel size nor as many as layers, or one out of bounds.
    """
    pair = re.fullmatch(r"([0-9]{1,2}),([0-9]{1,2})", answer)
    if pair and pair[1] != pair[2] and layers > 1:
        one, two = "x".join(pair.groups()), " ".join(pair.groups())
        raise ValueError(f"expected {one} if it is the size of all kernels, or {two} if of two, found {answer!r}")
    example = " ".join(f"{rows}x{columns}" for rows, columns in _for_layers(KERNEL_SIZES, KERNEL_SIZES, layers))
    return one_for_each(layers, _parse_kernel_size, split_pairs, "kernel size", example)(answer)


def _parse_kernel_size(text):
    rows, _, columns = text.partition("x")
    side = whole_number(1, LARGEST_KERNEL_SIDE)
    return side(rows), side(columns or rows)


def parse_filters(answer, layers):
    """Return the numbers of filters that an answer such as "16 32 64" names.

    Raises:
        ValueError: neither one number nor as many as layers, or one out of bounds.
    """
    example = show_numbers(_for_layers(FILTERS, FILTERS, layers))
    return one_for_each(layers, whole_number(1, MOST_FILTERS), split_list, "number", example)(answer)
