"""Train with one setting changed that the questions do not ask for: learning rates, initial weights, loss and others.

choices.py    measures each of them, one on each processor core at a time, and writes results/choices.csv
"""

import contextlib
import csv
import io
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from unittest.mock import patch

from experiments import (
    AUTOENCODER_BASE,
    AUTOENCODER_IMAGES,
    CLASSIFIER_BASE,
    CLASSIFIER_IMAGES,
    DEFAULT,
    PRETRAINED,
    Experiment,
)
from run import RESULTS, encoder_of, subset

AUTOENCODER = Experiment(AUTOENCODER_BASE, AUTOENCODER_IMAGES)
# A small batch: with so few images, larger ones make too few steps for the classifier to settle.
CLASSIFIER = Experiment(replace(CLASSIFIER_BASE, batch_size=32), CLASSIFIER_IMAGES, DEFAULT, PRETRAINED)
SEEDS = (1, 2)
COLUMNS = ("script", "changed", "seed", "validation error", "validation loss", "validation accuracy")


@dataclass(frozen=True)
class Choice:
    """One setting of the code, changed.

    Attributes:
        attribute: its name in the module ``training`` or ``networks``; None where the built network is changed.
        change: returns the attribute's new value, given that of now.
        field: the part of the attribute's value that is changed; None for all of it.
        in_network: changes a network that is built, before it is trained.
    """

    attribute: str | None = None
    change: Callable | None = None
    field: str | None = None
    in_network: Callable = lambda network: None


def _in_phase(name, field, value):
    return Choice(name, lambda phase: replace(phase, **{field: value}), field)


def _use_glorot(network):
    import keras

    from utilities.network.networks import leaves

    for layer in leaves(network):
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(keras.initializers.GlorotUniform()(layer.kernel.shape))


def _adam(name, rate):
    def change(phase):
        import keras

        return replace(phase, optimizer=keras.optimizers.Adam, learning_rate=rate)

    return Choice(name, change)


def _constant(schedule):
    """Return a learning-rate schedule as a class that differs from the given one in that it does not fall."""

    class Constant(schedule):
        def __call__(self, step):
            return self.start * self.factor

    return Constant


# {} in a name is the value that the code has.
CHOICES = {
    "autoencoder": {
        "nothing": Choice(),
        **{
            f"learning rate {rate} instead of {{}}": _in_phase("RECONSTRUCTION", "learning_rate", rate)
            for rate in (0.002, 0.008)
        },
        "Adam at 0.002 instead of Muon": _adam("RECONSTRUCTION", 0.002),
        "constant learning rate": Choice("PlateauedCosine", _constant),
        "cross-entropy of the pixels as loss": _in_phase("RECONSTRUCTION", "loss", "binary_crossentropy"),
        "Glorot's initial weights instead of He's": Choice(in_network=_use_glorot),
        "last kernel (3, 3) instead of {}": Choice("RECONSTRUCTION_KERNEL", lambda _: (3, 3)),
        "last kernel (7, 7) instead of {}": Choice("RECONSTRUCTION_KERNEL", lambda _: (7, 7)),
        "moving statistics with Keras' momentum of 0.99": Choice("moving_momentum", lambda _: lambda steps: 0.99),
    },
    "classification": {
        "nothing": Choice(),
        **{
            f"phase 2: learning rate {rate} instead of {{}}": _in_phase("EVERYTHING", "learning_rate", rate)
            for rate in (0.006, 0.025)
        },
        "phase 2: Adam at 0.006 instead of Muon": _adam("EVERYTHING", 0.006),
        "phase 2: images not shifted": _in_phase("EVERYTHING", "shift", 0),
        "constant learning rates": Choice("PlateauedCosine", _constant),
        "phase 2: no weight decay": _in_phase("EVERYTHING", "weight_decay", None),
        "no label smoothing": Choice("LARGEST_SMOOTHING", lambda _: 0),
        "moving statistics with Keras' momentum of 0.99": Choice("moving_momentum", lambda _: lambda steps: 0.99),
    },
}


