"""One experiment of each script: build the network, show it, train it, and keep what came of it."""

import hashlib
import platform
import resource
import signal
from dataclasses import dataclass
from importlib.metadata import version

import keras

from utilities.network import architecture, memory, networks
from utilities.network.model_files import load_encoder, save_model
from utilities.record import figures
from utilities.record.results import Results, format_results
from utilities.record.runs import RunFolder, as_texts
from utilities.terminal.console import say, terminal_width
from utilities.training import training

PICTURED_IMAGES = 10
MAPPED_IMAGES = 2000
PACKAGES = (keras.backend.backend(), "keras", "numpy")


@dataclass(frozen=True)
class Experiment:
    """What is remembered of an experiment when its network is gone.

    Attributes:
        hyperparameters: the answers it was made with, {name: value} as texts.
        conditions: what else tells it from others, {name: value} as texts: code size, seed, encoder.
        trained_on: which images, and labels; experiments on others are not compared with it.
        folder: where it is kept; has its history.
    """

    hyperparameters: dict[str, str]
    conditions: dict[str, str]
    trained_on: dict[str, str]
    folder: RunFolder

    @property
    def answers(self):
        """The hyperparameters and the conditions."""
        return self.hyperparameters | self.conditions

    @property
    def validation_loss(self):
        """The validation loss after the last epoch."""
        return self.folder.history[-1]["val_loss"]

    @property
    def seconds(self):
        """The seconds that its epochs took."""
        return sum(row["seconds"] for row in self.folder.history)

    @property
    def title(self):
        """The hyperparameters in one line."""
        return show(self.hyperparameters)


def show(values):
    """Return {name: value} in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def run_autoencoder(images, split, hyperparameters, arguments, folder=None):
    """Build and train an autoencoder, and keep the experiment.

    Args:
        images: uint8, (count, rows, columns).
        split: the datasets.Split of the images.
        arguments: the command line's; seed and runs are used.
        folder: the RunFolder of an experiment to go on with; None for a new one.

    Returns:
        The networks.Autoencoder, and its Experiment.
    """
    training.engine.prepare((images.shape, hyperparameters, arguments.seed))
    keras.utils.set_random_seed(arguments.seed)
    autoencoder = networks.build_autoencoder(images.shape[1:], hyperparameters)
    say(f"\n{networks.describe(autoencoder.whole)}\n")
    say(architecture.describe(images.shape[1:], hyperparameters.filters, hyperparameters.third_pooling))
    size = networks.size_of(autoencoder.whole, autoencoder.encoder)
    say(f"size     {memory.describe(size, hyperparameters.batch_size)}")
    folder = folder or RunFolder.create(arguments.runs, "autoencoder", hyperparameters.answers(), vars(arguments))
    conditions = {"code": str(size.code), "seed": str(arguments.seed)}
    trained_on = {"images": str(arguments.data.resolve()), "shape": str(images.shape)}
    experiment = Experiment(hyperparameters.labels(), conditions, trained_on, folder)

    stopped_by = training.train_autoencoder(autoencoder, images, split, hyperparameters, arguments.seed, folder)
    folder.keep("encoder.h5", lambda path: save_model(autoencoder.encoder, path))
    _keep_summary(experiment, arguments, stopped_by)
    figures.keep(draw_loss(experiment), folder)
    figures.keep(draw_reconstructions(experiment, autoencoder, images, split.validation), folder)
    say(f"\nvalidation mean squared error {experiment.validation_loss:.5f} after {experiment.seconds:.0f} s")
    _end(folder, stopped_by)
    return autoencoder, experiment


def run_classifier(labelled, split, hyperparameters, arguments, folder=None):
    """Load the encoder, build and train a classifier on it, and keep the experiment.

    Args:
        labelled: the LabelledImages of the training set.
        split: the datasets.Split of its images.
        arguments: the command line's; modelpath, seed and runs are used.
        folder: the RunFolder of an experiment to go on with; None for a new one.

    Returns:
        The training.TrainedClassifier, and its Experiment.
    """
    training.engine.prepare((labelled.images.shape, hyperparameters, arguments.seed))
    keras.utils.set_random_seed(arguments.seed)
    encoder = load_encoder(arguments.modelpath)
    classifier = networks.build_classifier(encoder, hyperparameters.units, len(labelled.classes))
    say(f"\n{networks.describe(classifier.whole)}\n")
    size = networks.size_of(classifier.whole, encoder)
    say(f"size     {memory.describe(size, hyperparameters.batch_size)}")
    folder = folder or RunFolder.create(arguments.runs, "classification", hyperparameters.answers(), vars(arguments))
    conditions = {"code": str(size.code), "seed": str(arguments.seed), "encoder": _name_encoder(arguments.modelpath)}
    files = {"images": str(arguments.data.resolve()), "labels": str(arguments.datalabels.resolve())}
    trained_on = files | {"shape": str(labelled.images.shape)}
    experiment = Experiment(hyperparameters.labels(), conditions, trained_on, folder)

    trained = training.train_classifier(classifier, labelled, split, hyperparameters, arguments.seed, folder)
    folder.keep("classifier.h5", lambda path: save_model(classifier.whole, path))
    summary = _keep_summary(experiment, arguments, trained.stopped_by)
    figures.keep(draw_loss(experiment), folder)
    loss, accuracy = summary["validation"]["val_loss"], summary["validation"]["val_accuracy"]
    say(f"\nvalidation cross-entropy {loss:.4f}, accuracy {accuracy:.2%} after {experiment.seconds:.0f} s")
    _end(folder, trained.stopped_by)
    return trained, experiment


def _name_encoder(path):
    """Return what tells an encoder file from others: its name, and the beginning of a digest of what is in it."""
    with path.open("rb") as file:
        return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()[:6]}"


def _keep_summary(experiment, arguments, stopped_by):
    """Keep what describes an experiment in its folder, and return it."""
    history = experiment.folder.history
    summary = {
        "finished": stopped_by is None,
        "arguments": as_texts(vars(arguments)),
        "trained_on": experiment.trained_on,
        "hyperparameters": experiment.hyperparameters,
        "conditions": experiment.conditions,
        "epochs_run": len(history),
        "validation": {name: value for name, value in history[-1].items() if name.startswith("val_")},
        "seconds": experiment.seconds,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    experiment.folder.keep_summary(summary)
    return summary


def _end(folder, stopped_by):
    """Tell where an experiment is kept; leave, if it was ended by a signal that asks to."""
    if folder.path:
        say(f"this experiment is kept in {folder.path}")
    if stopped_by not in (None, signal.SIGINT):
        signal.raise_signal(stopped_by)


def draw_loss(experiment):
    """Draw the experiment's history; returns {name: figure}."""
    return {"loss": figures.draw_history(experiment.folder.history, experiment.title)}


