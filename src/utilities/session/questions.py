"""The questions of each script: their defaults, bounds, and how their answers are parsed."""

import math
import re
from functools import partial

from utilities.errors import BadInput
from utilities.network import architecture
from utilities.network.hyperparameters import (
    AutoencoderHyperparameters,
    ClassifierHyperparameters,
    show_kernel_sizes,
    show_numbers,
)
from utilities.network.memory import check_memory
from utilities.terminal import answers
from utilities.terminal.answers import checked, whole_number
from utilities.terminal.console import Question, answer_of_flag

MOST_LAYERS = 20
MOST_UNITS = 65_536
MOST_EPOCHS = 100_000
LARGEST_BATCH = 65_536

# What Enter takes for each layer; layers past the last repeat it. benchmarks/ says how they were found.
KERNEL_SIZES = ((5, 5), (7, 7), (7, 7), (1, 1))
FILTERS = (32, 32, 64, 64)
# The batch size where there are fewer images than so many, and how many steps, in whole epochs, these are trained for.
BATCH_SIZES_OF_FEW = {1_000: 16, 20_000: 32}
AUTOENCODER_STEPS, CLASSIFIER_STEPS = 3000, 1000
MOST_EPOCHS_OF_FEW = 100


def default_autoencoder(images):
    """Return the AutoencoderHyperparameters that Enter takes at first, for so many images to train on."""
    epochs, batch_size = _default_epochs(images, 64, 10, AUTOENCODER_STEPS)
    return AutoencoderHyperparameters(KERNEL_SIZES[:3], FILTERS[:3], epochs, batch_size, third_pooling=True)


def default_classifier(images):
    """Return the ClassifierHyperparameters that Enter takes at first, for so many images to train on."""
    epochs, batch_size = _default_epochs(images, 128, 5, CLASSIFIER_STEPS)
    return ClassifierHyperparameters(128, epochs, batch_size)


def _default_epochs(images, batch_size, epochs, steps):
    """Return the epochs, tens of them where there are few images, and the batch size."""
    few = [batch_size for limit, batch_size in BATCH_SIZES_OF_FEW.items() if images < limit]
    if not few:
        return epochs, batch_size
    tens = math.ceil(steps / math.ceil(images / few[0]) / 10)
    return min(MOST_EPOCHS_OF_FEW, 10 * tens), few[0]


def questions_of_autoencoder(image_shape, images, data_bytes, defaults):
    """Yield the Questions of ``autoencoder.py``, and return the hyperparameters; for Console.ask_in_order.

    Args:
        image_shape: (rows, columns, channels).
        images: how many there are to train on.
        data_bytes: that the data take in memory.
        defaults: the AutoencoderHyperparameters of before; None at first.

    Raises:
        BadInput: the images suit no number of layers.
    """
    defaults = defaults or default_autoencoder(images)
    layers = yield _layers_question(image_shape, len(defaults.filters))
    kernel_sizes = yield _kernels_question(_for_layers(defaults.kernel_sizes, KERNEL_SIZES, layers), layers)
    pools_third = architecture.may_pool_third(image_shape, layers)

    def check(filters, batch_size=1, third_pooling=pools_third):
        # What has not been asked yet counts for the least.
        size = architecture.autoencoder_size(image_shape, kernel_sizes, filters, third_pooling)
        check_memory(size, batch_size, data_bytes)

    filters = yield Question(
        "filters of each layer",
        _for_layers(defaults.filters, FILTERS, layers),
        checked(partial(parse_filters, layers=layers), check),
        show_numbers,
        flag="--filters",
    )
    epochs, batch_size = yield from _epochs_and_batch_size(defaults, images, lambda size: check(filters, size))
    third_pooling = None
    if pools_third:
        text, default = "third max-pooling (7, 7)? y/n", defaults.third_pooling is not False
        parse = checked(answers.yes_or_no, lambda third: check(filters, batch_size, third))
        third_pooling = yield Question(text, default, parse, answers.show_yes_or_no, flag="--third-pooling")
    return AutoencoderHyperparameters(kernel_sizes, filters, epochs, batch_size, third_pooling)


