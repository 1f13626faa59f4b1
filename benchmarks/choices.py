"""Change alone, in turn, what the questions do not ask: learning rates, initial weights, loss, last kernel and more.

choices.py    measures all of them anew, one on each processor core; writes results/choices.csv
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
# Of the batch sizes measured, the one that leaves a classifier on so few images enough steps to settle.
CLASSIFIER = Experiment(replace(CLASSIFIER_BASE, batch_size=32), CLASSIFIER_IMAGES, DEFAULT, PRETRAINED)
NOTHING = "nothing"
SEEDS = (1, 2)
COLUMNS = ("script", "changed", "seed", "validation error", "validation loss", "validation accuracy")


@dataclass(frozen=True)
class Choice:
    """Something that the code has decided, decided otherwise.

    Attributes:
        attribute: of the module ``training`` or ``networks``; None where the change is in the network.
        value: a function of what the attribute is that returns what it is to be.
        in_network: changes a network that is built, before it is trained.
    """

    attribute: str | None = None
    value: Callable | None = None
    in_network: Callable = lambda network: None


def _phase(name, **changes):
    return Choice(name, lambda phase: replace(phase, **changes))


def _use_glorot(network):
    import keras

    from utilities.network.networks import leaves

    for layer in leaves(network):
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(keras.initializers.GlorotUniform()(layer.kernel.shape))


def _forget_faster(network):
    from utilities.network.networks import leaves

    for layer in leaves(network):
        if hasattr(layer, "momentum"):
            layer.momentum = 0.9


def _constant(schedule):
    """Return a schedule like the one given that does not fall."""

    class Constant(schedule):
        def __call__(self, step):
            return self.start * self.factor

    return Constant


CHOICES = {
    "autoencoder": {
        NOTHING: Choice(),
        **{
            f"learning rate {rate} in the place of 0.002": _phase("RECONSTRUCTION", learning_rate=rate)
            for rate in (0.0005, 0.001, 0.004)
        },
        "a learning rate that does not fall": Choice("PlateauedCosine", _constant),
        "cross-entropy of the pixels for a loss": _phase("RECONSTRUCTION", loss="binary_crossentropy"),
        "Glorot's initial weights in the place of He's": Choice(in_network=_use_glorot),
        "a last kernel of 3 in the place of 5": Choice("RECONSTRUCTION_KERNEL", lambda _: (3, 3)),
        "a last kernel of 7 in the place of 5": Choice("RECONSTRUCTION_KERNEL", lambda _: (7, 7)),
        "moving statistics of momentum 0.9 in the place of 0.99": Choice(in_network=_forget_faster),
    },
    "classification": {
        NOTHING: Choice(),
        **{
            f"phase 2: learning rate {rate} in the place of 0.006": _phase("EVERYTHING", learning_rate=rate)
            for rate in (0.001, 0.003, 0.012)
        },
        "learning rates that do not fall": Choice("PlateauedCosine", _constant),
        "phase 2: no weight decay": _phase("EVERYTHING", weight_decay=None),
        "labels not smoothed": Choice("LARGEST_SMOOTHING", lambda _: 0),
        "moving statistics of momentum 0.9 in the place of 0.99": Choice(in_network=_forget_faster),
    },
}


def main():
    """Measure every choice with every seed, and write what came of it."""
    # Made here, once: the processes would make them at the same time.
    encoder_of(CLASSIFIER, SEEDS[0])
    subset(AUTOENCODER.images, seed=0)
    for seed in SEEDS:
        subset(CLASSIFIER.images, seed)
    jobs = [(script, name, seed) for script, choices in CHOICES.items() for name in choices for seed in SEEDS]
    context = multiprocessing.get_context("spawn")
    cores = context.SimpleQueue()
    for core in os.sched_getaffinity(0):
        cores.put(core)
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_keep_to_one, initargs=(cores,)) as pool:
        rows = []
        for row in pool.map(measure, *zip(*jobs, strict=True)):
            rows.append(row)
            print(row, flush=True)
    with (RESULTS / "choices.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _keep_to_one(cores):
    os.sched_setaffinity(0, {cores.get()})


def measure(script, name, seed):
    """Return the row of one choice and seed, {column: value}."""
    from utilities.network import networks
    from utilities.training import training

    choice = CHOICES[script][name]
    train = {"autoencoder": train_autoencoder, "classification": train_classifier}[script]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.ExitStack() as stack:
        for module in (training, networks):
            if choice.attribute and hasattr(module, choice.attribute):
                changed = choice.value(getattr(module, choice.attribute))
                stack.enter_context(patch.object(module, choice.attribute, changed))
        return {"script": script, "changed": name, "seed": seed, **train(choice, seed)}


def train_autoencoder(choice, seed):
    """Train the autoencoder; return its mean squared error, which the loss may not be."""
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
    from utilities.network.model_files import load_encoder
    from utilities.record.runs import RunFolder
    from utilities.training import training

    labelled = read_training_set(*subset(CLASSIFIER.images, seed))
    split = split_for_validation(len(labelled.images), seed)
    keras.utils.set_random_seed(seed)
    encoder = load_encoder(encoder_of(CLASSIFIER, seed))
    classifier = networks.build_classifier(encoder, CLASSIFIER.hyperparameters.units, len(labelled.classes))
    choice.in_network(classifier.whole)
    folder = RunFolder()
    training.train_classifier(classifier, labelled, split, CLASSIFIER.hyperparameters, seed, folder)
    last = folder.history[-1]
    return {"validation loss": last["val_loss"], "validation accuracy": last["val_accuracy"]}


if __name__ == "__main__":
    main()
