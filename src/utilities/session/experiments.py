"""One experiment of either script: build the network, show it, train it, and keep what came of it."""

import math
import platform
import signal
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from types import MappingProxyType

import keras

from utilities import system
from utilities.errors import BadInput
from utilities.network import memory, networks
from utilities.network.saving import save_model
from utilities.processes import several_processes
from utilities.record import pictures
from utilities.record.run_list import runs_of
from utilities.record.runs import WEIGHTS, RunFolder
from utilities.session.menus import TRAIN_ON, draw_loss
from utilities.terminal.arguments import SOURCE, name_of_run
from utilities.terminal.console import say, terminal_width
from utilities.text import gigabytes, printable
from utilities.training import training
from utilities.training.callbacks import arrays_of

LONGEST_FAILURE = 200
ADVICE = "; more epochs, or smaller batches, may help"
SMALLER = "fewer filters or a smaller batch take less, and --resume RUN tries the same again"
PACKAGES = (keras.backend.backend(), "keras", "numpy")
_newest = {}  # the network that was built last, by its layers


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


@cache
def _versions():
    """Return {name: version} of what computes, this program's own as a checksum of its modules."""
    program = b"".join(path.read_bytes() for path in sorted((SOURCE / "utilities").rglob("*.py")))
    packages = {name: version(name) for name in PACKAGES}
    return {"program": f"{zlib.crc32(program):08x}", "python": platform.python_version(), **packages}


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
        network = self._network(hyperparameters)
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
        code = math.prod(network.encoder.output_shape[1:])
        folder.finish(self._summarise(hyperparameters, code, folder, stopped_by is None))
        for draw in [draw_loss, *(trained.graphs[number][1] for number in trained.kept_graphs)]:
            pictures.keep(draw([folder]), folder)
        epoch = folder.history[-1]["epoch"]
        _report(trained, folder, f", stopped in epoch {epoch} of {hyperparameters.epochs}" if stopped_by else "")
        if stopped_by not in (None, signal.SIGINT):  # one that asks to leave
            signal.raise_signal(stopped_by)
        return trained, folder

    def _network(self, hyperparameters):
        """Return a network as it begins, and describe it.

        Where the one before has the same layers it is that one again, with new weights, since what was traced and
        compiled for it may serve once more; it is described already.
        """
        keras.utils.set_random_seed(self.arguments.seed)
        network, lines = self.build(hyperparameters)
        layers = network.whole.to_json()
        if layers in _newest:
            _newest[layers].whole.set_weights(network.whole.get_weights())
        else:
            training.compiled_network.cache_clear()
            _newest.clear()
            _newest[layers] = network
            self._describe(network, lines, hyperparameters.batch_size)
        return _newest[layers]

    def _describe(self, network, lines, batch_size):
        size = networks.size_of(network.whole, network.encoder)
        needed = gigabytes(memory.training_memory(size, batch_size, self.data_bytes))
        size_line = f"size     {size.weights:,} weights; takes about {needed} to train"
        say(f"\n{networks.describe(network.whole, terminal_width())}\n")
        say("\n".join([*lines, size_line, f"device   {_devices()}"]))

    def _begin(self, hyperparameters, origin):
        """Return the RunFolder of a new experiment; what trains on is repeated by the answers that lead to it."""
        answers = hyperparameters.answers()
        if origin:
            answers = [*origin.summary.answers, str(TRAIN_ON), str(hyperparameters.epochs)]
        name = f"{name_of_run(self.arguments)}_{self.script}"
        arguments = vars(self.arguments)
        folder = RunFolder.create(self.arguments.runs, name, answers, arguments, self.data, origin, self.copied)
        folder.keep_summary({"versions": _versions()})
        return folder

    def find(self, hyperparameters):
        """Return the RunFolder of the same experiment, made by the same versions, finished or not; None for none."""
        made = {"answers": hyperparameters.answers(), "data": self.data, "parent": None, "versions": _versions()}
        for _, folder in reversed(runs_of(self.arguments.runs, self.script)):
            summary = folder and folder.summary
            if (
                summary
                and summary.arguments["seed"] == self.arguments.seed
                and all(getattr(summary, name) == value for name, value in made.items())
            ):
                return folder
        return None

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
        }


def _report(trained, folder, stopped=""):
    """Say what came of an experiment; whoever ``stopped`` it, as these words tell, needs no advice."""
    say(f"\nafter {folder.summary.seconds:.0f} s{stopped}: validation {trained.outcome}")
    for remark in trained.remarks:
        say(remark.removesuffix(ADVICE) if stopped else remark)
    if folder.is_kept:
        say(f"this experiment is kept in {folder.path}")
