"""Principal components of images: the best linear encoder, as a baseline."""

import numpy as np


def principal_components(points):
    """Return the mean of some points, and their principal components in descending order of variance.

    Args:
        points: float32, (count, numbers).

    Returns:
        (numbers,), and (numbers, numbers) with a component in each column.
    """
    _, components = np.linalg.eigh(np.cov(points, rowvar=False))  # in ascending order
    return points.mean(axis=0), components[:, ::-1].astype(np.float32)


def reconstruction_errors(training, validation, sizes):
    """Return the mean squared errors of reconstructions from principal components, one for each of some sizes.

    Args:
        training: the images that the components are of, uint8, (count, rows, columns).
        validation: the images that are reconstructed.
        sizes: how many components a reconstruction is made from.
    """
    mean, components = principal_components(_pixels(training))
    centred = _pixels(validation) - mean
    # Components are orthogonal: each one reduces the squared error by its own coefficients' squares.
    left = np.square(centred).sum() - np.cumsum(np.square(centred @ components).sum(axis=0, dtype=np.float64))
    return [max(0, left[min(size, len(left)) - 1]) / centred.size for size in sizes]


def component_encoder(images, size):
    """Return an encoder whose codes are the first ``size`` principal components of images, or all if there are fewer.

    It is a convolution with a kernel as large as the image, so that classification.py takes it like any encoder.
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
