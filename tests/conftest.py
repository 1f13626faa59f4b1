"""What the tests share: tiny IDX data sets, small hyperparameters, and the scripts run as a user runs them."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from utilities.data import idx
from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.terminal.console import Console

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["MPLBACKEND"] = "Agg"
# A shell starts its background jobs with Ctrl-C ignored, and the scripts under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SOURCE = Path(__file__).resolve().parents[1] / "src"
CHILD_TIMEOUT = 240
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")

ON_JAX = os.environ.get("KERAS_BACKEND") == "jax"
tensorflow_only = pytest.mark.skipif(ON_JAX, reason="stacks of batches and the FastNetwork are TensorFlow's alone")

IGNORED_WARNINGS = (
    "ignore:__array__ implementation:DeprecationWarning",  # Keras, with NumPy 2
)


def pytest_configure(config):
    for warning in IGNORED_WARNINGS:
        config.addinivalue_line("filterwarnings", warning)


def make_labels(count, classes):
    """Return each class about as often as the others, shuffled."""
    return np.random.default_rng(0).permutation(np.resize(np.asarray(classes, np.uint8), count))


def make_images(labels, rows=8, columns=8):
    """Return noisy images, uint8, that show their label by where a rectangle is and how bright."""
    images = np.random.default_rng(1).integers(0, 40, (len(labels), rows, columns), np.uint8)
    height, width = rows // 2, columns // 2
    for image, label in zip(images, labels.tolist(), strict=True):
        top, left = label % height, label // height % width
        image[top : top + height, left : left + width] += 100 + 4 * label % 110
    return images


def make_hyperparameters(layers, epochs=1, batch_size=16, third_pooling=None):
    """Return hyperparameters whose kernels and filters differ from layer to layer, and in rows and columns."""
    return AutoencoderHyperparameters(
        kernel_sizes=tuple((1 + number % 3, 2 + number % 3) for number in range(layers)),
        filters=tuple(range(2, 2 + layers)),
        epochs=epochs,
        batch_size=batch_size,
        third_pooling=third_pooling,
    )


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
    """Return the environment of a user without a display."""
    return {name: value for name, value in os.environ.items() if name not in DISPLAYS} | changes


def run_script(script, arguments, answers, folder, **environment):
    """Run a script in a folder with its answers, a text, on standard input; None means /dev/null."""
    given = {"stdin": subprocess.DEVNULL} if answers is None else {"input": answers}
    done = subprocess.run(
        script_command(script, arguments),
        **given,
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env=script_environment(**environment),
        timeout=CHILD_TIMEOUT,
        check=False,
    )
    return Session(done.stdout, done.stderr, done.returncode, Path(folder))


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def assert_same_bits(ones, others):
    assert [one.tobytes() for one in ones] == [other.tobytes() for other in others]


def wait_for_rows(folder, rows, process):
    """Wait until the only run below a folder has a history of so many epochs."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        histories = list(Path(folder).glob("runs/*/history.csv"))
        if histories and histories[0].read_text().count("\n") > rows:
            return
        time.sleep(0.02)
    pytest.fail("the training ended, or never reached the epoch")


def begin(script, arguments, answers, folder):
    process = subprocess.Popen(
        script_command(script, arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=script_environment(),
        # Tests that are run under nohup would have the script ignore SIGHUP too.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    process.stdin.write(answers)
    process.stdin.close()
    return process


def kept(folder):
    (run,) = Path(folder).glob("runs/*")
    return run


@pytest.fixture
def redirect(monkeypatch):
    """Return a function that redirects a text, or bytes, to standard input and returns a Console that reads it."""

    def redirect(text):
        content = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), errors="replace"))
        return Console()

    return redirect
