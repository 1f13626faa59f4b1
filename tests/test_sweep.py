"""Several experiments at once: combinations of flags, seeds and encoders, taken again, beside each other, typed."""

import csv
import re
import signal

import numpy as np
import pytest
from conftest import (
    Running,
    assert_same_bits,
    make_hyperparameters,
    make_labels,
    parse_autoencoder_arguments,
    run_script,
    wait_for_rows,
    without_seconds,
)

from utilities.data.datasets import LabelledImages, few_of
from utilities.errors import BadInput
from utilities.network.encoder_reader import read_encoder
from utilities.network.hyperparameters import AutoencoderHyperparameters, TrainingData
from utilities.network.networks import build_autoencoder
from utilities.network.saving import save_model
from utilities.record.runs import RunFolder
from utilities.session.combinations import ask
from utilities.terminal import arguments

SMALL = ["--layers", "1", "--kernels", "3", "--batch-size", "32"]
SWEEP = [*SMALL, "--filters", "2", "--filters", "3", "--seed", "1", "--seed", "2"]


def run_of(folder, filters, seed):
    """Return the RunFolders of the experiments with such answers, those with what they learnt read."""
    runs = [RunFolder.read(path) for path in sorted(folder.glob("runs/*"))]
    wanted = {"filters": str(filters), "seed": str(seed)}
    return [run for run in runs if run.summary.finished and wanted.items() <= run.summary.settings.items()]


def losses(session):
    """Return what a CSV file of a sweep tells of each experiment, sorted."""
    with (session.folder / "all.csv").open(newline="") as file:
        return sorted((line["filters"], line["seed"], line["val_loss"]) for line in csv.DictReader(file))


@pytest.mark.backend
def test_all_combinations_are_trained_once_as_each_would_be_alone(data, tmp_path):
    command = (
        "autoencoder",
        ["-d", data / "letters", *SWEEP, "--epochs", "2", "--csv", "all.csv", "--save", "best.h5"],
        "",
    )
    session = run_script(*command, tmp_path)
    assert (session.code, session.stderr) == (0, "")
    assert "\n4 experiments\n" in session.stdout
    assert session.stdout.count("training the autoencoder") == 4
    assert re.findall(r"^experiment (\d) of 4(, about \d+ (?:seconds|minutes) left)?:", session.stdout, re.M)[0] == (
        "1",
        "",
    )
    assert re.search(
        r"^experiment 4 of 4, about \d+ (?:seconds|minutes) left: .*filters 3,.*seed 2$", session.stdout, re.M
    )
    rows = re.findall(r"^(\d)[* ] .*± .* 2  (filters \d)", session.stdout, re.M)
    assert rows == [("1", "filters 2"), ("2", "filters 3")]
    found = losses(session)
    assert [each[:2] for each in found] == [("2", "1"), ("2", "2"), ("3", "1"), ("3", "2")]
    best = min(("2", "3"), key=lambda filters: np.mean([float(loss) for of, _, loss in found if of == filters]))
    (kept, *_) = sorted(
        (run for seed in (1, 2) for run in run_of(tmp_path, best, seed)), key=lambda run: run.summary.validation_loss
    )
    saved, of_best = (read_encoder(path, (8, 8, 1)) for path in (tmp_path / "best.h5", kept.path / "encoder.h5"))
    assert_same_bits(saved.weights, of_best.weights)

    (tmp_path / "alone").mkdir()
    words = ["-d", data / "letters", *SMALL, "--filters", "3", "--epochs", "2", "--seed", "2", "--csv", "all.csv"]
    session = run_script("autoencoder", words, "", tmp_path / "alone")
    assert losses(session) == [each for each in found if each[:2] == ("3", "2")]
    (one,), (other,) = (run_of(folder, 3, 2) for folder in (tmp_path, tmp_path / "alone"))
    for run in (one, other):
        run.read_weights()
    assert without_seconds(one.history) == without_seconds(other.history)

    again = run_script(*command, tmp_path)
    assert again.code == 0
    assert "training the autoencoder" not in again.stdout
    assert again.stdout.count(": kept in runs/") == 4
    assert losses(again) == found


def test_beside_each_other_they_come_to_the_same(data, tmp_path):
    command = ["-d", data / "letters", *SWEEP, "--epochs", "2", "--csv", "all.csv"]
    (tmp_path / "in turn").mkdir()
    in_turn = run_script("autoencoder", command, "", tmp_path / "in turn")
    beside = run_script("autoencoder", [*command, "--jobs", "2"], "", tmp_path)
    assert (beside.code, beside.stderr) == (0, "")
    assert [(*names, round(float(loss), 4)) for *names, loss in losses(beside)] == [
        (*names, round(float(loss), 4)) for *names, loss in losses(in_turn)
    ]
    assert "seconds are those of one of 2 processes beside each other" in beside.stdout


def test_a_sweep_that_was_killed_goes_on_where_it_was(data, tmp_path):
    command = "autoencoder", ["-d", data / "letters", *SWEEP, "--epochs", "40", "--csv", "all.csv"]
    running = Running(*command, "", tmp_path)
    wait_for_rows(tmp_path, 3, running.process)
    running.process.send_signal(signal.SIGKILL)
    running.end()
    session = run_script(*command, "", tmp_path)
    assert session.code == 0
    assert "epoch  1/40" not in session.stdout.partition("experiment 2 of")[0]


