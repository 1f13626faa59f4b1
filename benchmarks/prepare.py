"""Make what the commands of the pages name, in data/: smaller sets of MNIST, and encoders of principal components.

prepare.py
"""

import shutil

import numpy as np
from common import HERE

from utilities.backend import check_backend
from utilities.data import idx
from utilities.data.datasets import few_of, read_training_set
from utilities.data.principal_components import principal_components
from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.terminal.arguments import DATASET, DEFAULT_SEED, FILES, TRAINING_IMAGES, TRAINING_LABELS

DATA = HERE / "data"
COUNTS = (15_000, 12_000, 6000, 2000, 500)
COMPONENTS = 49
# The networks of the jobs that are timed, whose encoders are not trained.
TIMED = (
    AutoencoderHyperparameters(((3, 3), (7, 7), (3, 3)), (16, 16, 16), 3, 32, True),
    AutoencoderHyperparameters(((3, 3), (3, 3), (3, 3)), (32, 64, 64), 3, 128, True),
    AutoencoderHyperparameters(((5, 5), (7, 7), (7, 7)), (32, 32, 64), 2, 64, True),
)


def main():
    """Make all of it."""
    mnist = read_training_set(TRAINING_IMAGES, TRAINING_LABELS)
    for count in COUNTS:
        write_set(DATA / f"mnist-{count}", few_of(mnist, count, DEFAULT_SEED))
    check_backend()  # the scripts' settings, before Keras is imported
    save_components(mnist.images, COMPONENTS, DATA / f"components-{COMPONENTS}.h5")
    for hyperparameters in TIMED:
        save_untrained(hyperparameters, mnist.images.shape[1:])


def write_set(folder, labelled):
    """Write LabelledImages as a data set, with MNIST's test set."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels, *test = FILES.values()
    idx.write(folder / images, labelled.images[..., 0])
    idx.write(folder / labels, labelled.classes[labelled.targets])
    for name in test:
        shutil.copy(DATASET / f"{name}.gz", folder)


def save_components(images, size, path):
    """Save an encoder whose codes are the first ``size`` principal components of images.

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
    encoder.save(path)


def untrained(hyperparameters):
    """Return the path of an untrained encoder of AutoencoderHyperparameters."""
    return DATA / f"untrained-{'-'.join(map(str, hyperparameters.filters))}.h5"


def save_untrained(hyperparameters, image_shape):
    """Save an encoder as it begins, for images of (rows, columns, channels)."""
    import keras

    from utilities.network.networks import build_autoencoder

    keras.utils.set_random_seed(DEFAULT_SEED)
    build_autoencoder(image_shape, hyperparameters).encoder.save(untrained(hyperparameters))


if __name__ == "__main__":
    main()
