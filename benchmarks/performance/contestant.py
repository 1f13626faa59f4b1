"""What textbook.py and pytorch.py share: the command line that describes a job, the data, what each epoch prints."""

import argparse
import gzip
import json
from pathlib import Path

import numpy as np

POOLINGS = (2, 2, 7)
CLASSES = 10
HELD_OUT = 10  # the images are divided by it: that many are for validation
PHASES = ("frozen", "everything")
DIGITS = 6  # of a validation error or accuracy: Keras has them in single precision


def parse_arguments(description):
    """Return the job: the data, the answers to the scripts' questions, the learning rate, and the seed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--images", required=True, help="IDX file of 28 x 28 pixels")
    parser.add_argument("--labels", help="IDX file, for a classifier; without it an autoencoder is trained")
    parser.add_argument("--test", help="IDX file of the images to measure a classifier on after each phase")
    parser.add_argument("--testlabels", help="their labels")
    parser.add_argument("--kernels", type=int, nargs=3, required=True)
    parser.add_argument("--filters", type=int, nargs=3, required=True)
    parser.add_argument("--units", type=int)
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=[], help="of the classifier")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--rate", type=float, default=1e-3, help="Adam's learning rate (default: 0.001)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def read_data(job):
    """Return the images, uint8, and their labels or None, in an order by the seed, and how many to hold out of them.

    Those are the first. Without labels they are the ones that this project's script holds out by the same seed.
    """
    images = read_idx(job.images)
    order = np.random.default_rng(job.seed).permutation(len(images))
    labels = read_idx(job.labels)[order] if job.labels else None
    return images[order], labels, len(images) // HELD_OUT


def read_idx(path):
    """Return the array of unsigned bytes that an IDX file holds."""
    content = Path(path).read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    rank = content[3]
    sizes = np.frombuffer(content, ">u4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(sizes)


def end_epoch(validation):
    """Print the validation error or accuracy after an epoch."""
    print(json.dumps({"validation": round(validation, DIGITS)}), flush=True)
