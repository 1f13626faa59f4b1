"""Run experiments through the scripts' own redirected input, and add what they measured to results/*.csv.

run.py                             every experiment that the results lack
run.py autoencoder/layers          those of a group, or of several
run.py --again autoencoder/layers  those of a group, measured before or not
run.py --side-by-side              as many at a time as there are processor cores, one on each
"""

import argparse
import csv
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from math import prod
from pathlib import Path

import numpy as np
from experiments import AUTOENCODERS, CLASSIFIERS, COMPONENTS, ENCODER_SEED, PRETRAINED, RANDOM, Experiment
from principal_components import component_encoder

from utilities.data import idx
from utilities.data.datasets import read_images, read_training_set
from utilities.network.architecture import feature_maps
from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.terminal.arguments import TRAINING_IMAGES, TRAINING_LABELS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CACHE = HERE / ".cache"
SOURCE = HERE.parent / "src"
IMAGE_SHAPE = (28, 28)
GROUPS = {
    f"{script}/{name.replace(' ', '-')}": group
    for script, groups in (("autoencoder", AUTOENCODERS), ("classification", CLASSIFIERS))
    for name, group in groups.items()
}

_making = defaultdict(threading.Lock)  # of each file that experiments side by side may both need


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", type=group_name, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--again", action="store_true", help="run also what has been measured")
    parser.add_argument("--side-by-side", action="store_true", help="run one experiment on each processor core")
    arguments = parser.parse_args()
    asked = [experiment for group in arguments.groups or GROUPS for experiment in GROUPS[group]]
    # Groups share experiments: each once. A first seed of everything is worth more than all seeds of a part.
    waiting = {
        tuple(describe(experiment, seed).items()): (experiment, seed)
        for experiment in asked
        for seed in experiment.seeds
        if arguments.again or not rows_of(experiment, [seed])
    }
    cores = os.sched_getaffinity(0)
    places = [{core} for core in cores] if arguments.side_by_side else [cores]
    run_all(sorted(waiting.values(), key=lambda of_one: of_one[1]), places)


def group_name(text):
    """Return the name of a group, as argparse's ``choices`` would, which do not allow for none."""
    if text not in GROUPS:
        raise argparse.ArgumentTypeError(f"there is no group {text}, but {', '.join(GROUPS)}")
    return text


def run_all(waiting, places):
    """Run experiments, [(Experiment, seed)], one at a time in each place, a set of processor cores."""
    free = queue.SimpleQueue()
    for cores in places:
        free.put(cores)

    # On Linux the cores of a thread are those of the processes that it starts.
    with ThreadPoolExecutor(len(places), initializer=lambda: os.sched_setaffinity(0, free.get())) as pool:
        running = {pool.submit(run, *of_one): of_one for of_one in waiting}
        for number, done in enumerate(as_completed(running), start=1):
            fault = done.exception()  # costs this one experiment, not those that wait
            if not fault:
                add_row(*running[done], done.result())
            print(f"{number} of {len(waiting)}: {fault or 'done'}: {describe(*running[done])}", flush=True)


def script_of(experiment):
    """Return the name of the script that an experiment runs."""
    return "autoencoder" if isinstance(experiment.hyperparameters, AutoencoderHyperparameters) else "classification"


def describe(experiment, seed):
    """Return what tells an experiment from every other, {column: text}."""
    description = {"images": str(experiment.images or 60_000), "seed": str(seed)}
    if experiment.encoder:
        description |= {f"encoder {name}": value for name, value in experiment.encoder.labels().items()}
        description |= {"weights": experiment.weights}
    return description | experiment.hyperparameters.labels()


def rows_of(experiment, seeds=None):
    """Return the rows that the results have of an experiment, of some of its seeds or of all, [{column: text}]."""
    wanted = [describe(experiment, seed).items() for seed in seeds or experiment.seeds]
    return [row for row in read_results(script_of(experiment)) if any(items <= row.items() for items in wanted)]


