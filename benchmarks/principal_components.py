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


def reconstruction_errors(training, validation):
    """Return the mean squared errors of reconstructions from 0, 1, 2 ... principal components, (pixels + 1,).

    A reconstruction from none is the mean image.

    Args:
        training: the images that the components are of, uint8, (count, rows, columns, channels).
        validation: the images that are reconstructed.
    """
    mean, components = principal_components(_pixels(training))
    centred = _pixels(validation) - mean
    # Components are orthogonal: each one reduces the squared error by its own coefficients' squares.
    explained = np.cumsum(np.square(centred @ components).sum(axis=0, dtype=np.float64))
    return np.maximum(0, np.square(centred).sum(dtype=np.float64) - np.append(0, explained)) / centred.size


def component_encoder(images, size):
    """Return an encoder whose codes are the first ``size`` principal components of images, or all if there are fewer.

    It is a convolution with a kernel as large as the image, so that classification.py takes it like any encoder.
    """
    import keras

    rows, columns, channels = images.shape[1:]
    mean, components = principal_components(_pixels(images))
    kernel = components[:, :size]
    convolution = keras.layers.Conv2D(kernel.shape[1], (rows, columns), padding="valid", name="components")
    encoder = keras.Sequential([keras.Input((rows, columns, channels)), convolution], name="encoder")
    convolution.set_weights([kernel.reshape(rows, columns, channels, -1), -mean @ kernel])
    return encoder


def _pixels(images):
    return images.reshape(len(images), -1) / np.float32(255)
