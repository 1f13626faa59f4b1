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

HERE = Path(__file__).resolve().parent
RESULTS, BREAKDOWN, TIMES = HERE / "results.csv", HERE / "breakdown.csv", HERE / "time-to-result.csv"
SEED = 1
# What all contestants start with. Importing ``experiments`` has set what the scripts set themselves.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in SETTINGS}
TITLE = re.compile(r"^(training the autoencoder|phase [12] of 2)")
EPOCH = re.compile(r"^epoch +(\d+)/(\d+) ")


def shape(kernels, filters, epochs, batch_size):
    """Return an autoencoder of three layers with the third pooling."""
    return AutoencoderHyperparameters(
        tuple((side, side) for side in kernels), filters, epochs, batch_size, third_pooling=True
    )


SMALL = shape((3, 3, 3), (16, 16, 16), 3, 32)
DEFAULT = shape((5, 7, 7), (32, 32, 64), 2, 64)


@dataclass(frozen=True)
class Job:
    """One training, the same for every contestant.

    Attributes:
        autoencoder: the answers to autoencoder.py's questions.
        classifier: those to classification.py's, where the job is to train a classifier, on the untrained encoder of
            that autoencoder.
        phases: how many of the classifier's two phases to run.
        images: how many of MNIST's training images.
    """

    autoencoder: AutoencoderHyperparameters
    classifier: ClassifierHyperparameters | None = None
    phases: int = 1
    images: int = 12_000

    @property
    def hyperparameters(self):
        """The answers to the questions of the script that does the job."""
        return self.classifier or self.autoencoder


JOBS = {
    "autoencoder, 16 16 16": Job(SMALL),
    "autoencoder, default": Job(DEFAULT),
    "classifier, both phases": Job(DEFAULT, ClassifierHyperparameters(128, 3, 128), phases=2),
    "autoencoder, 60,000 images": Job(replace(SMALL, epochs=1), images=ALL_IMAGES),
    "classifier, frozen phase": Job(DEFAULT, ClassifierHyperparameters(128, 10, 128)),
}


def run_ours(job):
    """Run a job with this project's script, until its phases are over; return what was measured.

    The clock runs from the line that announces the first phase to the line of the last phase's last epoch: it includes
    tracing the training step, computing the codes, and writing a checkpoint after each epoch.
    """
    with tempfile.TemporaryDirectory() as folder, open_process(command_of_ours(job), folder) as process:
        memory = Memory(process.pid)
        process.stdin.write(answer_lines(job.hyperparameters))
        process.stdin.close()
        begun, phases = None, 0
        for line in process.stdout:
            phases += bool(TITLE.match(line))
            begun = begun or (phases and time.perf_counter())
            epoch = EPOCH.match(line)
            if phases == job.phases and epoch and epoch[1] == epoch[2]:
                break
        seconds = time.perf_counter() - begun
        process.kill()
        return measured(job, seconds, process, memory)


def command_of_ours(job, seed=SEED, source=SOURCE):
    """Return the command that does a job with this project's script, in a folder ``source``."""
    images, labels = subset(job.images, SEED)
    script = "classification" if job.classifier else "autoencoder"
    command = [sys.executable, "-u", source / script / f"{script}.py", "-d", images, "--seed", seed]
    if job.classifier:
        command += ["-dl", labels, "-model", untrained_encoder(job.autoencoder, seed)]
    return command


def untrained_encoder(autoencoder, seed=SEED):
    """Return the path of an autoencoder's encoder with initial weights."""
    return encoder_of(Experiment(autoencoder, encoder=autoencoder, weights=RANDOM), seed)


def run_other(job, command):
    """Run a job with a contestant, which prints its seconds after each epoch; return what was measured."""
    command = command_of_other(job, command, PHASES[: job.phases])
    with tempfile.TemporaryDirectory() as folder, open_process(command, folder) as process:
        memory = Memory(process.pid)
        process.stdin.close()
        seconds = json.loads(process.stdout.read().splitlines()[-1])["seconds"]
        return measured(job, seconds, process, memory)


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


def open_process(command, folder):
    """Start a command in a folder, with pipes for its standard input and output; its standard error is discarded."""
    return subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
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


def measured(job, seconds, process, memory):
    """Wait for a job's process; return what was measured, with its CPU seconds and peak memory, {column: value}."""
    usage = wait_for(process)
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_megabytes": memory.most_megabytes(),
        "images_per_second": job.phases * job.hyperparameters.epochs * job.images / seconds,
    }
