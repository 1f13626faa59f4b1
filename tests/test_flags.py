"""Flags that answer the questions: what they answer is not asked, and what is wrong with them is told at once."""

import re

import pytest
from conftest import run_script

from utilities.errors import BadInput
from utilities.session.questions import check_flags, default_autoencoder, default_classifier
from utilities.terminal import arguments
from utilities.terminal.answers import whole_number
from utilities.terminal.console import Question

ALL = ["--layers", "1", "--kernels", "3x5", "--filters", "2", "--epochs", "1", "--batch-size", "16"]
MNIST = 54_000  # images to train on


def asked(session):
    return re.findall(r"^(.+?) \[.*\]: ", session.stdout, re.MULTILINE)


def test_with_all_flags_nothing_is_asked_and_the_run_repeats_by_its_answers(data, tmp_path):
    session = run_script("autoencoder", ["-d", data / "letters", *ALL], "", tmp_path)
    assert (session.code, session.stderr) == (0, "")
    assert asked(session) == ["choice"]
    (run,) = session.runs
    assert (run / "input.txt").read_text() == "1\n(3, 5)\n2\n1\n16\n"


def test_what_no_flag_answers_is_asked_in_its_order(data, tmp_path):
    flags = ["--filters", "2,3", "--epochs", "1"]
    session = run_script("autoencoder", ["-d", data / "letters", *flags], "3\n32\n0\n", tmp_path)
    assert session.code == 0, session.stderr
    assert asked(session) == ["kernel size of each layer", "batch size", "choice"]
    assert (session.runs[0] / "input.txt").read_text() == "2\n(3, 3) (3, 3)\n2 3\n1\n32\n"  # two filters: two layers


def test_a_repeated_experiment_asks_everything(data, tmp_path):
    session = run_script("autoencoder", ["-d", data / "letters", *ALL], "1\n1\n3\n4\n1\n8\n0\n", tmp_path)
    assert session.code == 0, session.stderr
    questions = ["number of convolutional layers", "kernel size of each layer", "filters of each layer", "epochs"]
    assert asked(session) == ["choice", *questions, "batch size", "choice"]


@pytest.mark.parametrize(
    ("script", "flags", "fault"),
    [
        ("autoencoder", ["--layers", "0"], "--layers: expected a whole number from 1 to 20, found '0'"),
        ("autoencoder", ["--layers", "2", "--filters", "1 2 3"], "--filters: expected 2 numbers such as 32 32"),
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
    assert re.findall(r"(\w+) \[", shown) == ["first", "third", "first", "third"]


def test_what_there_is_to_note_of_an_answer_is_told_of_a_flags_too(redirect, capsys):
    def questions():
        return (yield Question("size", 1, whole_number(1, 9), note=lambda size: f"noted {size}", flag="--size"))

    assert redirect("").ask_in_order(questions, {"--size": "7"}) == 7
    assert capsys.readouterr().out == "  noted 7\n"


def test_flags_say_how_many_layers_there_are():
    assert check_flags({"--kernels": "3x3 5x5", "--filters": "4"})["--layers"] == "2"
    assert "--layers" not in check_flags({"--filters": "4"})
    with pytest.raises(BadInput, match="--kernels"):
        check_flags({"--layers": "3", "--kernels": "3 5"})


def test_the_help_tells_the_defaults_that_the_questions_have():
    one, other = default_autoencoder(MNIST).labels(), default_classifier(MNIST).labels()
    flags = {"layers": "--layers", "kernels": "--kernels", "filters": "--filters", "units": "--units"}
    flags |= {"epochs": "--epochs", "batch size": "--batch-size"}
    for labels, helps in ((one, arguments.AUTOENCODER_ANSWERS), (other, arguments.CLASSIFIER_ANSWERS)):
        for name in labels.keys() & flags.keys():
            assert re.search(rf"\(default: [^;)]*\b{labels[name]}\b", helps[flags[name]]), name
        assert len(helps) == len(labels)


def test_the_encoder_left_out_is_the_one_beside_the_scripts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(arguments, "ENCODER", tmp_path / "encoder.h5")
    with pytest.raises(SystemExit) as left:
        arguments.parse_classification_arguments([])
    assert left.value.code == 2
    assert f"-model: not given, and its default, {tmp_path / 'encoder.h5'}, is not there" in capsys.readouterr().err
    (tmp_path / "encoder.h5").touch()
    assert arguments.parse_classification_arguments([]).modelpath == tmp_path / "encoder.h5"
    assert arguments.parse_classification_arguments(["-model", "other.h5"]).modelpath.name == "other.h5"
