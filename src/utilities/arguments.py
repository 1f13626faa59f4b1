"""The command lines of both scripts."""

import argparse
import sys
from pathlib import Path

DATASET = Path(__file__).resolve().parents[2] / "Dataset"
TRAINING_IMAGES = DATASET / "train-images-idx3-ubyte"
TRAINING_LABELS = DATASET / "train-labels-idx1-ubyte"
TEST_IMAGES = DATASET / "t10k-images-idx3-ubyte"
TEST_LABELS = DATASET / "t10k-labels-idx1-ubyte"
DEFAULT_SEED = 1
LARGEST_SEED = 2**32 - 1


def parse_autoencoder_arguments(arguments=None):
    """Return the arguments of ``autoencoder.py``: data, seed, runs, resume."""
    parser = _Parser(
        description="Train a convolutional autoencoder on IDX images and save its encoder. "
        "The hyperparameters are asked for on standard input; Enter takes the default shown.",
        epilog="examples:\n"
        "  python3 autoencoder.py\n"
        "  python3 autoencoder.py -d ../../Dataset/train-images-idx3-ubyte < input.txt\n",
    )
    parser.add_path("-d", "--data", TRAINING_IMAGES, "training images")
    return parser.parse_args(arguments)


def parse_classification_arguments(arguments=None):
    """Return those of ``classification.py``: data, datalabels, test, testlabels, modelpath, seed, runs, resume."""
    parser = _Parser(
        description="Put dense layers on a trained encoder, train them with the encoder frozen, then train "
        "everything, and report on the test set. "
        "The hyperparameters are asked for on standard input; Enter takes the default shown.",
        epilog="examples:\n"
        "  python3 classification.py -model ../autoencoder/encoder.h5\n"
        "  python3 classification.py -d IMAGES -dl LABELS -t IMAGES -tl LABELS -model ENCODER < input.txt\n",
    )
    parser.add_path("-d", "--data", TRAINING_IMAGES, "training images")
    parser.add_path("-dl", "--datalabels", TRAINING_LABELS, "training labels")
    parser.add_path("-t", "--test", TEST_IMAGES, "test images")
    parser.add_path("-tl", "--testlabels", TEST_LABELS, "test labels")
    parser.add_argument(
        "-model",
        "--modelpath",
        type=Path,
        required="--resume" not in (arguments or sys.argv),
        metavar="ENCODER",
        help="encoder, .h5 or .keras (required)",
    )
    return parser.parse_args(arguments)


class _Parser(argparse.ArgumentParser):
    """A parser that knows the flags both scripts have, and reports a fault in one line."""

    def __init__(self, **texts):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **texts)
        self.add_argument(
            "--seed", type=_seed, default=DEFAULT_SEED, metavar="N", help=f"repeatable randomness ({DEFAULT_SEED})"
        )
        self.add_argument(
            "--runs", type=Path, default=Path("runs"), metavar="DIR", help="where every experiment is kept (runs)"
        )
        self.add_argument(
            "--resume",
            action="store_true",
            help="go on with the last unfinished experiment in DIR, with its own answers",
        )

    def add_path(self, short, long, default, what):
        self.add_argument(
            short,
            long,
            type=Path,
            default=default,
            metavar="IDX",
            help=f"{what}, an IDX file, plain or gzip (Dataset/{default.name})",
        )

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())} (see --help)\n")


def _seed(text):
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_SEED):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {LARGEST_SEED}, found {text!r}")
    return int(text)
