"""Predict the time of an epoch on many processes, from constants measured on this machine, and write scaling.md.

python3 benchmarks/performance/scaling.py     with requirements-jax.txt installed; run nothing else meanwhile

An epoch of N images in batches of B on P devices takes

    ceil(N / B) x (input x B / P + start + compute x B / P + exchange(P)) seconds.

Each device reads B / P images and trains on them; a step has a fixed cost, *start*, and a cost per image, *compute*.
The gradients are summed along a tree and sent back, and so are the mean and the variance of each batch normalisation,
in the forward and in the backward pass:

    exchange(P) = 2 log2(P) x latency x sums + 2 (P - 1) / P x byte x bytes of the gradients seconds.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from math import ceil, log2
from pathlib import Path
from statistics import median

import numpy as np
from jobs import DEFAULT, HERE
from markdown_table import markdown_table
from run import IMAGE_SHAPE

from utilities.network.architecture import autoencoder_size

PAGE = HERE / "scaling.md"
BATCHES = (64, 512)
NUMBERS = (1, 2**22)
IMAGES = 10**8
LARGEST_BATCH = 65_536
BATCH_OF_DEVICE = 128
PROCESSES = (1, 2, 8, 64, 512)


@dataclass(frozen=True)
class Constants:
    """The constants of the model, in seconds.

    Attributes:
        input: to read and scale an image.
        start: the fixed cost of a step.
        compute: of an image, in the forward and the backward pass.
        latency: of a message to another process.
        byte: to send a byte to another process.
    """

    input: float
    start: float
    compute: float
    latency: float
    byte: float

    def exchange(self, processes, weights, sums):
        """Return the seconds in which processes sum a step's gradients, and as many small arrays as ``sums``."""
        hops = 2 * ceil(log2(processes))
        return hops * self.latency * (1 + sums) + 2 * (processes - 1) / processes * 4 * weights * self.byte

    def step(self, processes, batch, weights, sums):
        """Return the seconds of a step's input, compute and exchange."""
        share = ceil(batch / processes)
        return self.input * share, self.start + self.compute * share, self.exchange(processes, weights, sums)


# Assumed of a GPU, not measured: how many times faster than this processor it computes an image, and its other
# constants. Put your own here.
FASTER = 500
GPU = {"start": 1e-3, "latency": 2e-5, "byte": 1 / 25e9}


