"""The scripts as a user runs them: child processes with real standard input."""

import codecs
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import (
    CHILD_TIMEOUT,
    LABELLED,
    asked,
    assert_same_bits,
    history_of,
    letters_arguments,
    lines,
    make_hyperparameters,
    make_images,
    make_labels,
    run_script,
    script_command,
    script_environment,
    start,
)

from utilities.data import idx
from utilities.data.datasets import read_test_set, read_training_set
from utilities.network.networks import build_autoencoder
from utilities.network.saving import save_model
from utilities.record.results import Results, format_results

END_OF_INPUT = "end of input: taking the default"
PNG = b"\x89PNG\r\n\x1a\n"


def pictures_of(session):
    return [session.folder / path for path in re.findall(r"^picture: (.+)$", session.stdout, re.MULTILINE)]


def assert_good(session):
    assert session.stderr == ""
    assert session.code == 0
    assert "Traceback" not in session.stdout


def assert_refused(session, complaint):
    """Check that a script told one thing in one line, asked nothing, and left with 2."""
    assert session.code == 2
    assert session.stdout == ""
    assert re.fullmatch(r"\w+\.py: error: [^\n]+\n", session.stderr)
    assert complaint in session.stderr


# --- autoencoder.py: one session with every menu choice after every other


@pytest.fixture(scope="module")
def long_session(data, tmp_path_factory):
    """Four trainings on 28 x 28 images; s saves, g shows graphs, r repeats: s s g g r r s r g s, exit."""
    folder = tmp_path_factory.mktemp("long")
    return run_script(
        "autoencoder",
        ["-d", data / "digits", "--seed", "5"],
        lines("3", "5x4; 3; 1", "2, 3, 4", "2", "32", "n")
        + lines("3", "new/folder/first", "3", "-")
        + lines("3", "second.keras")
        + lines("2", "1", "0", "2", "0")
        + lines("1", "2", "3 3", "2 2", "1", "32")
        + lines("1", "1", "5,3", "2", "1", "32")
        + lines("3", "new/folder/first.h5")
        + lines("1", "5", "3", "2", "", "", "y")
        + lines("2", "3", "4", "5", "2", "0")
        + lines("3", "", "0", "never read"),
        folder,
    )


def test_a_long_session_ends_well_with_nothing_on_standard_error(long_session):
    assert_good(long_session)
    assert len(long_session.runs) == 4
    assert END_OF_INPUT not in long_session.stdout
    assert "never read" not in long_session.stdout


def test_redirected_training_prints_one_plain_line_an_epoch(long_session):
    rows = re.findall(r"^epoch (\d)/(\d) +[\d.]+ s +([\d.]+) +([\d.]+)$", long_session.stdout, re.MULTILINE)
    epochs = [row[:2] for row in rows]
    kept = [row for run in long_session.runs for row in history_of(run)]
    for row, of_epoch in zip(rows, kept, strict=True):
        assert [float(loss) for loss in row[2:]] == pytest.approx(
            [float(of_epoch[name]) for name in ("loss", "val_loss")], rel=1e-3
        )
    assert epochs == [("1", "2"), ("2", "2"), ("1", "1"), ("1", "1"), ("1", "1")]
    assert "\r" not in long_session.stdout
    assert "\x1b" not in long_session.stdout


def test_each_save_is_told_and_holds_the_encoder_last_trained_and_leaves_nothing_else(long_session):
    saved = re.findall(r"^saved: (.*)$", long_session.stdout, re.MULTILINE)
    assert saved == ["new/folder/first.h5", "second.keras", "new/folder/first.h5", "encoder.h5"]
    made = {path.name for path in long_session.folder.iterdir()}
    assert made == {"runs", "new", "second.keras", "encoder.h5"}
    for path, number in (("new/folder/first.h5", 2), ("second.keras", 0), ("encoder.h5", 3)):
        kept, encoder = (
            keras.models.load_model(file, compile=False)
            for file in (long_session.runs[number] / "encoder.h5", long_session.folder / path)
        )
        assert_same_bits(kept.get_weights(), encoder.get_weights())


