"""Run experiments through the scripts' own redirected input, one on each processor core at a time.

What they measured is added to results/*.csv.

run.py                             every experiment that has no results yet
run.py autoencoder/layers          only those of one group, or of several
run.py --again autoencoder/layers  those of a group, with results or without

Encoders and subsets of the images are kept in .cache/: remove it when the training code has changed.
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
from functools import partial
from pathlib import Path

import numpy as np
from csv_rows import read_rows
from experiments import (
    ALL_IMAGES,
    AUTOENCODERS,
    CLASSIFIERS,
    COMPONENTS,
    ENCODER_SEED,
    IMAGE_SHAPE,
    OWN,
    PRETRAINED,
    RANDOM,
    Experiment,
    code_size,
)
from machine import describe_processor, wait_for
from principal_components import component_encoder

from utilities.data import idx
from utilities.data.datasets import read_images, read_training_set
from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.terminal.arguments import TRAINING_IMAGES, TRAINING_LABELS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CACHE = HERE / ".cache"
SOURCE = HERE.parent / "src"
GROUPS = {
    f"{script}/{name.replace(' ', '-')}": group
    for script, groups in (("autoencoder", AUTOENCODERS), ("classification", CLASSIFIERS))
    for name, group in groups.items()
}

_being_made = defaultdict(threading.Lock)  # for each file: experiments that run side by side may need the same


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", type=group_name, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--again", action="store_true", help="run also what has been measured")
    arguments = parser.parse_args()
    asked = [experiment for group in arguments.groups or GROUPS for experiment in GROUPS[group]]
    # Groups share experiments: each runs once. The first seed of all experiments runs before the second of any.
    waiting = {
        tuple(settings_of(experiment, seed).items()): (experiment, seed)
        for experiment in asked
        for seed in experiment.seeds
        if arguments.again or not rows_of(experiment, [seed])
    }
    run_all(sorted(waiting.values(), key=lambda of_one: of_one[1]))


def group_name(text):
    """Return the name of a group; argparse's own ``choices`` would not allow an empty list."""
    if text not in GROUPS:
        raise argparse.ArgumentTypeError(f"there is no group {text}, but {', '.join(GROUPS)}")
    return text


def run_all(waiting):
    """Run experiments, [(Experiment, seed)], in their order, one at a time on each processor core."""
    free, cores = queue.SimpleQueue(), os.sched_getaffinity(0)
    for core in cores:
        free.put(core)

    # A process inherits the core of the thread that starts it.
    with ThreadPoolExecutor(len(cores), initializer=lambda: os.sched_setaffinity(0, {free.get()})) as pool:
        running = {pool.submit(run, *of_one): of_one for of_one in waiting}
        for number, done in enumerate(as_completed(running), start=1):
            outcome = done.exception()  # the other experiments still run
            if not outcome:
                add_row(*running[done], done.result())
                outcome = f"{done.result()['processor seconds']:.0f} s"
            print(f"{number} of {len(waiting)}: {outcome}: {settings_of(*running[done])}", flush=True)


def script_of(experiment):
    """Return the name of the script that an experiment runs."""
    return "autoencoder" if isinstance(experiment.hyperparameters, AutoencoderHyperparameters) else "classification"


def settings_of(experiment, seed=None):
    """Return all that an experiment is run with, and its seed where one is given, {column: text}."""
    settings = {"images": str(experiment.images)}
    if seed is not None:
        settings["seed"] = str(seed)
    if experiment.encoder:
        settings |= {f"encoder {name}": value for name, value in experiment.encoder.labels().items()}
        settings["weights"] = experiment.weights
    return settings | experiment.hyperparameters.labels()


def rows_of(experiment, seeds=None):
    """Return an experiment's rows in the results, of some of its seeds or of all, [{column: text}]."""
    wanted = [settings_of(experiment, seed).items() for seed in seeds or experiment.seeds]
    return [row for row in read_results(script_of(experiment)) if any(items <= row.items() for items in wanted)]


def read_results(script):
    """Return the rows of a script's results, [{column: text}]."""
    return read_rows(RESULTS / f"{script}.csv")