def read_results(script):
    """Return the rows of a script's results, [{column: text}]."""
    path = RESULTS / f"{script}.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def add_row(experiment, seed, measured):
    """Put what an experiment measured into its script's results, in the place of what it measured before."""
    script, description = script_of(experiment), describe(experiment, seed)
    rows = [row for row in read_results(script) if not description.items() <= row.items()]
    rows.append(description | measured)
    with (RESULTS / f"{script}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def run(experiment, seed):
    """Run one experiment on this thread's processor cores; return what it measured, {column: value}."""
    with tempfile.TemporaryDirectory() as folder:
        images, labels = subset(experiment.images, seed=0 if script_of(experiment) == "autoencoder" else seed)
        arguments = ["-d", images, "--seed", seed]
        answers = experiment.hyperparameters.answers()
        if experiment.encoder:
            arguments += ["-dl", labels, "-model", encoder_of(experiment, seed)]
            answers += ["3"]
        output = run_script(script_of(experiment), arguments, answers, folder)
        (kept,) = Path(folder, "runs").iterdir()
        summary = json.loads((kept / "experiment.json").read_text())
        if not experiment.encoder:
            CACHE.mkdir(exist_ok=True)
            shutil.copy(kept / "encoder.h5", encoder_path(experiment.hyperparameters, experiment.images, seed))
    return {
        "code size": summary["conditions"]["code"],
        **{name.replace("val_", "validation "): value for name, value in summary["validation"].items()},
        **test_results(output),
        "seconds": round(summary["seconds"], 1),
        "cores": len(os.sched_getaffinity(0)),
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
    with _making[labels]:
        if not labels.exists():
            CACHE.mkdir(exist_ok=True)
            mnist = read_training_set(TRAINING_IMAGES, TRAINING_LABELS)
            order = np.random.default_rng(seed).permutation(len(mnist.images))
            by_class = [order[mnist.targets[order] == target] for target in range(len(mnist.classes))]
            chosen = np.sort(np.concatenate([indices[: count // len(by_class)] for indices in by_class]))
            idx.write(images, mnist.images[chosen])
            idx.write(labels, mnist.classes[mnist.targets[chosen]])
    return images, labels


def encoder_of(experiment, seed):
    """Return the path of the encoder that a classifier's experiment builds on, made now if it is not there."""
    make, name = {
        PRETRAINED: (lambda path: run(Experiment(experiment.encoder), ENCODER_SEED), ENCODER_SEED),
        RANDOM: (lambda path: save_random_encoder(experiment.encoder, seed, path), f"{seed}-random"),
        COMPONENTS: (lambda path: save_component_encoder(experiment.encoder, path), "components"),
    }[experiment.weights]
    path = encoder_path(experiment.encoder, None, name)
    with _making[path]:
        if not path.exists():
            CACHE.mkdir(exist_ok=True)
            make(path)
    return path


def save_random_encoder(hyperparameters, seed, path):
    """Save the encoder of an autoencoder with the weights that it begins with."""
    import keras

    from utilities.network.model_files import save_model
    from utilities.network.networks import build_autoencoder

    keras.utils.set_random_seed(seed)
    save_model(build_autoencoder(IMAGE_SHAPE, hyperparameters).encoder, path)


def save_component_encoder(hyperparameters, path):
    """Save principal components as an encoder, as many as the code of an autoencoder has numbers."""
    from utilities.network.model_files import save_model

    maps, _ = feature_maps(IMAGE_SHAPE, hyperparameters.filters, hyperparameters.third_pooling)
    save_model(component_encoder(read_images(TRAINING_IMAGES), prod(maps[-1])), path)


def encoder_path(hyperparameters, images, weights):
    """Return where the encoder of an autoencoder is kept for the classifiers that build on it."""
    name = "_".join(re.sub(r"\W+", "-", value) for value in hyperparameters.labels().values())
    return CACHE / f"encoder_{images or 'all'}_{name}_{weights}.h5"


if __name__ == "__main__":
    main()
