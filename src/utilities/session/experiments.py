"""One experiment of either script: build the network, show it, train it, and keep what came of it."""

import platform
import signal
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import keras

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
class Trained:
    """What came of a training.

    Attributes:
        model: what the run's folder keeps, under its own name.
        outcome: what validation measured, in words.
        baseline: what does as well where the network learnt nothing, in words; None where it learnt something.
        stopped_by: the signal that stopped the training, or None.
        choices: of the menu, those that the script has beside those of both, {number: (text, action on a Console)}.
        graphs: those that the script has beside menus.GRAPHS, of the same form.
        kept_graphs: the numbers of those that the run's folder keeps beside that of the loss.
    """

    model: keras.Model
    outcome: str
    baseline: str | None
    stopped_by: int | None
    choices: dict
    graphs: dict
    kept_graphs: tuple[int, ...] = ()


class Task:
    """What a script trains, again and again, on the same data; each script has its own.

    Its name, ``script``, is the one that its run folders carry. ``build(hyperparameters)`` returns the network as it
    begins, a networks.Autoencoder or networks.Classifier, and lines that describe it; ``train(network,
    hyperparameters, folder)`` trains it, and returns a Trained.

    Attributes:
        arguments: the command line's.
        split: of the training images.
        data_bytes: that the data take in memory, as memory.training_memory counts them.
        trained_on: the files of images and labels, {path: shape and checksum}; experiments on others are not compared.
        data: all files that training depends on, {path: what tells its content from others}.
        conditions: what tells experiments apart beside their answers, seed and code size, {name: text}.
    """

    act_on_menu = staticmethod(act_on_menu)  # for the loop, which is imported before Keras is

    def __init__(self, arguments, split, data_bytes, trained_on):
        self.arguments = arguments
        self.split = split
        self.data_bytes = data_bytes
        self.trained_on = self.data = trained_on
        self.conditions = {}

    def run(self, hyperparameters, folder=None):
        """Build and train a network, and keep the experiment.

        Args:
            folder: the RunFolder of an experiment to resume; None for a new one.

        Returns:
            The Trained, and the Experiment.
        """
        training.engine.prepare((tuple(self.data.values()), hyperparameters, self.arguments.seed))
        keras.utils.set_random_seed(self.arguments.seed)
        network, lines = self.build(hyperparameters)
        size = networks.size_of(network.whole, network.encoder)
        size_line = f"size     {memory.describe(size, hyperparameters.batch_size, self.data_bytes)}"
        say(f"\n{networks.describe(network.whole, terminal_width())}\n")
        say("\n".join([*lines, size_line]))
        folder = folder or RunFolder.create(
            self.arguments.runs, self.script, hyperparameters.answers(), vars(self.arguments), self.data
        )
        trained = self.train(network, hyperparameters, folder)
        folder.keep(f"{trained.model.name}.h5", partial(save_model, trained.model))
        folder.keep_summary(self._summarise(hyperparameters, size.code, folder, trained.stopped_by is None))
        experiment = Experiment.of(folder)
        drawings = [draw_loss, *(trained.graphs[number][1] for number in trained.kept_graphs)]
        for draw in drawings:
            pictures.keep(draw([experiment]), folder)
        say(f"\nvalidation {trained.outcome} after {experiment.seconds:.0f} s")
        if trained.baseline:
            say(f"nothing was learnt: {trained.baseline}; more epochs, or smaller batches, may help")
        if folder.path:
            say(f"this experiment is kept in {folder.path}")
        if trained.stopped_by not in (None, signal.SIGINT):  # one that asks to leave
            signal.raise_signal(trained.stopped_by)
        return trained, experiment

    def _summarise(self, hyperparameters, code_size, folder, finished):
        """Return what is known of an experiment when its training has ended."""
        return {
            "finished": finished,
            "trained_on": self.trained_on,
            "hyperparameters": hyperparameters.labels(),
            "conditions": {"code": str(code_size), "seed": str(self.arguments.seed), **self.conditions},
            "epochs_run": len(folder.history),
            "validation": {name: value for name, value in folder.outcome.items() if name.startswith("val_")},
            "seconds": sum(row["seconds"] for row in folder.history),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        }
