"""The examples that a network learns from, and the order in which it meets them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

WHITE = 255
# Inputs of no more bytes are shuffled all together. More of them, perhaps a mapped file larger than memory, are
# shuffled within windows of so many bytes. A window is made of runs of neighbours from all over the file: a disk reads
# a run in one go.
WINDOW_BYTES = 2**30
RUNS_IN_WINDOW = 2**10
SHIFTS, ORDER = 1, 2  # streams of random numbers: (seed, 0) alone would be that of the seed, which splits the images


@dataclass(frozen=True)
class Examples:
    """What a network learns from, or is measured on.

    Attributes:
        inputs: (count, rows, columns, channels): uint8 images, scaled to [0, 1] batch by batch; or float32 codes,
            passed on as they are.
        chosen: the indices of those to use, (chosen,).
        classes: class of each input, (count,); None where an input is its own target.
        distributions: the one-hot target of each class, perhaps smoothed, float32, (classes, classes).
        largest_shift: training shifts each image by up to so many pixels, up or down, left or right.
    """

    inputs: np.ndarray
    chosen: np.ndarray
    classes: np.ndarray | None = None
    distributions: np.ndarray | None = None
    largest_shift: int = 0

    def __len__(self):
        return len(self.chosen)


def epoch_order(examples, epoch, seed):
    """Return the indices of the examples, (examples,), in the order of an epoch: a function of seed and epoch alone."""
    random = np.random.default_rng((seed, epoch, ORDER))
    window = max(1, WINDOW_BYTES // examples.inputs[0].nbytes)
    if len(examples) <= window:
        return random.permutation(examples.chosen)
    run = math.ceil(window / RUNS_IN_WINDOW)
    firsts = random.permutation(np.arange(0, len(examples), run))
    order = np.concatenate([examples.chosen[first : first + run] for first in firsts])
    for first in range(0, len(order), window):
        random.shuffle(order[first : first + window])
    return order


def draw_epoch(examples, epoch, seed):
    """Return an epoch's order, (examples,), and how far each in it is shifted in rows and columns, (examples, 2)."""
    order = epoch_order(examples, epoch, seed)
    if not examples.largest_shift:
        return order, np.broadcast_to(np.uint16(0), (len(examples), 2))  # takes no memory
    random = np.random.default_rng((seed, epoch, SHIFTS))
    return order, random.integers(0, 2 * examples.largest_shift, (len(examples), 2), np.uint16, endpoint=True)


def take(examples, indices, shifts=None):
    """Return the inputs at some indices, (inputs, targets) where the examples have classes.

    Args:
        indices: of any shape, (...); the inputs are (..., rows, columns, channels).
        shifts: of each input, (..., 2), as draw_epoch has them; None for none.
    """
    inputs = examples.inputs[indices]
    if shifts is not None and examples.largest_shift:
        inputs = _shift(inputs, shifts, examples.largest_shift)
    return inputs if examples.classes is None else (inputs, examples.distributions[examples.classes[indices]])


def _shift(images, shifts, largest):
    """Return images, (..., rows, columns, channels), shifted; what comes in at an edge repeats the pixels there."""
    shape = images.shape[-3:]
    padding = [(0, 0), (largest, largest), (largest, largest), (0, 0)]
    windows = sliding_window_view(np.pad(images.reshape(-1, *shape), padding, "edge"), shape, (1, 2, 3))
    rows, columns = shifts.reshape(-1, 2).T
    return windows[np.arange(len(windows)), rows, columns, 0].reshape(images.shape)
