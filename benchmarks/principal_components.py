"""Principal components in the place of an autoencoder's code, as a baseline for classifiers."""

import numpy as np

from utilities.data.principal_components import principal_components


def component_encoder(images, size):
    """Return an encoder whose codes are the first ``size`` principal components of images, or all if there are fewer.

    It is a convolution with a kernel as large as the image, so that classification.py takes it like any encoder.

    Args:
        images: uint8, (count, rows, columns, channels).
    """
    import keras

    rows, columns, channels = images.shape[1:]
    points = images.reshape(len(images), -1) / np.float32(255)
    mean = points.mean(axis=0)
    kernel = principal_components(points - mean, size)
    convolution = keras.layers.Conv2D(kernel.shape[1], (rows, columns), padding="valid", name="components")
    encoder = keras.Sequential([keras.Input((rows, columns, channels)), convolution], name="encoder")
    convolution.set_weights([kernel.reshape(rows, columns, channels, -1), -mean @ kernel])
    return encoder
