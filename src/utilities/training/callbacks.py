"""What happens at each epoch's end: its row of history, its checkpoint, and a stop that a signal asked for."""

import signal
import sys
import time

import keras

from utilities import system
from utilities.errors import BadInput
from utilities.processes import several_processes


class StopOnSignal(keras.callbacks.Callback):
    """Within it as a context, a signal stops the training at the end of the batch; a second Ctrl-C interrupts as usual.

    Attributes:
        number: the last signal, or None.
    """

    number = None

    def __enter__(self):
        # Of several processes, one that stopped alone would leave the others waiting for its part of the next batch.
        numbers = () if several_processes() else system.ENDING_SIGNALS
        handled = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
        self.before = {number: signal.signal(number, self._request) for number in handled}
        return self

    def __exit__(self, *exception):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _request(self, number, frame):
        self.number = number
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, self.before[signal.SIGINT])
            print("\nstopping at the end of the batch; Ctrl-C again leaves at once", file=sys.stderr)

    def on_train_batch_end(self, batch, logs=None):
        """Stop after the batch. Keras resets ``stop_training`` when it begins, so it is set here."""
        self.model.stop_training = self.number is not None

    on_epoch_end = on_train_batch_end  # a signal may come in the validation


class Record(keras.callbacks.Callback):
    """Keeps each epoch: a row of history, and, if it is whole, a checkpoint with all that it takes to resume exactly.

    A row has phase, epoch, learning_rate, seconds, and the losses and metrics.

    Args:
        model: what is trained; its weights are kept, and the optimizer's.
        plateau: the LowerOnPlateau whose patience is kept; it must be called before.
        earlier_weights: those that the phase before ended with.
    """

    def __init__(self, phase, model, plateau, earlier_weights, folder):
        super().__init__()
        self.phase = phase
        self.trained = model
        self.plateau = plateau
        self.earlier_weights = earlier_weights
        self.folder = folder

    def on_epoch_begin(self, epoch, logs=None):
        """Note the time and the learning rate that the epoch begins with."""
        self.begun = time.perf_counter()
        self.learning_rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch, logs=None):
        """Keep the epoch; if it was cut short, resuming trains it again from its beginning."""
        seconds = time.perf_counter() - self.begun
        row = {"phase": self.phase.name, "epoch": epoch + 1, "learning_rate": self.learning_rate, "seconds": seconds}
        self.folder.add_row(row | logs)
        if self.model.stop_training:
            return
        self.folder.keep_checkpoint(
            {
                "phase": self.phase.name,
                "epochs": epoch + 1,
                "plateau": [self.plateau.best, self.plateau.waited],
                **named_arrays("weight", self.trained.get_weights()),
                **named_arrays("optimizer", [variable.numpy() for variable in self.model.optimizer.variables]),
                **named_arrays("earlier", self.earlier_weights),
            }
        )

    def go_on(self, optimizer):
        """Put back the folder's checkpoint, if it is of this phase; return the number of epochs trained already.

        Raises:
            BadInput: it is of another network.
        """
        if not is_at(self.phase, self.folder):
            return 0
        state = self.folder.checkpoint
        try:
            for variable, value in zip(optimizer.variables, arrays_of(state, "optimizer"), strict=True):
                variable.assign(value)
            self.trained.set_weights(arrays_of(state, "weight"))
            self.plateau.best, self.plateau.waited = state["plateau"]
            return int(state["epochs"])
        except (ValueError, KeyError) as error:
            path = self.folder.path
            raise BadInput(
                f"{path}: cannot be resumed: its checkpoint is of another network or an earlier version; "
                f"begin again with < {path / 'input.txt'}"
            ) from error


def is_at(phase, folder):
    """Tell whether a folder's checkpoint is of a phase."""
    return folder.checkpoint.get("phase") == phase.name


def named_arrays(name, arrays):
    """Return {name and number: array}: a list as a file of arrays keeps it."""
    return {f"{name}_{number:04}": array for number, array in enumerate(arrays)}


def arrays_of(state, name):
    """Return the list that named_arrays made part of what a file keeps."""
    return [state[key] for key in sorted(state) if key.startswith(f"{name}_")]
