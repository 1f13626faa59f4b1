"""Time whole processes of this project's scripts, of textbook Keras and of PyTorch, in turn, on the same jobs and data.

speed.py --torch PYTHON --jax PYTHON     interpreters that have PyTorch, and this project's requirements-jax.txt

Adds a row to results.csv for each run that has none yet; page.py makes tables of them. Run nothing else meanwhile.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import SOURCE, answer_lines, describe_machine, read_rows, run_process, write_rows
from contestant import PHASES
from prepare import DATA, TIMED, untrained

from utilities.backend import SETTINGS
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters
from utilities.terminal.arguments import DATASET, FILES, TEST_IMAGES, TEST_LABELS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.csv"
SEED = 1
ROUNDS = 4
# In the first round only: these take minutes.
ONCE = {"textbook Keras", "autoencoder, 60,000 images"}
BACKENDS = "backends"
# What all contestants start with.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in SETTINGS}
IMAGES = "mnist-15000"  # of the sets that prepare.py makes
SMALL, LARGE, WIDE = TIMED


@dataclass(frozen=True)
class Job:
    """What a script is to do.

    Attributes:
        hyperparameters: the answers; of autoencoder.py, or of classification.py.
        encoder: for classification.py, those of the encoder. It is not trained; both phases are, and the test set read.
        images: the data set, one that prepare.py makes, or "" for all of MNIST.
    """

    hyperparameters: AutoencoderHyperparameters | ClassifierHyperparameters
    encoder: AutoencoderHyperparameters | None = None
    images: str = IMAGES


JOBS = {
    "autoencoder, 16 16 16": Job(SMALL),
    "classifier, 16 16 16": Job(ClassifierHyperparameters(128, 5, 32), SMALL),
    "autoencoder, 32 64 64": Job(LARGE),
    "classifier, 32 64 64": Job(ClassifierHyperparameters(128, 5, 128), LARGE),
    "autoencoder, 32 32 64": Job(WIDE),
    "autoencoder, 60,000 images": Job(replace(SMALL, epochs=1), images=""),
}


def main():
    """Run each job with each contestant, in several rounds, and add what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", required=True, metavar="PYTHON")
    parser.add_argument("--jax", required=True, metavar="PYTHON")
    arguments = parser.parse_args()
    machine = describe_machine()
    for number in range(1, ROUNDS + 1):
        for job, contestant, measure in runs(arguments.torch, arguments.jax):
            row = {"job": job, "contestant": contestant, "round": str(number)}
            rows = read_rows(RESULTS)
            if any(row.items() <= done.items() for done in rows) or (number > 1 and {job, contestant} & ONCE):
                continue
            row |= {name: f"{value:.4g}" for name, value in measure().items()} | {"machine": machine}
            print(row, flush=True)
            write_rows(RESULTS, [*rows, row])


def runs(torch, jax):
    """Yield what one round measures, in order: (job, contestant, function that returns {column: number})."""
    for name, job in JOBS.items():
        yield name, "this project", partial(run_ours, job)
        yield name, "textbook Keras", partial(run_other, job, [sys.executable, HERE / "textbook.py"])
        yield name, "PyTorch", partial(run_other, job, [torch, HERE / "pytorch.py"])
    yield BACKENDS, "TensorFlow", partial(last_epoch, sys.executable, "tensorflow")
    yield BACKENDS, "JAX", partial(last_epoch, jax, "jax")


def command_of(job):
    """Return the command of this project's script for a job."""
    script = "classification" if job.encoder else "autoencoder"
    command = [sys.executable, SOURCE / script / f"{script}.py", "--seed", SEED]
    command += ["-d", DATA / job.images] if job.images else []
    return command + (["-model", untrained(job.encoder)] if job.encoder else [])


def run_ours(job):
    """Run a Job with this project's script; return what it used."""
    answers = answer_lines(job.hyperparameters) + ("3\n" if job.encoder else "")
    with tempfile.TemporaryDirectory() as folder:
        return run_process(command_of(job), folder, answers, ENVIRONMENT)[1]


def run_other(job, command):
    """Run a job with the script of a contestant; return what it used."""
    tested = {"test": f"{TEST_IMAGES}.gz", "test_labels": f"{TEST_LABELS}.gz", "phases": PHASES}
    return run_process([*command, in_json(job, **tested)], HERE, environment=ENVIRONMENT)[1]


def last_epoch(python, backend):
    """Return the seconds of the last epoch of the widest autoencoder's job on a backend."""
    _, *script = command_of(Job(WIDE))
    with tempfile.TemporaryDirectory() as folder:
        run_process([python, *script], folder, answer_lines(WIDE), ENVIRONMENT | {"KERAS_BACKEND": backend})
        (history,) = Path(folder, "runs").glob("*/history.csv")
        return {"seconds": float(read_rows(history)[-1]["seconds"])}


def in_json(job, **settings):
    """Return a job and other settings as contestant.read_job takes them."""
    folder = DATA / job.images if job.images else DATASET
    images, labels = (str(next(folder.glob(f"{FILES[name]}*"))) for name in ("data", "datalabels"))
    autoencoder = job.encoder or job.hyperparameters
    settings |= {"images": images, "seed": SEED, "filters": autoencoder.filters}
    settings |= {"kernels": [side for side, _ in autoencoder.kernel_sizes]}
    settings |= {"epochs": job.hyperparameters.epochs, "batch": job.hyperparameters.batch_size}
    if job.encoder:
        settings |= {"labels": labels, "units": job.hyperparameters.units}
    return json.dumps(settings)


if __name__ == "__main__":
    main()
