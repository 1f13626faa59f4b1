"""What training needs of TensorFlow: batches in a pipeline, several of them a step, into a FastNetwork.

The same functions as in on_jax.py.
"""

import itertools
import weakref

import numpy as np
import tensorflow as tf

from utilities.data.batches import WHITE, epoch_order, take
from utilities.training.fast_network import FastNetwork

PREFETCHED = 2
# In a stack, or a single batch where that is larger: Ctrl-C, and the bar, wait for the end of a stack. Fewer where they
# would take more numbers.
STACKED_EXAMPLES = 320
STACKED_NUMBERS = 2**22


def prepare(settings):
    """Do nothing: there is one process, and TensorFlow finds the device that it computes on by itself."""


def network_of(model, batch_size):
    """Return a network that computes the same as a model, from its weights, as fast as TensorFlow can."""
    return FastNetwork(model, batch_size)


def steps_per_epoch(examples, batch_size):
    """Return the number of steps in an epoch of training_data."""
    return len(_ranges(examples, batch_size))


def training_data(examples, batch_size, epochs, seed):
    """Return one dataset of some epochs in stacks of batches; each epoch's order depends on the seed and its number.

    A stack, (batches, batch, ...), is what FastNetwork trains on in a step. The last of an epoch is a single batch,
    smaller than the others, where the examples do not come out even. One dataset for all epochs, because the end of an
    iterator, and the start of the next, cost an epoch seconds.

    Args:
        epochs: the numbers of the epochs, ascending from 0 or from where an interrupted training goes on.
    """

    def stacks(examples):
        for epoch in epochs:
            order = epoch_order(examples, epoch, seed)
            for start, end in _ranges(examples, batch_size):
                yield take(examples, order[start:end].reshape(-1, min(batch_size, end - start)))

    return _dataset(stacks, examples, (None, None))


def _ranges(examples, batch_size):
    """Return the (start, end) of the stacks of some examples."""
    count = len(examples)
    in_stack = max(1, min(STACKED_EXAMPLES, STACKED_NUMBERS // examples.numbers) // batch_size) * batch_size
    whole = count // batch_size * batch_size
    ends = sorted({*range(in_stack, whole, in_stack), whole, count} - {0})
    return list(itertools.pairwise([0, *ends]))


def evaluation_data(examples, batch_size):
    """Return a dataset of the batches of the examples, in the order chosen."""
    starts = range(0, len(examples), batch_size)

    def batches(examples):
        for start in starts:
            yield take(examples, examples.chosen[start : start + batch_size])

    return _dataset(batches, examples, (None,)).apply(tf.data.experimental.assert_cardinality(len(starts)))


def _dataset(generate, examples, axes):
    """Return a dataset of what ``generate(examples)`` yields, with so many axes before an example's own.

    TensorFlow never lets go of a generator. So the generator finds the examples, which may be a gigabyte of codes, by a
    weak reference, and the dataset alone keeps them.
    """
    found = weakref.ref(examples)
    dataset = tf.data.Dataset.from_generator(lambda: generate(found()), output_signature=_signature(examples, axes))
    dataset.examples = examples
    if examples.classes is None:
        dataset = dataset.map(_scaled_twice)
    elif examples.inputs.dtype == np.uint8:
        dataset = dataset.map(_scaled)
    options = tf.data.Options()
    # Closing an autotuned iterator waits, idle, for its tuning thread: seconds at the end of every epoch.
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCHED).with_options(options)


def _signature(examples, axes):
    def of(array):
        return tf.TensorSpec((*axes, *array.shape[1:]), array.dtype)

    return of(examples.inputs) if examples.classes is None else (of(examples.inputs), of(examples.distributions))


# These have no control flow; looking for some to convert takes TensorFlow longer than a first batch.
@tf.autograph.experimental.do_not_convert
def _scaled_twice(images):
    return (_scale(images),) * 2


@tf.autograph.experimental.do_not_convert
def _scaled(images, targets):
    return _scale(images), targets


def _scale(images):
    return tf.cast(images, tf.float32)[..., tf.newaxis] / WHITE