def test_graphs_are_png_files_whose_paths_are_printed(long_session):
    pictures = pictures_of(long_session)
    assert [picture.parent for picture in pictures] == [long_session.runs[i] for i in (0, 3, 3, 3, 3)]
    names = ["loss", "reconstructions", "code_map", "first_layer", "hyperparameters"]
    assert [picture.stem for picture in pictures] == names
    assert all(picture.read_bytes().startswith(PNG) for picture in pictures)


def test_after_each_repetition_the_experiments_are_compared(long_session):
    tables = long_session.stdout.split("experiments of this session; ")[1:]
    tables = [table.split("\n\n")[0].splitlines()[2:] for table in tables]
    assert [len(table) for table in tables] == [2, 3, 4]
    lines = tables[-1]
    assert lines[1].endswith("  layers 2, kernels 3 3, filters 2 2, epochs 1, third pooling no, code 98")
    losses = [float(line.split()[1]) for line in lines]
    kept = [float(history_of(run)[-1]["val_loss"]) for run in long_session.runs]
    assert losses == pytest.approx(kept, rel=1e-3)
    assert ["*" in line for line in lines] == [loss == min(kept) for loss in kept]


def test_every_experiment_keeps_itself(long_session):
    for run in long_session.runs:
        assert {"input.txt", "history.csv", "encoder.h5"} <= {path.name for path in run.iterdir()}
        assert list(run.glob("*.png"))
    assert (long_session.runs[0] / "input.txt").read_text() == lines(
        "3", "(5, 4) (3, 3) (1, 1)", "2 3 4", "2", "32", "n"
    )
    assert [len(history_of(run)) for run in long_session.runs] == [2, 1, 1, 1]


@pytest.fixture(scope="module")
def again(long_session, data):
    """A later session in the same folder, of the answers that the first run kept, and a bad one in its menu."""
    kept = (long_session.runs[0] / "input.txt").read_text()
    arguments = ["-d", data / "digits", "--seed", "5"]
    return run_script("autoencoder", arguments, kept + lines("2", "6", "0", "save"), long_session.folder)


def test_the_input_that_a_run_kept_repeats_it_to_the_last_digit(long_session, again):
    (run,) = again.runs
    assert history_of(run) == history_of(long_session.runs[0])
    assert again.code == 2
    assert re.fullmatch(
        r"autoencoder\.py: error: line \d+ of the input, \"choice\": expected one of 0, .*; found 'save'\n",
        again.stderr,
    )


def test_a_later_session_is_compared_with_the_earlier_ones_on_the_same_images(long_session, again):
    runs = [*long_session.runs, *again.runs]
    losses = [float(history_of(run)[-1]["val_loss"]) for run in runs]
    table = again.stdout.partition("all sessions on these images")[2].splitlines()[2 : 1 + len(runs)]
    assert [float(line.split()[1]) for line in table] == pytest.approx(
        losses[:-1], rel=1e-3
    )  # the last repeats the first
    assert "layers 3, kernels 5x4 3 1, filters 2 3 4" in table[0]
    best = runs[max(number for number, loss in enumerate(losses) if loss == min(losses))].relative_to(again.folder)
    assert f"the lowest loss on the same held-out images is that of {best}\n" in again.stdout
    assert [picture.name for picture in pictures_of(again)] == ["all_sessions.png"]


@pytest.fixture(scope="module")
def letters_encoder(data, tmp_path_factory):
    """A session on 8 x 8 images that ends where it asks for a path to save to."""
    answers = lines("1", "3", "6", "3", "16", "3")
    session = run_script("autoencoder", ["-d", data / "letters"], answers, tmp_path_factory.mktemp("small"))
    return session, session.folder / "encoder.h5"


def test_end_of_input_where_a_path_is_asked_saves_to_the_default(letters_encoder):
    session, path = letters_encoder
    assert_good(session)
    assert "saved: encoder.h5" in session.stdout
    assert keras.models.load_model(path, compile=False).input_shape == (None, 8, 8, 1)
    assert asked(session)[-3:] == ["choice", "save the encoder as (.h5 or .keras, - cancels)", "choice"]


