"""Predict the time of an epoch on many processes, from constants measured on this machine, and write scaling.md.

python3 benchmarks/performance/scaling.py     with requirements-jax.txt installed; leave the machine alone meanwhile

An epoch of N images in batches of B on P devices takes

    ceil(N / B) x (input x B / P + start + compute x B / P + exchange(P)) seconds.

Each device reads B / P images, then computes on them, at so much an image and so much to start a step. The gradients
are summed along a tree and sent back, and so are each batch normalisation's mean and variance, forwards and backwards:

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
from jobs import DEFAULT

from utilities.network.architecture import autoencoder_size

PAGE = Path(__file__).resolve().parent / "scaling.md"
SHAPE = (28, 28)
HYPERPARAMETERS = DEFAULT
BATCHES = (64, 512)
NUMBERS = (1, 2**22)
IMAGES = 10**8
LARGEST_BATCH = 65_536
PROCESSES = (1, 2, 8, 64, 512)


@dataclass(frozen=True)
class Constants:
    """What a step is made of, in seconds.

    Attributes:
        input: to read and scale an image.
        start: of a step, whatever the batch.
        compute: of an image, forwards and backwards.
        latency: of one message to the next process.
        byte: of a byte on its way to the next process.
    """

    input: float
    start: float
    compute: float
    latency: float
    byte: float

    def exchange(self, processes, weights, sums):
        """Return the seconds that a step's sums over so many processes take: a large one, and so many small ones."""
        hops = 2 * ceil(log2(processes))
        return hops * self.latency * (1 + sums) + 2 * (processes - 1) / processes * 4 * weights * self.byte

    def step(self, processes, batch, weights, sums):
        """Return the seconds of a step's input, compute and exchange."""
        share = ceil(batch / processes)
        return self.input * share, self.start + self.compute * share, self.exchange(processes, weights, sums)


# Not measured, for want of one: a GPU computes an image so many times faster than the processor here, starts a step in
# so many seconds, and reaches the next over such a network. Put your own here.
FASTER = 500
GPU = {"start": 1e-3, "latency": 2e-5, "byte": 1 / 25e9}


def main():
    """Measure the constants, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30, metavar="N", help="of each measurement (30)")
    parser.add_argument("--page", type=Path, default=PAGE, help="what to write (scaling.md, beside this file)")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)  # in a process of its own
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(MEASUREMENTS[arguments.measure](arguments.repeats)))
        return
    here = Constants(**_run("step", 1, arguments.repeats), **_run("exchange", 2, arguments.repeats))
    arguments.page.write_text(format_page(here, arguments.repeats))
    print(arguments.page)


def _run(measurement, processes, repeats):
    """Return what the first of some processes measures, on the loopback."""
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

    whole = networks.build_autoencoder(SHAPE, HYPERPARAMETERS).whole
    network = on_jax.network_of(whole, max(BATCHES))
    network.compile(keras.optimizers.Adam(), "mean_squared_error", [])
    images = np.random.default_rng(0).integers(0, 256, (max(BATCHES) * 2, *SHAPE), np.uint8)
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

    from utilities.training import on_jax

    on_jax.prepare(None)
    sum_all = jax.pmap(lambda values: jax.lax.psum(values, "all"), axis_name="all")
    arrays = [np.ones((1, count), np.float32) for count in NUMBERS]
    small, large = (_seconds(lambda a=a: sum_all(a).block_until_ready(), repeats) for a in arrays)
    jax.distributed.shutdown()
    # Two hops, which take half of the array each.
    return {"latency": small / 2, "byte": max(0, large - small) / (4 * (NUMBERS[1] - NUMBERS[0]))}


def _seconds(act, repeats):
    """Return the median seconds of an act, that of the first time, with its compiling, left out."""
    times = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return median(times[1:])


MEASUREMENTS = {"step": measure_step, "exchange": measure_exchange}


def format_page(here, repeats):
    """Return the page of predictions from the Constants of this machine."""
    shape = HYPERPARAMETERS
    size = autoencoder_size(SHAPE, shape.kernel_sizes, shape.filters, shape.third_pooling)
    sums = 4 * 2 * len(shape.filters)
    gpu = Constants(here.input, compute=here.compute / FASTER, **GPU)
    constants = "\n".join(f"| {name} | {getattr(here, name):.3g} | {getattr(gpu, name):.3g} |" for name in vars(here))
    return f"""# Past one machine: a model of the time

Made by `benchmarks/performance/scaling.py`, which has the model in its first lines. {IMAGES:,} images of 28 x 28
pixels, the default autoencoder ({size.weights:,} weights, {sums} small sums a step), one process a device.

| constant, seconds | measured here | assumed of a GPU |
| --- | --- | --- |
{constants}

Measured: medians of {repeats}, JAX {version("jax")}, Keras {version("keras")}, {os.cpu_count()} cores; the exchange
between two processes on the loopback. No GPU was at hand: its column is assumed, but for the input, and with it the
predictions below.

## The largest batch, {LARGEST_BATCH:,} images

{_table(gpu, size.weights, sums, lambda processes: LARGEST_BATCH)}

Each GPU's share of the batch shrinks as their number grows; the start of a step does not, and the exchange grows. More
GPUs stop being worth while where these two take as long as the share's own input and compute.

## 128 images for each GPU

{_table(gpu, size.weights, sums, lambda processes: 128 * processes)}

Here the share stays, and the exchange alone grows, with the logarithm of the number. The larger a batch, the more
epochs the same loss takes, which no table of seconds shows.
"""


def _table(constants, weights, sums, batch_of):
    lines = ["| GPUs | batch | input, ms | compute, ms | exchange, ms | epoch, s | efficiency |", "| --- " * 7 + "|"]
    alone = None
    for processes in PROCESSES:
        batch = batch_of(processes)
        parts = constants.step(processes, batch, weights, sums)
        epoch = ceil(IMAGES / batch) * sum(parts)
        alone = alone or epoch
        shown = " | ".join(f"{1000 * part:.3g}" for part in parts)
        lines.append(f"| {processes} | {batch:,} | {shown} | {epoch:.4g} | {alone / epoch / processes:.0%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
