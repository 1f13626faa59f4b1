"""The progress of a training on standard output: a live bar on a terminal, one plain line an epoch elsewhere."""

import shutil
import sys
import time

import keras

REFRESH_SECONDS = 0.1
BAR_WIDTH = 20
CLEAR_LINE = "\r\x1b[K"


class Progress(keras.callbacks.Callback):
    """Prints the progress of one ``fit``, from its first epoch up to so many, of so many steps each."""

    def __init__(self, first, epochs, steps):
        super().__init__()
        self.first = first
        self.epochs = epochs
        self.steps = steps
        self.live = sys.stdout.isatty()

    def on_train_begin(self, logs=None):
        """Forget the batches of a training before."""
        self.batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock of the epoch."""
        self.epoch = epoch
        self.epoch_begun = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Redraw the bar, some times a second."""
        now = time.perf_counter()
        self.batches += 1
        if self.batches == 1:
            # The first batch is not counted in the time left: it waits for the network to be compiled.
            self.begun = self.shown = now
        if self.live and now - self.shown >= REFRESH_SECONDS:
            self.shown = now
            print(CLEAR_LINE + self._bar(batch + 1, float(logs["loss"]), now), end="", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        """Print the epoch's line, in the place of the bar."""
        seconds = time.perf_counter() - self.epoch_begun
        names = sorted(logs, key=lambda name: "loss" not in name)
        values = "  ".join(f"{name.replace('val_', 'validation ')} {logs[name]:.4g}" for name in names)
        print(f"{CLEAR_LINE if self.live else ''}{self._heading()}  {seconds:.1f} s  {values}", flush=True)
        epochs_left = self.epochs - epoch - 1  # the bar on a terminal tells the time left by itself
        if not self.live and epoch == self.first and epochs_left and not self.model.stop_training:
            print(f"about {_clock(seconds * epochs_left)} left", flush=True)

    def _bar(self, step, loss, now):
        share = step / self.steps
        left = (now - self.begun) / (self.batches - 1) * ((self.epochs - self.first) * self.steps - self.batches)
        filled = round(share * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        line = f"{self._heading()}  {bar} {share:4.0%}  {_clock(left)} left  loss {loss:.4g}"
        return line[: shutil.get_terminal_size().columns - 1]

    def _heading(self):
        return f"epoch {self.epoch + 1:{len(str(self.epochs))}}/{self.epochs}"


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
