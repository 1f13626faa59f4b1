"""Interrupted training goes on to the weights that it would have had."""

import json
import os
import signal

import keras
import numpy as np
import pytest
from conftest import (
    assert_same_bits,
    begin,
    kept,
    make_hyperparameters,
    make_images,
    make_labels,
    run_script,
    wait_for_rows,
    without_seconds,
)

from utilities.data.datasets import LabelledImages, split_for_validation
from utilities.errors import BadInput
from utilities.network.hyperparameters import ClassifierHyperparameters
from utilities.network.model_files import save_model
from utilities.network.networks import build_autoencoder, build_classifier
from utilities.record.runs import RunFolder
from utilities.terminal.arguments import parse_autoencoder_arguments
from utilities.training import training
from utilities.training.schedule import LowerOnPlateau

EPOCHS = 6
CLASSES = np.arange(4)
LABELS = make_labels(50, CLASSES)
LABELLED = LabelledImages(make_images(LABELS), LABELS.astype(np.int64), CLASSES)
SPLIT = split_for_validation(50, seed=1)
# Enough epochs in a script that a signal sent after the first ones comes long before the last.
SCRIPT_EPOCHS = 25
ANSWERS = f"1\n3\n4\n{SCRIPT_EPOCHS}\n8\n"


class Killed(Exception):
    pass


def killing(folder, rows):
    """Have a folder end the training, as a kill would, right after it got so many rows of history."""
    add_row = folder.add_row

    def add_row_and_die(row):
        add_row(row)
        if len(folder.history) == rows:
            raise Killed

    folder.add_row = add_row_and_die
    return folder


def new_folder(parent, script):
    return RunFolder.create(parent, script, [], vars(parse_autoencoder_arguments([])))


def train_autoencoder(folder):
    hyperparameters = make_hyperparameters(2, epochs=EPOCHS)
    keras.utils.set_random_seed(1)
    autoencoder = build_autoencoder((8, 8), hyperparameters)
    training.train_autoencoder(autoencoder, LABELLED.images, SPLIT, hyperparameters, 1, folder)
    return autoencoder.whole.get_weights(), []


def train_classifier(folder):
    keras.utils.set_random_seed(1)
    encoder = build_autoencoder((8, 8), make_hyperparameters(2)).encoder
    classifier = build_classifier(encoder, 8, len(CLASSES))
    hyperparameters = ClassifierHyperparameters(8, EPOCHS, batch_size=8)
    trained = training.train_classifier(classifier, LABELLED, SPLIT, hyperparameters, 1, folder)
    return classifier.whole.get_weights(), trained.weights_after_phase_1


@pytest.mark.parametrize(
    ("script", "train", "rows"),
    [("autoencoder", train_autoencoder, rows) for rows in (1, 4)]
    + [("classification", train_classifier, rows) for rows in (EPOCHS, EPOCHS + 1, EPOCHS + 4)],
)
def test_a_killed_training_goes_on_to_the_same_weights_and_history(tmp_path, script, train, rows):
    undisturbed = new_folder(tmp_path / "undisturbed", script)
    expected, expected_earlier = train(undisturbed)

    with pytest.raises(Killed):
        train(killing(new_folder(tmp_path, script), rows))
    resumed = RunFolder.reopen(tmp_path, script)
    assert len(resumed.history) == rows - 1
    found, found_earlier = train(resumed)

    assert_same_bits(found, expected)
    assert_same_bits(found_earlier, expected_earlier)
    assert without_seconds(resumed.history) == without_seconds(undisturbed.history)
    assert (resumed.path / "history.csv").read_text().count("\n") == 1 + len(undisturbed.history)


