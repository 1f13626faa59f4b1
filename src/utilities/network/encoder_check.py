"""The check of an encoder file before Keras sees it, in a process of its own.

HDF5's own library is known to crash or to loop for ever on some damaged files, so it reads the file in a copy of this
process first. What it has read there to the end, Keras may have it read again.
"""

import contextlib

from utilities.errors import BadInput
from utilities.network.architecture import NetworkSize
from utilities.network.contained import Contained, Ended

LONGEST_CHECK = 20.0  # seconds of the processor; a gigabyte takes one or two
NO_MODEL = "not a Keras model in .h5 or .keras format"


@contextlib.contextmanager
def checking_encoder(path, image_shape):
    """Begin to check that a file holds an encoder as autoencoder.py saves it, and nothing else.

    Args:
        image_shape: (rows, columns) of the images that the encoder must be for.

    Yields:
        A function that waits for the end of the check, and returns the encoder's architecture.NetworkSize. It raises
        BadInput, whose message names the file and what was found in it, where it is no such encoder.
    """
    with Contained(lambda: _judge(path, image_shape), LONGEST_CHECK) as check:
        yield lambda: _size(path, check)


def check_encoder(path, image_shape):
    """Return what the function of checking_encoder returns."""
    with checking_encoder(path, image_shape) as size:
        return size()


def _judge(path, image_shape):
    from utilities.network.encoder_file import size_or_fault  # which brings HDF5: only the copy needs that

    return size_or_fault(path, image_shape)


def _size(path, check):
    try:
        found = check.result()
    except Ended as end:
        found = f"{NO_MODEL}: reading it {end}"
    if isinstance(found, str):
        raise BadInput(f"{path}: {found}")
    return NetworkSize(*found)