def test_dev_null_takes_every_default(data, tmp_path, letters_encoder):
    idx.write(tmp_path / "few", idx.read(data / "digits")[:18])
    files = {"autoencoder": ["-d", "few"], "classification": letters_arguments(data, letters_encoder[1])}
    for script, arguments in files.items():
        session = run_script(script, arguments, None, tmp_path)
        assert_good(session)
        assert session.stdout.count(END_OF_INPUT) == 1
        answers = re.findall(r"^.+ \[(.*?)\]: ", session.stdout, re.MULTILINE)[:-1]  # but the menu's
        (run,) = session.runs
        assert (run / "input.txt").read_text() == lines(*answers)
        assert len(history_of(run)) == (int(answers[3]) if script == "autoencoder" else 2 * int(answers[1]))


# --- classification.py


def test_a_classifier_that_learnt_nothing_is_told(letters_encoder, tmp_path):
    idx.write(tmp_path / "images", np.random.default_rng(1).integers(0, 256, (60, 8, 8), np.uint8))
    idx.write(tmp_path / "labels", np.repeat([3, 5], [54, 6]).astype(np.uint8))
    files = [*LABELLED[:-1], letters_encoder[1]]
    session = run_script("classification", files, lines("32", "1", "8"), tmp_path)
    assert_good(session)
    assert "\nnothing was learnt: naming the commonest class has " in session.stdout


@pytest.fixture(scope="module")
def classified(data, letters_encoder, tmp_path_factory):
    """Two trainings on labels 1..26; p prints results, g shows graphs, r repeats: p g p r g p p g, end of input."""
    answers = lines("12", "2", "30", "3", "2", "1", "0", "3", "1", "9", "1", "50", "2", "2", "0", "3", "3", "2")
    return run_script(
        "classification",
        letters_arguments(data, letters_encoder[1]),
        answers,
        tmp_path_factory.mktemp("classified"),
    )


def test_a_session_of_classification_ends_well_with_nothing_on_standard_error(classified):
    assert_good(classified)
    first, second = classified.runs
    assert (first / "input.txt").read_text() == lines("12", "2", "30")
    for run in (first, second):
        assert {"input.txt", "history.csv", "classifier.h5"} <= {path.name for path in run.iterdir()}
    assert classified.stdout.count(END_OF_INPUT) == 1
    assert asked(classified)[-4:] == ["choice"] * 4  # graphs, which of them, which more, what next
    assert asked(classified)[:4] == ["units of the hidden dense layer", "epochs", "batch size", "choice"]


def test_results_are_those_of_the_classifier_kept_however_often_they_are_asked_for(classified, data):
    training = read_training_set(data / "letters", data / "letters-labels")
    test = read_test_set(data / "letters-test", data / "letters-test-labels", training)
    reports = re.findall(r"\ntest loss +([\d.]+)\n(.*?)\n\npicture: ", classified.stdout, re.DOTALL)
    assert reports[0] == reports[1] != reports[2] == reports[3]
    for run, (loss, report) in zip(classified.runs, (reports[0], reports[2]), strict=True):
        classifier = keras.models.load_model(run / "classifier.h5")
        probabilities = classifier.predict(test.images / np.float32(255), verbose=0)
        results = Results(test.targets, probabilities, test.classes, test.names)
        assert float(loss) == pytest.approx(results.loss, abs=1e-3)
        assert report == format_results(results).partition("\n")[2]


def test_results_and_graphs_leave_pictures_whose_paths_are_printed(classified):
    pictures = pictures_of(classified)
    graphs = [picture for picture in pictures if pictures.count(picture) == 1]
    assert len(graphs) == 3
    assert len(pictures) == 3 + 4 * 2  # each time examples and confusion matrix
    assert all(picture.read_bytes().startswith(PNG) for picture in pictures)


# --- bad arguments and bad files: before any question


