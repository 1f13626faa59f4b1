"""What textbook.py and pytorch.py share: the job that the command line describes, the data, what each epoch prints."""

import gzip
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

POOLINGS = (2, 2, 7)
CLASSES = 10
HELD_OUT = 10  # the images are divided by it: that many are for validation
PHASES = ("frozen", "everything")
DIGITS = 6  # of a validation error or accuracy: Keras has them in single precision


def read_job():
    """Return the job that the command line describes, an object in JSON; what it does not name is as here.

    Attributes:
        images, labels: IDX files; without labels an autoencoder is trained, else a classifier.
        test, test_labels: of the images to measure a classifier on after each of its phases.
        kernels, filters: of three layers.
        units: of the classifier's hidden layer.
        phases: some of PHASES.
        epochs, batch, seed: whole numbers.
        rate: Adam's learning rate.
    """
    return SimpleNamespace(**{"labels": None, "test": None, "rate": 1e-3} | json.loads(sys.argv[1]))


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
