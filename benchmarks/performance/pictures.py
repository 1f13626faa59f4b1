"""Measure how fast dataset.py converts pictures, as a share of what Pillow alone decodes in as many processes.

python3 benchmarks/performance/pictures.py [--count N]

Pillow alone opens each file and decodes it to the same mode, in processes that are started before the clock. Both take
turns, five times; the medians count, and of the shares the least and the greatest are printed too. The script is timed
by its own clock, which leaves out imports and questions, but not compressing and writing the images.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from machine import describe_machine
from PIL import Image

SOURCE = Path(__file__).resolve().parents[2] / "src"
ROUNDS = 5
# (suffix, rows and columns, channels, sides of the images made of them)
SETS = {
    "digits, PNG of 28 x 28": (".png", 28, 1, "28"),
    "thumbnails, PNG of 64 x 64": (".png", 64, 3, "56"),
    "photographs, JPEG of 400 x 400": (".jpg", 400, 3, "56"),
}
MODES = {1: "L", 3: "RGB"}


def main():
    """Measure each set of pictures, and print a line on each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000, metavar="N", help="pictures of a set (default: 4000)")
    count = parser.parse_args().count
    print(f"{describe_machine()}, Pillow {Image.__version__}; {count} pictures, {ROUNDS} rounds")
    for name, (suffix, side, channels, sides) in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = write_pictures(Path(folder, "photos"), count, suffix, side, channels)
            seconds = []
            for _ in range(ROUNDS):
                seconds.append((decode_alone(paths, MODES[channels]), convert(folder, sides, channels)))
        alone, ours = np.median(seconds, axis=0)
        shares = sorted(alone / ours for alone, ours in seconds)
        print(
            f"{name}: Pillow alone {count / alone:,.0f} a second, dataset.py {count / ours:,.0f}: "
            f"{alone / ours:.0%} ({shares[0]:.0%} to {shares[-1]:.0%})",
            flush=True,
        )


def write_pictures(folder, count, suffix, side, channels):
    """Write pictures of smooth shapes with some noise, in two classes; return their paths."""
    random, paths = np.random.default_rng(0), []
    rows, columns = np.mgrid[:side, :side] / side
    for number in range(count):
        x, y, width = random.uniform(0.2, 0.8, 3)
        shape = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (0.1 * width) ** 2)
        pixels = 255 * shape[..., None] * random.uniform(0.5, 1, channels)
        pixels += random.normal(0, 4, pixels.shape) * (pixels > 8)
        path = folder / "ab"[number % 2] / f"{number:06}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8).squeeze()).save(path)
        paths.append(path)
    return paths


def decode(mode, path):
    """Open and decode a picture."""
    with Image.open(path) as picture:
        picture.convert(mode)


def decode_alone(paths, mode):
    """Return the seconds that Pillow takes for all pictures, with a process for each core."""
    processes = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(abs, range(processes)))  # starts them
        begun = time.perf_counter()
        list(pool.map(partial(decode, mode), paths, chunksize=64))
        return time.perf_counter() - begun


def convert(folder, sides, channels):
    """Return the seconds that dataset.py says it took for the pictures."""
    flags = ["--sides", sides, "--colour" if channels == 3 else "--grey", "--no-invert", "--test-share", "1/6"]
    command = [sys.executable, SOURCE / "dataset" / "dataset.py", "-d", "photos", "-o", "out", *flags]
    done = subprocess.run(
        list(map(str, command)), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    return float(re.search(r"pictures in ([\d.]+) s", done.stdout)[1])


if __name__ == "__main__":
    main()
