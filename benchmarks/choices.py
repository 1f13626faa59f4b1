"""Train with one setting changed that the questions do not ask for: optimizer, learning rates, shifts and others.

choices.py                measures each of them, one on each processor core at a time, and writes results/choices.csv
choices.py autoencoder    only those of one script
"""

import argparse
import contextlib
import csv
import io
import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from unittest.mock import patch

from experiments import AUTOENCODER_BASE, CLASSIFIER_BASE, SMALL_SETS, Experiment, enter
from page_tables import read_choices
from run import RESULTS, encoder_of, subset

from utilities.network.hyperparameters import AutoencoderHyperparameters

SEEDS = (1, 2)
SHORT_EPOCHS = 10  # of the small set: so few steps that it matters how many the moving statistics average over
COLUMNS = ("script", "images", "epochs", "batch size", "changed", "seed")
COLUMNS += ("validation error", "frozen", "validation loss", "validation accuracy", "processor seconds")


@dataclass(frozen=True)
class Choice:
    """One setting of the code, changed.

    Attributes:
        attribute: its name in ``training``, ``phases`` or ``architecture``; None where the built network is changed.
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


def _averaged(phase):
    """Return a phase whose training ends with a moving average of the weights, over about 100 steps."""

    class Averaged(phase.optimizer):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.use_ema, self.ema_momentum = True, 0.99

    return replace(phase, optimizer=Averaged)


def _constant(schedule):
    """Return a learning-rate schedule as a class that differs from the given one in that it does not fall."""

    class Constant(schedule):
        def __call__(self, step):
            return self.start * self.factor

    return Constant


def _small_set(epochs):
    """Return the experiment of an autoencoder on few images, with the batch size that Enter takes for them."""
    batch_size = enter(AutoencoderHyperparameters, SMALL_SETS[0]).batch_size
    return Experiment(replace(AUTOENCODER_BASE.hyperparameters, epochs=epochs, batch_size=batch_size), SMALL_SETS[0])


NOTHING = {"nothing": Choice()}
KERAS_MOMENTUM = {
    "moving statistics with Keras' momentum of 0.99": Choice("moving_momentum", lambda _: lambda steps: 0.99)
}
# What is changed of each experiment, by script; {} in a name is the value that the code has.
CHOICES = {
    "autoencoder": [
        (
            AUTOENCODER_BASE,
            {
                **NOTHING,
                **{
                    f"learning rate {rate} instead of {{}}": _in_phase("RECONSTRUCTION", "learning_rate", rate)
                    for rate in (0.002, 0.008)
                },
                "Adam at 0.002 instead of Muon": _adam("RECONSTRUCTION", 0.002),
                "constant learning rate": Choice("PlateauedCosine", _constant),
                "weights averaged over some 100 steps": Choice("RECONSTRUCTION", _averaged),
                "images shifted, as those of small sets": _in_phase("RECONSTRUCTION", "enough_images", math.inf),
                "cross-entropy of the pixels as loss": _in_phase("RECONSTRUCTION", "loss", "binary_crossentropy"),
                "Glorot's initial weights instead of He's": Choice(in_network=_use_glorot),
                "last kernel (3, 3) instead of {}": Choice("RECONSTRUCTION_KERNEL", lambda _: (3, 3)),
            },
        ),
        (
            _small_set(enter(AutoencoderHyperparameters, SMALL_SETS[0]).epochs),
            {**NOTHING, "images not shifted": _in_phase("RECONSTRUCTION", "shift", 0)},
        ),
        (_small_set(SHORT_EPOCHS), NOTHING | KERAS_MOMENTUM),
    ],
    "classification": [
        (
            CLASSIFIER_BASE,
            {
                **NOTHING,
                "phase 1: Adam at 0.002 instead of Muon": _adam("FROZEN", 0.002),
                "phase 2: Adam at 0.002 instead of Muon": _adam("EVERYTHING", 0.002),
                **{
                    f"phase 2: learning rate {rate} instead of {{}}": _in_phase("EVERYTHING", "learning_rate", rate)
                    for rate in (0.006, 0.025)
                },
                "phase 2: images not shifted": _in_phase("EVERYTHING", "shift", 0),
                "phase 2: no weight decay": _in_phase("EVERYTHING", "weight_decay", None),
                "constant learning rates": Choice("PlateauedCosine", _constant),
                "no label smoothing": Choice("LARGEST_SMOOTHING", lambda _: 0),
                **KERAS_MOMENTUM,
            },
        )
    ],
}


def main():
    """Measure the choices of the scripts that the command line names, with every seed, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", nargs="?", choices=CHOICES, help="default: both")
    script = parser.parse_args().script
    asked = [script] if script else list(CHOICES)
    jobs = [
        (name, number, changed, seed)
        for name in asked
        for number, (_, choices) in enumerate(CHOICES[name])
        for changed in choices
        for seed in SEEDS
    ]
    make_data(asked)
    context = multiprocessing.get_context("spawn")
    cores, free = os.sched_getaffinity(0), context.SimpleQueue()
    for core in cores:
        free.put(core)
    rows = [row for name in CHOICES if name not in asked for row in read_choices(name)]
    with ProcessPoolExecutor(len(cores), context, initializer=_keep_to_one, initargs=(free,)) as pool:
        for row in pool.map(measure, *zip(*jobs, strict=True)):
            rows.append(row)
            print(row, flush=True)
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "choices.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)


