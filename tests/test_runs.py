"""Experiments gone back to: listed, opened, trained on, resumed by their names."""

import json
import os
import re
import shutil
import time

import keras
import numpy as np
import pytest
from conftest import CHILD_TIMEOUT, ENDED, Running, assert_same_bits, run_script, start, wait_for_rows

from utilities.errors import BadInput
from utilities.record.run_list import find_run, format_runs
from utilities.record.runs import RunFolder

ANSWERS = "1\n3\n2\n2\n16\n"


def summary_of(run):
    return json.loads((run / "experiment.json").read_text())


def weights_of(run, name="autoencoder"):
    return keras.models.load_model(run / f"{name}.h5", compile=False).get_weights()


def losses(run):
    return [line.split(",")[4:] for line in (run / "history.csv").read_text().splitlines()[1:]]


def files_of(data, model):
    names = ("letters", "letters-labels", "letters-test", "letters-test-labels")
    paths = zip(("-d", "-dl", "-t", "-tl"), (data / name for name in names), strict=True)
    return [word for pair in paths for word in map(str, pair)] + ["-model", str(model)]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """The session of an autoencoder, which is trained on after, and its folder."""
    flags = ["-d", data / "letters", "--name", "my first"]
    return run_script("autoencoder", flags, f"{ANSWERS}6\n3\n0\n", tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def classified(data, trained):
    """The session of a classifier, measured, and trained on, on an encoder that is then lost."""
    encoder = trained.folder / "encoder.h5"
    shutil.copy(trained.runs[0] / "encoder.h5", encoder)
    session = run_script("classification", files_of(data, encoder), "4\n2\n16\n3\n6\n1\n0\n", trained.folder)
    assert (session.code, session.stderr) == (0, "")
    encoder.write_bytes(b"another")
    return session


# --- trained on


@pytest.mark.backend
def test_training_on_begins_with_the_weights_of_before_and_names_the_run(trained):
    assert (trained.code, trained.stderr) == (0, "")
    first, second = trained.runs
    assert [run.name.partition("_letters_")[2] for run in trained.runs] == ["my-first_autoencoder"] * 2
    assert summary_of(second)["parent"] == first.name
    assert summary_of(second)["hyperparameters"]["epochs"] == "2 + 3"
    assert len(losses(second)) == 3
    begun, before = float(losses(second)[0][1]), float(losses(first)[-1][1])
    assert begun < before + 0.5 * (float(losses(first)[0][1]) - before)  # not as a new network begins


def test_a_run_that_was_trained_on_repeats_by_its_own_answers(data, trained, tmp_path):
    answers = (trained.runs[1] / "input.txt").read_text()
    assert answers == "1\n(3, 3)\n2\n2\n16\n6\n3\n"
    again = run_script("autoencoder", ["-d", data / "letters"], answers, tmp_path)
    assert_same_bits(weights_of(again.runs[1]), weights_of(trained.runs[1]))
    assert losses(again.runs[1]) == losses(trained.runs[1])


@pytest.mark.backend
def test_a_classifier_trains_on_as_in_phase_2(classified):
    second = classified.runs[1]
    phases = [line.split(",")[0] for line in (second / "history.csv").read_text().splitlines()[1:]]
    assert phases == ["everything"]
    assert "phase 1 of 2" not in classified.stdout.split("more epochs (- cancels)")[1]


@pytest.mark.parametrize("rows", [0, 1])
def test_a_run_that_trains_on_is_resumed(data, trained, tmp_path, rows):
    running = Running("autoencoder", ["-d", data / "letters"], f"{ANSWERS}6\n40\n", tmp_path)
    reached = "checkpoint*" if rows else "experiment.json"
    while not (second := [path for run in sorted(tmp_path.glob("runs/*"))[1:] for path in run.glob(reached)]):
        assert running.process.poll() is None
        time.sleep(0.02)
    second = second[0].parent
    running.process.kill()
    running.end()
    before = len(losses(second)) if (second / "history.csv").exists() else 0
    assert before < 40
    resumed = run_script("autoencoder", ["--resume"], "", tmp_path)
    assert (resumed.code, resumed.stderr) == (0, "")
    assert len(losses(second)) == 40
    assert summary_of(second)["finished"]


# --- opened


@pytest.mark.backend
def test_an_opened_autoencoder_is_what_was_trained(trained):
    first = trained.runs[0]
    before = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    session = run_script("autoencoder", ["--open", first.name], "3\nagain.h5\n2\n3\n0\n", trained.folder)
    assert (session.code, session.stderr) == (0, "")
    assert "epoch 1" not in session.stdout
    assert [run.name for run in session.runs] == [first.name]
    again = keras.models.load_model(trained.folder / "again.h5", compile=False).get_weights()
    assert_same_bits(again, weights_of(first, "encoder"))
    changed = {path.name for path in first.iterdir() if path.stat().st_mtime_ns != before.get(path)}
    assert changed == {"reconstructions.png"}


def test_alone_it_opens_the_last_and_trains_on_from_there(trained, tmp_path):
    shutil.copytree(trained.folder / "runs", tmp_path / "runs")
    session = run_script("autoencoder", ["--open"], "6\n1\n0\n", tmp_path)
    assert session.code == 0, session.stderr
    opened, third = session.runs
    assert opened.name == trained.runs[1].name
    assert summary_of(third)["hyperparameters"]["epochs"] == "2 + 3 + 1"
    assert third.parent == tmp_path / "runs"


@pytest.mark.backend
def test_an_opened_classifier_reports_the_same_though_its_encoder_is_lost(classified):
    first = classified.runs[0]
    flags = ["--open", first.name, "--results", "--save", "given"]
    session = run_script("classification", flags, "", classified.folder)
    assert (session.code, session.stderr) == (0, "")
    assert "\nsaved: given.h5\n" in session.stdout
    saved = keras.models.load_model(classified.folder / "given.h5", compile=False).get_weights()
    assert_same_bits(saved, weights_of(first, "classifier"))
    report = r"after phase 1 .*?(?=picture: )"
    (expected,) = re.findall(report, classified.stdout, re.DOTALL)
    assert re.findall(report, session.stdout, re.DOTALL) == [expected]


def test_an_experiment_whose_weights_are_damaged_or_gone_is_not_opened(trained, tmp_path):
    run = tmp_path / "runs" / trained.runs[0].name
    shutil.copytree(trained.runs[0], run)
    (run / "weights.npz").write_bytes(b"PK damaged")
    with pytest.raises(BadInput, match=r"weights\.npz: cannot be opened: damaged"):
        find_run(tmp_path / "runs", "autoencoder", "", finished=True).read_weights()
    (run / "weights.npz").unlink()
    with pytest.raises(BadInput, match=r"weights\.npz: cannot be opened: No such file or directory"):
        find_run(tmp_path / "runs", "autoencoder", "", finished=True).read_weights()


def test_another_seed_than_the_runs_own_is_refused(trained):
    session = run_script("autoencoder", ["--open", "--seed", "2"], "", trained.folder)
    assert session.code == 2
    assert re.fullmatch(r"autoencoder\.py: error: --seed: runs/\S+ has its own, 1: leave it out\n", session.stderr)


@pytest.mark.parametrize("changes", [{"weight_0000": np.zeros((9, 9, 1, 4), np.float32)}, None])
def test_weights_of_another_network_or_fewer_are_told_in_one_line(trained, tmp_path, changes):
    run = tmp_path / "runs" / trained.runs[0].name
    shutil.copytree(trained.runs[0], run)
    with np.load(run / "weights.npz") as archive:
        arrays = dict(archive) | (changes or {})
    if not changes:
        del arrays["weight_0000"]
    np.savez(run / "weights.npz", **arrays)
    session = run_script("autoencoder", ["--open"], "", tmp_path)
    assert session.code == 2
    told = f"autoencoder.py: error: runs/{run.name}: cannot be opened: damaged, or of another version\n"
    assert session.stderr == told


def test_runs_that_were_moved_are_opened_with_the_encoder_that_they_keep(classified, tmp_path):
    shutil.copytree(classified.folder / "runs", tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / classified.runs[0].name / "checkpoint-000001.npz").touch()
    flags = ["--runs", "elsewhere", "--open", classified.runs[0].name]
    session = run_script("classification", flags, "0\n", tmp_path)
    assert (session.code, session.stderr) == (0, "")
    assert session.runs == [tmp_path / "elsewhere" / classified.runs[0].name]


def test_an_encoder_that_changes_before_it_is_copied_is_told(data, trained, tmp_path):
    shutil.copy(trained.runs[0] / "encoder.h5", tmp_path / "encoder.h5")
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin, os.fdopen(writer, "w") as answers, (tmp_path / "told").open("w+b") as told:
        arguments = files_of(data, tmp_path / "encoder.h5")
        process = start("classification", arguments, tmp_path, (stdin, told, told))
        while b"units" not in (tmp_path / "told").read_bytes() and process.poll() is None:
            time.sleep(0.05)
        (tmp_path / "encoder.h5").write_bytes(b"another")
        answers.write("4\n1\n16\n")
        answers.close()
        assert process.wait(CHILD_TIMEOUT) == 2
    assert b"encoder.h5: changed since this session began\n" in (tmp_path / "told").read_bytes()
    assert not list(tmp_path.glob("runs/*/classifier.h5"))


# --- found by their names, and listed


def keep(parent, script="autoencoder", **changes):
    folder = RunFolder.create(parent, script, ["1"], {}, {})
    folder.keep_summary(ENDED | changes)
    folder.release()
    return folder


def test_a_run_is_named_by_a_part_of_its_name_or_by_its_folder(tmp_path, monkeypatch):
    one, other = keep(tmp_path), keep(tmp_path)
    part = next(one.path.name[: end + 1] for end in range(30) if one.path.name[end] != other.path.name[end])
    assert find_run(tmp_path, "autoencoder", part, finished=False).path == one.path
    assert find_run(tmp_path / "elsewhere", "autoencoder", str(one.path), finished=False).path == one.path
    with pytest.raises(BadInput, match=r"2 experiments of autoencoder.py have 'auto' in their names: .*, .*_auto"):
        find_run(tmp_path, "autoencoder", "auto", finished=False)
    with pytest.raises(BadInput, match=r"no experiment of autoencoder.py has '1999' in its name; --list shows them"):
        find_run(tmp_path, "autoencoder", "1999", finished=False)
    with pytest.raises(BadInput, match=r"not an experiment of classification\.py"):
        find_run(tmp_path, "classification", str(one.path), finished=False)
    for name in ("x" * 300, "??"):  # of which a folder's name can have nothing
        with pytest.raises(BadInput, match="no experiment"):
            find_run(tmp_path, "autoencoder", name, finished=False)
    monkeypatch.chdir(one.path)
    assert find_run(tmp_path, "autoencoder", ".", finished=False).path == one.path.resolve()
    (one.path / "experiment.json").write_text("{}")
    with pytest.raises(BadInput, match=r"experiment\.json: damaged, or of an earlier version"):
        find_run(tmp_path, "autoencoder", one.path.name, finished=False)
    assert f"  {one.path.name}\n    experiment.json: damaged, or of an" in format_runs(tmp_path, "autoencoder")


@pytest.mark.parametrize(
    "changes",
    [
        *({"finished": None}, {"answers": [1]}, {"arguments": {"seed": []}}, {"data": {"images": 1}}),
        *({"parent": "0_autoencoder", "answers": answers} for answers in ([], ["many"], ["0"])),
        *({"hyperparameters": changed} for changed in (None, [])),
        {"begun": 1},
        *(
            {"validation": changed}
            for changed in (None, {}, {"val_loss": None}, {"val_loss": "x"}, {"val_loss": 10**400})
        ),
        *({"conditions": None}, {"seconds": "x"}, {"seconds": None}, {"test": {"accuracy": "x"}}),
    ],
)
def test_a_summary_with_something_else_in_the_place_of_a_value_is_damaged(tmp_path, changes):
    run = keep(tmp_path, finished=True)
    assert RunFolder.read(run.path).summary == run.summary
    run.keep_summary(changes)
    assert RunFolder.read(run.path) is None


def test_a_run_is_found_by_its_data_sets_name_and_those_of_earlier_versions_by_their_time(tmp_path):
    names = "emoji28_autoencoder", "MNIST_my-first_autoencoder", "autoencoder"
    emoji, first, earlier = runs = [RunFolder.create(tmp_path, name, ["1"], {}, {}) for name in names]
    for run in runs:
        run.release()
    for part, run in [("emoji", emoji), ("MNIST", first), ("my first", first), (earlier.path.name, earlier)]:
        assert find_run(tmp_path, "autoencoder", part, finished=False).path == run.path
    assert find_run(tmp_path, "autoencoder", "", finished=False).path == earlier.path


def test_a_run_in_the_wrong_state_is_told_with_what_to_do(tmp_path):
    unfinished, finished = keep(tmp_path), keep(tmp_path, finished=True)
    with pytest.raises(BadInput, match="not finished: --resume goes on with it"):
        find_run(tmp_path, "autoencoder", unfinished.path.name, finished=True)
    with pytest.raises(BadInput, match="finished: --open goes back to it"):
        find_run(tmp_path, "autoencoder", finished.path.name, finished=False)


def test_a_run_that_failed_of_itself_does_not_stand_in_the_way(tmp_path):
    earlier, failed = keep(tmp_path), keep(tmp_path, failed="MemoryError: ")
    assert find_run(tmp_path, "autoencoder", "", finished=False).path == earlier.path
    assert find_run(tmp_path, "autoencoder", failed.path.name, finished=False).path == failed.path
    earlier.keep_summary({"finished": True})
    with pytest.raises(BadInput, match=f"no unfinished experiment of autoencoder.py; {failed.path.name} failed: name"):
        find_run(tmp_path, "autoencoder", "", finished=False)


def test_a_training_that_fails_is_marked_and_can_be_tried_again(data, tmp_path):
    running = Running("autoencoder", ["-d", data / "letters"], "1\n3\n4\n40\n8\n", tmp_path)
    wait_for_rows(tmp_path, 2, running.process)
    running.process.kill()
    running.end()
    (run,) = tmp_path.glob("runs/*")
    whole = {path: path.read_bytes() for path in run.glob("checkpoint*")}
    for path in whole:
        with np.load(path) as archive:
            np.savez(path, **dict(archive) | {"weight_0000": np.zeros((9, 9, 1, 4), np.float32)})
    session = run_script("autoencoder", ["--resume"], "", tmp_path)
    assert session.code == 2
    assert "its checkpoint is of another network" in session.stderr
    assert summary_of(run)["failed"].startswith("BadInput: ")
    assert run_script("autoencoder", ["--resume"], "", tmp_path).code == 2
    for path, content in whole.items():
        path.write_bytes(content)
    again = run_script("autoencoder", ["--resume", run.name], "", tmp_path)
    assert again.code == 0, again.stderr
    assert "failed" not in summary_of(run)


def test_the_list_tells_of_each_run_and_marks_the_best(trained, classified, tmp_path):
    shutil.copytree(trained.folder / "runs", tmp_path / "runs")
    keep(tmp_path / "runs", failed="RuntimeError: no\nreason")
    keep(tmp_path / "runs")
    session = run_script("autoencoder", ["--list"], "", tmp_path)
    assert (session.code, session.stderr) == (0, "")
    first, second = (run.name for run in trained.runs)
    best = min((first, second), key=lambda name: float(losses(trained.folder / "runs" / name)[-1][1]))
    assert re.findall(r"^\* (.*)$", session.stdout, re.MULTILINE) == [best]
    assert [name in session.stdout for name in (first, second)] == [True, True]
    assert "    failed: RuntimeError: no\\nreason\n" in session.stdout
    assert "    not finished\n" in session.stdout
    assert "layers 1, kernels 3, filters 2, epochs 2 + 3, batch size 16" in session.stdout
    ratio = float(losses(trained.runs[0])[-1][1]) / summary_of(trained.runs[0])["principal_components"]
    assert f", {ratio:.2f} of as many principal components', " in session.stdout
    assert "data letters\n" in session.stdout
    other = run_script("classification", ["--list"], "", tmp_path)
    assert re.search(r"validation loss [\d.]+, accuracy [\d.]+%, test accuracy [\d.]+%, \d+ s", other.stdout)
    assert other.stdout.count("_classification") == 2
    nothing = run_script("autoencoder", ["--list", "--runs", "elsewhere"], "", tmp_path)
    assert (nothing.code, nothing.stdout) == (0, "elsewhere: no experiments of autoencoder.py\n")


def test_what_is_kept_of_an_experiment_has_numbers_as_numbers(classified, trained):
    kept = summary_of(trained.runs[0])
    assert kept["hyperparameters"] | {"third pooling": None} == {
        **{"layers": 1, "kernels": [[3, 3]], "filters": [2], "epochs": 2, "batch size": 16, "third pooling": None}
    }
    assert kept["conditions"] == {"code": 32, "seed": 1}
    assert kept["arguments"]["seed"] == 1
    measured = summary_of(classified.runs[0])
    assert measured["classes"] == [{"label": label, "name": str(label)} for label in range(1, 27)]
    assert 0 <= measured["test"]["accuracy"] <= 1
    assert "test" not in summary_of(classified.runs[1])


def test_the_whole_autoencoder_is_kept_with_its_halves(trained):
    whole = keras.models.load_model(trained.runs[0] / "autoencoder.h5", compile=False)
    assert [layer.name for layer in whole.layers[1:]] == ["encoder", "decoder"]
    images = np.random.default_rng(0).random((3, 8, 8, 1), np.float32)
    codes = whole.get_layer("encoder")(images)
    assert np.allclose(whole(images), whole.get_layer("decoder")(codes), atol=1e-6)
