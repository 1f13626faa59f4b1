import hashlib
import re
import signal
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import (
    ON_JAX,
    assert_same_bits,
    make_hyperparameters,
    make_images,
    make_labels,
    parse_autoencoder_arguments,
    parse_classification_arguments,
    without_seconds,
)

from utilities.data.datasets import LabelledImages, split_for_validation
from utilities.network.architecture import autoencoder_layers
from utilities.network.encoder_reader import DIGITS
from utilities.network.hyperparameters import ClassifierHyperparameters
from utilities.network.layers import Encoder
from utilities.network.networks import build_autoencoder
from utilities.session.autoencoder import AutoencoderTask
from utilities.session.classification import ClassifierTask
from utilities.training.training import engine

COUNT = 50
LABELS = make_labels(COUNT, range(3))
IMAGES = make_images(LABELS, channels=1)
LABELLED = LabelledImages(IMAGES, LABELS.astype(np.intp), np.arange(3, dtype=np.uint8), tuple("012"))
SPLIT = split_for_validation(COUNT, seed=1)


def make_autoencoder_task(folder):
    """Return a new AutoencoderTask, and hyperparameters of few epochs for it."""
    arguments = parse_autoencoder_arguments(["--runs", str(folder / "runs")])
    return AutoencoderTask(arguments, SPLIT, 0, {"data": "images"}, IMAGES), make_hyperparameters(2, batch_size=5)


def make_classifier_task(folder):
    """Return a new ClassifierTask, always on the same encoder, and hyperparameters of few epochs for it."""
    path = folder / "encoder.h5"
    path.write_bytes(b"as it was read")
    arguments = parse_classification_arguments(["--runs", str(folder / "runs"), "-model", str(path)])
    answers = make_hyperparameters(2)
    keras.utils.set_random_seed(0)
    weights = build_autoencoder(IMAGES.shape[1:], answers).encoder.get_weights()
    layers, _ = autoencoder_layers(1, answers.kernel_sizes, answers.filters, answers.third_pooling)
    name = f"encoder.h5 {hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS]}"
    encoder = Encoder(IMAGES.shape[1:], tuple(layers), tuple(weights), name)
    task = ClassifierTask(arguments, SPLIT, 0, {"data": "images"}, LABELLED, LABELLED, encoder)
    return task, ClassifierHyperparameters(4, 1, 5)


@pytest.fixture(params=[make_autoencoder_task, pytest.param(make_classifier_task, marks=pytest.mark.backend)])
def make_task(request, tmp_path):
    return lambda: request.param(tmp_path)


@pytest.fixture
def steps(monkeypatch):
    """A list to which each tracing of a step of training adds the name of its network."""
    traced = []
    network = engine.PaddedNetwork if ON_JAX else engine.FastNetwork
    call = network.call

    def counted(self, features, training=False):
        if training:
            traced.append(self.name)
        return call(self, features, training)

    monkeypatch.setattr(network, "call", counted)
    return traced


def assert_alike(one, other):
    """Assert that what Task.run returned is the same, twice."""
    (trained, experiment), (again, repeated) = one, other
    assert without_seconds(experiment.history) == without_seconds(repeated.history)
    assert trained.weights.keys() == again.weights.keys()
    assert_same_bits(trained.weights.values(), again.weights.values())


def test_a_network_with_the_layers_of_the_one_before_is_trained_anew_without_tracing_a_step_again(make_task, steps):
    task, hyperparameters = make_task()
    longer = replace(hyperparameters, epochs=3)
    task.run(hyperparameters)
    traced = list(steps)
    assert traced
    repeated = task.run(longer)
    assert steps == traced
    assert_alike(repeated, make_task()[0].run(longer))


@pytest.mark.parametrize(
    "changed",
    [{"filters": (3, 2)}, {"epochs": 4}],  # over 4 epochs the moving statistics average over 9 steps instead of 5
)
def test_a_network_unlike_the_one_before_is_traced_anew(tmp_path, changed):
    task, hyperparameters = make_autoencoder_task(tmp_path)
    hyperparameters = replace(hyperparameters, batch_size=1)
    other = replace(hyperparameters, **changed)
    task.run(hyperparameters)
    assert_alike(task.run(other), make_autoencoder_task(tmp_path)[0].run(other))


def test_a_training_that_is_stopped_in_its_first_epoch_tells_that_and_gives_no_advice(tmp_path, monkeypatch, capsys):
    task, hyperparameters = make_autoencoder_task(tmp_path)
    training_data = engine.training_data

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
        return training_data(*arguments)

    monkeypatch.setattr(engine, "training_data", interrupted)
    _, folder = task.run(replace(hyperparameters, epochs=20))
    shown = capsys.readouterr().out
    assert ", stopped in epoch 1 of 20: validation mean squared error" in shown
    assert re.search(r"^nothing was learnt: the mean image has [\d.]+$", shown, re.MULTILINE)
    assert "epochs 1 of 20" in folder.title
    monkeypatch.undo()
    assert "epochs 1," in task.run(hyperparameters)[1].title
