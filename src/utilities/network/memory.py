"""How much memory it takes to train a network, about."""

import numpy as np

from utilities.limits import LIBRARIES, available_memory
from utilities.text import gigabytes

FLOAT32 = 4  # bytes
# As measured. Each weight as it is, as it began, and as it is kept, in memory and while it is saved; its gradient, the
# average of that, and copies while it takes a step.
COPIES_OF_WEIGHTS = 8
# Of a classifier's weights, beside these: each as it was after phase 1, and that phase's average; of its encoder's, as
# they were read, and the file's bytes, and of its dense layers' the copies of phase 1.
COPIES_OF_CLASSIFIER = 5
# The codes of all images are computed once, before phase 1, where they take no more bytes than this.
LARGEST_CODES = 2**30


def training_memory(size, batch_size, data_bytes):
    """Return about how many bytes it takes to train a network.

    Args:
        size: the network's layers.NetworkSize.
        data_bytes: that the data take in memory: bytes_in_memory of the images, bytes_of_codes, and bytes_of_encoder.
    """
    numbers = COPIES_OF_WEIGHTS * size.weights + COPIES_OF_CLASSIFIER * size.dense + batch_size * size.features
    return LIBRARIES + data_bytes + FLOAT32 * numbers


def bytes_in_memory(*arrays):
    """Return how many bytes arrays take in memory: a file that is memory-mapped takes none."""
    return sum(array.nbytes for array in arrays if not isinstance(array, np.memmap))


def bytes_of_codes(code, count):
    """Return how many bytes the codes of ``count`` images take in phase 1; 0 where they are too many to be kept.

    Args:
        code: how many numbers the encoder makes of an image.
    """
    codes = FLOAT32 * code * count
    return codes if codes <= LARGEST_CODES else 0


def bytes_of_encoder(weights):
    """Return how many bytes an encoder of so many weights takes that is read from a file, beside the network on it."""
    return FLOAT32 * COPIES_OF_CLASSIFIER * weights


def check_memory(size, batch_size, data_bytes):
    """Check that a network can be trained in the memory that there is; arguments as of training_memory.

    Raises:
        ValueError: it cannot; the message says how much there is.
    """
    needed, available = training_memory(size, batch_size, data_bytes), available_memory()
    if needed > available:
        of_data = f", {gigabytes(data_bytes)} of it for images, codes and an encoder's file"
        data = of_data if data_bytes > needed / 10 else ""
        raise ValueError(
            f"too large: training takes about {gigabytes(needed)} of memory in batches of {batch_size}{data}, "
            f"and there are {gigabytes(available)}"
        )