def questions_of_classifier(encoder_size, classes, images, data_bytes, defaults):
    """Yield the Questions of ``classification.py``, and return the hyperparameters.

    Args:
        encoder_size: the encoder's NetworkSize.
        classes: how many there are.
        images, data_bytes, defaults: as of questions_of_autoencoder.
    """
    defaults = defaults or default_classifier(images)

    def check(units, batch_size=1):
        check_memory(architecture.classifier_size(encoder_size, units, classes), batch_size, data_bytes)

    parse = checked(whole_number(1, MOST_UNITS), check)
    units = yield Question("units of the hidden dense layer", defaults.units, parse, flag="--units")
    epochs, batch_size = yield from _epochs_and_batch_size(defaults, images, lambda size: check(units, size))
    return ClassifierHyperparameters(units, epochs, batch_size)


def check_flags(given):
    """Check the answers of flags, as far as that can be done before there are images.

    Args:
        given: {flag: text}.

    Returns:
        The same, with the number of layers that lists of kernel sizes or filters imply where none is given.

    Raises:
        BadInput: one of them is bad, or they do not fit each other.
    """
    lists = {"--kernels": answers.split_pairs, "--filters": answers.split_list}
    counts = [len(split(given[flag])) for flag, split in lists.items() if flag in given]
    implied = {"--layers": str(max(counts, default=1))} | given
    layers = answer_of_flag("--layers", whole_number(1, MOST_LAYERS), implied["--layers"])
    parsers = {
        "--kernels": partial(parse_kernel_sizes, layers=layers),
        "--filters": partial(parse_filters, layers=layers),
        "--units": whole_number(1, MOST_UNITS),
        "--epochs": whole_number(1, MOST_EPOCHS),
        "--batch-size": whole_number(1, LARGEST_BATCH),
        "--third-pooling": answers.yes_or_no,
    }
    for flag, parse in parsers.items():
        if flag in given:
            answer_of_flag(flag, parse, given[flag])
    return implied if layers > 1 else given


def _layers_question(image_shape, default):
    def check(layers):
        if fault := architecture.pooling_fault(image_shape, layers):
            raise ValueError(fault)

    if fault := architecture.pooling_fault(image_shape, 1):
        raise BadInput(f"these images suit no number of layers: {fault}")
    default = 1 if architecture.pooling_fault(image_shape, default) else default
    parse = checked(whole_number(1, MOST_LAYERS), check)
    return Question("number of convolutional layers", default, parse, flag="--layers")


def _kernels_question(default, layers):
    parse = partial(parse_kernel_sizes, layers=layers)
    return Question("kernel size of each layer", default, parse, show_kernel_sizes, flag="--kernels")


def _epochs_and_batch_size(defaults, images, check):
    """Yield the Questions that both scripts have, and return the values."""

    def note(size):
        return f"only {images} images to train on: each epoch is a single step" if size > images else ""

    epochs = yield Question("epochs", defaults.epochs, whole_number(1, MOST_EPOCHS), flag="--epochs")
    parse = checked(whole_number(1, LARGEST_BATCH), check)
    batch_size = yield Question("batch size", defaults.batch_size, parse, note=note, flag="--batch-size")
    return epochs, batch_size


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
    return answers.one_for_each(answer, layers, _parse_kernel_size, answers.split_pairs, "kernel size", example)


def _parse_kernel_size(text):
    rows, _, columns = text.partition("x")
    side = whole_number(1, architecture.LARGEST_KERNEL_SIDE)
    return side(rows), side(columns or rows)


def parse_filters(answer, layers):
    """Return the numbers of filters that an answer such as "16 32 64" names.

    Raises:
        ValueError: neither one number nor as many as layers, or one out of bounds.
    """
    example = show_numbers(_for_layers(FILTERS, FILTERS, layers))
    number = whole_number(1, architecture.MOST_FILTERS)
    return answers.one_for_each(answer, layers, number, answers.split_list, "number", example)
