"""The jobs that every contestant runs, and how a job is run and measured."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contestant import PHASES
from experiments import ALL_IMAGES, RANDOM, Experiment
from machine import wait_for
from run import SOURCE, encoder_of, subset

from utilities.backend import SETTINGS
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters
from utilities.terminal.arguments import TEST_IMAGES, TEST_LABELS

HERE = Path(__file__).resolve().parent
RESULTS, BREAKDOWN, TIMES = HERE / "results.csv", HERE / "breakdown.csv", HERE / "time-to-result.csv"
SEED = 1
# What all contestants start with. Importing ``experiments`` has set what the scripts set themselves.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in SETTINGS}


def shape(kernels, filters, epochs, batch_size):
    """Return an autoencoder of three layers with the third pooling."""
    return AutoencoderHyperparameters(
        tuple((side, side) for side in kernels), filters, epochs, batch_size, third_pooling=True
    )


SMALL = shape((3, 7, 3), (16, 16, 16), 3, 32)
LARGE = shape((3, 3, 3), (32, 64, 64), 3, 128)
DEFAULT = shape((5, 7, 7), (32, 32, 64), 2, 64)


@dataclass(frozen=True)
class Job:
    """One run of a script, with the same work for every contestant.

    Attributes:
        autoencoder: the answers to autoencoder.py's questions.
        classifier: those to classification.py's, where the job is to train a classifier in both phases, on the
            untrained encoder of that autoencoder, and to measure it on the test set.
        images: how many of MNIST's training images.
    """

    autoencoder: AutoencoderHyperparameters
    classifier: ClassifierHyperparameters | None = None
    images: int = 15_000

    @property
    def hyperparameters(self):
        """The answers to the questions of the script that does the job."""
        return self.classifier or self.autoencoder


JOBS = {
    "autoencoder, 16 16 16": Job(SMALL),
    "classifier, 16 16 16": Job(SMALL, ClassifierHyperparameters(128, 5, 32)),
    "autoencoder, 32 64 64": Job(LARGE),
    "classifier, 32 64 64": Job(LARGE, ClassifierHyperparameters(128, 5, 128)),
    "autoencoder, default": Job(DEFAULT),
    "autoencoder, 60,000 images": Job(replace(SMALL, epochs=1), images=ALL_IMAGES),
}


def run_ours(job):
    """Run a job with this project's script; return what was measured. A classifier's results are printed."""
    return measure(command_of_ours(job), answer_lines(job.hyperparameters) + ("3\n" if job.classifier else ""))


def run_other(job, command):
    """Run a job with the script of a contestant; return what was measured."""
    command = command_of_other(job, command, PHASES)
    if job.classifier:
        command += ["--test", f"{TEST_IMAGES}.gz", "--testlabels", f"{TEST_LABELS}.gz"]
    return measure(command, "")


def measure(command, answers):
    """Run a command PYTHON SCRIPT ... with answers on its standard input; return {column: value}.

    Seconds, those of each of STAGES, CPU seconds and peak memory are those of the whole process.
    """
    python, *script = command
    with tempfile.TemporaryDirectory() as folder:
        file, begun = Path(folder, "stages"), time.time()
        with open_process([python, HERE / "stages.py", file, begun, *script], folder) as process:
            memory = Memory(process.pid)
            process.stdin.write(answers)
            process.stdin.close()
            process.stdout.read()
            usage = wait_for(process)
        seconds = time.time() - begun
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        stages = json.loads(file.read_text())
    measured = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime}
    return measured | {"peak_megabytes": memory.most_megabytes()} | stages


def command_of_ours(job, seed=SEED, source=SOURCE):
    """Return the command that does a job with this project's script, in a folder ``source``."""
    images, labels = subset(job.images, SEED)
    script = "classification" if job.classifier else "autoencoder"
    command = [sys.executable, source / script / f"{script}.py", "-d", images, "--seed", seed]
    if job.classifier:
        command += ["-dl", labels, "-model", untrained_encoder(job.autoencoder, seed)]
    return command


def untrained_encoder(autoencoder, seed=SEED):
    """Return the path of an autoencoder's encoder with initial weights."""
    return encoder_of(Experiment(autoencoder, encoder=autoencoder, weights=RANDOM), seed)


def command_of_other(job, command, phases):
    """Return the command of a contestant, with the arguments that describe a job.

    Args:
        phases: of a classifier, some of PHASES.
    """
    images, labels = (path if path.exists() else f"{path}.gz" for path in subset(job.images, SEED))
    sides = [side for side, _ in job.autoencoder.kernel_sizes]
    command = [*command, "--images", images, "--kernels", *sides, "--filters", *job.autoencoder.filters]
    command += ["--epochs", job.hyperparameters.epochs, "--batch", job.hyperparameters.batch_size]
    if job.classifier:
        command += ["--labels", labels, "--units", job.classifier.units, "--phases", *phases]
    return command


def answer_lines(hyperparameters):
    """Return the answers to a script's questions, as its standard input takes them."""
    return "".join(f"{answer}\n" for answer in hyperparameters.answers())


def open_process(command, folder, environment=ENVIRONMENT):
    """Start a command in a folder, with pipes for its standard input and output; its standard error is discarded."""
    return subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )


class Memory(threading.Thread):
    """Reads the memory of a process from /proc, ten times a second, until it ends.

    The system's own maximum, ru_maxrss, would not do: a process inherits that of its parent.

    Args:
        field: the line of /proc's status to read, in kB.
    """

    def __init__(self, process_id, field="VmHWM"):
        super().__init__()
        self.status = Path(f"/proc/{process_id}/status")
        self.value = re.compile(rf"{field}:\s+(\d+) kB")
        self.most = 0
        self.start()

    def run(self):
        """Read until the process has ended."""
        with contextlib.suppress(OSError):
            while match := self.value.search(self.status.read_text()):
                self.most = max(self.most, int(match[1]) * 1024)
                time.sleep(0.1)

    def most_megabytes(self):
        """Wait until the process has ended; return the most that was read."""
        self.join()
        return self.most / 1e6
