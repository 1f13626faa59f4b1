"""Measure this project's scripts, a textbook Keras script and PyTorch, in turn, on the same jobs and data.

measure.py --torch PYTHON --jax PYTHON     interpreters that have PyTorch, and this project's requirements-jax.txt

Adds a row to results.csv for each run that has none yet; page.py makes README.md of them. Run nothing else meanwhile.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from csv_rows import append_rows, read_rows
from footprint import OTHERS, measure_epoch
from jobs import HERE, JOBS, RESULTS, run_other, run_ours
from machine import describe_machine
from stages import STAGES

ROUNDS = 5
MATRIX_SIDE = 4096
ON_ONE_CORE = ("taskset", "--cpu-list", "0")
# In the first round only: these take minutes.
ONCE = {"textbook Keras", "growth", "autoencoder, 60,000 images"}
COLUMNS = ("job", "contestant", "round", "seconds", "cpu_seconds", "peak_megabytes", *STAGES)


def main():
    """Run each job with each contestant, in several rounds, and add what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--jax", type=Path, required=True, metavar="PYTHON")
    arguments = parser.parse_args()
    done = {(row["job"], row["contestant"], int(row["round"])) for row in read_rows(RESULTS)}
    for number in range(1, ROUNDS + 1):
        for name, contestant, measure in runs(arguments.torch, arguments.jax):
            if (name, contestant, number) in done or (number > 1 and {name, contestant} & ONCE):
                continue
            add_row({"job": name, "contestant": contestant, "round": number, **measure()})


def runs(torch, jax):
    """Yield what one round measures, in order: (job, contestant, function that returns the rest of the row)."""
    contestants = {
        "this project": run_ours,
        "textbook Keras": lambda job: run_other(job, [sys.executable, HERE / "textbook.py"]),
        "PyTorch": lambda job: run_other(job, [torch, HERE / "pytorch.py"]),
    }
    yield "machine", describe_machine(), dict
    yield "matrix product", "NumPy", lambda: {"seconds": matrix_product_seconds()}
    for name, job in JOBS.items():
        for contestant, run in contestants.items():
            yield name, contestant, partial(run, job)
    yield "backends", "TensorFlow", partial(measure_epoch, [sys.executable], "tensorflow")
    yield "backends", "JAX", partial(measure_epoch, [jax], "jax")
    yield "backends", "TensorFlow, one core", partial(measure_epoch, [*ON_ONE_CORE, sys.executable], "tensorflow")
    for name, measures in OTHERS.items():
        for contestant, measure in measures.items():
            yield name, contestant, measure


def add_row(row):
    """Print a row, and add it to the results."""
    print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    short = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in row.items()}
    append_rows(RESULTS, COLUMNS, [short])


def matrix_product_seconds():
    """Return the seconds of NumPy's fastest of three products of two square float32 matrices."""
    matrix = np.random.default_rng(0).random((MATRIX_SIDE, MATRIX_SIDE), np.float32)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begun)
    return min(times)


if __name__ == "__main__":
    main()
