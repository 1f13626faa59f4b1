"""Measure the seconds until a result is reached: by this project, an earlier version of it, textbook Keras and PyTorch.

python3 benchmarks/performance/time_to_result.py --torch PYTHON    PYTHON: an interpreter that has PyTorch

Adds rows to time-to-result.csv for each contestant and seed that has none yet; page.py makes a section of README.md of
them. Run nothing else meanwhile.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contestant import DIGITS, PHASES
from csv_rows import append_rows, read_rows
from experiments import ALL_IMAGES, DEFAULT, DEFAULT_CLASSIFIER
from jobs import HERE, TIMES, Job, answer_lines, command_of_other, command_of_ours, open_process
from machine import describe_machine
from run import SOURCE

ROOT = HERE.parents[1]
# The last one before Muon, shifted images and moving statistics that keep up. In the two between them and it,
# classification.py fails: it cannot put the encoder's weights back.
EARLIER = "53a4684"
COLUMNS = ("goal", "target", "contestant", "seed", "epochs", "validation", "seconds", "machine")


@dataclass(frozen=True)
class Goal:
    """Results that a training is to reach, the easiest first.

    Attributes:
        job: whose epochs each contestant chooses.
        measure: the name of the result, in the scripts' words; an accuracy is to be high, an error low.
        targets: of the measure.
    """

    job: Job
    measure: str
    targets: tuple[float, ...]

    def is_reached(self, target, validation):
        """Tell whether a result is as good as a target."""
        return validation >= target if self.measure == "val_accuracy" else validation <= target

    def with_epochs(self, epochs):
        """Return the job with a number of epochs."""
        field = "classifier" if self.job.classifier else "autoencoder"
        return replace(self.job, **{field: replace(self.job.hyperparameters, epochs=epochs)})


GOALS = {
    "validation error of the autoencoder": Goal(Job(DEFAULT, images=ALL_IMAGES), "val_loss", (0.0093, 0.0051, 0.0038)),
    "validation accuracy of the classifier": Goal(
        Job(DEFAULT, DEFAULT_CLASSIFIER, images=ALL_IMAGES), "val_accuracy", (0.993, 0.995)
    ),
}


def main():
    """Measure each contestant and seed on each goal, and add the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--goals", nargs="+", choices=GOALS, default=list(GOALS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument(
        "--epochs", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 8, 10], help="of this project, one after another"
    )
    parser.add_argument("--most-epochs", type=int, default=20, help="of the other contestants (default: 20)")
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3], help="of their Adam (default: 0.001)")
    parser.add_argument(
        "--earlier", default=EARLIER, metavar="REVISION", help=f"of this project (default: {EARLIER}, before Muon)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        revision = check_out(arguments.earlier, folder)
        contestants = contestants_of(
            arguments, {"this project": SOURCE, f"this project at {revision}": Path(folder, "src")}
        )
        measured = {(row["goal"], row["contestant"], row["seed"]) for row in read_times()}
        for seed in arguments.seeds:
            for goal in arguments.goals:
                for name, (trials, machine) in contestants.items():
                    if (goal, name, str(seed)) not in measured:
                        begins = {"goal": goal, "contestant": name, "seed": seed, "machine": machine}
                        add_rows([begins | row for row in reach(GOALS[goal], trials(GOALS[goal], seed))])


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
    """Return {contestant: (function of goal and seed that yields its trials, machine and versions)}.

    Args:
        sources: the folders of this project's scripts, {contestant: path}.
    """
    machine = describe_machine()
    program = "from importlib.metadata import version; print(version('torch'))"
    torch = subprocess.run([arguments.torch, "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    contestants = {
        name: (lambda goal, seed, source=source: runs_of_ours(goal, seed, source, arguments.epochs), machine)
        for name, source in sources.items()
    }
    others = {
        "textbook Keras": ([sys.executable, HERE / "textbook.py"], machine),
        "PyTorch": ([arguments.torch, HERE / "pytorch.py"], f"{machine}, PyTorch {torch.strip()}"),
    }
    for name, (command, of_machine) in others.items():
        for rate in arguments.rates:
            with_rate = [*command, "--rate", rate]
            contestants[f"{name}, Adam at {rate}"] = (
                lambda goal, seed, command=with_rate: epochs_of_other(goal, seed, command, arguments.most_epochs),
                of_machine,
            )
    return contestants


def runs_of_ours(goal, seed, source, epochs):
    """Yield (epochs, validation, seconds) of whole runs of this project's script.

    Its learning rate falls to 0 over the epochs asked for, so what it reaches is known at a run's end.
    """
    for number in sorted(epochs):
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


def epochs_of_other(goal, seed, command, most_epochs):
    """Yield (epochs, validation, seconds) after each epoch of another contestant, up to the last target.

    A classifier is trained as a whole: on an encoder that has not been trained, a first phase would teach it little.
    """
    command = command_of_other(goal.with_epochs(most_epochs), command, PHASES[-1:])
    command += ["--seed", seed, "--until", goal.targets[-1]]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, open_process(command, folder) as process:
        process.stdin.close()
        for number, line in enumerate(process.stdout, start=1):
            yield number, json.loads(line)["validation"], time.perf_counter() - begun
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def reach(goal, trials):
    """Return a row for each target: the first trial that reaches it, or the last one without its seconds."""
    tried, rows = [], []
    for target in goal.targets:
        found = next((trial for trial in tried if goal.is_reached(target, trial[1])), None)
        while found is None and (trial := next(trials, None)):
            tried.append(trial)
            print(f"{trial[0]} epochs: {trial[1]:.5f} after {trial[2]:.1f} s", flush=True)
            found = trial if goal.is_reached(target, trial[1]) else None
        epochs, validation, seconds = found or tried[-1]
        row = {"target": target, "epochs": epochs, "validation": f"{validation:.5f}"}
        rows.append(row | {"seconds": f"{seconds:.1f}" if found else ""})
    trials.close()
    return rows


def read_times():
    """Return the rows measured so far, [{column: text}]."""
    return read_rows(TIMES)


def add_rows(rows):
    """Print rows, and add them to the results."""
    for row in rows:
        print(", ".join(f"{name} {row[name]}" for name in COLUMNS[:-1]), flush=True)
    append_rows(TIMES, COLUMNS, rows)


if __name__ == "__main__":
    main()
