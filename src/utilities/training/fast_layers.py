"""The layers of a network, computed faster than Keras does, on either backend.

``fast_layers`` turns a chain of layers into steps that compute the same function, from the same weights, with these
shortcuts:

- batch normalisation as the backend's own function does it best;
- an upsampling and the convolution after it as one convolution of the small feature map: upsampled pixels repeat, so
  kernel taps that meet the same pixel are summed first. For a factor of 2 and a kernel of 5 that is 36 products
  instead of 100 for each small pixel;
- a convolution of 1 x 1 feature maps as a matrix product with the kernel's central tap;
- on a processor, a convolution of small maps with a large kernel in the Fourier domain.
"""

import numpy as np
from keras import layers, ops

from utilities.training.fourier_convolution import FourierConvolution


def fast_layers(chain, batch_size, may_transform):
    """Return the steps that compute a chain of layers, functions (features, normalise) -> features.

    ``normalise(layer, features)`` is a batch normalisation in training; None where nothing is trained.

    Args:
        batch_size: the usual one; the fastest way to convolve depends on it.
        may_transform: whether to convolve in the Fourier domain where that is faster, as it may be on one processor: on
            a GPU convolutions are as fast as matrix products, and several devices would each gather the rows of all.
    """
    chain, steps = list(chain), []
    largest_batch = batch_size if may_transform else 0
    while chain:
        layer = chain.pop(0)
        if isinstance(layer, layers.UpSampling2D) and chain and _is_simple_convolution(chain[0]):
            steps.append(_upsampled_convolution(layer.size[0], chain.pop(0), largest_batch))
        elif _is_simple_convolution(layer) and layer.input.shape[1:3] == (1, 1):
            steps.append(_upsampled_convolution(1, layer, largest_batch))
        elif _is_simple_convolution(layer):
            steps.append(_convolution(layer, largest_batch))
        elif isinstance(layer, layers.BatchNormalization):
            steps.append(_normalization(layer))
        else:
            steps.append(lambda features, normalise, layer=layer: layer(features))
    return steps


def _is_simple_convolution(layer):
    return isinstance(layer, layers.Conv2D) and layer.padding == "same" and {*layer.strides} == {1}


def _convolution(layer, batch_size):
    """Return a step: the convolution ``layer``."""

    def step(features, normalise):
        return _with_bias_and_activation(_convolve(features, ops.convert_to_tensor(layer.kernel), batch_size), layer)

    return step


def _convolve(features, kernel, batch_size):
    """Return the "same" convolution of feature maps, computed in the fastest way."""
    by_transform = FourierConvolution(tuple(features.shape[1:3]), tuple(kernel.shape[:2]))
    if by_transform.is_faster(*kernel.shape[2:], batch_size):
        return by_transform.convolve(features, kernel)
    return ops.conv(features, kernel, padding="same", data_format="channels_last")


def _with_bias_and_activation(features, layer):
    if layer.use_bias:
        features = features + layer.bias
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

    def step(features, normalise):
        kernel = sums @ ops.reshape(layer.kernel, (-1, channels * layer.filters))
        kernel = ops.transpose(ops.reshape(kernel, (*small_shape, channels, layer.filters)), (0, 1, 4, 2, 3, 5))
        if kernel.shape[:2] == (1, 1):
            features = ops.matmul(features, ops.reshape(kernel, (channels, filters)))
        else:
            features = _convolve(features, ops.reshape(kernel, (*kernel.shape[:3], filters)), batch_size)
        if factor > 1:
            features = ops.depth_to_space(features, factor, data_format="channels_last")
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


def _normalization(layer):
    """Return a step: the batch normalisation ``layer``."""

    def step(features, normalise):
        if normalise and layer.trainable:
            return normalise(layer, features)
        if not (layer.scale and layer.center):
            return layer(features)
        scale = layer.gamma * ops.rsqrt(layer.moving_variance + layer.epsilon)
        return features * scale + (layer.beta - layer.moving_mean * scale)

    return step


def move_statistics(layer, mean, variance, step):
    """Bring the moving statistics of a batch normalisation up by the mean and the variance of a batch.

    Args:
        step: the number of the batch in the training, from 0. Those of the first few are averaged: where a training is
            stopped early, nothing is left of what the statistics began with.
    """
    share = ops.maximum(1 - layer.momentum, 1 / (step + 1))
    for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving + (value - moving) * share)
