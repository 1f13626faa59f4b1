"""The examples that a network learns from, and the order in which it meets them."""

import math
from dataclasses import dataclass

import numpy as np

WHITE = 255
# Inputs of no more bytes are shuffled all together. More of them, perhaps a mapped file larger than memory, are
# shuffled within windows of so many bytes. A window is made of runs of neighbours from all over the file: a disk reads
# a run in one go.
WINDOW_BYTES = 2**30
RUNS_IN_WINDOW = 2**10


@dataclass(frozen=True)
class Examples:
    """What a network learns from, or is measured on.

    Attributes:
        inputs: uint8 images, (count, rows, columns), scaled to [0, 1] batch by batch; or float32 codes,
            (count, rows, columns, channels), passed on as they are.
        chosen: the indices of those to use, (chosen,).
        classes: class of each input, (count,); None where an input is its own target.
        distributions: the one-hot target of each class, perhaps smoothed, float32, (classes, classes).
    """

    inputs: np.ndarray
    chosen: np.ndarray
    classes: np.ndarray | None = None
    distributions: np.ndarray | None = None

    def __len__(self):
        return len(self.chosen)

    @property
    def numbers(self):
        """How many numbers one input has."""
        return math.prod(self.inputs.shape[1:])


def epoch_order(examples, epoch, seed):
    """Return the indices of the examples, (examples,), in the order of an epoch: a function of seed and epoch alone."""
    random = np.random.default_rng((seed, epoch))
    window = max(1, WINDOW_BYTES // (examples.numbers * examples.inputs.itemsize))
    if len(examples) <= window:
        return random.permutation(examples.chosen)
    run = math.ceil(window / RUNS_IN_WINDOW)
    firsts = random.permutation(np.arange(0, len(examples), run))
    order = np.concatenate([examples.chosen[first : first + run] for first in firsts])
    for first in range(0, len(order), window):
        random.shuffle(order[first : first + window])
    return order


def take(examples, indices):
    """Return the inputs at some indices; (inputs, targets) where the examples have classes."""
    inputs = examples.inputs[indices]
    return inputs if examples.classes is None else (inputs, examples.distributions[examples.classes[indices]])
