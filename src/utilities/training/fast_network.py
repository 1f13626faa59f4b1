"""The same networks, computed faster on TensorFlow.

A FastNetwork computes the same function as a plain Keras network, from its weights, with these shortcuts:

- batch normalisation by TensorFlow's fused kernel;
- an upsampling and the convolution after it as one convolution of the small feature map: upsampled pixels repeat, so
  kernel taps that meet the same pixel are summed first. For a factor of 2 and a kernel of 5 that is 36 products
  instead of 100 for each small pixel;
- a convolution of 1 x 1 feature maps as a matrix product with the kernel's central tap;
- on a processor, a convolution of small maps with a large kernel in the Fourier domain.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from utilities.network.networks import leaves
from utilities.training.fourier_convolution import FourierConvolution

SMALLEST_FUSED_EPSILON = 1.001e-5
# On a GPU convolutions are as fast as matrix products.
ON_PROCESSOR = not tf.config.list_physical_devices("GPU")


class FastNetwork(keras.Model):
    """Computes the same function as a plain network, with the plain network's own weights.

    It trains on stacks of batches, (batches, batch, ...): starting a step from Python costs as much as the step of a
    small network.

    Args:
        plain: a chain of layers; nested networks are flattened.
        batch_size: the usual one; the fastest way to convolve depends on it.
    """

    def __init__(self, plain, batch_size):
        super().__init__(name=plain.name)
        self.plain = plain
        self.steps = _plan(list(leaves(plain)), batch_size)

    def call(self, features, training=False):
        """Return the plain network's output."""
        for step in self.steps:
            features = step(features, training)
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


def _plan(chain, batch_size):
    """Return the steps, functions (features, training) -> features, that compute a chain of layers."""
    steps = []
    while chain:
        layer, *chain = chain
        if _repeats_pixels(layer) and chain and _is_simple_convolution(chain[0]):
            convolution, *chain = chain
            steps.append(_upsampled_convolution(layer.size[0], convolution, batch_size))
        elif _is_simple_convolution(layer) and layer.input.shape[1:3] == (1, 1):
            steps.append(_upsampled_convolution(1, layer, batch_size))
        elif _is_simple_convolution(layer):
            steps.append(_convolution(layer, batch_size))
        elif _may_be_fused(layer):
            steps.append(_fused_normalization(layer))
        else:
            steps.append(lambda features, training, layer=layer: layer(features))
    return steps


def _repeats_pixels(layer):
    return (
        isinstance(layer, layers.UpSampling2D) and layer.size[0] == layer.size[1] and layer.interpolation == "nearest"
    )


def _is_simple_convolution(layer):
    return (
        isinstance(layer, layers.Conv2D)
        and layer.padding == "same"
        and layer.groups == 1
        and {*layer.strides, *layer.dilation_rate} == {1}
    )


def _may_be_fused(layer):
    return (
        isinstance(layer, layers.BatchNormalization)
        and layer.axis in (-1, 3)
        and layer.scale
        and layer.center
        and layer.epsilon >= SMALLEST_FUSED_EPSILON
    )


def _convolution(layer, batch_size):
    """Return a step: the convolution ``layer``."""

    def step(features, training):
        return _with_bias_and_activation(_convolve(features, layer.kernel, batch_size), layer)

    return step


def _convolve(features, kernel, batch_size):
    """Return the "same" convolution of feature maps, computed in the fastest way."""
    features, kernel = tf.convert_to_tensor(features), tf.convert_to_tensor(kernel)
    by_transform = FourierConvolution(tuple(features.shape[1:3]), kernel.shape[:2])
    if ON_PROCESSOR and by_transform.is_faster(*kernel.shape[2:], batch_size):
        return by_transform.convolve(features, by_transform.transform(kernel))
    return tf.nn.conv2d(features, kernel, 1, "SAME")


def _with_bias_and_activation(features, layer):
    if layer.use_bias:
        features = tf.nn.bias_add(features, layer.bias)
    return layer.activation(features)


def _upsampled_convolution(factor, layer, batch_size):
    """Return a step: an upsampling by ``factor`` and the convolution ``layer`` after it."""
    height, width, channels = layer.input.shape[1:]
    rows, columns = (
        _tap_sums(factor, side, length // factor)
        for side, length in zip(layer.kernel_size, (height, width), strict=True)
    )
    # (small rows, small columns, factor, factor, kernel rows, kernel columns), flattened to (..., kernel taps) below.
    sums = np.einsum("psa,qtb->stpqab", rows, columns)
    small_shape = sums.shape[:4]
    sums = sums.reshape(-1, np.prod(layer.kernel_size))
    filters = factor * factor * layer.filters

    def step(features, training):
        kernel = sums @ tf.reshape(layer.kernel, (-1, channels * layer.filters))
        kernel = tf.transpose(tf.reshape(kernel, (*small_shape, channels, layer.filters)), (0, 1, 4, 2, 3, 5))
        if kernel.shape[:2] == (1, 1):
            features = tf.tensordot(features, tf.reshape(kernel, (channels, filters)), 1)
        else:
            features = _convolve(features, tf.reshape(kernel, (*kernel.shape[:3], filters)), batch_size)
        if factor > 1:
            features = tf.nn.depth_to_space(features, factor)
        return _with_bias_and_activation(features, layer)

    return step


def _tap_sums(factor, side, length):
    """Return which kernel taps fall on which pixel of the small map, (factor, small side, side), 0 or 1.

    [p, s, a] is 1 where tap a, at the p-th of the ``factor`` output pixels of a small pixel, falls on the small pixel
    at offset s - small side // 2. The small side is odd, as "same" padding needs it, and at most 2 * length - 1:
    farther taps only meet padding.
    """
    first = -((side - 1) // 2)  # offset of the first tap; for an even side "same" pads one less before than after
    reach = min(length - 1, max(-(first // factor), (factor - 1 + first + side - 1) // factor))
    sums = np.zeros((factor, 2 * reach + 1, side), np.float32)
    for place in range(factor):
        for tap in range(side):
            pixel = (place + first + tap) // factor + reach
            if 0 <= pixel <= 2 * reach:
                sums[place, pixel, tap] = 1
    return sums


def _fused_normalization(layer):
    """Return a step: the batch normalisation ``layer``, which updates its moving statistics in training."""

    def step(features, training):
        if not (training and layer.trainable):
            scale = layer.gamma * tf.math.rsqrt(layer.moving_variance + layer.epsilon)
            return features * scale + (layer.beta - layer.moving_mean * scale)
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
        _move(layer.moving_mean, mean, layer.momentum)
        _move(layer.moving_variance, variance * (count - 1) / count, layer.momentum)
        return features

    return step


def _move(average, value, momentum):
    average.assign(average * momentum + value * (1 - momentum))