def test_encoders_and_one_that_is_not_trained_are_compared_on_few_labels(data, tmp_path):
    save_model(build_autoencoder((8, 8, 1), make_hyperparameters(1)).encoder, tmp_path / "one.h5")
    files = [data / f"letters{name}" for name in ("", "-labels", "-test", "-test-labels")]
    words = [word for pair in zip(("-d", "-dl", "-t", "-tl"), files, strict=True) for word in pair]
    command = [*words, "-model", "one.h5", "-model", "random", "--labels", "52", "--units", "4", "--epochs", "1"]
    session = run_script("classification", [*command, "--results"], "", tmp_path)
    assert (session.code, session.stderr) == (0, "")
    assert session.stdout.count("is kept: all that follows is of it") == 2
    rows = re.findall(r"^\d[* ] .*%  .*%  .*  encoder (random, as )?one\.h5 ", session.stdout, re.M)
    assert rows == ["", "random, as "]
    assert "test (not chosen by)" in session.stdout
    runs = [RunFolder.read(path) for path in sorted(tmp_path.glob("runs/*"))]
    assert {run.summary.arguments["labels"] for run in runs} == {52}
    assert all(run.summary.data["data"].startswith("(52, 8, 8)") for run in runs)
    opened = run_script("classification", ["--open", runs[1].path.name], "", tmp_path)
    assert (opened.code, opened.stderr) == (0, "")
    assert f"{runs[1].summary.validation['val_loss']:.4f}" in opened.stdout


def test_few_are_taken_of_each_class_alike():
    targets = make_labels(100, range(3)).astype(np.intp)
    targets[targets == 2] = np.where(np.arange((targets == 2).sum()) < 5, 2, 1)  # five of the third class
    images = np.arange(100, dtype=np.uint8).reshape(-1, 1, 1, 1)
    labelled = LabelledImages(images, targets, np.arange(3), tuple("012"))
    few = few_of(labelled, 30, seed=1)
    assert sorted(np.bincount(few.targets)) == [5, 12, 13]
    assert (few.targets == targets[few.images.ravel()]).all()
    assert (few_of(labelled, 30, seed=2).images != few.images).any()
    assert few_of(labelled, None, seed=1) is labelled
    with pytest.raises(BadInput, match="--labels: expected 3, one for each class, to 100, found 101"):
        few_of(labelled, 101, seed=1)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ([word for seed in range(1001) for word in ("--seed", str(seed))], "at most 1,000 experiments, found 1,001"),
        (["--open", "--seed", "1", "--seed", "2"], "several --seed: not with --resume, --open or --list"),
        (["--epochs", "3", "--epochs", "x"], "--epochs: expected a whole number"),
        (["--jobs", "999"], "--jobs: expected a whole number from 1 to"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path, words, fault):
    session = run_script("autoencoder", words, "", tmp_path)
    assert session.code == 2
    assert fault in session.stderr
    assert session.stderr.count("\n") == 1


def questions(before=None):
    return AutoencoderHyperparameters.questions(TrainingData((28, 28, 1), 54_000), before)


def combinations(console, *words, **options):
    settings = arguments.parse_autoencoder_arguments(AutoencoderHyperparameters, list(words))
    return [
        (each.seed, answers.filters, answers.epochs) for each, answers in ask(console, questions, settings, **options)
    ]


def test_what_no_flag_answers_is_asked_once_and_defaults_are_each_ones_own(redirect):
    words = ["--layers", "1", "--layers", "2", "--seed", "1", "--seed", "2", "--kernels", "3"]
    found = combinations(redirect("\n7\n"), *words)
    alone = {layers: combinations(redirect("\n7\n"), "--layers", str(layers), "--kernels", "3") for layers in (1, 2)}
    assert found == [(seed, *alone[layers][0][1:]) for layers in (1, 2) for seed in (1, 2)]
    assert {epochs for *_, epochs in found} == {7}


def test_several_answers_are_typed_between_bars(at_terminal):
    typed = ["1", "", "2 | x", "2|3 ", "4 | 5", ""]
    found, shown = at_terminal(lambda console: combinations(console, several=True), *typed)
    assert found == [(1, (filters,), epochs) for filters in (2, 3) for epochs in (4, 5)]
    assert "filters of each layer, or several between | [1]: 2 | x\n  expected 1 number such as 1, found 'x'\n" in shown


def test_answers_that_do_not_suit_each_other_are_asked_again(at_terminal):
    typed = ["2 | 1", "3 5", "2", "4", "", "2 | 1", "3", "2", "4", ""]
    found, shown = at_terminal(lambda console: combinations(console, several=True), *typed)
    assert found == [(1, (2,) * layers, 4) for layers in (2, 1)]
    assert "\n  --kernels: expected 1 kernel size such as 3x3" in shown


def test_arguments_are_those_of_one_experiment_where_nothing_is_given_twice():
    parsed = parse_autoencoder_arguments(["--epochs", "3", "--seed", "4"])
    assert (parsed.answers, parsed.seed) == ({"--epochs": "3"}, 4)
