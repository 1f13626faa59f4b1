"""What the tests share: tiny IDX data sets, small hyperparameters, and the scripts run as a user runs them."""

import csv
import functools
import io
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from fork_server import ForkServer

from utilities import backend, processes
from utilities.data import idx
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters, TrainingData
from utilities.terminal import arguments
from utilities.terminal.console import Console

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
# XLA compiles what it has compiled before in this run of the tests, in whichever process, only once.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    compiled = tempfile.TemporaryDirectory()
    os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
# COLUMNS is pytest-xdist's, and would hide the width of a terminal.
OF_USER = {name: value for name, value in os.environ.items() if name not in (*DISPLAYS, "COLUMNS")}
# Tests in this process compute as the scripts do. Keras reads these settings when it is imported, which is later.
backend.check_backend()
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["MPLBACKEND"] = "Agg"
# A shell starts its background jobs with Ctrl-C and SIGQUIT ignored, and nohup with SIGHUP: scripts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

SOURCE = Path(__file__).resolve().parents[1] / "src"
CHILD_TIMEOUT = 240
LONGEST_TELLING = 5  # seconds, after the end of a script
# What a fork may have in its environment that its server has not: nothing reads these while it is imported.
READ_LATER = {"TERM", "COLUMNS", "http_proxy", "https_proxy", "SLURM_JOB_ID", "SLURM_LOCALID"}
READ_LATER |= {*processes.VARIABLES, *processes.SLURM}
# What a fork and its server have alike.
READ_AT_START = {"KERAS_BACKEND", "ELSEWHERE"}
AS_ELSEWHERE = {"PYTHONPATH": str(Path(__file__).with_name("elsewhere")), "PYTHONIOENCODING": "cp1252"}

ON_JAX = os.environ.get("KERAS_BACKEND") == "jax"
tensorflow_only = pytest.mark.skipif(ON_JAX, reason="graphs and stacks of batches are TensorFlow's alone")

IGNORED_WARNINGS = (
    "ignore:__array__ implementation:DeprecationWarning",  # Keras, with NumPy 2
    "ignore:.* unexpected keyword argument '___pyct_anno':DeprecationWarning",  # TensorFlow, on Python 3.13
    # Encoders are read here where TensorFlow has threads. The scripts have none by then: test_surroundings.py shows it.
    "ignore:.* is multi-threaded, use of fork:DeprecationWarning",
)


def pytest_configure(config):
    for warning in IGNORED_WARNINGS:
        config.addinivalue_line("filterwarnings", warning)


def lines(*answers):
    return "".join(f"{answer}\n" for answer in answers)


def make_labels(count, classes):
    """Return each class about as often as the others, shuffled."""
    return np.random.default_rng(0).permutation(np.resize(np.asarray(classes, np.uint8), count))


