"""Interrupted training goes on to the weights that it would have had."""

import csv
import io
import json
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
from conftest import (
    ENDED,
    Running,
    assert_same_bits,
    kept,
    make_hyperparameters,
    make_images,
    make_labels,
    parse_autoencoder_arguments,
    parse_classification_arguments,
    run_script,
    wait_for_rows,
    without_seconds,
)

from utilities.data import idx
from utilities.data.checksum import identify
from utilities.data.datasets import LabelledImages, split_for_validation
from utilities.errors import BadInput
from utilities.network.hyperparameters import ClassifierHyperparameters
from utilities.network.layers import Encoder
from utilities.network.networks import build_autoencoder, build_classifier
from utilities.network.saving import save_model
from utilities.record.history import history_as_csv, read_history
from utilities.record.run_list import find_run
from utilities.record.runs import RunFolder
from utilities.session.classification import tasks_of
from utilities.terminal.arguments import LAST
from utilities.training import schedule, training

EPOCHS = 6
CLASSES = np.arange(4)
LABELS = make_labels(50, CLASSES)
LABELLED = LabelledImages(make_images(LABELS, channels=1), LABELS.astype(np.int64), CLASSES, tuple(map(str, CLASSES)))
SPLIT = split_for_validation(50, seed=1)
# Enough epochs in a script that a signal sent after the first ones comes long before the last.
SCRIPT_EPOCHS = 25
ANSWERS = f"1\n3\n4\n{SCRIPT_EPOCHS}\n8\n"


def reopen(parent, script):
    folder = find_run(parent, script, LAST, finished=False)
    try:
        return folder.resume()
    finally:
        folder.release()


def new_folder(parent, script):
    folder = RunFolder.create(parent, script, [], vars(parse_autoencoder_arguments([])), {})
    folder.release()
    return folder


def train_autoencoder(folder):
    hyperparameters = make_hyperparameters(2, epochs=EPOCHS)
    keras.utils.set_random_seed(1)
    autoencoder = build_autoencoder((8, 8, 1), hyperparameters)
    training.train_autoencoder(autoencoder, LABELLED.images, SPLIT, hyperparameters, 1, folder)
    return autoencoder.whole.get_weights(), []


def train_classifier(folder):
    keras.utils.set_random_seed(1)
    encoder = build_autoencoder((8, 8, 1), make_hyperparameters(2)).encoder
    classifier = build_classifier(encoder, 8, len(CLASSES))
    hyperparameters = ClassifierHyperparameters(8, EPOCHS, batch_size=8)
    ends, _ = training.train_classifier(classifier, LABELLED, SPLIT, hyperparameters, 1, folder)
    return ends["everything"], ends["frozen"]


@dataclass(frozen=True)
class Undisturbed:
    """A training that ran to its end, and what a kill would have left of it.

    Attributes:
        train: a function of a run folder; it goes on with the experiment in a reopened one.
        history: its rows.
        weights: those that the last phase and phase 1 ended with.
        copies: for each row of history, a folder that holds its run folder as it was right after it got that row.
    """

    train: Callable
    history: list
    weights: tuple
    copies: list

    def killed_after(self, rows, parent):
        """Reopen the experiment in a folder, as a kill right after so many rows would have left it."""
        shutil.copytree(self.copies[rows - 1], parent, dirs_exist_ok=True)
        return reopen(parent, self.copies[0].name)


def train_undisturbed(script, train, parent):
    folder, copies = new_folder(parent, script), []
    add_row = folder.add_row

    def add_row_and_copy(row):
        add_row(row)
        copies.append(parent / str(len(copies)) / script)
        shutil.copytree(folder.path, copies[-1] / folder.path.name)

    folder.add_row = add_row_and_copy
    weights = train(folder)
    return Undisturbed(train, folder.history, weights, copies)


@pytest.fixture(scope="module")
def of_autoencoder(tmp_path_factory):
    return train_undisturbed("autoencoder", train_autoencoder, tmp_path_factory.mktemp("autoencoder"))


@pytest.fixture(scope="module")
def of_classifier(tmp_path_factory):
    return train_undisturbed("classification", train_classifier, tmp_path_factory.mktemp("classifier"))


