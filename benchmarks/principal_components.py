"""Principal components of images: what the best linear encoder makes of them, beside which the others are held."""

import numpy as np


def principal_components(points):
    """Return the mean of points, and their principal components, the strongest first.

    Args:
        points: float32, (count, numbers).

    Returns:
        (numbers,), and (numbers, numbers) with a component in each column.
    """
    _, components = np.linalg.eigh(np.cov(points, rowvar=False))  # the strongest last
    return points.mean(axis=0), components[:, ::-1].astype(np.float32)


def reconstruction_errors(training, validation, sizes):
    """Return the mean squared errors that so many components of some images leave of others, one for each size."""
    mean, components = principal_components(_pixels(training))
    centred = _pixels(validation) - mean
    # Components are orthogonal: each one takes its own share of the error away.
    left = np.square(centred).sum() - np.cumsum(np.square(centred @ components).sum(axis=0, dtype=np.float64))
    return [max(0, left[min(size, len(left)) - 1]) / centred.size for size in sizes]


def component_encoder(images, size):
    """Return the Keras model that makes of an image its first principal components, or all where size is larger.

    It is a convolution as large as the image, so that it can be what any other encoder can.
    """
    import keras

    rows, columns = images.shape[1:]
    mean, components = principal_components(_pixels(images))
    kernel = components[:, :size]
    convolution = keras.layers.Conv2D(kernel.shape[1], (rows, columns), padding="valid", name="components")
    encoder = keras.Sequential([keras.Input((rows, columns, 1)), convolution], name="encoder")
    convolution.set_weights([kernel.reshape(rows, columns, 1, -1), -mean @ kernel])
    return encoder


def _pixels(images):
    return images.reshape(len(images), -1) / np.float32(255)