def make_data(scripts):
    """Make the images and the encoder that some scripts' choices are measured with: processes would all make them."""
    for script in scripts:
        for experiment, _ in CHOICES[script]:
            for seed in SEEDS:
                subset(experiment.images, seed)
            if experiment.encoder:
                encoder_of(experiment, SEEDS[0])


def _keep_to_one(free):
    os.sched_setaffinity(0, {free.get()})


def measure(script, number, name, seed):
    """Return the row of one choice and seed, {column: value}.

    Args:
        number: of the experiment, among the script's.
    """
    experiment, choices = CHOICES[script][number]
    choice, answers = choices[name], experiment.hyperparameters.labels()
    train = {"autoencoder": train_autoencoder, "classification": train_classifier}[script]
    begun = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), changed(choice) as before:
        return {
            **{"script": script, "images": experiment.images, "epochs": answers["epochs"]},
            **{"batch size": answers["batch size"], "changed": name.format(before), "seed": seed},
            **train(experiment, choice, seed),
            "processor seconds": round(time.process_time() - begun, 1),
        }


@contextlib.contextmanager
def changed(choice):
    """Change an attribute of the code as a choice asks for, within a ``with`` statement; yield its value of before."""
    from utilities.network import architecture
    from utilities.training import phases, training

    if choice.attribute is None:
        yield None
        return
    module = next(module for module in (training, phases, architecture) if hasattr(module, choice.attribute))
    value = getattr(module, choice.attribute)
    with patch.object(module, choice.attribute, choice.change(value)):
        yield getattr(value, choice.field) if choice.field else value


def train_autoencoder(experiment, choice, seed):
    """Train the autoencoder; return its mean squared error, whatever its loss."""
    import keras
    import numpy as np

    from utilities.data.datasets import read_images, split_for_validation
    from utilities.network import networks
    from utilities.record.runs import RunFolder
    from utilities.training import training

    images = read_images(subset(experiment.images, seed)[0])
    split = split_for_validation(len(images), seed)
    keras.utils.set_random_seed(seed)
    autoencoder = networks.build_autoencoder(images.shape[1:], experiment.hyperparameters)
    choice.in_network(autoencoder.whole)
    training.train_autoencoder(autoencoder, images, split, experiment.hyperparameters, seed, RunFolder())
    held_out = images[split.validation]
    drawn = training.predict(autoencoder.whole, held_out)
    return {"validation error": float(np.square(drawn - held_out / np.float32(255)).mean())}


def train_classifier(experiment, choice, seed):
    """Train the classifier on the pre-trained encoder; return its validation accuracy of phase 1, and the outcome."""
    import keras

    from utilities.data.datasets import read_training_set, split_for_validation
    from utilities.network import networks
    from utilities.network.encoder_reader import read_encoder
    from utilities.record.runs import RunFolder
    from utilities.training import training

    labelled = read_training_set(*subset(experiment.images, seed))
    split = split_for_validation(len(labelled.images), seed, labelled.targets)
    keras.utils.set_random_seed(seed)
    encoder = networks.build_encoder(read_encoder(encoder_of(experiment, seed), labelled.images.shape[1:]))
    classifier = networks.build_classifier(encoder, experiment.hyperparameters.units, len(labelled.classes))
    choice.in_network(classifier.whole)
    folder = RunFolder()
    training.train_classifier(classifier, labelled, split, experiment.hyperparameters, seed, folder)
    frozen, outcome = folder.history[experiment.hyperparameters.epochs - 1], folder.outcome
    return {
        "frozen": frozen["val_accuracy"],
        "validation loss": outcome["val_loss"],
        "validation accuracy": outcome["val_accuracy"],
    }


if __name__ == "__main__":
    main()
