"""What training needs of JAX: batches of one size, split among all devices of all processes, into a PaddedNetwork.

The same functions as in on_tensorflow.py. XLA compiles for fixed shapes, and splits evenly: so each batch is padded to
a number of rows that the devices divide. The network is told which rows are real, and the others leave no trace: one
device or many, one process or many, what is learnt is the same but for rounding.
"""

import math
from functools import lru_cache, partial

import jax
import keras
import numpy as np
from keras import ops

from utilities.data.batches import WHITE, draw_epoch, take
from utilities.network.networks import leaves
from utilities.training.fast_layers import fast_layers, move_statistics


def prepare():
    """Spread all that is built and trained from now on over the devices of all processes, where there are several."""
    if jax.device_count() > 1 and keras.distribution.distribution() is None:
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))


def devices():
    """Return the names of the accelerators that JAX computes on, those of all processes, or an empty list."""
    return [device.device_kind for device in jax.devices() if device.platform != "cpu"]


def network_of(model, batch_size):
    """Return a network that computes the same as a model, from its weights, of padded batches; fastest of that size."""
    return PaddedNetwork(model, batch_size)


def steps_per_epoch(examples, batch_size):
    """Return the number of steps in an epoch of training_data."""
    return math.ceil(len(examples) / batch_size)


def training_data(examples, batch_size, epochs, seed):
    """Return the batches of some epochs, one after another, each in an order drawn from seed and epoch."""
    return _PaddedBatches(examples, batch_size, [partial(draw_epoch, examples, epoch, seed) for epoch in epochs])


def evaluation_data(examples, batch_size):
    """Return the batches of the examples, in the order chosen; the last alone has padding, and that at its end."""
    devices = jax.device_count()
    return _PaddedBatches(examples, math.ceil(batch_size / devices) * devices, [lambda: (examples.chosen, None)])


class _PaddedBatches(keras.utils.PyDataset):
    """Batches as a PaddedNetwork takes them: ((inputs, real), targets, real), of each this process's share of the rows.

    ``real``, float32 in (rows,), is 1 for an example and 0 for a row of padding.

    Args:
        orders: functions that return indices, (examples,), and shifts or None, one for each pass over the examples.
    """

    def __init__(self, examples, batch_size, orders):
        super().__init__()
        self.examples = examples
        self.batch_size = min(batch_size, len(examples))
        self.steps = steps_per_epoch(examples, batch_size)
        self.orders = orders
        self.order = lru_cache(maxsize=1)(lambda number: orders[number]())
        rows_per_device = math.ceil(self.batch_size / jax.device_count())
        self.rows = rows_per_device * jax.local_device_count()

    def __len__(self):
        return self.steps * len(self.orders)

    def __getitem__(self, number):
        epoch, step = divmod(number, self.steps)
        start = step * self.batch_size
        first = start + jax.process_index() * self.rows
        rows = slice(first, min(first + self.rows, start + self.batch_size))
        order, shifts = self.order(epoch)
        inputs, targets = self._take(order[rows], None if shifts is None else shifts[rows])
        real = self._pad(np.ones(len(inputs), np.float32))
        inputs = self._pad(inputs)
        return (inputs, real), inputs if targets is None else self._pad(targets), real

    def _take(self, indices, shifts):
        """Return the inputs at some indices, scaled, and their targets, None where they are their own."""
        taken = take(self.examples, indices, shifts)
        inputs, targets = (taken, None) if self.examples.classes is None else taken
        if inputs.dtype == np.uint8:
            inputs = inputs.astype(np.float32) / np.float32(WHITE)
        return inputs, targets

    def _pad(self, array):
        if len(array) == self.rows:
            return array
        return np.pad(array, [(0, self.rows - len(array)), *[(0, 0)] * (array.ndim - 1)])


class PaddedNetwork(keras.Model):
    """Computes what a plain network computes, with the plain network's own weights, of batches padded with other rows.

    Batch normalisation's statistics, loss and metrics are those of the real rows, over all devices. Inputs are
    (inputs, real), as _PaddedBatches has them.

    Args:
        plain: a chain of layers, nested networks among them.
        batch_size: the usual one; the fastest way to convolve depends on it.
    """

    def __init__(self, plain, batch_size):
        super().__init__(name=plain.name)
        self.plain = plain
        self.steps = fast_layers(leaves(plain), batch_size, may_transform=not devices() and jax.device_count() == 1)
        self.trained_steps = keras.Variable(0.0, trainable=False, name="trained_steps")  # batches so far

    def compile(self, optimizer, loss, metrics):
        """Configure the network for training; the arguments are Keras', the loss by its name."""
        self.loss_of_each = keras.losses.get(loss)
        # Keras' own tracker counts padding; a metric of the same name takes its place in the logs.
        tracker = keras.metrics.MeanMetricWrapper(self.loss_of_each, name="loss")
        super().compile(optimizer, loss=loss, weighted_metrics=[tracker, *metrics])

    def call(self, padded, training=False):
        """Return the plain network's output, of the padding too."""
        features, real = padded
        normalise = partial(_normalise, real=real, step=self.trained_steps.value) if training else None
        for step in self.steps:
            features = step(features, normalise)
        if training:
            self.trained_steps.assign_add(1)
        return features

    def compute_loss(self, x, y, y_pred, sample_weight, training=True):
        """Return the mean loss of the real rows."""
        losses = self.loss_of_each(y, y_pred)
        losses = ops.mean(ops.reshape(losses, (ops.shape(losses)[0], -1)), axis=1)
        return ops.sum(losses * sample_weight) / ops.sum(sample_weight)

    def predict_step(self, state, data):
        """Return the output, all of it on every device: each process gets that of all."""
        outputs, state = super().predict_step(state, data)
        distribution = keras.distribution.distribution()
        if distribution:
            everywhere = keras.distribution.TensorLayout([None] * outputs.ndim, distribution.device_mesh)
            outputs = keras.distribution.distribute_tensor(outputs, everywhere)
        return outputs, state


def _normalise(layer, features, real, step):
    """Return a batch normalisation's output in training, by the statistics of the real rows; bring the moving ones up.

    Keras' own ``mask`` does the same, but fails where there is a single channel.
    """
    others = list(range(features.ndim - 1))
    real = ops.reshape(real, (-1, *[1] * (features.ndim - 1)))
    count = ops.sum(real) * math.prod(features.shape[1:-1])
    mean = ops.sum(features * real, others) / count
    variance = ops.sum(ops.square(features - mean) * real, others) / count
    move_statistics(layer, mean, variance, step)
    scale, offset = layer.gamma if layer.scale else None, layer.beta if layer.center else None
    return ops.batch_normalization(features, mean, variance, -1, offset, scale, layer.epsilon)
