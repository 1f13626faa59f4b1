"""Run experiments through the scripts' own redirected input, and add what they measured to results/*.csv.

python3 benchmarks/run.py                    every experiment that the results lack
python3 benchmarks/run.py filters epochs     those of some groups
python3 benchmarks/run.py --again filters    those of some groups, measured before or not
"""

import argparse
import csv
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from experiments import ALL, ENCODER_SEED, Experiment

from utilities import idx
from utilities.arguments import TRAINING_IMAGES, TRAINING_LABELS
from utilities.datasets import read_training_set
from utilities.hyperparameters import AutoencoderHyperparameters

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CACHE = HERE / ".cache"
SOURCE = HERE.parent / "src"


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(dict.fromkeys(e.group for e in ALL)))
    parser.add_argument("--again", action="store_true", help="run also what has been measured")
    arguments = parser.parse_args()
    for experiment in ALL:
        if arguments.groups and experiment.group not in arguments.groups:
            continue
        for seed in experiment.seeds:
            description = describe(experiment, seed)
            if arguments.again or not measured(experiment, description):
                print(description, flush=True)
                add_row(experiment, description | run(experiment, seed))


def script_of(experiment):
    """Return the name of the script that an experiment runs."""
    return "autoencoder" if isinstance(experiment.hyperparameters, AutoencoderHyperparameters) else "classification"


def describe(experiment, seed):
    """Return what tells an experiment from every other, {column: text}."""
    description = {"group": experiment.group, "images": str(experiment.images or 60_000), "seed": str(seed)}
    if experiment.encoder:
        description |= {f"encoder {name}": value for name, value in experiment.encoder.labels().items()}
        description |= {"weights": "pre-trained" if experiment.pretrained else "random"}
    return description | experiment.hyperparameters.labels()


def measured(experiment, description):
    """Tell whether the results have an experiment."""
    return any(description.items() <= row.items() for row in read_results(script_of(experiment)))


def read_results(script):
    """Return the rows of a script's results, [{column: text}]."""
    path = RESULTS / f"{script}.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def add_row(experiment, row):
    """Add a row to the results of the experiment's script."""
    script = script_of(experiment)
    rows = [*read_results(script), row]
    with (RESULTS / f"{script}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def run(experiment, seed):
    """Run one experiment; return what it measured, {column: value}."""
    with tempfile.TemporaryDirectory() as folder:
        images, labels = subset(experiment.images, seed=0 if script_of(experiment) == "autoencoder" else seed)
        arguments = ["-d", images, "--seed", seed]
        answers = experiment.hyperparameters.answers()
        if experiment.encoder:
            arguments += ["-dl", labels, "-model", encoder_of(experiment.encoder, experiment.pretrained, seed)]
            answers += ["3"]
        output = run_script(script_of(experiment), arguments, answers, folder)
        (kept,) = Path(folder, "runs").iterdir()
        summary = json.loads((kept / "experiment.json").read_text())
        if not experiment.encoder:
            keep_encoder(experiment, seed, kept / "encoder.h5")
    return {
        "code size": summary["code_size"],
        **{name.replace("val_", "validation "): value for name, value in summary["validation"].items()},
        **test_results(output),
        "seconds": round(summary["seconds"], 1),
        **summary["versions"],
    }


def run_script(script, arguments, answers, folder):
    """Run a script in a folder with its answers on standard input; return what it printed."""
    command = [sys.executable, SOURCE / script / f"{script}.py", *arguments]
    answers = "".join(f"{answer}\n" for answer in answers)
    return subprocess.run(
        list(map(str, command)), input=answers, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_results(output):
    """Return the results on the test set that a session printed, if it did, {column: value}."""
    patterns = {
        "test accuracy after phase 1": r"after phase 1 .* test accuracy ([\d.]+)%",
        "test loss": r"^test loss +([\d.]+)",
        "test accuracy": r"^test accuracy +([\d.]+)%",
    }
    found = {name: re.search(pattern, output, re.MULTILINE) for name, pattern in patterns.items()}
    return {name: float(match[1]) for name, match in found.items() if match}


def subset(count, seed):
    """Return the paths of so many training images, as many of each class, and of their labels."""
    if count is None:
        return TRAINING_IMAGES, TRAINING_LABELS
    images, labels = (CACHE / f"{count}-{seed}-{what}" for what in ("images", "labels"))
    if not labels.exists():
        CACHE.mkdir(exist_ok=True)
        mnist = read_training_set(TRAINING_IMAGES, TRAINING_LABELS)
        order = np.random.default_rng(seed).permutation(len(mnist.images))
        by_class = [order[mnist.targets[order] == target] for target in range(len(mnist.classes))]
        chosen = np.sort(np.concatenate([indices[: count // len(by_class)] for indices in by_class]))
        idx.write(images, mnist.images[chosen])
        idx.write(labels, mnist.classes[mnist.targets[chosen]])
    return images, labels


def encoder_of(hyperparameters, pretrained, seed):
    """Return the path of the encoder of an autoencoder, trained on all of MNIST's training images or not at all."""
    experiment = Experiment("encoder", hyperparameters)
    path = encoder_path(experiment, ENCODER_SEED if pretrained else f"{seed}-random")
    if not path.exists():
        if pretrained:
            run(experiment, ENCODER_SEED)
        else:
            save_random_encoder(hyperparameters, seed, path)
    return path


def save_random_encoder(hyperparameters, seed, path):
    """Save the encoder of an autoencoder with the weights that it begins with."""
    import keras

    from utilities.model_files import save_model
    from utilities.networks import build_autoencoder

    CACHE.mkdir(exist_ok=True)
    keras.utils.set_random_seed(seed)
    save_model(build_autoencoder((28, 28), hyperparameters).encoder, path)


def encoder_path(experiment, seed):
    """Return where the encoder of an autoencoder's experiment is kept."""
    name = "_".join(re.sub(r"\W+", "-", value) for value in experiment.hyperparameters.labels().values())
    return CACHE / f"encoder_{experiment.images or 'all'}_{name}_{seed}.h5"


def keep_encoder(experiment, seed, path):
    """Keep a trained encoder for the classifiers that build on it."""
    CACHE.mkdir(exist_ok=True)
    shutil.copy(path, encoder_path(experiment, seed))


if __name__ == "__main__":
    main()
