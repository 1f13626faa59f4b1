"""Measure this project's scripts, a textbook Keras script and PyTorch, in turn, on the same jobs and data.

python3 benchmarks/performance/measure.py --torch PYTHON    PYTHON: an interpreter that has PyTorch

Adds a row to results.csv for each run that has none yet; page.py makes README.md of them. Run nothing else meanwhile.
"""

import argparse
import csv
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from footprint import OTHERS
from jobs import HERE, JOBS, RESULTS, run_other, run_ours
from machine import describe_machine

ROUNDS = 5
MATRIX_SIDE = 4096
# In the first round only: these take minutes.
ONCE = {"PyTorch, compiled", "growth", "autoencoder, 60,000 images"}
COLUMNS = ("job", "contestant", "round", "seconds", "cpu_seconds", "peak_megabytes", "images_per_second")


def main():
    """Run each job with each contestant, in several rounds, and add what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", type=Path, required=True, metavar="PYTHON")
    python = parser.parse_args().torch
    contestants = {
        "this project": run_ours,
        "textbook Keras": lambda job: run_other(job, [sys.executable, HERE / "textbook.py"]),
        "PyTorch, eager": lambda job: run_other(job, [python, HERE / "pytorch.py"]),
        "PyTorch, compiled": lambda job: run_other(job, [python, HERE / "pytorch.py", "--compiled"]),
    }
    done = set()
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            done = {(row["job"], row["contestant"], int(row["round"])) for row in csv.DictReader(file)}
    for number in range(1, ROUNDS + 1):
        for name, contestant, measure in runs(contestants):
            if (name, contestant, number) in done or (number > 1 and {name, contestant} & ONCE):
                continue
            add_row({"job": name, "contestant": contestant, "round": number, **measure()})


def runs(contestants):
    """Yield what one round measures, in order: (job, contestant, function that returns the rest of the row)."""
    yield "machine", describe_machine(), dict
    yield "matrix product", "NumPy", lambda: {"seconds": matrix_product_seconds()}
    for name, job in JOBS.items():
        for contestant, run in contestants.items():
            yield name, contestant, partial(run, job)
    for name, measures in OTHERS.items():
        for contestant, measure in measures.items():
            yield name, contestant, measure


def add_row(row):
    """Print a row, and add it to the results."""
    print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    begins = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if begins:
            writer.writeheader()
        writer.writerow({name: f"{value:.4g}" if isinstance(value, float) else value for name, value in row.items()})


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