def add_row(experiment, seed, measured):
    """Add what an experiment measured to its script's results, in place of what it measured before."""
    script, settings = script_of(experiment), settings_of(experiment, seed)
    rows = [row for row in read_results(script) if not settings.items() <= row.items()]
    rows.append(settings | measured)
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{script}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def run(experiment, seed):
    """Run one experiment on this thread's processor cores; return what it measured, {column: value}.

    Processor seconds are those of the script from start to end. Unlike those of a clock, they hardly depend on what
    else the machine does.
    """
    with tempfile.TemporaryDirectory() as folder:
        images, labels = subset(experiment.images, seed)
        arguments = ["-d", images, "--seed", seed]
        answers = experiment.hyperparameters.answers()
        if experiment.encoder:
            arguments += ["-dl", labels, "-model", encoder_of(experiment, seed)]
            answers += ["3"]
        output, seconds = run_script(script_of(experiment), arguments, answers, folder)
        (kept,) = Path(folder, "runs").iterdir()
        summary = json.loads((kept / "experiment.json").read_text())
        if not experiment.encoder:
            CACHE.mkdir(exist_ok=True)
            shutil.copy(kept / "encoder.h5", encoder_path(experiment.hyperparameters, experiment.images, seed))
    return {
        "code size": summary["conditions"]["code"],
        **{name.replace("val_", "validation "): value for name, value in summary["validation"].items()},
        **test_results(output),
        "processor seconds": round(seconds, 1),
        "processor": describe_processor(),
        **summary["versions"],
    }


def run_script(script, arguments, answers, folder):
    """Run a script in a folder with its answers on standard input; return what it printed, and its processor seconds.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, *map(str, [SOURCE / script / f"{script}.py", *arguments])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, text=True)
    with process.stdin:
        process.stdin.writelines(f"{answer}\n" for answer in answers)
    with process.stdout:
        output = process.stdout.read()
    usage = wait_for(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return output, usage.ru_utime + usage.ru_stime


def test_results(output):
    """Return the results on the test set, if a session printed any, {column: value}."""
    patterns = {
        "test accuracy after phase 1": r"after phase 1 .* test accuracy ([\d.]+)%",
        "test loss": r"^test loss +([\d.]+)",
        "test accuracy": r"^test accuracy +([\d.]+)%",
    }
    found = {name: re.search(pattern, output, re.MULTILINE) for name, pattern in patterns.items()}
    return {name: float(match[1]) for name, match in found.items() if match}


def subset(count, seed):
    """Return the paths of ``count`` training images, as many of each class, and of their labels."""
    if count == ALL_IMAGES:
        return TRAINING_IMAGES, TRAINING_LABELS
    images, labels = (CACHE / f"{count}-{seed}-{what}" for what in ("images", "labels"))
    with _being_made[labels]:
        if not labels.exists():
            CACHE.mkdir(exist_ok=True)
            mnist = read_training_set(TRAINING_IMAGES, TRAINING_LABELS)
            order = np.random.default_rng(seed).permutation(len(mnist.images))
            by_class = [order[mnist.targets[order] == target] for target in range(len(mnist.classes))]
            chosen = np.sort(np.concatenate([indices[: count // len(by_class)] for indices in by_class]))
            idx.write(images, mnist.images[chosen, ..., 0])
            idx.write(labels, mnist.classes[mnist.targets[chosen]])
    return images, labels


def encoder_of(experiment, seed):
    """Return the path of the encoder that a classifier's experiment uses, made now if it does not exist."""
    if experiment.weights in (PRETRAINED, OWN):
        images, seed = (experiment.images, seed) if experiment.weights == OWN else (ALL_IMAGES, ENCODER_SEED)
        path = encoder_path(experiment.encoder, images, seed)
        make = partial(run, Experiment(experiment.encoder, images), seed)
    else:
        name = {RANDOM: f"{seed}-random", COMPONENTS: "components"}[experiment.weights]
        path = encoder_path(experiment.encoder, ALL_IMAGES, name)
        make = partial(save_untrained_encoder, experiment, seed, path)
    with _being_made[path]:
        if not path.exists():
            make()
    return path


def save_untrained_encoder(experiment, seed, path):
    """Save an encoder with initial weights, or of principal components, as a classifier's experiment asks for."""
    import keras

    from utilities.network.networks import build_autoencoder
    from utilities.network.saving import save_model

    if experiment.weights == RANDOM:
        keras.utils.set_random_seed(seed)
        encoder = build_autoencoder(IMAGE_SHAPE, experiment.encoder).encoder
    else:
        encoder = component_encoder(read_images(TRAINING_IMAGES), code_size(experiment.encoder))
    CACHE.mkdir(exist_ok=True)
    save_model(encoder, path)


def encoder_path(hyperparameters, images, weights):
    """Return where an autoencoder's encoder is kept, for the classifiers that use it.

    Args:
        weights: the seed that they were trained with, or what else they are.
    """
    name = "_".join(re.sub(r"\W+", "-", value) for value in hyperparameters.labels().values())
    return CACHE / f"encoder_{images}_{name}_{weights}.h5"


if __name__ == "__main__":
    main()
