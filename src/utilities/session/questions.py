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
from utilities.terminal.console import Question, checked, whole_number, yes_or_no
from utilities.text import printable

MOST_LAYERS = 20
MOST_UNITS = 65_536
MOST_EPOCHS = 100_000
LARGEST_BATCH = 65_536

# What Enter takes for each number of layers; sets past the last repeat it. benchmarks/ says how they were found.
DEFAULT_LAYERS = 3
DEFAULT_KERNEL_SIDES = (5, 7, 7, 1)
DEFAULT_FILTERS = (32, 32, 64, 64)

KERNEL_SIZE = r"(?:\(\s*\d+\s*,\s*\d+\s*\)|\d+,\d+|\d+)"
KERNEL_SIZES = rf"{KERNEL_SIZE}(?:\s+{KERNEL_SIZE})*"


def ask_autoencoder(console, image_shape):
    """Ask the questions of ``autoencoder.py`` about images of (rows, columns).

    Raises:
        BadInput: the images suit no number of layers, or the input ended after a bad answer.
    """
    layers = _ask_layers(console, image_shape)
    kernel_sizes = console.ask(
        Question(
            "kernel size of each layer",
            show_kernel_sizes([(side, side) for side in _extend(DEFAULT_KERNEL_SIDES, layers)]),
            lambda answer: parse_kernel_sizes(answer, layers),
        )
    )
    pools_third = may_pool_third(image_shape, layers)

    def check(filters, batch_size=1, third_pooling=pools_third):
        # What has not been asked yet counts for the least.
        check_memory(autoencoder_size(image_shape, kernel_sizes, filters, third_pooling), batch_size)

    filters = console.ask(
        Question(
            "filters of each layer",
            show_numbers(_extend(DEFAULT_FILTERS, layers)),
            checked(lambda answer: parse_filters(answer, layers), check),
        )
    )
    epochs = _ask_number(console, "epochs", 10, MOST_EPOCHS)
    batch_size = _ask_number(console, "batch size", 64, LARGEST_BATCH, lambda size: check(filters, size))
    third_pooling = None
    if pools_third:
        parse = checked(yes_or_no, lambda third: check(filters, batch_size, third))
        third_pooling = console.ask(Question("third max-pooling (7, 7)? y/n", "y", parse))
    return AutoencoderHyperparameters(kernel_sizes, filters, epochs, batch_size, third_pooling)


def ask_classifier(console, encoder_size, classes):
    """Ask the questions of ``classification.py`` about an encoder of a NetworkSize, and so many classes.

    Raises:
        BadInput: the input ended after a bad answer.
    """

    def check(units, batch_size=1):
        check_memory(classifier_size(encoder_size, units, classes), batch_size)

    units = _ask_number(console, "units of the hidden dense layer", 128, MOST_UNITS, check)
    epochs = _ask_number(console, "epochs", 5, MOST_EPOCHS)
    batch_size = _ask_number(console, "batch size", 128, LARGEST_BATCH, lambda size: check(units, size))
    return ClassifierHyperparameters(units, epochs, batch_size)


def _ask_layers(console, image_shape):
    for default in (DEFAULT_LAYERS, 1):
        fault = pooling_fault(image_shape, default)
        if not fault:
            break
    else:
        raise BadInput(f"these images suit no number of layers: {fault}")
    count = whole_number(1, MOST_LAYERS)

    def parse(answer):
        layers = count(answer)
        fault = pooling_fault(image_shape, layers)
        if fault:
            raise ValueError(fault)
        return layers

    return console.ask(Question("number of convolutional layers", str(default), parse))


def _ask_number(console, text, default, largest, check=lambda number: None):
    return console.ask(Question(text, str(default), checked(whole_number(1, largest), check)))


def _extend(values, count):
    """Return the first ``count`` values, the last one repeated where there are fewer."""
    return (values + values[-1:] * count)[:count]


def parse_kernel_sizes(answer, layers):
    """Return the kernel sizes, ((rows, columns), ...), that an answer such as "(5, 5) 3,3 1" names.

    Raises:
        ValueError: not as many kernel sizes as layers, or one out of bounds.
    """
    if not re.fullmatch(KERNEL_SIZES, answer, re.ASCII):
        raise ValueError(f"expected kernel sizes such as (5, 5) (3, 3) or 5 3, found {printable(answer)!r}")
    side = whole_number(1, LARGEST_KERNEL_SIDE)
    sizes = []
    for size in re.findall(KERNEL_SIZE, answer):
        sides = [side(number) for number in re.findall(r"\d+", size)]
        sizes.append((sides[0], sides[-1]))
    _check_count(sizes, layers, "kernel sizes")
    return tuple(sizes)


def parse_filters(answer, layers):
    """Return the numbers of filters that an answer such as "16 32 64" names.

    Raises:
        ValueError: not as many numbers as layers, or one out of bounds.
    """
    filters = tuple(whole_number(1, MOST_FILTERS)(number) for number in answer.split())
    _check_count(filters, layers, "numbers of filters")
    return filters


def _check_count(values, layers, what):
    if len(values) != layers:
        raise ValueError(f"{what}: expected {layers}, one for each layer, found {len(values)}")
