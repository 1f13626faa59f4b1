"""Time whole processes of this project's scripts, of textbook Keras and of PyTorch, in turn, on the same jobs and data.

speed.py --torch PYTHON --jax PYTHON     interpreters that have PyTorch, and this project's requirements-jax.txt

Adds a row to results.csv for each run that has none yet; pages.py makes tables of them. Run nothing else meanwhile.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import answer_lines, describe_machine, read_rows, run_process, write_rows
from contestant import PHASES
from experiments import RANDOM, Experiment
from run import command_of, subset

from utilities.backend import SETTINGS
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters
from utilities.terminal.arguments import TEST_IMAGES, TEST_LABELS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.csv"
SEED = 1
ROUNDS = 4
# In the first round only: these take minutes.
ONCE = {"textbook Keras", "autoencoder, 60,000 images"}
BACKENDS = "backends"
# What all contestants start with. Importing ``experiments`` has set what the scripts set themselves.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in SETTINGS}
IMAGES = 15_000
SMALL = AutoencoderHyperparameters(((3, 3), (7, 7), (3, 3)), (16, 16, 16), 3, 32, True)
LARGE = AutoencoderHyperparameters(((3, 3), (3, 3), (3, 3)), (32, 64, 64), 3, 128, True)
DEFAULT = AutoencoderHyperparameters(((5, 5), (7, 7), (7, 7)), (32, 32, 64), 2, 64, True)
# A classifier is trained in both phases, on an untrained encoder, and measured on the test set.
JOBS = {
    "autoencoder, 16 16 16": Experiment(SMALL, IMAGES),
    "classifier, 16 16 16": Experiment(ClassifierHyperparameters(128, 5, 32), IMAGES, SMALL, RANDOM),
    "autoencoder, 32 64 64": Experiment(LARGE, IMAGES),
    "classifier, 32 64 64": Experiment(ClassifierHyperparameters(128, 5, 128), IMAGES, LARGE, RANDOM),
    "autoencoder, default": Experiment(DEFAULT, IMAGES),
    "autoencoder, 60,000 images": Experiment(replace(SMALL, epochs=1)),
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


def run_ours(job):
    """Run a job, an Experiment, with this project's script; return what it used."""
    answers = answer_lines(job.hyperparameters) + ("3\n" if job.encoder else "")
    with tempfile.TemporaryDirectory() as folder:
        return run_process(command_of(job, SEED), folder, answers, ENVIRONMENT)[1]


def run_other(job, command):
    """Run a job with the script of a contestant; return what it used."""
    tested = {"test": f"{TEST_IMAGES}.gz", "test_labels": f"{TEST_LABELS}.gz", "phases": PHASES}
    return run_process([*command, in_json(job, **tested)], HERE, environment=ENVIRONMENT)[1]


def last_epoch(python, backend):
    """Return the seconds of the last epoch of the default autoencoder's job on a backend."""
    _, *script = command_of(Experiment(DEFAULT, IMAGES), SEED)
    with tempfile.TemporaryDirectory() as folder:
        run_process([python, *script], folder, answer_lines(DEFAULT), ENVIRONMENT | {"KERAS_BACKEND": backend})
        (history,) = Path(folder, "runs").glob("*/history.csv")
        return {"seconds": float(read_rows(history)[-1]["seconds"])}


def in_json(job, **settings):
    """Return a job and other settings as contestant.read_job takes them."""
    images, labels = (str(path if path.exists() else f"{path}.gz") for path in subset(job.images, SEED))
    autoencoder = job.encoder or job.hyperparameters
    settings |= {"images": images, "seed": SEED, "filters": autoencoder.filters}
    settings |= {"kernels": [side for side, _ in autoencoder.kernel_sizes]}
    settings |= {"epochs": job.hyperparameters.epochs, "batch": job.hyperparameters.batch_size}
    if job.encoder:
        settings |= {"labels": labels, "units": job.hyperparameters.units}
    return json.dumps(settings)


if __name__ == "__main__":
    main()
