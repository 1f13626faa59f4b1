"""Flags that answer the questions: what they answer is not asked, and what is wrong with them is told at once."""

import re
from dataclasses import dataclass, replace
from functools import partial

import pytest
from conftest import asked, parse_autoencoder_arguments, parse_classification_arguments, run_script

from utilities.errors import BadInput
from utilities.network.hyperparameters import MNIST, AutoencoderHyperparameters, ClassifierHyperparameters
from utilities.network.layers import NetworkSize
from utilities.record.runs import RunFolder
from utilities.terminal import arguments
from utilities.terminal.answers import whole_number
from utilities.terminal.console import Question
from utilities.terminal.questions import question

ALL = ["--layers", "1", "--kernels", "3x5", "--filters", "2", "--epochs", "1", "--batch-size", "16"]


def test_with_all_flags_nothing_is_asked_and_a_repeated_experiment_asks_everything(data, tmp_path):
    session = run_script("autoencoder", ["-d", data / "letters", *ALL], "1\n1\n3\n4\n1\n8\n0\n", tmp_path)
    assert (session.code, session.stderr) == (0, "")
    questions = ["number of convolutional layers", "kernel size of each layer", "filters of each layer", "epochs"]
    assert asked(session) == ["choice", *questions, "batch size", "choice"]
    first, second = session.runs
    assert (first / "input.txt").read_text() == "1\n(3, 5)\n2\n1\n16\n"
    assert (second / "input.txt").read_text() == "1\n(3, 3)\n4\n1\n8\n"


def test_what_no_flag_answers_is_asked_in_its_order(data, tmp_path):
    flags = ["--filters", "2,3", "--epochs", "1"]
    session = run_script("autoencoder", ["-d", data / "letters", *flags], "3\n32\n0\n", tmp_path)
    assert session.code == 0, session.stderr
    assert asked(session) == ["kernel size of each layer", "batch size", "choice"]
    assert (session.runs[0] / "input.txt").read_text() == "2\n(3, 3) (3, 3)\n2 3\n1\n32\n"  # two filters: two layers


@pytest.mark.parametrize(
    ("script", "flags", "fault"),
    [
        ("autoencoder", ["--layers", "0"], "--layers: expected a whole number from 1 to 20, found '0'"),
        ("autoencoder", ["--layers", "2", "--filters", "1 2 3"], "--filters: expected 2 numbers such as 32 1"),
        ("autoencoder", ["--kernels", "3 5", "--filters", "1 2 3"], "--kernels: expected 3 kernel sizes such as"),
        ("autoencoder", ["--epochs", "ten"], "--epochs: expected a whole number from 1 to 100000, found 'ten'"),
        ("autoencoder", ["--third-pooling", "maybe"], "--third-pooling: expected y or n, found 'maybe'"),
        ("classification", ["--units=-3"], "--units: expected a whole number from 1 to 65536, found '-3'"),
        ("classification", ["--batch-size", ""], "--batch-size: expected a whole number from 1 to 65536, found ''"),
        ("classification", ["--kernels", "3"], "unrecognized arguments: --kernels 3"),
        ("autoencoder", ["--resume", "--epochs", "3"], "--epochs: not with --resume, --open or --list: a run has"),
        ("autoencoder", ["--open", "x", "--list"], "argument --list: not allowed with argument --open"),
    ],
)
def test_a_bad_flag_is_refused_before_anything_is_read(tmp_path, script, flags, fault):
    model = ["-model", "nowhere.h5"] if script == "classification" else []
    session = run_script(script, ["-d", "nowhere", *model, *flags], "", tmp_path)
    assert session.code == 2
    assert session.stderr.startswith(f"{script}.py: error: {fault}")
    assert session.stderr.count("\n") == 1
    assert session.stdout == ""


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (["--layers", "1", "--third-pooling", "y"], "--third-pooling: not asked for with these images and answers"),
        (["--layers", "1", "--filters", "4096", "--batch-size", "65536"], "--batch-size: too large: training takes"),
    ],
)
def test_a_flag_that_does_not_suit_the_images_ends_the_script(data, tmp_path, flags, fault):
    session = run_script("autoencoder", ["-d", data / "letters", *flags], "", tmp_path)
    assert session.code == 2
    assert fault in session.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_going_back_passes_over_what_a_flag_answered(at_terminal):
    def questions():
        first = yield Question("first", 1, whole_number(1, 9))
        second = yield Question("second", 2, whole_number(1, 9), flag="--second")
        third = yield Question("third", 3, whole_number(1, 9))
        return first, second, third

    values, shown = at_terminal(lambda console: console.ask_in_order(questions, {"--second": "7"}), "4", "b", "5", "6")
    assert values == (5, 7, 6)
    assert re.findall(r"(\w+)(?: \(.*\))? \[", shown) == ["first", "third", "first", "third"]


def test_flags_say_how_many_layers_there_are():
    check = AutoencoderHyperparameters.check_flags
    assert check({"--kernels": "3x3 5x5", "--filters": "4"})["--layers"] == "2"
    assert "--layers" not in check({"--filters": "4"})
    with pytest.raises(BadInput, match="--kernels"):
        check({"--layers": "3", "--kernels": "3 5"})


@dataclass(frozen=True)
class WithDropout(ClassifierHyperparameters):
    """The answers of a classifier with one question more."""

    dropout: int = question(
        "drop out",
        "percentage of units to leave out",
        lambda so_far: whole_number(0, 99),
        lambda data, so_far: data.image_shape[0] + so_far["units"] // 64,
        "of the units, in per cent (default: {default})",
        note=lambda value, data: f"{value} % of {data.images}",
    )


