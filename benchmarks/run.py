"""Run experiments through the scripts' own redirected input, one on each processor core at a time.

What they measured is added to results/*.csv.

run.py                      every experiment that has no results yet
run.py autoencoder/layers   those of a group, or of several, with results or without

Encoders and subsets of the images are kept in .cache/: remove it when the training code has changed.
"""

import argparse
import json
import multiprocessing
import os
import queue
import re
import shutil
import sys
import tempfile
import threading
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import numpy as np
from common import answer_lines, describe_machine, read_rows, run_process, write_rows
from experiments import (
    ALL_IMAGES,
    AUTOENCODERS,
    CHANGES,
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

from utilities.data import idx
from utilities.data.datasets import read_images, read_training_set
from utilities.data.principal_components import principal_components
from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.terminal.arguments import TEST_IMAGES, TRAINING_IMAGES, TRAINING_LABELS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CACHE = HERE / ".cache"
SOURCE = HERE.parent / "src"
GROUPS = {
    f"{script}/{name.replace(' ', '-')}": group
    for script, groups in (("autoencoder", AUTOENCODERS), ("classification", CLASSIFIERS))
    for name, group in groups.items()
}
# A program, whose arguments are the folder of the scripts, one of CHANGES, a script and its arguments.
CHANGED = """
import math, os, runpy, sys
from dataclasses import replace
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
_, source, change, *sys.argv = sys.argv
sys.path.insert(0, source)
from utilities.backend import check_backend
check_backend()
import keras
from utilities.network import architecture
from utilities.training import phases, schedule
exec(change)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_being_made = defaultdict(threading.Lock)  # for each file: experiments that run side by side may need the same


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", type=group_name, metavar="GROUP", help=", ".join(GROUPS))
    groups = parser.parse_args().groups
    asked = [experiment for group in groups or GROUPS for experiment in GROUPS[group]]
    # Groups share experiments: each runs once. The first seed of all experiments runs before the second of any.
    waiting = {
        tuple(settings_of(experiment, seed).items()): (experiment, seed)
        for experiment in asked
        for seed in experiment.seeds
        if groups or not rows_of(experiment, [seed])
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
    return settings | experiment.hyperparameters.labels() | {"changed": experiment.changed}


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
    write_rows(RESULTS / f"{script}.csv", [*rows, settings | measured])


def run(experiment, seed):
    """Run one experiment on this thread's processor cores; return what it measured, {column: value}.

    Processor seconds are those of the script from start to end. Unlike those of a clock, they hardly depend on what
    else the machine does.
    """
    answers = answer_lines(experiment.hyperparameters) + ("3\n" if experiment.encoder else "")
    with tempfile.TemporaryDirectory() as folder:
        _, used = run_process(command_of(experiment, seed), folder, answers)
        (kept,) = Path(folder, "runs").iterdir()
        summary = json.loads((kept / "experiment.json").read_text())
        phase_1 = read_rows(kept / "history.csv")[experiment.hyperparameters.epochs - 1]
        if not (experiment.encoder or experiment.changed):
            CACHE.mkdir(exist_ok=True)
            shutil.copy(kept / "encoder.h5", encoder_path(experiment.hyperparameters, experiment.images, seed))
    return {
        "code size": summary["conditions"]["code"],
        **{name.replace("val_", "validation "): value for name, value in summary["validation"].items()},
        **({"frozen": phase_1["val_accuracy"], **test_results(summary["test"])} if experiment.encoder else {}),
        "processor seconds": round(used["cpu_seconds"], 1),
        "machine": describe_machine(cores=1),
    }


def command_of(experiment, seed):
    """Return the command of an experiment's script, for a seed."""
    script = script_of(experiment)
    images, labels = subset(experiment.images, seed)
    command = [SOURCE / script / f"{script}.py", "-d", images, "--seed", seed]
    if experiment.changed:
        command = ["-c", CHANGED, SOURCE, CHANGES[experiment.changed], *command]
    if experiment.encoder:
        command += ["-dl", labels, "-t", TEST_IMAGES, "-model", encoder_of(experiment, seed)]
    return [sys.executable, *command]


def test_results(test):
    """Return the results on the test set, from what experiment.json tells of them, {column: value}."""
    accuracies = {"test accuracy after phase 1": test["after_phase_1"], "test accuracy": test}
    return {name: round(100 * of_one["accuracy"], 2) for name, of_one in accuracies.items()}


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
        make = partial(_in_process, save_untrained_encoder, experiment, seed, path)
    with _being_made[path]:
        if not path.exists():
            make()
    return path


def _in_process(function, *arguments):
    """Call a function in a process of its own, whose memory this one's does not grow by."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pool.submit(function, *arguments).result()


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


def component_encoder(images, size):
    """Return an encoder whose codes are the first ``size`` principal components of images, or all if there are fewer.

    It is a convolution with a kernel as large as the image, so that classification.py takes it like any encoder.

    Args:
        images: uint8, (count, rows, columns, channels).
    """
    import keras

    rows, columns, channels = images.shape[1:]
    points = images.reshape(len(images), -1) / np.float32(255)
    mean = points.mean(axis=0)
    kernel = principal_components(points - mean, size)
    convolution = keras.layers.Conv2D(kernel.shape[1], (rows, columns), padding="valid", name="components")
    encoder = keras.Sequential([keras.Input((rows, columns, channels)), convolution], name="encoder")
    convolution.set_weights([kernel.reshape(rows, columns, channels, -1), -mean @ kernel])
    return encoder


def encoder_path(hyperparameters, images, weights):
    """Return where an autoencoder's encoder is kept, for the classifiers that use it.

    Args:
        weights: the seed that they were trained with, or what else they are.
    """
    name = "_".join(re.sub(r"\W+", "-", value) for value in hyperparameters.labels().values())
    return CACHE / f"encoder_{images}_{name}_{weights}.h5"


if __name__ == "__main__":
    main()
