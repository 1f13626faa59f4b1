"""Training on TensorFlow: a pipeline of batches, stacked so that a step trains on several, and a FastNetwork.

Has the same functions as on_jax.py.
"""

import itertools
import math
import weakref
from functools import partial

import keras
import tensorflow as tf

from utilities.data.batches import WHITE, draw_epoch, take
from utilities.network.networks import leaves
from utilities.training.fast_layers import fast_layers, move_statistics

PREFETCHED = 2
# Examples in a stack of batches, which has at least one batch. Ctrl-C and the progress bar wait for a stack's end.
STACKED_EXAMPLES = 320
STACKED_NUMBERS = 2**22  # pixels, or numbers of codes, in a stack
SMALLEST_FUSED_EPSILON = 1.001e-5


def prepare():
    """Do nothing: there is one process, and TensorFlow chooses its device by itself."""


def devices():
    """Return the names of the GPUs that TensorFlow computes on, its first one, or an empty list."""
    found = tf.config.list_physical_devices("GPU")[:1]
    return [tf.config.experimental.get_device_details(gpu).get("device_name", "a GPU") for gpu in found]


def network_of(model, batch_size):
    """Return the FastNetwork of a model."""
    return FastNetwork(model, batch_size)


def steps_per_epoch(examples, batch_size):
    """Return the number of steps in an epoch of training_data."""
    return len(_ranges(examples, batch_size))


def training_data(examples, batch_size, epochs, seed):
    """Return one dataset of stacks of batches for several epochs, each in an order drawn from seed and epoch.

    A stack, (batches, batch, ...), is what FastNetwork trains on in a step. A last batch that is smaller is a stack of
    its own.

    Args:
        epochs: the numbers of the epochs, from 0.
    """
    ranges = _ranges(examples, batch_size)
    drawn = {}  # the last epoch that stacks were taken of

    def stack(number):
        epoch, place = divmod(number, len(ranges))
        if epoch not in drawn:
            drawn.clear()
            drawn[epoch] = draw_epoch(examples, epochs[epoch], seed)
        chosen, (order, shifts) = slice(*ranges[place]), drawn[epoch]
        batches = -1, min(batch_size, chosen.stop - chosen.start)
        return take(examples, order[chosen].reshape(batches), shifts[chosen].reshape(*batches, 2))

    return _dataset(stack, len(epochs) * len(ranges), examples, (None, None))


def _ranges(examples, batch_size):
    """Return the (start, end) of the stacks of some examples."""
    count = len(examples)
    in_stack = max(1, min(STACKED_EXAMPLES, STACKED_NUMBERS // examples.inputs[0].size) // batch_size) * batch_size
    whole = count // batch_size * batch_size
    ends = sorted({*range(in_stack, whole, in_stack), whole, count} - {0})
    return list(itertools.pairwise([0, *ends]))


def evaluation_data(examples, batch_size):
    """Return a dataset of the batches of the examples, in the order chosen."""

    def batch(number):
        return take(examples, examples.chosen[number * batch_size : (number + 1) * batch_size])

    return _dataset(batch, math.ceil(len(examples) / batch_size), examples, (None,))


def _dataset(take_part, count, examples, axes):
    """Return a dataset of ``take_part(number)``, some of the examples, for each number below a count.

    A dataset from a generator takes five times as long to begin, which validation does after each epoch. TensorFlow
    never frees a Python function. So it has one with a weak reference to ``take_part``, whose examples may be gigabytes
    of codes, and only the dataset keeps that alive.

    Args:
        axes: the sizes of the axes before an example's own; None for any size.
    """
    found = weakref.ref(take_part)
    arrays = [examples.inputs] if examples.classes is None else [examples.inputs, examples.distributions]

    # It has no control flow, and AutoGraph's search for some takes longer than a first batch.
    @tf.autograph.experimental.do_not_convert
    def load(number):
        types = [array.dtype for array in arrays]
        inputs, *targets = tf.numpy_function(lambda number: found()(number), [number], types)
        for part, array in zip((inputs, *targets), arrays, strict=True):
            part.set_shape((*axes, *array.shape[1:]))
        if inputs.dtype == tf.uint8:
            inputs = tf.cast(inputs, tf.float32) / WHITE
        return inputs, *(targets or [inputs])

    dataset = tf.data.Dataset.range(count).map(load)
    dataset.take_part = take_part
    options = tf.data.Options()
    # Closing an autotuned iterator waits seconds for its tuning thread.
    options.autotune.enabled = False
    return dataset.prefetch(PREFETCHED).with_options(options)


class FastNetwork(keras.Model):
    """Computes the same function as a plain network, with the plain network's own weights, by fast_layers.

    It trains on stacks of batches, (batches, batch, ...): starting a step from Python costs as much as the step of a
    small network.

    Args:
        plain: a chain of layers; nested networks are flattened.
        batch_size: the usual one; the fastest way to convolve depends on it.
    """

    def __init__(self, plain, batch_size):
        super().__init__(name=plain.name)
        self.plain = plain
        self.steps = fast_layers(leaves(plain), batch_size, may_transform=not devices())
        self.trained_steps = keras.Variable(0.0, trainable=False, name="trained_steps")  # batches so far

    def call(self, features, training=False):
        """Return the plain network's output."""
        normalise = partial(_normalise, step=self.trained_steps.value) if training else None
        for step in self.steps:
            features = step(features, normalise)
        if training:
            self.trained_steps.assign_add(1)
        return features

    def train_step(self, stack):
        """Train on the batches of a stack, one after another; return the metrics of the epoch so far."""
        inputs, targets, *_ = stack
        batches = tf.shape(inputs)[0]

        def step(number):
            keras.Model.train_step(self, (inputs[number], targets[number]))
            return [number + 1]

        tf.while_loop(lambda number: number < batches, step, [0], parallel_iterations=1)
        return self.get_metrics_result()


def _normalise(layer, features, step):
    """Return a batch normalisation's output in training, by the fused kernel; bring the moving statistics up."""
    fused = layer.scale and layer.center and layer.epsilon >= SMALLEST_FUSED_EPSILON
    if not fused:
        return layer(features, training=True)
    features, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=features,
        scale=layer.gamma,
        offset=layer.beta,
        mean=[],
        variance=[],
        epsilon=layer.epsilon,
        is_training=True,
    )
    # The fused kernel returns the unbiased variance; Keras averages the biased one.
    count = tf.cast(tf.size(features) / features.shape[-1], tf.float32)
    move_statistics(layer, mean, variance * (count - 1) / count, step)
    return features
