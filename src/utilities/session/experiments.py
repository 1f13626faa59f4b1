"""One experiment of either script: build the network, show it, train it, and keep what came of it."""

import platform
import signal
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from types import MappingProxyType

import keras

from utilities import system
from utilities.errors import BadInput
from utilities.network import memory, networks
from utilities.network.saving import save_model
from utilities.processes import several_processes
from utilities.record import pictures
from utilities.record.runs import WEIGHTS, RunFolder
from utilities.session.menus import TRAIN_ON, act_on_flags, act_on_menu, draw_loss
from utilities.terminal.arguments import name_of_run
from utilities.terminal.console import say, terminal_width
from utilities.text import gigabytes, printable
from utilities.training import training
from utilities.training.callbacks import arrays_of

LONGEST_FAILURE = 200
ADVICE = "; more epochs, or smaller batches, may help"
SMALLER = "fewer filters or a smaller batch take less, and --resume RUN tries the same again"
PACKAGES = (keras.backend.backend(), "keras", "numpy")


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        models: what the run's folder keeps, each under its own name.
        weights: what the experiment is opened from, and trained on from, {name: array}.
        outcome: what validation measured, in words.
        remarks: lines on how much that is.
        choices: of the menu, those that the script has beside those of both, {number: (text, action on a Console)}.
        graphs: those that the script has beside menus.GRAPHS, of the same form.
        kept_graphs: the numbers of those that the run's folder keeps beside that of the loss.
    """

    models: tuple[keras.Model, ...]
    weights: dict
    outcome: str
    remarks: tuple[str, ...]
    choices: dict
    graphs: dict
    kept_graphs: tuple[int, ...] = ()


def nothing_learnt(baseline):
    """Return a remark on a network that does no better than what these words say."""
    return f"nothing was learnt: {baseline}{ADVICE}"


def _devices():
    """Return in words what computes."""
    cores = system.cores()
    names = Counter(training.engine.devices() or [f"processor, {cores} core{'s' * (cores > 1)}"])
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in names.items())


class Task:
    """What a script trains, again and again, on the same data; each script has its own.

    Its name, ``script``, is the one that its run folders carry. ``kinds_of_weights`` names the lists of weights that
    are kept of a network, its own last. What it does:

    - ``build(hyperparameters)`` returns the network as it begins, a networks.Autoencoder or networks.Classifier, and
      lines that describe it.
    - ``train(network, hyperparameters, folder, begin)`` trains it, and returns its weights, and the signal that stopped
      the training, or None; ``begin`` has the weights that it was given, {name: array}, empty where it is new.
    - ``present(network, weights, folder)`` returns the Trained of a network, which has the weights that the folder's
      experiment ended with.

    Attributes:
        arguments: the command line's.
        split: of the training images.
        data_bytes: that the data take in memory, as memory.training_memory counts them.
        data: the files, {name of the argument: what tells its content from others}.
        conditions: what tells experiments apart beside their answers, seed and code size, {name: text}.
        copied: what a run's folder keeps a copy of, {name of the argument: the file's bytes}.
        about: what else a run's folder tells of the network, {name: value of JSON}.
    """

    copied = MappingProxyType({})

    def __init__(self, arguments, split, data_bytes, data):
        self.arguments = arguments
        self.split = split
        self.data_bytes = data_bytes
        self.data = data
        self.conditions = {}
        self.about = {}
        self._built = None

    def run(self, hyperparameters, folder=None, origin=None, weights=None):
        """Build and train a network, and keep the experiment.

        Args:
            folder: the RunFolder of an experiment to resume, or of a finished one, of which nothing is trained; None
                for a new one.
            origin: the RunFolder of the experiment to train on from.
            weights: that the network is given, {name: array}: those that ``folder``, finished, or ``origin`` ended
                with; None for new ones.

        Returns:
            The Trained, and the RunFolder.
        """
        training.engine.prepare()
        network, lines = self._network(hyperparameters)
        size = networks.size_of(network.whole, network.encoder)
        needed = gigabytes(memory.training_memory(size, hyperparameters.batch_size, self.data_bytes))
        size_line = f"size     {size.weights:,} weights; takes about {needed} to train"
        say(f"\n{networks.describe(network.whole, terminal_width())}\n")
        say("\n".join([*lines, size_line, f"device   {_devices()}"]))
        if weights is not None:
            self._put_weights(network, weights, origin or folder)
        folder = folder or self._begin(hyperparameters, origin)
        if folder.summary.finished:
            trained = self.present(network, weights, folder)
            _report(trained, folder)
            return trained, folder
        weights, stopped_by = self._train(network, hyperparameters, folder, weights or {})
        trained = self.present(network, weights, folder)
        for model in trained.models:
            folder.keep(f"{model.name}.h5", partial(save_model, model))
        folder.keep_arrays(WEIGHTS, weights)
        folder.finish(self._summarise(hyperparameters, size.code, folder, stopped_by is None))
        for draw in [draw_loss, *(trained.graphs[number][1] for number in trained.kept_graphs)]:
            pictures.keep(draw([folder]), folder)
        epoch = folder.history[-1]["epoch"]
        _report(trained, folder, f", stopped in epoch {epoch} of {hyperparameters.epochs}" if stopped_by else "")
        if stopped_by not in (None, signal.SIGINT):  # one that asks to leave
            signal.raise_signal(stopped_by)
        return trained, folder

    def act_on_menu(self, console, experiments, trained, epochs):
        """Act on the command line's wishes after the first experiment, then on the menu; see menus.act_on_menu."""
        if len(experiments) == 1:
            act_on_flags(console, trained, self.arguments)
        return act_on_menu(console, experiments, trained, epochs)

    def _network(self, hyperparameters):
        """Return a network as it begins, and the lines that describe it.

        Where the one before had the same layers and batches it is that one again, since what was traced and compiled
        for it may serve once more. The same seed would draw the same weights.
        """
        alike = replace(hyperparameters, epochs=1)
        if self._built and alike == self._built[0]:
            _, network, lines, weights = self._built
            network.whole.set_weights(weights)
            return network, lines
        training.compiled_network.cache_clear()
        keras.utils.set_random_seed(self.arguments.seed)
        network, lines = self.build(hyperparameters)
        self._built = alike, network, lines, network.whole.get_weights()
        return network, lines

    def _begin(self, hyperparameters, origin):
        """Return the RunFolder of a new experiment; what trains on is repeated by the answers that lead to it."""
        answers = hyperparameters.answers()
        if origin:
            answers = [*origin.summary.answers, str(TRAIN_ON), str(hyperparameters.epochs)]
        name = f"{name_of_run(self.arguments)}_{self.script}"
        arguments = vars(self.arguments)
        return RunFolder.create(self.arguments.runs, name, answers, arguments, self.data, origin, self.copied)

    def _train(self, network, hyperparameters, folder, begin):
        """Return what ``train`` does; mark an experiment that fails of itself, so that it does not stand in the way."""
        if folder.summary.failed:
            folder.keep_summary({"failed": None})
        try:
            return self.train(network, hyperparameters, folder, begin)
        except Exception as error:
            error.advice = SMALLER  # where it is a lack of memory
            if not several_processes():  # of which another may be lost, and that is no fault of the experiment
                folder.keep_summary({"failed": printable(f"{type(error).__name__}: {error}", LONGEST_FAILURE)})
            raise

    def _put_weights(self, network, weights, folder):
        """Give a network the weights that a RunFolder's experiment ended with; check that all of them are its own."""
        try:
            for kind in self.kinds_of_weights:
                network.whole.set_weights(arrays_of(weights, kind))
        except (ValueError, TypeError) as error:
            raise BadInput(f"{folder.path}: cannot be opened: damaged, or of another version") from error

    def _summarise(self, hyperparameters, code_size, folder, finished):
        """Return what is known of an experiment when its training has ended."""
        before = folder.summary.epochs_before
        epochs = {"epochs": f"{before} + {hyperparameters.epochs}"} if before else {}
        return {
            "finished": finished,
            "hyperparameters": hyperparameters.values() | epochs,
            "conditions": {"code": code_size, "seed": self.arguments.seed, **self.conditions},
            **self.about,
            "epochs_run": len(folder.history),
            "validation": {name: value for name, value in folder.outcome.items() if name.startswith("val_")},
            "seconds": sum(row["seconds"] for row in folder.history),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        }


def _report(trained, folder, stopped=""):
    """Say what came of an experiment; whoever ``stopped`` it, as these words tell, needs no advice."""
    say(f"\nafter {folder.summary.seconds:.0f} s{stopped}: validation {trained.outcome}")
    for remark in trained.remarks:
        say(remark.removesuffix(ADVICE) if stopped else remark)
    if folder.is_kept:
        say(f"this experiment is kept in {folder.path}")
