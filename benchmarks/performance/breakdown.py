"""Trace an epoch of the default autoencoder, and write the time that each kind of operation takes to breakdown.csv.

python3 benchmarks/performance/breakdown.py     run nothing else meanwhile; page.py makes a table of it
"""

import csv
import os
import re
import tempfile
from collections import Counter
from pathlib import Path

from jobs import BREAKDOWN, DEFAULT
from keras.callbacks import Callback
from keras.utils import set_random_seed
from tensorflow.profiler import experimental as profiler
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from utilities.data.batches import Examples
from utilities.data.datasets import read_images, split_for_validation
from utilities.network.networks import build_autoencoder
from utilities.terminal.arguments import DEFAULT_SEED, TRAINING_IMAGES
from utilities.training import training

IMAGES = 12_000
TRACED = 1  # the second epoch; the first compiles
# The names, in a trace, of threads that compute operations, and of operations: NAME:TYPE.
THREADS = re.compile(r"tf_Compute")
OPERATION = re.compile(r"[^:]+:(\w+)$")
KINDS = {
    "convolution": r"Conv2D$",
    "convolution, gradient of its input": r"Conv2DBackpropInput$",
    "convolution, gradient of its kernel": r"Conv2DBackpropFilter$",
    "convolution by Fourier transform: matrix products, gradients included, and Muon's": r"MatMul",
    "convolution by Fourier transform: transposes": r"Transpose$",
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
        """Start tracing, if this is the epoch to trace."""
        if epoch == TRACED:
            profiler.start(self.folder)
            self.running = True

    def on_epoch_end(self, epoch, logs=None):
        """Stop tracing."""
        if self.running:
            profiler.stop()
            self.running = False


def main():
    """Train, and write the core seconds of each kind of operation, the epoch's seconds and its number of images."""
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
    """Train the default autoencoder for two epochs, as autoencoder.py does; return the number of images."""
    set_random_seed(DEFAULT_SEED)
    images = read_images(TRAINING_IMAGES)[:IMAGES]
    examples = Examples(images, split_for_validation(len(images), DEFAULT_SEED).training)
    model = build_autoencoder(images.shape[1:], DEFAULT).whole
    network, schedule = training.compiled_network(training.RECONSTRUCTION, model, DEFAULT.batch_size, momentum=0.99)
    schedule.begin((TRACED + 1) * len(examples) // DEFAULT.batch_size)
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
    """Return the seconds of each kind of operation, summed over the threads, and the elapsed seconds."""
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