def assert_goes_on(undisturbed, rows, folder):
    """Check that the training, killed right after so many rows, goes on to what it came to undisturbed."""
    resumed = undisturbed.killed_after(rows, folder)
    assert len(resumed.history) == rows - 1
    found, found_earlier = undisturbed.train(resumed)
    expected, expected_earlier = undisturbed.weights
    assert_same_bits(found, expected)
    assert_same_bits(found_earlier, expected_earlier)
    assert without_seconds(resumed.history) == without_seconds(undisturbed.history)
    assert (resumed.path / "history.csv").read_text().count("\n") == 1 + len(undisturbed.history)


@pytest.mark.backend
@pytest.mark.parametrize("rows", [1, 4])
def test_a_killed_training_of_an_autoencoder_goes_on_to_the_same_weights_and_history(of_autoencoder, tmp_path, rows):
    assert_goes_on(of_autoencoder, rows, tmp_path)


@pytest.mark.backend
@pytest.mark.parametrize("rows", [EPOCHS, EPOCHS + 1, EPOCHS + 4])
def test_a_killed_training_of_a_classifier_goes_on_to_the_same_weights_and_history(of_classifier, tmp_path, rows):
    assert_goes_on(of_classifier, rows, tmp_path)


@pytest.mark.backend
def test_the_patience_and_the_lowered_rate_go_on_too(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SHORTEST_PATIENCE", 3)
    monkeypatch.setattr(schedule, "LEAST_IMPROVEMENT", 0.9)
    undisturbed = train_undisturbed("autoencoder", train_autoencoder, tmp_path)
    rates = [row["learning_rate"] for row in undisturbed.history]
    assert rates[-1] < 0.6 * training.RECONSTRUCTION.learning_rate * 0.5 * (1 + np.cos(np.pi * (EPOCHS - 1) / EPOCHS))
    for rows in (4, 6):  # before the plateau's end, and after
        assert_goes_on(undisturbed, rows, tmp_path / f"killed-{rows}")


def test_a_checkpoint_of_another_network_is_told(of_autoencoder, tmp_path):
    resumed = of_autoencoder.killed_after(2, tmp_path)
    resumed.checkpoint["weight_0000"] = np.zeros((3, 3, 3, 3))
    with pytest.raises(BadInput, match="another network or an earlier version; begin again with < "):
        train_autoencoder(resumed)


def test_only_an_unfinished_experiment_of_the_same_script_is_resumed(tmp_path):
    old, finished, other = (new_folder(tmp_path, name) for name in ("autoencoder", "autoencoder", "classification"))
    finished.keep_summary({"finished": True} | ENDED)
    assert reopen(tmp_path, "autoencoder").path == old.path
    assert reopen(tmp_path, "classification").path == other.path
    old.keep_summary({"finished": True} | ENDED)
    with pytest.raises(BadInput, match="no unfinished experiment"):
        reopen(tmp_path, "autoencoder")


# --- damaged folders: nothing trains


def make_row(epoch):
    return {
        "phase": "reconstruction",
        "epoch": epoch,
        "learning_rate": 1 / (2 + epoch),
        "seconds": 0.1,
        "val_loss": 1 / 3,
    }


def interrupted(parent, epochs=3):
    """Keep an experiment that was killed after an epoch's row was kept, and before its checkpoint was."""
    arguments = vars(parse_autoencoder_arguments([]))
    folder = RunFolder.create(parent, "autoencoder", ["1", "3"], arguments, {"data": "(5000, 8, 8), checksum 1"})
    for epoch in range(1, epochs + 1):
        folder.add_row(make_row(epoch))
        folder.keep_checkpoint({"weights": np.full(100, float(epoch))})
    folder.add_row(make_row(epochs + 1))
    folder.release()
    return folder.path


def checkpoint_of(run, epoch):
    return run / f"checkpoint-{epoch:06}.npz"


def saved(**arrays):
    """Return the bytes of an archive of arrays."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def assert_resumed(folder, epochs):
    """Check that a reopened folder has all that was kept of so many epochs."""
    assert folder.answers == "1\n3\n"
    assert folder.history == [make_row(epoch) for epoch in range(1, epochs + 1)]
    assert folder.checkpoint["weights"].tolist() == [epochs] * 100
    assert (folder.path / "input.txt").read_text() == "1\n3\n"
    with (folder.path / "history.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {name: str(value) for name, value in row.items()} for row in folder.history
        ]


def test_epochs_after_the_last_checkpoint_are_dropped_without_a_word(tmp_path, capsys):
    run = interrupted(tmp_path)
    assert (run / "history.csv").read_text().count("\n") == 5
    assert_resumed(reopen(tmp_path, "autoencoder"), 3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("damage", [lambda path: path.write_text("1\n3\n2\n"), lambda path: path.unlink()])
def test_the_answers_for_the_user_are_written_anew_where_they_are_damaged_or_gone(tmp_path, capsys, damage):
    path = interrupted(tmp_path) / "input.txt"
    damage(path)
    assert_resumed(reopen(tmp_path, "autoencoder"), 3)
    assert capsys.readouterr().err == f"{path}: not as the experiment left it; written anew\n"


@pytest.mark.parametrize(
    ("damage", "epochs"),
    [
        (lambda content: content[:-100], [1, 2, 3]),  # a row that has a checkpoint is cut off
        (lambda content: b"\xff" * 300 + content[300:], [3]),
        (lambda content: content.replace(b"reconstruction,2", b"reconstruction;2"), [1, 3]),
        (lambda content: content.partition(b"\n")[2], [3]),
        (lambda content: content.replace(b"reconstruction,3", b"reconstruction,5"), [1, 2, 3]),
        (lambda content: b"", [3]),
        (None, [3]),
    ],
)
def test_a_damaged_history_costs_earlier_epochs_in_the_graph_and_is_told(tmp_path, capsys, damage, epochs):
    path = interrupted(tmp_path) / "history.csv"
    if damage:
        path.write_bytes(damage(path.read_bytes()))
    else:
        path.unlink()
    resumed = reopen(tmp_path, "autoencoder")
    assert resumed.history == [make_row(epoch) for epoch in epochs]
    assert resumed.checkpoint["weights"].tolist() == [3] * 100
    lost = 3 - len(epochs)
    assert capsys.readouterr().err == (f"{path}: damaged; going on without {lost} epochs of it\n" if lost else "")
    resumed.add_row(make_row(4))
    resumed.keep_checkpoint({"weights": np.full(100, 4.0)})
    resumed = reopen(tmp_path, "autoencoder")
    assert resumed.history == [make_row(epoch) for epoch in (*epochs, 4)]
    assert resumed.checkpoint["weights"].tolist() == [4] * 100


def test_the_last_row_of_a_phase_that_a_history_lacks_is_in_its_place(tmp_path):
    frozen, everything = ends = [make_row(1) | {"phase": phase} for phase in ("frozen", "everything")]
    (tmp_path / "history.csv").write_bytes(history_as_csv([everything]))
    assert read_history(tmp_path / "history.csv", ends) == [frozen, everything]


def test_a_checkpoint_takes_as_much_after_many_epochs_as_after_few(tmp_path):
    runs = [interrupted(tmp_path, epochs) for epochs in (3, 300)]
    few, many = (next(run.glob("checkpoint*")).stat().st_size for run in runs)
    assert many < few + 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * 100,
        saved(weights=np.zeros(100)),  # without the history
        saved(weights=np.zeros(100), history=np.array(b'[{"phase": ')),
        saved(weights=np.array([{}], object), history=np.array(b"[]")),
        saved(weights=np.zeros(100), history=np.array(b"[]"))[:-50],
        b"\x93NUMPY\1\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}".ljust(128) + b"x" * 8,
    ],
)
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_gone_on_from(tmp_path, capsys, content):
    run = interrupted(tmp_path)
    checkpoint_of(run, 3).write_bytes(content)
    assert_resumed(reopen(tmp_path, "autoencoder"), 2)
    told = f"{checkpoint_of(run, 3)}: damaged; going on from the checkpoint before it, checkpoint-000002.npz\n"
    assert capsys.readouterr().err == told


def test_a_checkpoint_damaged_anywhere_is_never_gone_on_from(tmp_path):
    path = checkpoint_of(interrupted(tmp_path), 3)
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    epochs = []
    for place in generator.integers(0, len(whole), 200):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ generator.integers(1, 256)]) + whole[place + 1 :])
        resumed = reopen(tmp_path, "autoencoder")
        epochs.append(len(resumed.history))
        assert_resumed(resumed, epochs[-1])
    assert set(epochs) == {2, 3}  # 3 where what changed was no more than a date
    assert epochs.count(2) > 150


def test_where_both_checkpoints_are_damaged_the_files_and_the_ways_out_are_told(tmp_path):
    earlier, run = interrupted(tmp_path), interrupted(tmp_path)
    for epoch in (2, 3):
        checkpoint_of(run, epoch).write_bytes(b"x" * 100)
    with pytest.raises(BadInput) as told:
        reopen(tmp_path, "autoencoder")
    assert str(told.value) == (
        f"{run}: cannot be resumed: damaged: checkpoint-000003.npz, checkpoint-000002.npz; delete that to train "
        "this experiment from its beginning, or move its folder away to resume an earlier one"
    )
    for epoch in (2, 3):
        checkpoint_of(run, epoch).unlink()
    begun_again = reopen(tmp_path, "autoencoder")
    assert (begun_again.path, begun_again.history, begun_again.checkpoint) == (run, [], {})
    run.rename(tmp_path / "elsewhere")
    assert reopen(tmp_path, "autoencoder").path == earlier


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b"{}",
        b'{"finished": false}',
        b'{"finished": false, "arguments": {"seed": 1}}',
    ],
)
def test_an_experiment_whose_summary_is_damaged_is_passed_over_with_a_word(tmp_path, capsys, content):
    interrupted(tmp_path)
    path = interrupted(tmp_path) / "experiment.json"
    path.write_bytes(content)
    (tmp_path / "later_autoencoder").write_text("no folder")
    (tmp_path / "later-still_autoencoder").mkdir()
    assert_resumed(reopen(tmp_path, "autoencoder"), 3)
    told = f"{path}: damaged, or of an earlier version; passing over this experiment\n"
    assert capsys.readouterr().err == told


def test_the_last_two_checkpoints_are_kept_until_the_experiment_is_finished(tmp_path):
    run = interrupted(tmp_path, epochs=4)
    assert sorted(run.glob("checkpoint*")) == [checkpoint_of(run, 3), checkpoint_of(run, 4)]
    (run / ".checkpoint-000005-77.npz").touch()  # of a process killed while it wrote
    find_run(tmp_path, "autoencoder", LAST, finished=False).finish({"finished": True})
    assert not list(run.glob("*checkpoint*"))


# --- data that have changed


def test_arrays_are_told_apart_by_their_shape_and_their_items():
    images = make_images(make_labels(50, range(3)))
    changed = [images.copy() for _ in range(3)]
    changed[0][0, 0, 0] += 1
    changed[1][-1, -1, -1] += 1
    changed[2][20:40] += 1
    arrays = [images, images[:49], images.reshape(50, 4, 16), images[::-1], *changed]
    assert len({identify(array) for array in arrays}) == len(arrays)
    assert identify(images) == identify(np.asfortranarray(images))


def test_each_item_of_a_large_array_counts():
    images = np.zeros((100_000, 28, 28), np.uint8)
    before = identify(images)
    images[49_999, 14, 14] = 1
    assert identify(images) != before


def test_a_script_does_not_go_on_with_images_that_have_changed(tmp_path):
    images = make_images(LABELS)
    idx.write(tmp_path / "images", images)
    arguments = parse_autoencoder_arguments(["-d", str(tmp_path / "images")])
    path = str(arguments.data.resolve())
    answers = ["1", "3", "2", "1", "8"]
    folder = RunFolder.create(tmp_path / "runs", "autoencoder", answers, vars(arguments), {"data": identify(images)})
    folder.release()
    run = folder.path
    idx.write(tmp_path / "images", images[:11])
    session = run_script("autoencoder", ["--resume"], "", tmp_path)
    assert session.code == 2
    found = re.escape(f"{path}: not what {run.relative_to(tmp_path)} was made with: expected (50, 8, 8), checksum ")
    advice = rf"give that with --data, or begin again with < {run.relative_to(tmp_path)}/input\.txt"
    told = rf"autoencoder\.py: error: {found}\w+, found \(11, 8, 8\), checksum \w+; {advice}\n"
    assert re.fullmatch(told, session.stderr)
    assert "epoch 1" not in session.stdout


@pytest.mark.parametrize("changed", ["images", "labels", "encoder.h5", "test"])
def test_a_classifier_does_not_go_on_with_files_that_have_changed(tmp_path, changed):
    paths = {name: tmp_path.resolve() / name for name in ("images", "labels", "encoder.h5", "test")}
    flags = ("-d", "-dl", "-model", "-t")
    words = [word for pair in zip(flags, map(str, paths.values()), strict=True) for word in pair]
    arguments = parse_classification_arguments(words)

    def data_of(labelled, encoder_name, test=LABELLED):
        encoder = Encoder((8, 8, 1), (), (), encoder_name)
        return tasks_of(labelled, test, {paths["encoder.h5"]: encoder}, 0)(arguments).data

    before = data_of(LABELLED, "encoder.h5 aaaaaa")
    folder = RunFolder.create(tmp_path / "runs", "classification", [], vars(arguments), before)
    folder.check_data(data_of(LABELLED, "of another name.h5 aaaaaa"), vars(arguments))
    images, targets, name, test = LABELLED.images, LABELLED.targets, "encoder.h5 aaaaaa", LABELLED
    if changed == "images":
        images = images[::-1]
    elif changed == "labels":
        targets = targets[::-1]
    elif changed == "test":
        test = replace(LABELLED, images=images[::-1])
    else:
        name = "encoder.h5 bbbbbb"
    labelled = replace(LABELLED, images=images, targets=targets)
    with pytest.raises(BadInput, match=f"^{re.escape(str(paths[changed]))}: not what "):
        folder.check_data(data_of(labelled, name, test), vars(arguments))


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run_script("autoencoder", ["-d", data / "letters"], ANSWERS, folder).code == 0
    return kept(folder)


@pytest.mark.parametrize(
    ("number", "code"),
    [("SIGKILL", -9), ("SIGTERM", 143), ("SIGUSR1", 138)],
)
def test_a_script_ended_by_a_signal_is_resumed_to_the_same_encoder(data, tmp_path, undisturbed, number, code):
    running = Running("autoencoder", ["-d", data / "letters"], ANSWERS, tmp_path)
    wait_for_rows(tmp_path, 1, running.process)
    running.process.send_signal(getattr(signal, number))
    ended = running.end(60)
    assert ended.code == code
    if number != "SIGKILL":  # of which test_program.py shows what is told
        assert ended.stderr == ""
    run = kept(tmp_path)
    assert (run / "encoder.h5").exists() == (number != "SIGKILL")
    assert not json.loads((run / "experiment.json").read_text())["finished"]

    resumed = run_script("autoencoder", ["--resume"], "", tmp_path)
    assert (resumed.code, resumed.stderr) == (0, "")
    assert kept(tmp_path) == run
    assert not list(run.glob("*checkpoint*"))
    weights, expected = (keras.models.load_model(path / "encoder.h5").get_weights() for path in (run, undisturbed))
    assert_same_bits(weights, expected)

    again = run_script("autoencoder", ["--resume"], "", tmp_path)
    assert again.code == 2
    assert "no unfinished experiment" in again.stderr


def test_classification_is_resumed_without_naming_its_files_again(data, tmp_path):
    save_model(build_autoencoder((8, 8, 1), make_hyperparameters(1)).encoder, tmp_path / "encoder.h5")
    names = ("letters", "letters-labels", "letters-test", "letters-test-labels")
    files = dict(zip(("-d", "-dl", "-t", "-tl"), (data / name for name in names), strict=True))
    arguments = [word for pair in files.items() for word in pair]
    running = Running("classification", [*arguments, "-model", "encoder.h5"], f"8\n{SCRIPT_EPOCHS}\n8\n", tmp_path)
    # With the second row of phase 2, the state after its first epoch is kept.
    wait_for_rows(tmp_path, SCRIPT_EPOCHS + 2, running.process)
    running.process.kill()
    assert running.end(60).code == -signal.SIGKILL
    resumed = run_script("classification", ["--resume"], "3\n0\n", tmp_path)
    assert (resumed.code, resumed.stderr) == (0, "")
    assert "phase 1 of 2" not in resumed.stdout
    assert "test accuracy" in resumed.stdout
    assert (kept(tmp_path) / "history.csv").read_text().count("\n") == 1 + 2 * SCRIPT_EPOCHS
