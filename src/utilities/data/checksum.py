"""What tells an array from others."""

import zlib

import numpy as np

from utilities.processes import check_alike, several_processes


def identify(array):
    """Return a text that tells an array from others: its shape, and a checksum of all its items, all of which is read.

    A processor sums up some gigabytes a second: what is mapped comes as fast as the disk gives it.
    """
    # A single channel goes unsaid, as it does in experiments from before there were more.
    shape = array.shape[:3] if array.shape[3:] == (1,) else array.shape
    return f"{shape}, checksum {zlib.crc32(np.ascontiguousarray(array)):08x}"


def check_files(arrays):
    """Check that this process has read from its files, {path: array}, what process 0 of the job has.

    Raises:
        BadInput: it has not.
    """
    if several_processes():
        for path, array in arrays.items():
            check_alike(path, identify(array))