@pytest.mark.parametrize("rows", [4, 6])  # before the plateau's end, and after
def test_the_patience_and_the_lowered_rate_go_on_too(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(training, "SHORTEST_PATIENCE", 3)
    monkeypatch.setattr(LowerOnPlateau.__init__, "__defaults__", (0.9,))
    undisturbed = new_folder(tmp_path / "undisturbed", "autoencoder")
    expected, _ = train_autoencoder(undisturbed)
    with pytest.raises(Killed):
        train_autoencoder(killing(new_folder(tmp_path, "autoencoder"), rows))
    resumed = RunFolder.reopen(tmp_path, "autoencoder")
    found, _ = train_autoencoder(resumed)
    rates = [row["learning_rate"] for row in undisturbed.history]
    assert rates[-1] < 0.6 * training.RECONSTRUCTION.learning_rate * 0.5 * (1 + np.cos(np.pi * (EPOCHS - 1) / EPOCHS))
    assert [row["learning_rate"] for row in resumed.history] == rates
    assert_same_bits(found, expected)


def test_only_an_unfinished_experiment_of_the_same_script_is_resumed(tmp_path):
    old, finished, other = (new_folder(tmp_path, name) for name in ("autoencoder", "autoencoder", "classification"))
    finished.keep_summary({"finished": True})
    assert RunFolder.reopen(tmp_path, "autoencoder").path == old.path
    assert RunFolder.reopen(tmp_path, "classification").path == other.path
    old.keep_summary({"finished": True})
    with pytest.raises(BadInput, match="no unfinished experiment"):
        RunFolder.reopen(tmp_path, "autoencoder")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 cut off", b"x" * 100])
def test_a_damaged_state_is_told(tmp_path, content):
    folder = new_folder(tmp_path, "autoencoder")
    (folder.path / "state.npz").write_bytes(content)
    with pytest.raises(BadInput, match="cannot be resumed"):
        RunFolder.reopen(tmp_path, "autoencoder")


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run_script("autoencoder", ["-d", data / "letters"], ANSWERS, folder).code == 0
    return kept(folder)


@pytest.mark.parametrize(("number", "code"), [("SIGKILL", -9), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_script_ended_by_a_signal_is_resumed_to_the_same_encoder(data, tmp_path, undisturbed, number, code):
    process = begin("autoencoder", ["-d", data / "letters"], ANSWERS, tmp_path)
    wait_for_rows(tmp_path, 1, process)
    process.send_signal(getattr(signal, number))
    assert process.wait(60) == code
    assert process.stderr.read() == ""
    run = kept(tmp_path)
    assert (run / "encoder.h5").exists() == (number != "SIGKILL")
    assert not json.loads((run / "experiment.json").read_text())["finished"]

    resumed = run_script("autoencoder", ["--resume"], "", tmp_path)
    assert (resumed.code, resumed.stderr) == (0, "")
    assert kept(tmp_path) == run
    assert not (run / "state.npz").exists()
    weights, expected = (keras.models.load_model(path / "encoder.h5").get_weights() for path in (run, undisturbed))
    assert_same_bits(weights, expected)

    again = run_script("autoencoder", ["--resume"], "", tmp_path)
    assert again.code == 2
    assert "no unfinished experiment" in again.stderr


def test_classification_is_resumed_without_naming_its_files_again(data, tmp_path):
    save_model(build_autoencoder((8, 8), make_hyperparameters(1)).encoder, tmp_path / "encoder.h5")
    names = ("letters", "letters-labels", "letters-test", "letters-test-labels")
    files = dict(zip(("-d", "-dl", "-t", "-tl"), (data / name for name in names), strict=True))
    arguments = [word for pair in files.items() for word in pair]
    process = begin("classification", [*arguments, "-model", "encoder.h5"], f"8\n{SCRIPT_EPOCHS}\n8\n", tmp_path)
    # With the second row of phase 2, the state after its first epoch is kept.
    wait_for_rows(tmp_path, SCRIPT_EPOCHS + 2, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    resumed = run_script("classification", ["--resume"], "3\n0\n", tmp_path)
    assert (resumed.code, resumed.stderr) == (0, "")
    assert "phase 1 of 2" not in resumed.stdout
    assert "test accuracy" in resumed.stdout
    assert (kept(tmp_path) / "history.csv").read_text().count("\n") == 1 + 2 * SCRIPT_EPOCHS
