"""Measurements around training, run by measure.py: reading data, start-up, and growth with the number of images."""

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from csv_rows import read_rows
from jobs import (
    DEFAULT,
    ENVIRONMENT,
    HERE,
    SMALL,
    Job,
    Memory,
    answer_lines,
    command_of_ours,
    open_process,
    untrained_encoder,
)
from run import SOURCE
from stages import FIRST_STEPS

from utilities.data import idx
from utilities.terminal.arguments import TRAINING_IMAGES

GROWN = (12_000, 48_000, 240_000)
STARTS = 7
STEP = replace(DEFAULT, epochs=1), 71  # an epoch of a single step, and the images for it
STARTED = {
    "autoencoder, first question": ("autoencoder",),
    "classification, first question": ("classification",),
    "autoencoder, --help": ("autoencoder", "--help"),
    "classification, --help": ("classification", "--help"),
    "autoencoder, no such file": ("autoencoder", "-d", "nothing"),
    "classification, no such file": ("classification", "-d", "nothing"),
}
READERS = {
    "this project": """
from utilities.data import batches, datasets
from utilities.training import on_tensorflow
begun = time.perf_counter()
images = datasets.read_images(path)
examples = batches.Examples(images, np.arange(len(images)))
next(iter(on_tensorflow.training_data(examples, 64, range(1), seed=1)))
""",
    "idx2numpy": """
import idx2numpy
begun = time.perf_counter()
images = idx2numpy.convert_from_file(path)[..., None] / 255.0
tf.constant(images[np.random.default_rng(1).permutation(len(images))[:64]], tf.float32)
""",
}


def measure_first_batch(code):
    """Return the seconds that a reader takes from MNIST's training images, as an IDX file, to a batch in TensorFlow.

    A batch is 64 shuffled images in [0, 1]. TensorFlow is initialised before the clock starts.

    Args:
        code: of the reader, one of READERS.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images")
        idx.write(path, idx.read(f"{TRAINING_IMAGES}.gz"))
        frame = f"import sys, time, numpy as np, tensorflow as tf\nsys.path.insert(0, {str(SOURCE)!r})\n"
        frame += f"path = {str(path)!r}\ntf.constant(0.0) + 1.0\n{code}print(time.perf_counter() - begun)"
        command = [sys.executable, "-c", frame]
        return {"seconds": float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)}


def measure_start_up(script, *arguments):
    """Return the median of the seconds until a script asks its first question, or ends without one."""
    if script == "classification":
        arguments += ("-model", untrained_encoder(SMALL))
    return {"seconds": float(np.median([_seconds_to_question(script, arguments) for _ in range(STARTS)]))}


def _seconds_to_question(script, arguments):
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        command = [sys.executable, "-u", SOURCE / script / f"{script}.py", *arguments]
        with open_process(command, folder) as process:
            _read_to(process, "]: ")
            seconds = time.perf_counter() - begun
            process.kill()
    return seconds


def _read_to(process, text):
    """Read what a process prints until it has printed a text, or has ended; tell whether it printed that."""
    printed = ""
    while text not in printed and (more := process.stdout.read(1)):
        printed += more
    return text in printed


def measure_second_experiment(batch_size):
    """Return the seconds from the answers for a session's second experiment to the end of its first epoch.

    Args:
        batch_size: the first one has the default's.
    """
    hyperparameters, images = STEP
    python, *script = command_of_ours(Job(hyperparameters, images=images))
    with tempfile.TemporaryDirectory() as folder, open_process([python, "-u", *script], folder) as process:
        answers = answer_lines(hyperparameters), f"1\n{answer_lines(replace(hyperparameters, batch_size=batch_size))}"
        for answer, text in zip(answers, ("what next?", "epoch 1/1 "), strict=True):
            begun = time.perf_counter()
            process.stdin.write(answer)
            process.stdin.flush()
            if not _read_to(process, text):
                raise subprocess.CalledProcessError(process.wait(), process.args)
        seconds = time.perf_counter() - begun
        process.kill()
    return {"seconds": seconds}


def measure_libraries():
    """Return the seconds and the peak memory of a process that only imports TensorFlow and Keras."""
    begun = time.perf_counter()
    with open_process([sys.executable, "-c", "import keras, tensorflow"], HERE) as process:
        memory = Memory(process.pid)
    return {"seconds": time.perf_counter() - begun, "peak_megabytes": memory.most_megabytes()}


def measure_epoch(python, backend):
    """Return the seconds of the second of two epochs of the default network, and how much longer the first one took.

    Args:
        python: the command of the interpreter, [word].
    """
    job = Job(DEFAULT)
    _, *script = command_of_ours(job)
    (first, second), _ = _train([*python, *script], job.autoencoder, KERAS_BACKEND=backend)
    return {"seconds": second, FIRST_STEPS: first - second}


def measure_growth(count):
    """Return the seconds of an epoch on ``count`` images, and the peak memory without that of the mapped file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images")
        images = idx.read(f"{TRAINING_IMAGES}.gz")
        idx.write(path, np.resize(images, (count, *images.shape[1:])))
        command = [sys.executable, SOURCE / "autoencoder" / "autoencoder.py", "-d", path]
        (_, seconds), megabytes = _train(command, replace(SMALL, epochs=2))
    return {"seconds": seconds, "peak_megabytes": megabytes}


def _train(command, hyperparameters, **environment):
    """Run a script; return the seconds of each epoch, and the most memory in megabytes, without that of files."""
    with tempfile.TemporaryDirectory() as folder:
        with open_process(command, folder, ENVIRONMENT | environment) as process:
            memory = Memory(process.pid, "RssAnon")
            process.communicate(answer_lines(hyperparameters))
        (history,) = Path(folder, "runs").glob("*/history.csv")
        seconds = [float(row["seconds"]) for row in read_rows(history)]
    return seconds, memory.most_megabytes()


OTHERS = {
    "first batch": {reader: partial(measure_first_batch, code) for reader, code in READERS.items()},
    "start-up": {name: partial(measure_start_up, *command) for name, command in STARTED.items()},
    "libraries alone": {"TensorFlow and Keras": measure_libraries},
    "a session's second experiment, from its answers to the end of an epoch of one step": {
        "layers and batches of the first": partial(measure_second_experiment, DEFAULT.batch_size),
        "other batches": partial(measure_second_experiment, DEFAULT.batch_size + 1),
    },
    "growth": {f"{count:,} images": partial(measure_growth, count) for count in GROWN},
}
