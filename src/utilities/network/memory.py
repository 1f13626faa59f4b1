"""How much memory it takes to train a network, about."""

import numpy as np

from utilities.limits import LIBRARIES, available_memory
from utilities.text import gigabytes

FLOAT32 = 4  # bytes
# Each weight as it is, as it began and after phase 1, its gradient, each phase's average of that, and a temporary copy.
COPIES_OF_WEIGHTS = 7
# The codes of all images are computed once, before phase 1, where they take no more bytes than this.
LARGEST_CODES = 2**30


def training_memory(size, batch_size, data_bytes):
    """Return about how many bytes it takes to train a network.

    Args:
        size: the network's layers.NetworkSize.
        data_bytes: that the data take in memory: bytes_in_memory of the images, and bytes_of_codes.
    """
    return LIBRARIES + data_bytes + FLOAT32 * (COPIES_OF_WEIGHTS * size.weights + batch_size * size.features)


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


def check_memory(size, batch_size, data_bytes):
    """Check that a network can be trained in the memory that there is; arguments as of training_memory.

    Raises:
        ValueError: it cannot; the message says how much there is.
    """
    needed, available = training_memory(size, batch_size, data_bytes), available_memory()
    if needed > available:
        data = f", {gigabytes(data_bytes)} of it for images and codes" if data_bytes > needed / 10 else ""
        raise ValueError(
            f"too large: training takes about {gigabytes(needed)} of memory in batches of {batch_size}{data}, "
            f"and there are {gigabytes(available)}"
        )
