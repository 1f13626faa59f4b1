"""One experiment of each script: build the network, show it, train it, and keep what came of it."""

import platform
import resource
import time
from dataclasses import dataclass
from importlib.metadata import version
from math import prod

import keras
import numpy as np

from utilities import figures, networks, training
from utilities.batches import Examples
from utilities.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters
from utilities.model_files import load_encoder, save_model
from utilities.results import Results, format_results
from utilities.runs import RunFolder

PICTURED_IMAGES = 10
PACKAGES = ("tensorflow", "keras", "numpy")


@dataclass(frozen=True)
class Experiment:
    """What is remembered of an experiment when its network is gone.

    Attributes:
        hyperparameters: the answers it was made with.
        folder: where it is kept; has its history.
    """

    hyperparameters: AutoencoderHyperparameters | ClassifierHyperparameters
    folder: RunFolder

    @property
    def validation_loss(self):
        """The validation loss after the last epoch."""
        return self.folder.history[-1]["val_loss"]

    @property
    def title(self):
        """The hyperparameters in one line."""
        return ", ".join(f"{name} {value}" for name, value in self.hyperparameters.labels().items())


def run_autoencoder(images, split, hyperparameters, arguments):
    """Build and train an autoencoder, and keep the experiment.

    Args:
        images: uint8, (count, rows, columns).
        split: the datasets.Split of the images.
        arguments: the command line's; seed and runs are used.

    Returns:
        The networks.Autoencoder, and its Experiment.
    """
    keras.utils.set_random_seed(arguments.seed)
    autoencoder = networks.build_autoencoder(images.shape[1:], hyperparameters)
    autoencoder.whole.summary(expand_nested=True)
    folder = RunFolder(arguments.runs, "autoencoder", hyperparameters.answers())
    experiment = Experiment(hyperparameters, folder)

    begun = time.perf_counter()
    finished = training.train_autoencoder(autoencoder, images, split, hyperparameters, arguments.seed, folder.add_row)
    summary = _summarise(experiment, arguments, autoencoder.encoder, finished, time.perf_counter() - begun)
    folder.keep("encoder.h5", lambda path: save_model(autoencoder.encoder, path))
    figures.keep(draw_loss(experiment), folder)
    figures.keep(draw_reconstructions(experiment, autoencoder, images[split.validation]), folder)
    folder.keep_summary(summary)
    print(f"\nvalidation mean squared error {experiment.validation_loss:.5f} after {summary['seconds']:.0f} s")
    print(f"a code of {summary['code_size']} numbers for an image of {images[0].size} pixels")
    _tell_folder(folder)
    return autoencoder, experiment


def run_classifier(labelled, split, hyperparameters, arguments):
    """Load the encoder, build and train a classifier on it, and keep the experiment.

    Args:
        labelled: the LabelledImages of the training set.
        split: the datasets.Split of its images.
        arguments: the command line's; modelpath, seed and runs are used.

    Returns:
        The training.TrainedClassifier, and its Experiment.
    """
    keras.utils.set_random_seed(arguments.seed)
    classifier = networks.build_classifier(
        load_encoder(arguments.modelpath), hyperparameters.units, len(labelled.classes)
    )
    classifier.whole.summary(expand_nested=True)
    folder = RunFolder(arguments.runs, "classification", hyperparameters.answers())
    experiment = Experiment(hyperparameters, folder)

    begun = time.perf_counter()
    trained = training.train_classifier(classifier, labelled, split, hyperparameters, arguments.seed, folder.add_row)
    summary = _summarise(experiment, arguments, classifier.encoder, trained.finished, time.perf_counter() - begun)
    folder.keep("classifier.h5", lambda path: save_model(classifier.whole, path))
    figures.keep(draw_loss(experiment), folder)
    folder.keep_summary(summary)
    last = folder.history[-1]
    print(f"\nvalidation cross-entropy {last['val_loss']:.4f}, accuracy {last['val_accuracy']:.2%}", end=" ")
    print(f"after {summary['seconds']:.0f} s")
    _tell_folder(folder)
    return trained, experiment


def _summarise(experiment, arguments, encoder, finished, seconds):
    """Return what repeats and describes an experiment, ready for JSON."""
    return {
        **experiment.hyperparameters.labels(),
        "arguments": {name: str(value) for name, value in vars(arguments).items()},
        "code_size": prod(encoder.output_shape[1:]),
        "epochs_run": len(experiment.folder.history),
        "finished": finished,
        "validation": {k: v for k, v in experiment.folder.history[-1].items() if k.startswith("val_")},
        "seconds": seconds,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def _tell_folder(folder):
    if folder.path:
        print(f"this experiment is kept in {folder.path}")


def draw_loss(experiment):
    """Draw the experiment's history; returns {name: figure}."""
    return {"loss": figures.draw_history(experiment.folder.history, experiment.title)}


def draw_comparison(experiments):
    """Draw the losses of experiments of one script against their hyperparameters; returns {name: figure}."""
    labels = [experiment.hyperparameters.labels() for experiment in experiments]
    values = {name: [label[name] for label in labels] for name in labels[0]}
    losses = [experiment.validation_loss for experiment in experiments]
    return {"hyperparameters": figures.draw_comparison(values, losses)}


def draw_reconstructions(experiment, autoencoder, images):
    """Draw the first of the images, uint8 in (count, rows, columns), and what the autoencoder makes of them."""
    images = images[:PICTURED_IMAGES]
    examples = Examples(images, None, np.arange(len(images)))
    reconstructions = training.predict(autoencoder.whole, examples)[..., 0]
    return {"reconstructions": figures.draw_reconstructions(images, reconstructions, experiment.title)}


def report_on_test_set(trained, test, folder):
    """Print the results of both phases on the test set, and keep them, and their pictures, in a run's folder.

    Args:
        trained: training.TrainedClassifier.
        test: LabelledImages.
    """
    frozen, final = (Results(test.targets, probabilities, test.classes) for probabilities in trained.predict(test))
    report = (
        f"after phase 1 (encoder frozen): test loss {frozen.loss:.4f}, test accuracy {frozen.accuracy:.2%}\n\n"
        f"{format_results(final)}\n"
    )
    print(report)
    folder.keep("results.txt", lambda path: path.write_text(report))
    figures.show(
        {"examples": figures.draw_examples(final, test.images), "confusion": figures.draw_confusion(final)}, folder
    )