def make_images(labels, rows=8, columns=8, channels=None):
    """Return noisy images, uint8, that show their label by where a rectangle is and how bright.

    Args:
        channels: None for images of rank 3, as most files have them; else each channel is as bright as the one before,
            or less.
    """
    images = np.random.default_rng(1).integers(0, 40, (len(labels), rows, columns), np.uint8)
    height, width = rows // 2, columns // 2
    for image, label in zip(images, labels.tolist(), strict=True):
        top, left = label % height, label // height % width
        image[top : top + height, left : left + width] += 100 + 4 * label % 110
    return images if channels is None else np.stack([images // (1 + each) for each in range(channels)], axis=-1)


def children_of(process):
    """Return the numbers of the processes that one has started, as texts."""
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def is_running(number):
    """Tell whether the process of a number has not ended yet."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def make_hyperparameters(layers, epochs=1, batch_size=16, third_pooling=None):
    """Return hyperparameters whose kernels and filters differ from layer to layer, and in rows and columns."""
    return AutoencoderHyperparameters(
        kernel_sizes=tuple((1 + number % 3, 2 + number % 3) for number in range(layers)),
        filters=tuple(range(2, 2 + layers)),
        epochs=epochs,
        batch_size=batch_size,
        third_pooling=third_pooling,
    )


def parse_autoencoder_arguments(given):
    """Return the arguments of the first experiment that autoencoder.py is asked for."""
    return arguments.parse_autoencoder_arguments(AutoencoderHyperparameters, given)[0]


def parse_classification_arguments(given):
    """Return the arguments of the first experiment that classification.py is asked for."""
    return arguments.parse_classification_arguments(ClassifierHyperparameters, given)[0]


# What came of an experiment, as experiment.json tells it.
ENDED = {
    "hyperparameters": {"epochs": 1},
    "conditions": {},
    "validation": {"val_loss": 1},
    "seconds": 1,
}


def ask_autoencoder(console, image_shape, images, before=None, data_bytes=0):
    """Ask the questions of autoencoder.py; return the hyperparameters."""
    data = TrainingData(image_shape, images, data_bytes)
    return console.ask_in_order(lambda: AutoencoderHyperparameters.questions(data, before))


def ask_classifier(console, encoder_size, classes, images, before=None, data_bytes=0):
    """Ask the questions of classification.py; return the hyperparameters."""
    data = TrainingData((28, 28, 1), images, data_bytes, encoder_size, classes)
    return console.ask_in_order(lambda: ClassifierHyperparameters.questions(data, before))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder of data sets: ``digits`` (28 x 28), ``letters`` (8 x 8, labels 1..26) for training and test."""
    folder = tmp_path_factory.mktemp("data")
    for name, count, classes, side in [("digits", 60, range(10), 28), ("letters", 104, range(1, 27), 8)]:
        labels = make_labels(count, classes)
        idx.write(folder / name, make_images(labels, side, side))
        idx.write(folder / f"{name}-labels", labels)
    labels = make_labels(73, range(1, 27))
    idx.write(folder / "letters-test.gz", make_images(labels))
    idx.write(folder / "letters-test-labels.gz", labels)
    return folder


def save_encoder(folder, shape=(8, 8, 1), layers=1):
    """Save a new encoder, always the same; return its path."""
    import keras

    from utilities.network.networks import build_autoencoder
    from utilities.network.saving import save_model

    keras.utils.set_random_seed(1)
    save_model(build_autoencoder(shape, make_hyperparameters(layers)).encoder, folder / "encoder.h5")
    return folder / "encoder.h5"


# What classification.py is given of a folder that has these files.
LABELLED = ("-d", "images", "-dl", "labels", "-t", "images", "-tl", "labels", "-model", "encoder.h5")


def letters_arguments(data, encoder):
    """Return the arguments of classification.py with the letters of ``data`` and an encoder."""
    names = {"-d": "letters", "-dl": "letters-labels", "-t": "letters-test", "-tl": "letters-test-labels"}
    return [part for flag, name in names.items() for part in (flag, data / name)] + ["-model", encoder]


def asked(session):
    """Return the questions that a session asked, without their defaults, in their order."""
    return re.findall(r"^(.+?) \[.*\]: ", session.stdout, re.MULTILINE)


@dataclass(frozen=True)
class Session:
    """What a script's run left behind."""

    stdout: str
    stderr: str
    code: int
    folder: Path

    @property
    def runs(self):
        """The run folders, in the order they were made."""
        return [self.folder / path for path in re.findall(r"this experiment is kept in (.+)", self.stdout)]


def script_command(script, arguments):
    return [sys.executable, str(SOURCE / script / f"{script}.py"), *map(str, arguments)]


def script_environment(**changes):
    """Return the environment of a user without a display; ELSEWHERE names the system that Python is to be like."""
    return OF_USER | (AS_ELSEWHERE if "ELSEWHERE" in changes else {}) | changes


@functools.cache
def fork_server(*changes):
    """Return the server with such settings, which has imported the libraries with those that the scripts set too."""
    settings = {variable: os.environ[variable] for variable in os.environ if variable not in DISPLAYS}
    return ForkServer(settings | dict(changes))


def start(script, arguments, folder, streams, fresh=False, **environment):
    """Start a script in a folder, in a fork where that shows the same; return what has the methods of a Popen.

    Args:
        streams: files or descriptors for standard input, output and error.
        fresh: start a new Python, for what depends on the time that the imports take, or on how they go.
    """
    command, changed = script_command(script, arguments), script_environment(**environment)
    alike = [*READ_AT_START, "PYTHONIOENCODING"]  # alone, that is not worth a server
    settings = {"KERAS_BACKEND": "tensorflow"} | {name: changed[name] for name in alike if name in changed}
    forks = environment.keys() <= READ_LATER | READ_AT_START and settings["KERAS_BACKEND"] in backend.BACKENDS
    if forks and not fresh:
        return fork_server(*settings.items()).start(command[1:], streams, folder, changed)
    stdin, stdout, stderr = streams
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, cwd=folder, env=changed)


def containing(answers):
    """Return a pipe's file to read answers from, a text; the device which has none for None, or a file as it is."""
    if answers is None:
        return Path(os.devnull).open()
    if not isinstance(answers, str):
        return answers
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as file:
        file.write(answers)
    return os.fdopen(reader)


class Running:
    """A script that was started in a folder with its answers, a text, on standard input; None means /dev/null.

    Attributes:
        process: has the methods of a Popen, for signals.
    """

    def __init__(self, script, arguments, answers, folder, fresh=False, **environment):
        self.folder = Path(folder)
        self.output = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115, they outlast this
        with containing(answers) as stdin:
            self.process = start(script, arguments, folder, (stdin, *self.output), fresh, **environment)

    def end(self, seconds=CHILD_TIMEOUT):
        """Wait until it ends, and return its Session; kill it if it does not in time."""
        try:
            code = self.process.wait(seconds)
        finally:
            self.process.kill()
        told_by = time.monotonic() + LONGEST_TELLING
        while code < 0 and not self._has_told() and time.monotonic() < told_by:
            time.sleep(0.02)
        texts = []
        for file in self.output:
            with file:
                file.seek(0)
                texts.append(file.read().decode().replace("\r\n", "\n"))
        return Session(*texts, code, self.folder)

    def _has_told(self):
        """Tell whether standard error has a line: the watcher writes that of a script which a signal ended, later."""
        return os.pread(self.output[1].fileno(), 1, 0) != b""


def run_script(*arguments, **options):
    """Run a script to its end, and return its Session; the arguments are those of Running."""
    return Running(*arguments, **options).end()


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def same_bits(ones, others):
    return [one.tobytes() for one in ones] == [other.tobytes() for other in others]


def assert_same_bits(ones, others):
    assert same_bits(ones, others)


def history_of(run):
    """Return the rows of a run folder's history, but for the seconds, as texts."""
    with (run / "history.csv").open(newline="") as file:
        return without_seconds(csv.DictReader(file))


def wait_for_rows(folder, rows, process):
    """Wait until the only experiment below a folder has a history of so many epochs."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        histories = list(Path(folder).glob("runs/*/history.csv"))
        if histories and histories[0].read_text().count("\n") > rows:
            return
        time.sleep(0.02)
    pytest.fail("the training ended, or never reached the epoch")


def kept(folder):
    (run,) = Path(folder).glob("runs/*")
    return run


@pytest.fixture
def redirect(monkeypatch):
    """Return a function that redirects a text, or bytes, to standard input and returns a Console that reads it."""

    def redirect(text):
        content = text if isinstance(text, bytes) else text.encode()
        stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)), errors="surrogateescape")
        monkeypatch.setattr(sys, "stdin", stdin)
        return Console()

    return redirect


@pytest.fixture
def at_terminal(monkeypatch):
    """Return a function that has something asked at a terminal, where answers are typed, and then Ctrl-D.

    It returns what the function asked for returns, and all that the terminal showed.
    """

    def at_terminal(ask, *answers):
        ours, theirs = pty.openpty()
        shown = []
        typist = threading.Thread(target=type_answers, args=(ours, answers, shown))
        typist.start()
        with monkeypatch.context() as patch, os.fdopen(theirs) as stdin, os.fdopen(os.dup(theirs), "w") as stdout:
            patch.setattr(sys, "stdin", stdin)
            patch.setattr(sys, "stdout", stdout)
            patch.setenv("COLUMNS", "1000")  # no line is folded
            value = ask(Console())
        typist.join()
        os.close(ours)
        return value, "".join(shown).replace("\r\n", "\n")

    return at_terminal


def type_answers(terminal, answers, shown):
    """Type an answer wherever a question ends, until the other end of the terminal is closed."""
    waiting = [*(f"{answer}\n" for answer in answers), "\x04"]
    try:
        while read := os.read(terminal, 65536):
            shown.append(read.decode(errors="replace"))
            if "".join(shown[-2:]).endswith("]: ") and waiting:
                os.write(terminal, waiting.pop(0).encode())
    except OSError:  # on Linux, that the other end is closed
        pass
