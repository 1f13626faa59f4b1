"""The same networks in Keras as in a textbook: arrays of floats, plain layers, ``model.fit``."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from contestant import CLASSES, HELD_OUT, POOLINGS, Stopwatch, parse_arguments, read_idx
from keras import layers


def main():
    """Do the job that the command line describes."""
    job = parse_arguments(__doc__)
    keras.utils.set_random_seed(job.seed)
    images = read_idx(job.images)[..., None] / 255.0
    held_out = len(images) // HELD_OUT
    training, validation = images[held_out:], images[:held_out]
    encoder = encode(job)
    stopwatch = Stopwatch()
    if job.labels:
        labels = read_idx(job.labels)
        sets = (training, labels[held_out:]), (validation, labels[:held_out])
        train_classifier(job, encoder, *sets)
    else:
        autoencoder = keras.Sequential([encoder, decode(job, encoder.output_shape[1:])])
        autoencoder.compile(keras.optimizers.Adam(2e-3), "mse")
        fit(job, autoencoder, (training, training), (validation, validation))
    stopwatch.print_seconds()


def encode(job):
    """Return the encoder."""
    parts = [layers.Input((28, 28, 1))]
    for kernel, filters, pooling in zip(job.kernels, job.filters, POOLINGS, strict=True):
        parts += convolve(kernel, filters, linear=pooling == POOLINGS[-1])
        parts.append(layers.MaxPooling2D(pooling))
    return keras.Sequential(parts)


def decode(job, code_shape):
    """Return the decoder."""
    parts = [layers.Input(code_shape)]
    for kernel, filters, pooling in reversed(list(zip(job.kernels, job.filters, POOLINGS, strict=True))):
        parts += convolve(kernel, filters, linear=pooling == POOLINGS[-1])
        parts.append(layers.UpSampling2D(pooling))
    return keras.Sequential([*parts, layers.Conv2D(1, 5, padding="same", activation="sigmoid")])


def convolve(kernel, filters, linear):
    """Return the layers of one set, without its pooling."""
    activation = [] if linear else [layers.ReLU()]
    return [layers.Conv2D(filters, kernel, padding="same"), layers.BatchNormalization(), *activation]


def train_classifier(job, encoder, training, validation):
    """Train the dense layers on a frozen encoder, then, if asked for, everything."""
    dense = [layers.Flatten(), layers.Dense(job.units, activation="relu"), layers.Dense(CLASSES, activation="softmax")]
    classifier = keras.Sequential([encoder, *dense])
    for trainable in (False, True)[: job.phases]:
        encoder.trainable = trainable
        classifier.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
        fit(job, classifier, training, validation)


def fit(job, model, training, validation):
    """Fit a model on arrays."""
    model.fit(*training, batch_size=job.batch, epochs=job.epochs, validation_data=validation, verbose=0)


if __name__ == "__main__":
    main()
