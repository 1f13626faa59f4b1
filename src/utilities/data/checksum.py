"""What tells an array from others."""

import zlib

import numpy as np

from utilities.processes import check_alike, several_processes

# Of a larger array, which may be a mapped file larger than memory, this many bytes are summed up, in this many parts.
CHECKSUM_BYTES, CHECKSUM_PARTS = 2**26, 2**8


def identify(array):
    """Return a text that tells an array from others: its shape, and a checksum of its items."""
    parts = [array]
    if array.nbytes > CHECKSUM_BYTES:
        length = max(1, CHECKSUM_BYTES * len(array) // array.nbytes // CHECKSUM_PARTS)
        firsts = np.linspace(0, len(array) - length, CHECKSUM_PARTS, dtype=int)
        parts = [array[first : first + length] for first in firsts]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(np.ascontiguousarray(part), checksum)
    # A single channel goes unsaid, as it does in experiments from before there were more.
    shape = array.shape[:3] if array.shape[3:] == (1,) else array.shape
    return f"{shape}, checksum {checksum:08x}"


def check_files(arrays):
    """Check that this process has read from its files, {path: array}, what process 0 of the job has.

    Raises:
        BadInput: it has not.
    """
    if several_processes():
        for path, array in arrays.items():
            check_alike(path, identify(array))
