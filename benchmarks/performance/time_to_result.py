"""Measure the seconds until a result is reached: the one that PyTorch ends at after some epochs.

python3 benchmarks/performance/time_to_result.py --torch PYTHON    PYTHON: an interpreter that has PyTorch

Adds to time-to-result.csv what each contestant has not been measured at yet; page.py makes tables of it. Run nothing
else meanwhile.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import answer_lines, describe_machine, read_rows, run_process, write_rows
from contestant import DIGITS, PHASES
from speed import ENVIRONMENT, HERE, SEED, WIDE, Job, command_of, in_json

from utilities.network.hyperparameters import ClassifierHyperparameters

TIMES = HERE / "time-to-result.csv"
ERROR, ACCURACY = "validation error of the autoencoder", "validation accuracy of the classifier"
GOALS = {
    ERROR: Job(WIDE),
    ACCURACY: Job(ClassifierHyperparameters(128, 5, 128), WIDE),
}
MOST_EPOCHS = 8
RATES = (0.001, 0.003)  # of Adam, the others'
TORCH_VERSION = "from importlib.metadata import version; print(version('torch'))"


def main():
    """Measure each contestant on each goal, where it has no rows yet, and add them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", required=True, metavar="PYTHON")
    torch = parser.parse_args().torch
    version, _ = run_process([torch, "-c", TORCH_VERSION], HERE)
    machine = f"{describe_machine()}, PyTorch {version.strip()}"
    for goal, job in GOALS.items():
        target = None
        for name, trials in contestants(torch, job).items():
            begins = {"goal": goal, "contestant": name}
            rows = [row for row in read_rows(TIMES) if begins.items() <= row.items()]
            if not rows:
                rows = [begins | {"seed": SEED} | row | {"machine": machine} for row in rows_to(goal, target, trials)]
                write_rows(TIMES, [*read_rows(TIMES), *rows])
            if target is None:
                target = float(rows[-1]["validation"])


def contestants(torch, job):
    """Return {contestant: its trials of a job, which yield (epochs, validation, seconds)}, PyTorch first."""
    others = {"PyTorch": [torch, HERE / "pytorch.py"], "textbook Keras": [sys.executable, HERE / "textbook.py"]}
    trials = {
        f"{name}, Adam at {rate}": epochs_of_other(command, job, rate)
        for name, command in others.items()
        for rate in RATES
    }
    return trials | {"this project": runs_of_ours(job)}


def with_epochs(job, epochs):
    """Return a job with a number of epochs."""
    return replace(job, hyperparameters=replace(job.hyperparameters, epochs=epochs))


def runs_of_ours(job):
    """Yield (epochs, validation, seconds) of whole runs of this project's script.

    Its learning rate falls to 0 over the epochs asked for, so what it reaches is known at a run's end.
    """
    for number in range(1, MOST_EPOCHS + 1):
        trial = with_epochs(job, number)
        with tempfile.TemporaryDirectory() as folder:
            _, used = run_process(command_of(trial), folder, answer_lines(trial.hyperparameters), ENVIRONMENT)
            (summary,) = Path(folder, "runs").glob("*/experiment.json")
            validation = json.loads(summary.read_text())["validation"]["val_accuracy" if job.encoder else "val_loss"]
            yield number, round(validation, DIGITS), used["seconds"]


def epochs_of_other(command, job, rate):
    """Yield (epochs, validation, seconds) after each epoch of another contestant; closed, it ends that process.

    A classifier is trained as a whole: on an encoder that has not been trained, a first phase would teach it little.
    """
    command = [*map(str, command), in_json(with_epochs(job, MOST_EPOCHS), rate=rate, phases=PHASES[-1:])]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True) as process:
        try:
            for number, line in enumerate(process.stdout, start=1):
                yield number, json.loads(line)["validation"], time.perf_counter() - begun
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, command)
        finally:
            process.terminate()


def rows_to(goal, target, trials):
    """Return a row for each of some trials, up to the first that reaches a target; None for all of them."""
    rows = []
    for epochs, validation, seconds in trials:
        print(f"{epochs} epochs: {validation:.5f} after {seconds:.1f} s", flush=True)
        rows.append({"epochs": epochs, "validation": f"{validation:.{DIGITS}f}", "seconds": f"{seconds:.1f}"})
        if target is not None and is_reached(goal, target, validation):
            break
    trials.close()
    return rows


def is_reached(goal, target, validation):
    """Tell whether a result is as good as a target: an accuracy is to be high, an error low."""
    return validation >= target if goal == ACCURACY else validation <= target


if __name__ == "__main__":
    main()