@pytest.fixture(scope="module")
def bad_files(data, tmp_path_factory):
    """A folder of good files and bad ones, by the names that the cases below use."""
    folder = tmp_path_factory.mktemp("bad")
    labels = make_labels(30, range(3))
    idx.write(folder / "images", make_images(labels))
    idx.write(folder / "labels", labels)
    idx.write(folder / "other-labels", labels + 1)
    idx.write(folder / "29-labels", labels[1:])
    idx.write(folder / "one-image", make_images(labels[:1]))
    idx.write(folder / "wide", make_images(labels, 8, 12))
    idx.write(folder / "colour", make_images(labels, channels=3))
    idx.write(folder / "five", make_images(labels, channels=5))
    (folder / "page").write_text("<html>not found</html>")
    encoder = build_autoencoder((8, 8, 1), make_hyperparameters(1)).encoder
    save_model(encoder, folder / "encoder.h5")
    save_model(build_autoencoder((8, 8, 1), make_hyperparameters(1)).whole, folder / "autoencoder.h5")
    save_model(build_autoencoder((8, 12, 1), make_hyperparameters(1)).encoder, folder / "wide.h5")
    save_model(build_autoencoder((8, 8, 3), make_hyperparameters(1)).encoder, folder / "colour.h5")
    (folder / "text.h5").write_text("no model")
    encoder.set_weights([weight * np.nan for weight in encoder.get_weights()])
    save_model(encoder, folder / "nan.h5")
    return folder


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("--unknown", "unrecognized arguments: --unknown"),
        ("stray", "unrecognized arguments: stray"),
        ("-d", "expected one argument"),
        ("--seed x", "found 'x'"),
        ("--seed -1", "--seed"),
        ("--seed 1.5", "found '1.5'"),
        ("--seed 4294967296", "found '4294967296'"),
        ("-d missing", "missing: no such file"),
        ("-d .", "--data: .: a folder without IDX files; dataset.py makes these of pictures"),
        ("-d page", "page: not an IDX file: it begins like a web page"),
        ("-d labels", "labels: expected images (3 or 4 dimensions), found labels"),
        ("-d one-image", "found 1"),
        ("-d five", "five: expected images of 1 to 4 channels, found 5"),
    ],
)
def test_bad_arguments_and_files_of_the_autoencoder_are_told_before_any_question(bad_files, arguments, complaint):
    assert_refused(run_script("autoencoder", arguments.split(), lines("1"), bad_files), complaint)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"--modelpath": None}, "-model"),
        ({"--modelpath": "missing.h5"}, "missing.h5: no such file"),
        ({"--modelpath": "autoencoder.h5"}, "autoencoder.h5: not an encoder: it has a network within it"),
        ({"--modelpath": "wide.h5"}, "wide.h5: the images have 8 x 8 x 1 pixels, the encoder is for 8 x 12 x 1"),
        ({"--modelpath": "colour.h5"}, "colour.h5: the images have 8 x 8 x 1 pixels, the encoder is for 8 x 8 x 3"),
        (
            {"--data": "colour", "--test": "colour"},
            "encoder.h5: the images have 8 x 8 x 3 pixels, the encoder is for 8 x 8 x 1",
        ),
        ({"--modelpath": "text.h5"}, "text.h5: not a Keras model"),
        ({"--modelpath": "nan.h5"}, "nan.h5"),
        ({"--modelpath": "images"}, "images: not a Keras model"),
        ({"--data": "labels", "--datalabels": "images"}, "labels: expected images"),
        ({"--datalabels": "29-labels"}, "29-labels: expected 30 labels, one for each image of images, found 29"),
        ({"--testlabels": "29-labels"}, "29-labels: expected 30 labels"),
        ({"--testlabels": "other-labels"}, "other-labels: the label 3 does not occur in the training set"),
        ({"--test": "wide"}, "wide: expected images of 8 x 8 pixels as in the training set, found 8 x 12"),
        ({"--test": "colour"}, "colour: expected images of 8 x 8 x 1 pixels as in the training set, found 8 x 8 x 3"),
        ({"--test": "missing"}, "missing: no such file"),
    ],
)
def test_bad_arguments_and_files_of_classification_are_told_before_any_question(bad_files, changes, complaint):
    good = {"--data": "images", "--datalabels": "labels", "--test": "images", "--testlabels": "labels"}
    good["--modelpath"] = "encoder.h5"
    arguments = [part for flag, value in (good | changes).items() if value for part in (flag, value)]
    assert_refused(run_script("classification", arguments, lines("8"), bad_files), complaint)


def test_images_that_suit_no_number_of_layers_are_refused_before_any_question(tmp_path):
    idx.write(tmp_path / "odd", make_images(make_labels(20, range(3)), 27, 27))
    session = run_script("autoencoder", ["-d", "odd"], lines("1"), tmp_path)
    assert session.code == 2
    assert asked(session) == []
    assert re.fullmatch(r"autoencoder\.py: error: [^\n]*27 x 27 pixels\n", session.stderr)


