"""The progress of a training on standard output: how long it takes, a row an epoch, and a live bar on a terminal."""

import math
import statistics
import sys
import time
from collections import deque

import keras

from utilities.terminal.console import REFRESH_SECONDS, can_redraw, clear_line, say, terminal_width

BAR_WIDTH = 20
BLOCKS = "▁▂▃▄▅▆▇█"
SHORTEST_CURVE, LONGEST_CURVE = 3, 40
WORTH_TELLING = 60  # seconds that a training takes
FEWEST_STACKS, FEWEST_SECONDS, MOST_STACKS = 5, 1, 100  # that the pace is told by: the first ones vary
USUAL_SIDE = 28  # of images, in pixels


class Progress(keras.callbacks.Callback):
    """Prints the progress of one ``fit``, with a row for each epoch and, on a terminal, a bar.

    What takes long is told once, from the first steps.

    Args:
        first: the number of the first epoch, from 0.
        epochs: the number of the last one.
        steps: in an epoch.
        image_shape: (rows, columns, channels) of the images; None where it is trained on codes.
    """

    def __init__(self, first, epochs, steps, image_shape=None):
        super().__init__()
        self.first = first
        self.epochs = epochs
        self.steps = steps
        self.image_shape = image_shape
        self.live = can_redraw()
        self.is_paced = False
        self.stacks = 0
        self.seconds = deque(maxlen=MOST_STACKS)  # that each of the last stacks took
        self.losses = []

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock of the epoch."""
        self.epoch = epoch
        self.epoch_begun = self.stack_begun = self.shown = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Redraw the bar, some times a second; what Keras takes for a batch may be a stack of batches."""
        now = time.perf_counter()
        self.stacks += 1
        if self.stacks > 1:  # the first includes tracing
            self.seconds.append(now - self.stack_begun)
        self.stack_begun = now
        if not self.is_paced and len(self.seconds) >= FEWEST_STACKS and sum(self.seconds) >= FEWEST_SECONDS:
            self.is_paced = True
            self._tell_time(self._seconds_left())
        room = terminal_width()  # None once the terminal is closed
        if self.live and room and self.stacks > 1 and now - self.shown >= REFRESH_SECONDS:
            self.shown = now
            print(clear_line() + self._bar(batch + 1, float(logs["loss"]), room - 1), end="", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        """Print the epoch's row in the place of the bar, the first one under its heads."""
        seconds = time.perf_counter() - self.epoch_begun
        begin = f"{self._epoch()} {seconds:6.1f} s"
        metrics = sorted((name for name in logs if not name.startswith("val_")), key=lambda name: name != "loss")
        table = _heads(metrics, len(begin)) if epoch == self.first else []
        values = [_show(name, logs[prefix + name]) for prefix in ("", "val_") for name in metrics]
        table.append(begin + "".join(f"{value:>{_width(metrics)}}" for value in values))
        print((clear_line() if self.live else "") + "\n".join(table), flush=True)
        self.losses.append(logs["val_loss"])

    def on_train_end(self, logs=None):
        """Draw the curve of the validation loss in a line, on a terminal that can show it."""
        drawn = curve(self.losses)
        if self.live and len(self.losses) >= SHORTEST_CURVE and _can_print(drawn):
            print(f"validation loss  {drawn}", flush=True)

    def _tell_time(self, seconds):
        """Say how long it takes, if that is long, and how long images of the usual size would."""
        if seconds < WORTH_TELLING:
            return
        told = ""
        if self.image_shape and (share := USUAL_SIDE**2 / math.prod(self.image_shape[:2])) < 1:
            rows, columns, channels = self.image_shape
            size = f"{rows} x {columns}" + " in colour" * (channels > 1)
            told = f" ({size}: {USUAL_SIDE} x {USUAL_SIDE} would take about {_in_words(seconds * share)})"
        print(clear_line() if self.live else "", end="")
        say(f"about {_in_words(seconds)}{told}")

    def _seconds_left(self):
        """Return how long the other stacks take at the pace of the last ones; 0 while there is no pace."""
        stacks_left = (self.epochs - self.first) * self.steps - self.stacks
        return statistics.median(self.seconds or [0]) * stacks_left

    def _bar(self, step, loss, room):
        share = step / self.steps
        rest = f" {share:4.0%}  {_clock(self._seconds_left())} left  loss {loss:#.4g}"
        width = max(0, min(BAR_WIDTH, room - len(f"{self._epoch()}  {rest}")))
        filled = round(share * width)
        return f"{self._epoch()}  {'#' * filled}{'.' * (width - filled)}{rest}"[:room]

    def _epoch(self):
        return f"epoch {self.epoch + 1:{len(str(self.epochs))}}/{self.epochs}"


def _width(metrics):
    """Return the width of a column: the rows of a classifier, with two metrics, fit in 60 columns too."""
    return 12 if len(metrics) == 1 else 10


def _heads(metrics, indent):
    """Return the two lines of heads over the values: of which images, and which metric."""
    images = (f"{text:>{_width(metrics) * len(metrics)}}" for text in ("training", "validation"))
    names = (f"{name:>{_width(metrics)}}" for name in metrics * 2)
    return [" " * indent + "".join(images), " " * indent + "".join(names)]


def _show(metric, value):
    return f"{value:.2%}" if metric == "accuracy" else f"{value:#.4g}"


def curve(losses):
    """Return losses, (epochs,), as a row of blocks on a logarithmic scale; thinned where there are too many."""
    every = math.ceil(len(losses) / LONGEST_CURVE) or 1
    heights = [math.log(loss) for loss in losses[::every] if 0 < loss < math.inf]
    lowest, highest = min(heights, default=0), max(heights, default=0)
    steps = (len(BLOCKS) - 1) / ((highest - lowest) or 1)
    return "".join(BLOCKS[round((height - lowest) * steps)] for height in heights)


def _can_print(text):
    """Tell whether the encoding of standard output has the characters of a text."""
    encoding = sys.stdout.encoding
    return text.encode(encoding, "replace").decode(encoding) == text


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _in_words(seconds):
    for size, unit, digits in ((3600, "hours", 1), (60, "minutes", 0)):
        if seconds >= 1.95 * size:
            return f"{round(seconds / size, digits):g} {unit}"
    return f"{seconds:.0f} seconds"
