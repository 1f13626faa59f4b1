"""The way of the examples from memory, or from a mapped file, into a network, batch by batch."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

WHITE = 255
PREFETCHED_BATCHES = 2


@dataclass(frozen=True)
class Examples:
    """What a network learns from, or is measured on.

    Attributes:
        inputs: uint8 images, (count, rows, columns), scaled to [0, 1] batch by batch; or float32 codes,
            (count, rows, columns, channels), passed on as they are.
        targets: class of each input, (count,); None where an input is its own target.
        chosen: the indices of those to use, (chosen,).
    """

    inputs: np.ndarray
    targets: np.ndarray | None
    chosen: np.ndarray

    def __len__(self):
        return len(self.chosen)


def steps_per_epoch(examples, batch_size):
    """Return the number of batches that hold every example once; the last may be smaller."""
    return -(-len(examples) // batch_size)


def shuffled_batches(examples, batch_size, epochs, seed):
    """Return one dataset of the batches of some epochs; each epoch's order depends on the seed and its number alone.

    One dataset for all of them, because the end of an iterator, and the start of the next, cost an epoch seconds.

    Args:
        epochs: the numbers of the epochs, ascending from 0 or from where an interrupted training goes on.
    """

    def batches():
        for epoch in epochs:
            order = np.random.default_rng((seed, epoch)).permutation(examples.chosen)
            yield from _batches(examples, order, batch_size)

    return _dataset(batches, examples)


def ordered_batches(examples, batch_size):
    """Return a dataset of the batches of the examples, in the order chosen."""
    dataset = _dataset(lambda: _batches(examples, examples.chosen, batch_size), examples)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps_per_epoch(examples, batch_size)))


def _batches(examples, order, batch_size):
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        inputs = examples.inputs[indices]
        yield inputs if examples.targets is None else (inputs, examples.targets[indices])


def _dataset(batches, examples):
    def signature(array):
        return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

    inputs = signature(examples.inputs)
    if examples.targets is None:
        dataset = tf.data.Dataset.from_generator(batches, output_signature=inputs)
        dataset = dataset.map(lambda images: (_scale(images),) * 2)
    else:
        dataset = tf.data.Dataset.from_generator(batches, output_signature=(inputs, signature(examples.targets)))
        if examples.inputs.dtype == np.uint8:
            dataset = dataset.map(lambda images, targets: (_scale(images), targets))
    options = tf.data.Options()
    # Closing an autotuned iterator waits, idle, for its tuning thread: seconds at the end of every epoch.
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCHED_BATCHES).with_options(options)


def _scale(images):
    return tf.cast(images, tf.float32)[..., tf.newaxis] / WHITE