# --- fast sessions: nothing trains


def test_a_bad_answer_in_redirected_input_ends_the_script_at_once(data, tmp_path):
    answers = lines("2 # layers", "3 3", "4 4", "1", "64")
    session = run_script("autoencoder", ["-d", data / "digits"], answers, tmp_path)
    assert session.code == 2
    assert session.stdout.endswith("\nnumber of convolutional layers [6]: 2 # layers\n")
    assert session.stderr == (
        'autoencoder.py: error: line 1 of the input, "number of convolutional layers": '
        "expected a whole number from 1 to 20, found '2 # layers'\n"
    )
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def without_tensorflow(tmp_path):
    """A folder of modules that, imported in the place of TensorFlow and Keras, leave a trace and fail."""
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("tensorflow", "keras"):
        trace = f"open({str(folder / 'imported')!r}, 'w').close()\n"
        (folder / f"{name}.py").write_text(f"{trace}raise ImportError('{name} is broken')\n")
    return folder


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("script", ["autoencoder", "classification"])
def test_help_tells_every_flag_and_its_default_and_imports_no_tensorflow(tmp_path, without_tensorflow, script, columns):
    environment = {"PYTHONPATH": str(without_tensorflow), "COLUMNS": str(columns)}
    session = run_script(script, ["--help"], None, tmp_path, **environment)
    assert_good(session)
    assert max(map(len, session.stdout.splitlines())) <= columns
    told = re.findall(r"^  -(?!h)[^\n]*(?:\n {4}[^\n]*)*", session.stdout, re.MULTILINE)
    assert all(re.search(r"\(default:|\(required", text) for text in told)
    assert len(told) == {"autoencoder": 16, "classification": 19}[script]
    assert f"python3 {script}.py" in session.stdout
    assert "< input.txt" in session.stdout
    flags = ["-d", "--data", "--seed", "--runs", "--epochs", "--batch-size"]
    if script == "classification":
        flags += ["-dl", "--datalabels", "-t", "--test", "-tl", "--testlabels", "-model", "--modelpath"]
    assert all(re.search(rf"(^|[ \[,]){flag}[ ,\]]", session.stdout) for flag in flags)
    assert not (without_tensorflow / "imported").exists()


def test_a_library_that_cannot_be_imported_is_told_in_one_line(data, tmp_path, without_tensorflow):
    environment = {"PYTHONPATH": str(without_tensorflow)}
    session = run_script("autoencoder", ["-d", data / "letters"], None, tmp_path, **environment)
    assert session.code == 1
    assert re.fullmatch(r"autoencoder\.py: error: unexpected ImportError, details in [^\n]+\n", session.stderr)
    details = Path(session.stderr.split()[-1])
    assert "keras is broken" in details.read_text()
    details.unlink()


def test_an_answer_that_the_output_cannot_encode_is_a_bad_answer(data, tmp_path):
    arguments = ["-d", data / "letters"]
    session = run_script("autoencoder", arguments, lines("é", "ж"), tmp_path, PYTHONIOENCODING="ascii:strict")
    assert session.code == 2
    assert "line 1 of the input" in session.stderr


