"""Trace an epoch of the default autoencoder, and write which operations its time goes to into breakdown.csv.

python3 benchmarks/performance/breakdown.py     leave the machine alone meanwhile; page.py makes a table of it
"""

import csv
import os
import re
import tempfile
from collections import Counter
from pathlib import Path

from jobs import DEFAULT
from keras.callbacks import Callback
from keras.optimizers import Adam
from keras.utils import set_random_seed
from tensorflow.profiler import experimental as profiler
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from utilities.data.batches import Examples
from utilities.data.datasets import read_images, split_for_validation
from utilities.network.networks import build_autoencoder
from utilities.terminal.arguments import DEFAULT_SEED, TRAINING_IMAGES
from utilities.training import training

BREAKDOWN = Path(__file__).with_name("breakdown.csv")
IMAGES = 12_000
TRACED = 1  # the second epoch; the first compiles
# What a thread that computes operations is called in a trace, and the names that TensorFlow gives to an operation's
# computation: NAME:TYPE.
THREADS = re.compile(r"tf_Compute")
OPERATION = re.compile(r"[^:]+:(\w+)$")
KINDS = {
    "convolution": r"Conv2D$",
    "convolution, gradient of its input": r"Conv2DBackpropInput$",
    "convolution, gradient of its kernel": r"Conv2DBackpropFilter$",
    "convolution by transforms, and their gradients: matrix products": r"MatMul",
    "convolution by transforms: turning the maps over": r"Transpose$",
    "batch normalisation and its gradient": r"BatchNorm",
    "pooling and its gradient": r"MaxPool",
    "all else": r"",
}


class TraceEpoch(Callback):
    """Traces one epoch's training, without its validation, into a folder."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.running = False

    def on_epoch_begin(self, epoch, logs=None):
        """Begin, if it is the epoch."""
        if epoch == TRACED:
            profiler.start(self.folder)
            self.running = True

    def on_epoch_end(self, epoch, logs=None):
        """End."""
        if self.running:
            profiler.stop()
            self.running = False


def main():
    """Train, and write how many seconds of the cores the operations of each kind took, and the epoch and its images."""
    with tempfile.TemporaryDirectory() as folder:
        images = train(TraceEpoch(folder))
        (path,) = Path(folder).rglob("*.xplane.pb")
        seconds, wall = read_trace(path)
    with BREAKDOWN.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows((kind, f"{seconds[kind]:.4g}") for kind in KINDS)
        writer.writerow(("waiting", f"{wall * len(os.sched_getaffinity(0)) - seconds.total():.4g}"))
        writer.writerow(("epoch", f"{wall:.4g}"))
        writer.writerow(("images", images))


def train(callback):
    """Train the default autoencoder for two epochs, as autoencoder.py does; return how many images are in one."""
    set_random_seed(DEFAULT_SEED)
    images = read_images(TRAINING_IMAGES)[:IMAGES]
    examples = Examples(images, split_for_validation(len(images), DEFAULT_SEED).training)
    network = training.engine.network_of(build_autoencoder(images.shape[1:], DEFAULT).whole, DEFAULT.batch_size)
    network.compile(Adam(1e-3), loss="mean_squared_error", metrics=[])
    network.fit(
        training.engine.training_data(examples, DEFAULT.batch_size, range(TRACED + 1), DEFAULT_SEED),
        epochs=TRACED + 1,
        steps_per_epoch=training.engine.steps_per_epoch(examples, DEFAULT.batch_size),
        shuffle=False,
        callbacks=[callback],
        verbose=0,
    )
    return len(examples)


def read_trace(path):
    """Return the seconds of each kind of operation, on all threads, and the seconds of the clock."""
    space = xplane_pb2.XSpace.FromString(path.read_bytes())
    seconds, begins, ends = Counter(), [], []
    for plane in space.planes:
        for line in plane.lines:
            if not THREADS.match(line.name):
                continue
            for event in line.events:
                operation = OPERATION.match(plane.event_metadata[event.metadata_id].name)
                if operation:
                    begins.append(line.timestamp_ns * 1e-9 + event.offset_ps * 1e-12)
                    ends.append(begins[-1] + event.duration_ps * 1e-12)
                    kind = next(kind for kind, pattern in KINDS.items() if re.search(pattern, operation[1]))
                    seconds[kind] += event.duration_ps * 1e-12
    return seconds, max(ends) - min(begins)


if __name__ == "__main__":
    main()
