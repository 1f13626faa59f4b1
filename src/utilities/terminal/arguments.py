"""The command lines of both scripts."""

import argparse
import sys
from pathlib import Path

DATASET = Path(__file__).resolve().parents[3] / "Dataset"
TRAINING_IMAGES = DATASET / "train-images-idx3-ubyte"
TRAINING_LABELS = DATASET / "train-labels-idx1-ubyte"
TEST_IMAGES = DATASET / "t10k-images-idx3-ubyte"
TEST_LABELS = DATASET / "t10k-labels-idx1-ubyte"
DEFAULT_SEED = 1
LARGEST_SEED = 2**32 - 1
# Lines of help that argparse leaves as they are: none longer than 60 columns.
QUESTIONS = """The hyperparameters are asked for: Enter takes the default
that a question shows, and so does the end of the input; b
goes back one question. The answers can be kept in a file,
one a line, and redirected in: a bad one ends the script."""
FILES = "IDX files, plain or gzip; IDX.gz is found as IDX too"


def parse_autoencoder_arguments(arguments=None):
    """Return the arguments of ``autoencoder.py``: data, seed, runs, resume."""
    parser = _Parser(
        description=f"Train a convolutional autoencoder on IDX images, and save\nits encoder.\n\n{QUESTIONS}",
        epilog="""examples:
  python3 autoencoder.py
  python3 autoencoder.py < input.txt
  python3 autoencoder.py \\
      -d ../../Dataset/train-images-idx3-ubyte < input.txt
  python3 autoencoder.py --resume
""",
    )
    parser.add_path("-d", "--data", TRAINING_IMAGES, "training images")
    return parser.parse_args(arguments)


def parse_classification_arguments(arguments=None):
    """Return those of ``classification.py``: data, datalabels, test, testlabels, modelpath, seed, runs, resume."""
    parser = _Parser(
        description="Put dense layers on a trained encoder, train them with the\n"
        f"encoder frozen, then train everything, and report on the\ntest set.\n\n{QUESTIONS}",
        epilog="""examples:
  python3 classification.py -model ../autoencoder/encoder.h5
  python3 classification.py \\
      -model ../autoencoder/encoder.h5 < input.txt
  python3 classification.py -d IMAGES -dl LABELS \\
      -t IMAGES -tl LABELS -model ENCODER < input.txt
  python3 classification.py --resume
""",
    )
    parser.files.add_argument(
        "-model",
        "--modelpath",
        type=Path,
        required="--resume" not in (arguments or sys.argv),
        metavar="ENCODER",
        help="the encoder, .h5 or .keras, as autoencoder.py saves it (required, except with --resume)",
    )
    parser.add_path("-d", "--data", TRAINING_IMAGES, "training images")
    parser.add_path("-dl", "--datalabels", TRAINING_LABELS, "their labels")
    parser.add_path("-t", "--test", TEST_IMAGES, "test images")
    parser.add_path("-tl", "--testlabels", TEST_LABELS, "their labels")
    return parser.parse_args(arguments)


class _Parser(argparse.ArgumentParser):
    """A parser that knows the flags both scripts have, and reports a fault in one line."""

    def __init__(self, **texts):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **texts)
        self.files = self.add_argument_group("files", FILES)
        self.add_argument(
            "--seed",
            type=_seed,
            default=DEFAULT_SEED,
            metavar="N",
            help=f"seed of all that is random (default: {DEFAULT_SEED})",
        )
        self.add_argument(
            "--runs",
            type=Path,
            default=Path("runs"),
            metavar="DIR",
            help="folder where every experiment is kept (default: runs)",
        )
        self.add_argument(
            "--resume",
            action="store_true",
            help="go on with the last unfinished experiment in DIR, with its own answers, seed and files "
            "(default: begin a new one)",
        )

    def add_path(self, short, long, default, what):
        self.files.add_argument(
            short, long, type=Path, default=default, metavar="IDX", help=f"{what} (default: MNIST's, in Dataset/)"
        )

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())} (see --help)\n")


def _seed(text):
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_SEED):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {LARGEST_SEED}, found {text!r}")
    return int(text)