def test_a_question_is_declared_in_one_place_and_found_in_all(tmp_path, redirect, capsys):
    given = ["-model", "encoder.h5", "--drop-out"]
    answers = partial(arguments.parse_classification_arguments, WithDropout)
    with pytest.raises(SystemExit):
        answers(["--help"])
    assert re.search(r"--drop-out ANSWER +of the units, in per cent \(default: 30\)\n", capsys.readouterr().out)
    with pytest.raises(BadInput, match=r"^--drop-out: expected a whole number from 0 to 99, found '100'$"):
        answers([*given, "100"])
    data = replace(MNIST, images=500, encoder=NetworkSize(1, 1, 16), classes=10)
    flags = answers([*given, "50"])[0].answers
    flagged = redirect("64\n2\n16\n").ask_in_order(lambda: WithDropout.questions(data), flags)
    assert flagged == WithDropout(64, 2, 16, 50)
    assert capsys.readouterr().out.endswith("batch size [16]: 16\n  50 % of 500\n")
    asked = redirect("64\n2\n16\n\n").ask_in_order(lambda: WithDropout.questions(data))
    assert capsys.readouterr().out.endswith("\npercentage of units to leave out [29]: \n  29 % of 500\n")
    again = redirect("").ask_in_order(lambda: WithDropout.questions(data, flagged))
    assert (asked.dropout, again) == (29, flagged)
    assert flagged.labels()["drop out"] == "50"
    run = RunFolder.create(tmp_path, "classification", flagged.answers(), {}, {})
    assert (run.path / "input.txt").read_text() == "64\n2\n16\n50\n"
    run.keep_summary({"hyperparameters": flagged.values()})
    assert RunFolder.read(run.path).summary.labels["drop out"] == "50"


@pytest.mark.parametrize(
    ("kind", "defaults"),
    [
        (AutoencoderHyperparameters, ["6", "3 3 3 3 3 3", "32 64 64 64 64 1", "5", "64", "n"]),
        (ClassifierHyperparameters, ["128", "5", "128"]),
    ],
)
def test_the_help_tells_the_defaults_for_mnist(kind, defaults):
    told = [re.search(r"\(default: (?:.* or )?([^;)]*)", text)[1] for text in kind.flags().values()]
    assert told == defaults


def test_the_encoder_left_out_is_the_one_beside_the_scripts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(arguments, "ENCODER", tmp_path / "encoder.h5")
    with pytest.raises(SystemExit) as left:
        parse_classification_arguments([])
    assert left.value.code == 2
    assert f"-model: not given, and its default, {tmp_path / 'encoder.h5'}, is not there" in capsys.readouterr().err
    (tmp_path / "encoder.h5").touch()
    assert parse_classification_arguments([]).modelpath == tmp_path / "encoder.h5"
    assert parse_classification_arguments(["-model", "other.h5"]).modelpath.name == "other.h5"


# --- a data set is a folder


NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


def files_of(*words):
    parsed = parse_classification_arguments(["-model", "encoder.h5", *words])
    return [str(path) for path in (parsed.data, parsed.datalabels, parsed.test, parsed.testlabels)]


def test_a_data_set_is_a_folder_and_what_is_not_given_lies_beside_what_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", "other"):
        (tmp_path / folder).mkdir()
        for name in NAMES:
            (tmp_path / folder / f"{name}.gz").touch()
    mine, other = ([f"{folder}/{name}" for name in NAMES] for folder in ("mine", "other"))
    assert files_of() == [str(arguments.DATASET / name) for name in NAMES]
    assert files_of("-d", "mine") == mine
    assert files_of("-d", mine[0]) == mine
    assert files_of("-d", "mine/images") == ["mine/images", *mine[1:]]
    assert files_of("-d", "mine", "-t", "other") == mine[:2] + other[2:]
    assert files_of("-d", "mine", "-dl", "labels", "-tl", other[3]) == [mine[0], "labels", mine[2], other[3]]
    assert files_of("-d", "nowhere/images")[1] == "nowhere/train-labels-idx1-ubyte"
    assert files_of("-d", "x" * 300)[0] == "x" * 300


@pytest.mark.parametrize("answer", ["v1.5", "photos/", "~nobody-at-all/small"])
def test_a_path_that_cannot_be_saved_to_is_refused_before_anything_is_read(tmp_path, answer):
    session = run_script("autoencoder", ["-d", "nowhere", "--save", answer], "", tmp_path)
    assert (session.stdout, session.code) == ("", 2)
    assert session.stderr.startswith("autoencoder.py: error: argument --save: ")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "MNIST"),
        (["-d", str(arguments.TRAINING_IMAGES)], "MNIST"),
        (["-d", "sets/emoji28/train-images-idx3-ubyte.gz"], "emoji28"),
        (["-d", "sets/kaggle/train-images.idx3-ubyte"], "kaggle"),
        (["-d", "sets/emnist-letters-train-images-idx3-ubyte.gz"], "emnist-letters"),
        (["-d", "sets/letters.gz"], "letters"),
        (["-d", "my set/train-images-idx3-ubyte", "--name", "first/try"], "my-set_first-try"),
        (["-d", "\x1b[1m\udc80", "--name", "\u00e9" * 100], "1m_" + "\u00e9" * 40),
        (["-d", "sets/letters", "--name=-x"], "letters_x"),  # -x would be taken for a flag when the run is resumed
    ],
)
def test_a_run_carries_the_name_of_its_data_set(words, name):
    assert arguments.name_of_run(parse_autoencoder_arguments(words)) == name
