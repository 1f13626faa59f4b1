"""Of a classifier's two phases the one with the lower validation loss is the result, and both are kept."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
from conftest import LABELLED, assert_same_bits, run_script, save_encoder

from utilities.data import idx
from utilities.record.runs import RunFolder


def weights_of(path):
    return keras.models.load_model(path, compile=False).get_weights()


def summary_of(run):
    return json.loads((run / "experiment.json").read_text())


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """The session of a classifier that phase 2 spoils, trained on, and the reports on the test set in it.

    The classes differ by where a bar is, in one column or the next; phase 2 shifts images by as much.
    """
    folder = tmp_path_factory.mktemp("spoilt")
    labels = np.arange(60, dtype=np.uint8) % 2
    images = np.random.default_rng(1).integers(0, 20, (60, 16, 16), np.uint8)
    images[np.arange(60), :, 6 + labels] = 255
    idx.write(folder / "images", images)
    idx.write(folder / "labels", labels)
    save_encoder(folder, (16, 16, 1))
    session = run_script("classification", LABELLED, "8\n8\n8\n3\n6\n1\n3\n0\n", folder)
    assert (session.code, session.stderr) == (0, "")
    return session, re.findall(r"after phase 1 .*?(?=picture: )", session.stdout, re.DOTALL)


def test_the_phase_with_the_lower_loss_is_kept_and_the_line_tells_of_both(spoilt):
    session, _ = spoilt
    first = session.runs[0]
    assert_same_bits(
        weights_of(first / "classifier.h5")[: len(weights_of(session.folder / "encoder.h5"))],
        weights_of(session.folder / "encoder.h5"),
    )
    one, other = (session_row(first, phase) for phase in ("frozen", "everything"))
    assert one["val_loss"] < other["val_loss"]
    assert (
        f"\nphase 1 is kept: validation loss {one['val_loss']:.4f}, accuracy {one['val_accuracy']:.2%}; phase 2: "
        f"{other['val_loss']:.4f}, {other['val_accuracy']:.2%}; only 6 images are held out\n"
    ) in session.stdout
    assert summary_of(first)["validation"]["val_loss"] == one["val_loss"]


def session_row(run, phase):
    """Return the numbers of the last epoch of a phase in a run's history."""
    head, *rows = (line.split(",") for line in (run / "history.csv").read_text().splitlines())
    last = [dict(zip(head, row, strict=True)) for row in rows if row[0] == phase][-1]
    return {name: float(value) for name, value in last.items() if name != "phase"}


def test_results_show_both_phases_and_all_else_is_of_the_kept_one(spoilt):
    session, (report, _) = spoilt
    first = session.runs[0]
    measured = summary_of(first)["test"]
    for number, trained in ((1, "encoder frozen"), (2, "everything trained")):
        of_phase = measured[f"after_phase_{number}"]
        told = f"test loss {of_phase['loss']:.4f}, test accuracy {of_phase['accuracy']:.2%}"
        assert f"after phase {number} ({trained}): {told}\n" in report
    assert measured["loss"] == measured["after_phase_1"]["loss"] < measured["after_phase_2"]["loss"]
    assert f"test loss      {measured['loss']:.4f}\n" in report
    assert "phase 1 is kept: all that follows is of it\n" in report
    images, labels = (idx.read(session.folder / name) for name in ("images", "labels"))
    for name, number in (("classifier", 1), ("classifier-phase-2", 2)):
        network = keras.models.load_model(first / f"{name}.h5", compile=False)
        right = network.predict(images[..., None] / 255, verbose=0).argmax(axis=1) == labels
        assert right.mean() == pytest.approx(measured[f"after_phase_{number}"]["accuracy"])


def test_an_opened_one_reports_the_same(spoilt):
    session, (report, _) = spoilt
    opened = run_script("classification", ["--open", session.runs[0].name], "3\n0\n", session.folder)
    assert (opened.code, opened.stderr) == (0, "")
    assert re.findall(r"after phase 1 .*?(?=picture: )", opened.stdout, re.DOTALL) == [report]
    assert "\nphase 1 is kept: validation loss " in opened.stdout


def test_training_on_begins_with_the_phase_that_is_kept(spoilt):
    session, (before, after) = spoilt
    first, second = session.runs
    assert_same_bits(weights_of(second / "classifier-phase-1.h5"), weights_of(first / "classifier.h5"))
    assert before.splitlines()[0] == after.splitlines()[0]  # after phase 1
    assert "phase 2 is kept: all that follows is of it\n" in after
    with np.load(first / "weights.npz") as archive:
        assert {name.partition("_")[0] for name in archive} == {"history", "weight", "earlier", "later"}


@pytest.mark.parametrize("changes", [{"later_0000": np.zeros(3, np.float32)}, {"later_0000": None}])
def test_weights_of_phase_2_that_are_of_another_network_or_lost_are_told_in_a_line(spoilt, tmp_path, changes):
    session, _ = spoilt
    shutil.copytree(session.folder / "runs", tmp_path / "runs")
    first = tmp_path / "runs" / session.runs[0].name
    with np.load(first / "weights.npz") as archive:
        arrays = dict(archive) | changes
    np.savez(first / "weights.npz", **{name: array for name, array in arrays.items() if array is not None})
    opened = run_script("classification", ["--open", first.name], "3\n0\n", tmp_path)
    assert opened.code == 2
    assert f"{first.name}: cannot be opened: damaged, or of another version\n" in opened.stderr


NAN = float("nan")


@pytest.mark.parametrize(
    ("losses", "kept"),
    [
        *(((0.5, 0.4), "everything"), ((0.4, 0.5), "frozen"), ((0.5, 0.5), "everything")),
        *(((NAN, 0.4), "everything"), ((0.4, NAN), "frozen")),
    ],
)
def test_the_lower_loss_decides_whatever_the_accuracies_and_phase_2_of_equal_ones(tmp_path, losses, kept):
    folder = RunFolder(tmp_path)
    for phase, loss, accuracy in zip(("frozen", "everything"), losses, (0.9, 0.8), strict=True):
        folder.history += [{"phase": phase, "val_loss": each, "val_accuracy": accuracy} for each in (0.1, loss)]
    assert folder.outcome["phase"] == kept
