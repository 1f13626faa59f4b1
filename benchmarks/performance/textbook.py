"""The same networks in Keras as in a textbook: arrays of floats, plain layers, ``model.fit``."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from contestant import CLASSES, POOLINGS, end_epoch, read_data, read_idx, read_job
from keras import layers


def main():
    """Do the job that the command line describes."""
    job = read_job()
    keras.utils.set_random_seed(job.seed)
    images, labels, held_out = read_data(job)
    images = images[..., None] / 255.0
    training, validation = images[held_out:], images[:held_out]
    encoder = encode(job)
    if job.labels:
        sets = (training, labels[held_out:]), (validation, labels[:held_out])
        train_classifier(job, encoder, *sets)
    else:
        autoencoder = keras.Sequential([encoder, decode(job, encoder.output_shape[1:])])
        autoencoder.compile(keras.optimizers.Adam(job.rate), "mse")
        fit(job, autoencoder, (training, training), (validation, validation))


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
    """Train the dense layers on a frozen encoder, or everything, or one after the other."""
    dense = [layers.Flatten(), layers.Dense(job.units, activation="relu"), layers.Dense(CLASSES, activation="softmax")]
    classifier = keras.Sequential([encoder, *dense])
    for phase in job.phases:
        encoder.trainable = phase == "everything"
        classifier.compile(keras.optimizers.Adam(job.rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        fit(job, classifier, training, validation)
        if job.test:
            test(job, classifier)


def test(job, classifier):
    """Print the share of the test images that a classifier gets right."""
    probabilities = classifier.predict(read_idx(job.test)[..., None] / 255.0, verbose=0)
    print((probabilities.argmax(axis=1) == read_idx(job.test_labels)).mean())


def fit(job, model, training, validation):
    """Fit a model on arrays."""
    measured = "val_accuracy" if job.labels else "val_loss"
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: end_epoch(logs[measured]))
    fitted = {"batch_size": job.batch, "epochs": job.epochs, "validation_data": validation, "verbose": 0}
    model.fit(*training, callbacks=[callback], **fitted)


if __name__ == "__main__":
    main()