def draw_reconstructions(experiment, autoencoder, images, indices):
    """Draw the first of some images, and what the autoencoder makes of them; {name: figure}.

    Args:
        images: uint8, (count, rows, columns).
        indices: those of the images to choose from; no more are copied than are drawn.
    """
    images = images[indices[:PICTURED_IMAGES]]
    reconstructions = training.predict(autoencoder.whole, images)[..., 0]
    return {"reconstructions": figures.draw_reconstructions(images, reconstructions, experiment.title)}


def draw_code_map(experiment, autoencoder, images, indices):
    """Draw the first of some images where their codes put them; arguments and result as of draw_reconstructions."""
    images = images[indices[:MAPPED_IMAGES]]
    codes = training.predict(autoencoder.encoder, images)
    return {"code_map": figures.draw_code_map(images, codes, experiment.title)}


def draw_first_layer(experiment, autoencoder):
    """Draw the kernels of the first layer; {name: figure}."""
    (kernels,) = autoencoder.encoder.get_layer("encoder_1_convolution").get_weights()
    return {"first_layer": figures.draw_kernels(kernels[:, :, 0].transpose(2, 0, 1), experiment.title)}


def report_on_test_set(trained, test, folder):
    """Print the results of both phases on the test set, and keep them, and their pictures, in a run's folder.

    Args:
        trained: training.TrainedClassifier.
        test: LabelledImages.
    """
    frozen, final = (Results(test.targets, probabilities, test.classes) for probabilities in trained.predict(test))
    begin = f"after phase 1 (encoder frozen): test loss {frozen.loss:.4f}, test accuracy {frozen.accuracy:.2%}\n"
    say(f"{begin}\n{format_results(final, terminal_width())}\n")
    folder.keep_text("results.txt", f"{begin}\n{format_results(final)}\n")
    figures.show(
        {"examples": figures.draw_examples(final, test.images), "confusion": figures.draw_confusion(final)}, folder
    )