def run_in_shell(redirection, arguments, folder, **environment):
    """Run autoencoder.py with a bad answer on standard input, or what else a shell's redirection makes of it."""
    return subprocess.run(
        ["/bin/sh", "-c", f'echo bad | "$@" {redirection}', "sh", *script_command("autoencoder", arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=script_environment(**environment),
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("redirection", "code"), [(">/dev/full", 1), (">&-", 2), ("2>&-", 2), ("| :", 0)])
def test_a_bad_answer_ends_well_whatever_became_of_the_output(data, tmp_path, redirection, code):
    done = run_in_shell(redirection, ["-d", data / "letters"], tmp_path)
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1
    assert done.returncode == code


@pytest.mark.parametrize("redirection", ["<&-", "0>/dev/null"])
def test_standard_input_that_cannot_be_read_is_end_of_input(data, tmp_path, without_tensorflow, redirection):
    done = run_in_shell(redirection, ["-d", data / "letters"], tmp_path, PYTHONPATH=str(without_tensorflow))
    assert done.stdout.count(END_OF_INPUT) == 1
    assert done.returncode == 1  # only when it came to train
    assert done.stderr.count("\n") == 1


# --- terminals and Ctrl-C


class Dialogue:
    """A script that is typed at, on a pseudo-terminal or through pipes."""

    def __init__(self, script, arguments, folder, terminal=True, columns=80, kind="xterm", fresh=False, **other):
        if terminal:
            self._in, stdin = self._out, stdout = pty.openpty()
            termios.tcsetwinsize(stdin, (24, columns))
        else:
            (stdin, self._in), (self._out, stdout) = os.pipe(), os.pipe()
        self._errors, stderr = os.pipe()
        self.process = start(script, arguments, folder, (stdin, stdout, stderr), fresh, TERM=kind, **other)
        for descriptor in {stdin, stdout, stderr}:
            os.close(descriptor)
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._unread = ""

    def __enter__(self):
        return self

    def type(self, text):
        os.write(self._in, text.encode())

    def answer(self, prompt, answer):
        """Return what was printed up to and including a prompt, and type an answer."""
        shown = self.read_until(prompt)
        self.type(f"{answer}\n")
        return shown

    def read_until(self, expected, seconds=CHILD_TIMEOUT):
        """Return what was printed up to and including a text."""
        end = time.monotonic() + seconds
        while expected not in self._unread:
            ready, _, _ = select.select([self._out], [], [], max(0, end - time.monotonic()))
            assert ready, f"waited in vain for {expected!r} after {self._unread!r}"
            self._unread += self._decode(os.read(self._out, 65536))
        read, _, self._unread = self._unread.partition(expected)
        return read + expected

    def interrupt(self):
        time.sleep(0.3)  # Python shows a prompt a moment before it waits there, and misses a signal in between
        self.process.send_signal(signal.SIGINT)

    def end(self):
        """Return the exit code and what was written to standard error."""
        code = self.process.wait(60)
        return code, os.read(self._errors, 65536).decode()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(60)
        for descriptor in {self._in, self._out, self._errors}:
            os.close(descriptor)


@pytest.mark.parametrize("terminal", [True, False], ids=["typed", "redirected"])
def test_interrupt_at_a_prompt_leaves_with_130(data, tmp_path, terminal):
    with Dialogue("autoencoder", ["-d", data / "letters"], tmp_path, terminal=terminal, fresh=True) as script:
        script.answer("]: ", 1)
        script.read_until("kernel size")
        script.read_until("]: ")
        script.interrupt()
        code, errors = script.end()
    assert code == 130
    assert "Traceback" not in errors
    assert errors.count("\n") <= 2


@pytest.mark.backend
def test_a_typed_session_interrupted_in_training_goes_on_to_the_menu_with_what_was_learnt(data, tmp_path):
    with Dialogue("autoencoder", ["-d", data / "letters"], tmp_path) as script:
        script.answer("number of convolutional layers [", "x")
        script.read_until("  expected a whole number from 1 to 20, found 'x'")
        for question, answer in [("layers [", 1), ("kernel", 3), ("filters", 2), ("epochs", 90000), ("batch", 1)]:
            script.read_until(question)
            script.answer("]: ", answer)
        bar = script.read_until("left")
        script.read_until("epoch     3/90000")
        script.interrupt()
        end = script.read_until("what next?")
        script.answer("]: ", 3)
        script.answer("[encoder.h5]: ", "")
        script.read_until("saved: encoder.h5")
        script.read_until("]: ")
        script.type("\x04")
        script.read_until("end of input: taking the default")
        code, errors = script.end()
    assert code == 0
    assert re.search(r"epoch +\d+/90000 +#*\.* +\d+% ", bar)
    assert "\r" in bar
    assert re.fullmatch(r"\n?[^\n]*stopping at the end of the batch[^\n]*\n", errors)
    assert re.search(r"\nafter \d+ s, stopped in epoch [3-9]\d* of 90000: validation mean squared error", end)
    kept = tmp_path / re.search(r"this experiment is kept in (\S+)", end)[1]
    assert 2 <= len(history_of(kept)) < 90000
    assert (kept / "encoder.h5").exists()
    assert json.loads((kept / "experiment.json").read_text())["finished"] is False
    assert (tmp_path / "encoder.h5").exists()
    with Dialogue("autoencoder", ["--resume", "letters"], tmp_path) as script:
        assert f"opening runs/{kept.name} ...\r\n" in script.read_until("number of convolutional layers")


@pytest.mark.parametrize("elsewhere", [{}, {"ELSEWHERE": "windows"}], ids=["here", "windows"])
def test_enter_typed_while_it_trains_answers_nothing(data, tmp_path, elsewhere):
    arguments = ["-d", data / "letters", "--layers", "1", "--kernels", "3", "--filters", "2", "--epochs", "60"]
    with Dialogue("autoencoder", [*arguments, "--batch-size", "16"], tmp_path, **elsewhere) as script:
        script.read_until("epoch  1/60")
        script.type("\n0\n\n")
        script.answer("choice [0]: ", 3)
        script.answer("[encoder.h5]: ", "")
        script.read_until("saved: encoder.h5")
        script.answer("choice [0]: ", 0)
        assert script.end() == (0, "")
    assert (tmp_path / "encoder.h5").exists()


@pytest.fixture(scope="module", params=["xterm", "dumb"])
def narrow_session(request, data, tmp_path_factory):
    """The kind of a terminal of 60 columns, and what was shown there of two trainings with menus and a table."""
    folder = tmp_path_factory.mktemp("narrow")
    answers = ["x", "b", 5, "9, 9", "3, 3, 3, 3, 3", "b", "9", "3x3", "3 3 3 3", 3, "many", 4, 16, "maybe", "y"]
    answers += ["x", 1, "", "", "2", 1, 99, "B", 8, "n", 2, 6, 2, 0]
    answers += [3, "no.txt", "/proc/small", "new/small", 3, "new/small", "n", 3, "-", 3, "new/small.h5", "y", 0]
    with Dialogue("autoencoder", ["-d", data / "digits"], folder, columns=60, kind=request.param) as script:
        shown = "".join(script.answer("]: ", answer) for answer in answers)
        assert script.end() == (0, "")
    assert (folder / "new" / "small.h5").exists()
    return request.param, shown.replace("\r\n", "\n")


def test_a_terminal_of_60_columns_shows_no_longer_line(narrow_session):
    _, shown = narrow_session
    bare = re.sub(r"\x1b\[[?\d]*[a-zA-Z]", "", shown)
    lines = [line for line in re.split(r"[\r\n]", bare) if "]: " not in line and "runs/" not in line]
    assert [line for line in lines if len(line) > 60] == []
    assert sum(line.startswith("epoch ") for line in lines) >= 5
    assert re.search(r"^2[* ] .*\n {4}\S", bare, re.MULTILINE)  # what is wider than half of it


def test_only_a_terminal_that_can_redraw_gets_a_bar_and_a_curve(narrow_session):
    kind, shown = narrow_session
    if kind == "dumb":
        assert "\r" not in shown
        assert "\x1b" not in shown
        assert re.search(r"^epoch 1/4 .*\nepoch 2/4 ", shown, re.MULTILINE)
    else:
        assert re.search(r"\r +\repoch 2/4", shown)
    assert bool(re.search("^validation loss  [▁▂▃▄▅▆▇█]{4}$", shown, re.MULTILINE)) == (kind == "xterm")


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(("trained_in", "opened_in"), [(ASCII, {}), ({}, ASCII)], ids=["trained", "opened"])
def test_paths_that_the_locale_cannot_decode_are_as_typed(data, tmp_path, trained_in, opened_in):
    (tmp_path / "例").mkdir()
    shutil.copy(data / "letters", tmp_path / "例" / "images")
    files = ["-d", "例/images", "--runs", "例/runs"]
    assert_good(run_script("autoencoder", files, lines("1", "3", "2", "1", "64"), tmp_path, **trained_in))
    answers = lines("\ufeff3", "例/saved.h5", "0")
    session = run_script("autoencoder", [*files, "--open"], answers, tmp_path, **opened_in)
    assert_good(session)
    assert (r"saved: \udce4\udcbe\udc8b/saved.h5" in session.stdout) == bool(opened_in)
    assert (tmp_path / "例" / "saved.h5").exists()
    assert len(list((tmp_path / "例").iterdir())) == 3
