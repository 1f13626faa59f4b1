"""Training on TensorFlow: a pipeline of batches, stacked so that a step trains on several, and a FastNetwork.

Has the same functions as on_jax.py.
"""

import itertools
import weakref

import numpy as np
import tensorflow as tf

from utilities.data.batches import WHITE, draw_epoch, take
from utilities.training.fast_network import FastNetwork

PREFETCHED = 2
# Examples in a stack of batches, which has at least one batch. Ctrl-C and the progress bar wait for a stack's end.
STACKED_EXAMPLES = 320
STACKED_NUMBERS = 2**22  # pixels, or numbers of codes, in a stack


def prepare(settings):
    """Do nothing: there is one process, and TensorFlow chooses its device by itself."""


def network_of(model, batch_size):
    """Return the FastNetwork of a model."""
    return FastNetwork(model, batch_size)


def steps_per_epoch(examples, batch_size):
    """Return the number of steps in an epoch of training_data."""
    return len(_ranges(examples, batch_size))


def training_data(examples, batch_size, epochs, seed):
    """Return one dataset of stacks of batches for several epochs, each in an order drawn from seed and epoch.

    A stack, (batches, batch, ...), is what FastNetwork trains on in a step. A last batch that is smaller is a stack of
    its own. One dataset serves all epochs, since ending an iterator and starting another takes seconds.

    Args:
        epochs: the numbers of the epochs, from 0.
    """

    def stacks(examples):
        for epoch in epochs:
            order, shifts = draw_epoch(examples, epoch, seed)
            for start, end in _ranges(examples, batch_size):
                batches = -1, min(batch_size, end - start)
                yield take(examples, order[start:end].reshape(batches), shifts[start:end].reshape(*batches, 2))

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
    """Return a dataset of what ``generate(examples)`` yields.

    TensorFlow never frees a generator. So the generator has a weak reference to the examples, which may be a gigabyte
    of codes, and only the dataset keeps them alive.

    Args:
        axes: the sizes of the axes before an example's own; None for any size.
    """
    found = weakref.ref(examples)
    dataset = tf.data.Dataset.from_generator(lambda: generate(found()), output_signature=_signature(examples, axes))
    dataset.examples = examples
    if examples.classes is None:
        dataset = dataset.map(_scaled_twice)
    elif examples.inputs.dtype == np.uint8:
        dataset = dataset.map(_scaled)
    options = tf.data.Options()
    # Closing an autotuned iterator waits seconds for its tuning thread.
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCHED).with_options(options)


def _signature(examples, axes):
    def of(array):
        return tf.TensorSpec((*axes, *array.shape[1:]), array.dtype)

    return of(examples.inputs) if examples.classes is None else (of(examples.inputs), of(examples.distributions))


# These have no control flow, and AutoGraph's search for some takes longer than a first batch.
@tf.autograph.experimental.do_not_convert
def _scaled_twice(images):
    return (_scale(images),) * 2


@tf.autograph.experimental.do_not_convert
def _scaled(images, targets):
    return _scale(images), targets


def _scale(images):
    return tf.cast(images, tf.float32) / WHITE
