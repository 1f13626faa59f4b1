"""One experiment of either script: build the network, show it, train it, and keep what came of it."""

import platform
import resource
import signal
from abc import ABC, abstractmethod
from argparse import Namespace
from dataclasses import dataclass
from importlib.metadata import version

import keras

from utilities.data.datasets import Split
from utilities.network import memory, networks
from utilities.network.saving import save_model
from utilities.record import pictures
from utilities.record.experiment import Experiment
from utilities.record.runs import RunFolder
from utilities.session.menus import act_on_menu, draw_loss
from utilities.terminal.console import say, terminal_width
from utilities.training import training

PACKAGES = (keras.backend.backend(), "keras", "numpy")


@dataclass(frozen=True)
class Task(ABC):
    """What a script trains, again and again, on the same data; each script has its own.

    Attributes:
        arguments: the command line's.
        split: of the training images.
        data_bytes: that the data take in memory, as memory.training_memory counts them.
    """

    arguments: Namespace
    split: Split
    data_bytes: int

    script = ""  # its name, which its run folders carry

    @property
    @abstractmethod
    def trained_on(self):
        """The files of images and labels, {path: shape and checksum}; experiments on others are not compared."""

    @property
    def data(self):
        """All files that training depends on, {path: what tells its content from others}."""
        return self.trained_on

    @property
    def conditions(self):
        """What tells experiments apart beside their answers, seed and code size, {name: text}."""
        return {}

    @abstractmethod
    def build(self, hyperparameters):
        """Return the network as it begins, with its parts: a networks.Autoencoder or networks.Classifier."""

    def describe(self, hyperparameters):
        """Return lines about the network, beside the table of its layers and its size."""
        return []

    @abstractmethod
    def train(self, network, hyperparameters, folder):
        """Train the network; return what the menu works on, and the signal that stopped the training, or None."""

    @abstractmethod
    def model_to_keep(self, network):
        """Return the model that the run's folder keeps, under its own name."""

    def draw(self, experiment, trained):
        """Return the drawings that the run's folder keeps beside that of the loss, as pictures.keep takes them."""
        return {}

    @abstractmethod
    def tell_outcome(self, losses):
        """Return what validation measured, {name: value}, in words."""

    def graphs(self, trained, experiments):
        """Return the graphs that this script has beside those of both, {number: (text, function that draws it)}."""
        return {}

    @abstractmethod
    def choices(self, console, trained, experiments):
        """Return the choices that this script's menu has beside those of both, {number: (text, action)}."""

    def run(self, hyperparameters, folder=None):
        """Build and train a network, and keep the experiment.

        Args:
            folder: the RunFolder of an experiment to resume; None for a new one.

        Returns:
            What the menu works on, and the Experiment.
        """
        training.engine.prepare((tuple(self.data.values()), hyperparameters, self.arguments.seed))
        keras.utils.set_random_seed(self.arguments.seed)
        network = self.build(hyperparameters)
        size = networks.size_of(network.whole, network.encoder)
        size_line = f"size     {memory.describe(size, hyperparameters.batch_size, self.data_bytes)}"
        say(f"\n{networks.describe(network.whole, terminal_width())}\n")
        say("\n".join([*self.describe(hyperparameters), size_line]))
        folder = folder or RunFolder.create(
            self.arguments.runs, self.script, hyperparameters.answers(), vars(self.arguments), self.data
        )
        conditions = {"code": str(size.code), "seed": str(self.arguments.seed), **self.conditions}
        experiment = Experiment(hyperparameters.labels(), conditions, self.trained_on, folder)

        trained, stopped_by = self.train(network, hyperparameters, folder)
        self._keep(experiment, self.model_to_keep(network), trained, stopped_by)
        say(f"\nvalidation {self.tell_outcome(folder.history[-1])} after {experiment.seconds:.0f} s")
        if folder.path:
            say(f"this experiment is kept in {folder.path}")
        if stopped_by not in (None, signal.SIGINT):  # one that asks to leave
            signal.raise_signal(stopped_by)
        return trained, experiment

    def act_on_menu(self, console, trained, experiments):
        """Act on the menu after a training, until the user leaves (False) or repeats (True)."""
        return act_on_menu(
            console, experiments, self.graphs(trained, experiments), self.choices(console, trained, experiments)
        )

    def _keep(self, experiment, model, trained, stopped_by):
        folder = experiment.folder
        folder.keep(f"{model.name}.h5", lambda path: save_model(model, path))
        folder.keep_summary(_summarise(experiment, stopped_by))
        pictures.keep(draw_loss(experiment) | self.draw(experiment, trained), folder)


def _summarise(experiment, stopped_by):
    """Return what is known of an experiment when its training has ended."""
    history = experiment.folder.history
    return {
        "finished": stopped_by is None,
        "trained_on": experiment.trained_on,
        "hyperparameters": experiment.hyperparameters,
        "conditions": experiment.conditions,
        "epochs_run": len(history),
        "validation": {name: value for name, value in history[-1].items() if name.startswith("val_")},
        "seconds": sum(row["seconds"] for row in history),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
