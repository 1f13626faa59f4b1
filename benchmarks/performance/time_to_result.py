"""Measure the seconds until a result is reached: the one that PyTorch ends at after some epochs.

python3 benchmarks/performance/time_to_result.py --torch PYTHON    PYTHON: an interpreter that has PyTorch

Adds to time-to-result.csv what each contestant has not been measured at yet; page.py makes a section of README.md of
it. Run nothing else meanwhile.
"""

import argparse
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contestant import DIGITS, PHASES
from csv_rows import append_rows, read_rows
from experiments import DEFAULT, DEFAULT_CLASSIFIER
from jobs import HERE, TIMES, Job, answer_lines, command_of_other, command_of_ours, open_process
from machine import describe_machine
from run import SOURCE

ROOT = HERE.parents[1]
# The last one before Muon, shifted images and moving statistics that keep up. In the two between them and it,
# classification.py fails: it cannot put the encoder's weights back.
EARLIER = "53a4684"
COLUMNS = ("goal", "contestant", "seed", "epochs", "validation", "seconds", "machine")


@dataclass(frozen=True)
class Goal:
    """A result that a training is to reach.

    Attributes:
        job: whose epochs each contestant chooses.
        measure: the name of the result, in the scripts' words; an accuracy is to be high, an error low.
    """

    job: Job
    measure: str

    def is_reached(self, target, validation):
        """Tell whether a result is as good as a target."""
        return validation >= target if self.measure == "val_accuracy" else validation <= target

    def with_epochs(self, epochs):
        """Return the job with a number of epochs."""
        field = "classifier" if self.job.classifier else "autoencoder"
        return replace(self.job, **{field: replace(self.job.hyperparameters, epochs=epochs)})


GOALS = {
    "validation error of the autoencoder": Goal(Job(DEFAULT), "val_loss"),
    "validation accuracy of the classifier": Goal(Job(DEFAULT, DEFAULT_CLASSIFIER), "val_accuracy"),
}


def main():
    """Measure each contestant and seed on each goal, and add the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--epochs", type=int, default=8, help="of PyTorch, and at most of each contestant (default: 8)")
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3], help="of Adam, the others' (default: 0.001)")
    parser.add_argument(
        "--earlier", default=EARLIER, metavar="REVISION", help=f"of this project (default: {EARLIER}, before Muon)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        revision = check_out(arguments.earlier, folder)
        contestants = contestants_of(
            arguments, {"this project": SOURCE, f"this project at {revision}": Path(folder, "src")}
        )
        for seed, goal in itertools.product(arguments.seeds, GOALS):
            measure_all(contestants, goal, seed)


def measure_all(contestants, goal, seed):
    """Measure contestants on one of GOALS, where they have no rows yet; the target is what the first ends at."""
    target = None
    for name, (trials, machine) in contestants.items():
        begins = {"goal": goal, "contestant": name, "seed": seed}
        if not rows_of(begins):
            rows = measure(GOALS[goal], target, trials(GOALS[goal], seed))
            append_rows(TIMES, COLUMNS, [begins | {"machine": machine} | row for row in rows])
        if target is None:
            target = float(rows_of(begins)[-1]["validation"])


def check_out(revision, folder):
    """Put the scripts of a revision, and the data, in a folder; return the revision's short name."""
    archive = Path(folder, "archive.tar")
    git("archive", "--output", archive, revision, "src", "Dataset")
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    return git("rev-parse", "--short", revision).strip()


def git(*arguments):
    """Return what a git command prints."""
    command = ["git", "-C", ROOT, *arguments]
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True).stdout


def contestants_of(arguments, sources):
    """Return {contestant: (function of goal and seed that yields its trials, machine and versions)}, PyTorch first.

    Args:
        sources: the folders of this project's scripts, {contestant: path}.
    """
    machine = describe_machine()
    program = "from importlib.metadata import version; print(version('torch'))"
    torch = subprocess.run([arguments.torch, "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    others = {
        "PyTorch": ([arguments.torch, HERE / "pytorch.py"], f"{machine}, PyTorch {torch.strip()}"),
        "textbook Keras": ([sys.executable, HERE / "textbook.py"], machine),
    }
    return {
        f"{name}, Adam at {rate}": (partial(epochs_of_other, [*command, "--rate", rate], arguments.epochs), of_machine)
        for name, (command, of_machine) in others.items()
        for rate in arguments.rates
    } | {name: (partial(runs_of_ours, source, arguments.epochs), machine) for name, source in sources.items()}


def runs_of_ours(source, most_epochs, goal, seed):
    """Yield (epochs, validation, seconds) of whole runs of this project's script.

    Its learning rate falls to 0 over the epochs asked for, so what it reaches is known at a run's end.
    """
    for number in range(1, most_epochs + 1):
        job = goal.with_epochs(number)
        command = command_of_ours(job, seed, source)
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder, open_process(command, folder) as process:
            process.communicate(answer_lines(job.hyperparameters))
            seconds = time.perf_counter() - begun
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            (summary,) = Path(folder, "runs").glob("*/experiment.json")
            validation = json.loads(summary.read_text())["validation"][goal.measure]
            yield number, round(validation, DIGITS), seconds


def epochs_of_other(command, epochs, goal, seed):
    """Yield (epochs, validation, seconds) after each epoch of another contestant.

    A classifier is trained as a whole: on an encoder that has not been trained, a first phase would teach it little.
    """
    command = [*command_of_other(goal.with_epochs(epochs), command, PHASES[-1:]), "--seed", seed]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, open_process(command, folder) as process:
        try:
            for number, line in enumerate(process.stdout, start=1):
                yield number, json.loads(line)["validation"], time.perf_counter() - begun
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, command)
        finally:
            process.terminate()


def measure(goal, target, trials):
    """Return a row for each of some trials, up to the first that reaches a target; None for all of them."""
    rows = []
    with contextlib.closing(trials):
        for epochs, validation, seconds in trials:
            print(f"{epochs} epochs: {validation:.5f} after {seconds:.1f} s", flush=True)
            rows.append({"epochs": epochs, "validation": f"{validation:.{DIGITS}f}", "seconds": f"{seconds:.1f}"})
            if target is not None and goal.is_reached(target, validation):
                break
    return rows


def rows_of(begins):
    """Return the rows measured so far that begin with some values, [{column: text}]."""
    return [row for row in read_rows(TIMES) if all(row[name] == str(value) for name, value in begins.items())]


if __name__ == "__main__":
    main()