def main():
    """Measure the constants, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30, metavar="N", help="of each measurement (%(default)s)")
    parser.add_argument("--page", type=Path, default=PAGE, help="file to write (scaling.md, beside this file)")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)  # in a process of its own
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(MEASUREMENTS[arguments.measure](arguments.repeats)))
        return
    here = Constants(**_run("step", 1, arguments.repeats), **_run("exchange", 2, arguments.repeats))
    arguments.page.write_text(format_page(here, arguments.repeats))
    print(arguments.page)


def _run(measurement, processes, repeats):
    """Run a measurement in several processes at once, over the loopback; return what the first measured."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    job = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": str(processes)}
    command = [sys.executable, __file__, "--measure", measurement, "--repeats", str(repeats)]
    running = [
        subprocess.Popen(
            command,
            env={
                **os.environ,
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "KERAS_BACKEND": "jax",
                **job,
                "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    outputs = [process.communicate()[0] for process in running]
    return json.loads(outputs[0].splitlines()[-1])


def measure_step(repeats):
    """Return the constants of a step on one process: input, start and compute."""
    import keras

    from utilities.data.batches import Examples
    from utilities.network import networks
    from utilities.training import on_jax

    whole = networks.build_autoencoder(IMAGE_SHAPE, DEFAULT).whole
    network = on_jax.network_of(whole, max(BATCHES))
    network.compile(keras.optimizers.Adam(), "mean_squared_error", [])
    images = np.random.default_rng(0).integers(0, 256, (max(BATCHES) * 2, *IMAGE_SHAPE), np.uint8)
    seconds, reading = [], []
    for size in BATCHES:
        data = on_jax.training_data(Examples(images, np.arange(len(images))), size, range(1), seed=1)
        reading.append(_seconds(lambda data=data: data[0], repeats) / size)
        batch = data[0]
        seconds.append(_seconds(lambda batch=batch: network.train_on_batch(*batch), repeats))
    compute = (seconds[1] - seconds[0]) / (BATCHES[1] - BATCHES[0])
    return {"input": min(reading), "compute": compute, "start": max(0, seconds[0] - compute * BATCHES[0])}


def measure_exchange(repeats):
    """Return the constants of an exchange between two processes: latency and byte."""
    import jax

    from utilities.processes import join_job
    from utilities.training import on_jax

    join_job()
    on_jax.prepare()
    sum_all = jax.pmap(lambda values: jax.lax.psum(values, "all"), axis_name="all")
    arrays = [np.ones((1, count), np.float32) for count in NUMBERS]
    small, large = (_seconds(lambda a=a: sum_all(a).block_until_ready(), repeats) for a in arrays)
    jax.distributed.shutdown()
    # Two messages, each with half of the array.
    return {"latency": small / 2, "byte": max(0, large - small) / (4 * (NUMBERS[1] - NUMBERS[0]))}


def _seconds(act, repeats):
    """Return the median seconds of a function call; the first call, which compiles, is left out."""
    times = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return median(times[1:])


MEASUREMENTS = {"step": measure_step, "exchange": measure_exchange}


def format_page(here, repeats):
    """Return the page of predictions, from the Constants of this machine."""
    size = autoencoder_size(IMAGE_SHAPE, DEFAULT.kernel_sizes, DEFAULT.filters, DEFAULT.third_pooling)
    sums = 4 * 2 * len(DEFAULT.filters)
    gpu = Constants(here.input, compute=here.compute / FASTER, **GPU)
    constants = [[name, f"{value:.3g}", f"{getattr(gpu, name):.3g}"] for name, value in vars(here).items()]
    return f"""# Past one machine: a model of the time

Made by `benchmarks/performance/scaling.py`, which explains the model in its first lines. {IMAGES:,} images of 28 x 28
pixels, the default autoencoder ({size.weights:,} weights, {sums} small sums a step), one process a device.

{markdown_table(["constant, seconds", "measured here", "assumed of a GPU"], constants)}

Measured: medians of {repeats}, JAX {version("jax")}, Keras {version("keras")}, {os.cpu_count()} cores; the exchange
between two processes on the loopback. No GPU was at hand: its column is assumed, but for the input, and with it the
predictions below.

## The largest batch, {LARGEST_BATCH:,} images

{_predictions(gpu, size.weights, sums, lambda processes: LARGEST_BATCH)}

The more GPUs, the smaller each one's share of the batch; the start of a step stays the same, and the exchange grows.
More GPUs stop being worth while where these two take as long as input and compute of a share.

## {BATCH_OF_DEVICE} images for each GPU

{_predictions(gpu, size.weights, sums, lambda processes: BATCH_OF_DEVICE * processes)}

Here the share stays the same, and only the exchange grows, with the logarithm of the number of GPUs. The larger a
batch, the more epochs it takes to reach the same loss, which these tables do not show.
"""


def _predictions(constants, weights, sums, batch_of):
    rows, alone = [], None
    for processes in PROCESSES:
        batch = batch_of(processes)
        parts = constants.step(processes, batch, weights, sums)
        epoch = ceil(IMAGES / batch) * sum(parts)
        alone = alone or epoch
        milliseconds = [f"{1000 * part:.3g}" for part in parts]
        rows.append([f"{processes}", f"{batch:,}", *milliseconds, f"{epoch:.4g}", f"{alone / epoch / processes:.0%}"])
    heads = ["GPUs", "batch", "input, ms", "compute, ms", "exchange, ms", "epoch, s", "efficiency"]
    return markdown_table(heads, rows)


if __name__ == "__main__":
    main()
