"""What textbook.py and pytorch.py share: the command line that describes a job, the data, and the clock."""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np

POOLINGS = (2, 2, 7)
CLASSES = 10
HELD_OUT = 10  # the images are divided by it: that many are for validation


def parse_arguments(description):
    """Return the job: the data, the answers to the scripts' questions, and the seed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--images", required=True, help="IDX file of 28 x 28 pixels")
    parser.add_argument("--labels", help="IDX file, for a classifier; without it an autoencoder is trained")
    parser.add_argument("--kernels", type=int, nargs=3, required=True)
    parser.add_argument("--filters", type=int, nargs=3, required=True)
    parser.add_argument("--units", type=int)
    parser.add_argument("--phases", type=int, choices=(1, 2), help="of the classifier")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compiled", action="store_true", help="for PyTorch")
    return parser.parse_args()


def read_idx(path):
    """Return the array of unsigned bytes that an IDX file holds."""
    content = Path(path).read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    rank = content[3]
    sizes = np.frombuffer(content, ">u4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(sizes)


class Stopwatch:
    """Measures the seconds since it was made, when training begins."""

    def __init__(self):
        self.begun = time.perf_counter()

    def print_seconds(self):
        """Print the seconds, as the last line of output."""
        print(json.dumps({"seconds": time.perf_counter() - self.begun}))
