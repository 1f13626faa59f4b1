"""The way of the examples from memory, or from a mapped file, into a network, batch by batch."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

WHITE = 255
PREFETCHED = 2
# In a stack, or a single batch where that is larger: Ctrl-C, and the bar, wait for the end of a stack. Fewer where they
# would take more numbers.
STACKED_EXAMPLES = 320
STACKED_NUMBERS = 2**22


@dataclass(frozen=True)
class Examples:
    """What a network learns from, or is measured on.

    Attributes:
        inputs: uint8 images, (count, rows, columns), scaled to [0, 1] batch by batch; or float32 codes,
            (count, rows, columns, channels), passed on as they are.
        chosen: the indices of those to use, (chosen,).
        classes: class of each input, (count,); None where an input is its own target.
        distributions: the target of each class, float32, (classes, classes).
    """

    inputs: np.ndarray
    chosen: np.ndarray
    classes: np.ndarray | None = None
    distributions: np.ndarray | None = None

    def __len__(self):
        return len(self.chosen)


def stacks_per_epoch(examples, batch_size):
    """Return the number of stacks that hold every example once; see shuffled_stacks."""
    return len(_ranges(examples, batch_size))


def shuffled_stacks(examples, batch_size, epochs, seed):
    """Return one dataset of some epochs in stacks of batches; each epoch's order depends on the seed and its number.

    A stack, (batches, batch, ...), is what FastNetwork trains on at once. The last of an epoch is a single batch,
    smaller than the others, where the examples do not come out even. One dataset for all epochs, because the end of an
    iterator, and the start of the next, cost an epoch seconds.

    Args:
        epochs: the numbers of the epochs, ascending from 0 or from where an interrupted training goes on.
    """

    def stacks():
        for epoch in epochs:
            order = np.random.default_rng((seed, epoch)).permutation(examples.chosen)
            for start, end in _ranges(examples, batch_size):
                yield _take(examples, order[start:end].reshape(-1, min(batch_size, end - start)))

    return _dataset(stacks, examples, (None, None))


def _ranges(examples, batch_size):
    """Return the (start, end) of the stacks of some examples."""
    count = len(examples)
    stacked = min(STACKED_EXAMPLES, STACKED_NUMBERS // math.prod(examples.inputs.shape[1:]))
    in_stack = max(1, stacked // batch_size) * batch_size
    whole = count // batch_size * batch_size
    ends = sorted({*range(in_stack, whole, in_stack), whole, count} - {0})
    return list(itertools.pairwise([0, *ends]))


def ordered_batches(examples, batch_size):
    """Return a dataset of the batches of the examples, in the order chosen."""
    starts = range(0, len(examples), batch_size)

    def batches():
        for start in starts:
            yield _take(examples, examples.chosen[start : start + batch_size])

    return _dataset(batches, examples, (None,)).apply(tf.data.experimental.assert_cardinality(len(starts)))


def _take(examples, indices):
    """Return the inputs at some indices, with their targets where these are others."""
    inputs = examples.inputs[indices]
    return inputs if examples.classes is None else (inputs, examples.distributions[examples.classes[indices]])


def _dataset(generate, examples, axes):
    """Return a dataset of what a generator yields of the examples, with so many axes before an example's own."""
    dataset = tf.data.Dataset.from_generator(generate, output_signature=_signature(examples, axes))
    if examples.classes is None:
        dataset = dataset.map(lambda images: (_scale(images),) * 2)
    elif examples.inputs.dtype == np.uint8:
        dataset = dataset.map(lambda images, targets: (_scale(images), targets))
    options = tf.data.Options()
    # Closing an autotuned iterator waits, idle, for its tuning thread: seconds at the end of every epoch.
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCHED).with_options(options)


def _signature(examples, axes):
    def of(array):
        return tf.TensorSpec((*axes, *array.shape[1:]), array.dtype)

    return of(examples.inputs) if examples.classes is None else (of(examples.inputs), of(examples.distributions))


def _scale(images):
    return tf.cast(images, tf.float32)[..., tf.newaxis] / WHITE