def main():
    """Measure every choice with every seed, and write the results."""
    # Made here, once: the processes would all make them at the same time.
    encoder_of(CLASSIFIER, SEEDS[0])
    subset(AUTOENCODER.images, seed=0)
    for seed in SEEDS:
        subset(CLASSIFIER.images, seed)
    jobs = [(script, name, seed) for script, choices in CHOICES.items() for name in choices for seed in SEEDS]
    context = multiprocessing.get_context("spawn")
    cores, free = os.sched_getaffinity(0), context.SimpleQueue()
    for core in cores:
        free.put(core)
    with ProcessPoolExecutor(len(cores), context, initializer=_keep_to_one, initargs=(free,)) as pool:
        rows = []
        for row in pool.map(measure, *zip(*jobs, strict=True)):
            rows.append(row)
            print(row, flush=True)
    with (RESULTS / "choices.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _keep_to_one(free):
    os.sched_setaffinity(0, {free.get()})


def measure(script, name, seed):
    """Return the row of one choice and seed, {column: value}."""
    choice = CHOICES[script][name]
    train = {"autoencoder": train_autoencoder, "classification": train_classifier}[script]
    with contextlib.redirect_stdout(io.StringIO()), changed(choice) as before:
        return {"script": script, "changed": name.format(before), "seed": seed, **train(choice, seed)}


@contextlib.contextmanager
def changed(choice):
    """Change an attribute of the code as a choice asks for, within a ``with`` statement; yield its value of before."""
    from utilities.network import networks
    from utilities.training import training

    if choice.attribute is None:
        yield None
        return
    module = next(module for module in (training, networks) if hasattr(module, choice.attribute))
    value = getattr(module, choice.attribute)
    with patch.object(module, choice.attribute, choice.change(value)):
        yield getattr(value, choice.field) if choice.field else value


def train_autoencoder(choice, seed):
    """Train the autoencoder; return its mean squared error, whatever its loss."""
    import keras
    import numpy as np

    from utilities.data.datasets import read_images, split_for_validation
    from utilities.network import networks
    from utilities.record.runs import RunFolder
    from utilities.training import training

    images = read_images(subset(AUTOENCODER.images, seed=0)[0])
    split = split_for_validation(len(images), seed)
    keras.utils.set_random_seed(seed)
    autoencoder = networks.build_autoencoder(images.shape[1:], AUTOENCODER.hyperparameters)
    choice.in_network(autoencoder.whole)
    training.train_autoencoder(autoencoder, images, split, AUTOENCODER.hyperparameters, seed, RunFolder())
    held_out = images[split.validation]
    drawn = training.predict(autoencoder.whole, held_out)[..., 0]
    return {"validation error": float(np.square(drawn - held_out / np.float32(255)).mean())}


def train_classifier(choice, seed):
    """Train the classifier on the pre-trained encoder; return its validation loss and accuracy."""
    import keras

    from utilities.data.datasets import read_training_set, split_for_validation
    from utilities.network import networks
    from utilities.network.encoder_reader import read_encoder
    from utilities.record.runs import RunFolder
    from utilities.training import training

    labelled = read_training_set(*subset(CLASSIFIER.images, seed))
    split = split_for_validation(len(labelled.images), seed, labelled.targets)
    keras.utils.set_random_seed(seed)
    encoder = networks.build_encoder(read_encoder(encoder_of(CLASSIFIER, seed), labelled.images.shape[1:]))
    classifier = networks.build_classifier(encoder, CLASSIFIER.hyperparameters.units, len(labelled.classes))
    choice.in_network(classifier.whole)
    folder = RunFolder()
    training.train_classifier(classifier, labelled, split, CLASSIFIER.hyperparameters, seed, folder)
    last = folder.history[-1]
    return {"validation loss": last["val_loss"], "validation accuracy": last["val_accuracy"]}


if __name__ == "__main__":
    main()
