"""The command lines of the two scripts that train."""

import argparse
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
DATASET = SOURCE.parent / "Dataset"
TRAINING_IMAGES = DATASET / "train-images-idx3-ubyte"
TRAINING_LABELS = DATASET / "train-labels-idx1-ubyte"
TEST_IMAGES = DATASET / "t10k-images-idx3-ubyte"
TEST_LABELS = DATASET / "t10k-labels-idx1-ubyte"
ENCODER = SOURCE / "autoencoder" / "encoder.h5"
DEFAULT_SEED = 1
LARGEST_SEED = 2**32 - 1
# Lines of help that argparse leaves as they are: none longer than 60 columns.
QUESTIONS = """The hyperparameters are asked for: Enter takes the default
that a question shows, and so does the end of the input; b
goes back one question. The answers can be kept in a file,
one a line, and redirected in: a bad one ends the script.
What a flag answers is not asked."""
FILES = "IDX files, plain or gzip; IDX.gz is found as IDX too"
# The flags of the questions, and what --help says of each; the defaults are those for MNIST.
AUTOENCODER_ANSWERS = {
    "--layers": "number of convolutional layers (default: as many as kernels or filters are given, or 3)",
    "--kernels": "kernel size of each layer (default: 5 7 7)",
    "--filters": "filters of each layer (default: 32 32 64)",
    "--epochs": "passes over the images (default: 10; more of few images)",
    "--batch-size": "images in a step (default: 64; fewer of few images)",
    "--third-pooling": "y or n, where it can be (default: y)",
}
CLASSIFIER_ANSWERS = {
    "--units": "units of the hidden dense layer (default: 128)",
    "--epochs": "of each of the two phases (default: 5; more of few images)",
    "--batch-size": "images in a step (default: 128; fewer of few images)",
}
LAST = ""  # stands for the last run where none is named


def parse_autoencoder_arguments(arguments=None):
    """Return the arguments of ``autoencoder.py``: data, and those of both scripts.

    Those of both are seed, runs, list; resume and open, each a part of a run's name, LAST, or None; and answers,
    {flag: text}, of the questions' flags that were given.

    Args:
        arguments: the words of the command line; None for those of this process.
    """
    parser = _Parser(
        AUTOENCODER_ANSWERS,
        description=f"Train a convolutional autoencoder on IDX images, and save\nits encoder.\n\n{QUESTIONS}",
        epilog="""examples:
  python3 autoencoder.py
  python3 autoencoder.py < input.txt
  python3 autoencoder.py \\
      -d ../../Dataset/train-images-idx3-ubyte < input.txt
  python3 autoencoder.py --filters "32 32 16" --epochs 2
  python3 autoencoder.py --resume
""",
    )
    parser.add_path("-d", "--data", TRAINING_IMAGES, "training images")
    return parser.parse_args(arguments)


def parse_classification_arguments(arguments=None):
    """Return those of ``classification.py``: data, datalabels, test, testlabels, modelpath, and those of both scripts.

    ``arguments`` are as of parse_autoencoder_arguments.
    """
    parser = _Parser(
        CLASSIFIER_ANSWERS,
        description="Put dense layers on a trained encoder, train them with the\n"
        f"encoder frozen, then train everything, and report on the\ntest set.\n\n{QUESTIONS}",
        epilog="""examples:
  python3 classification.py
  python3 classification.py \\
      -model ../autoencoder/encoder.h5 < input.txt
  python3 classification.py -d IMAGES -dl LABELS \\
      -t IMAGES -tl LABELS -model ENCODER < input.txt
  python3 classification.py --open
""",
    )
    parser.files.add_argument(
        "-model",
        "--modelpath",
        type=Path,
        metavar="ENCODER",
        help="the encoder, .h5 or .keras, as autoencoder.py saves it (default: encoder.h5 in autoencoder/, beside the "
        "folder of this script)",
    )
    parser.add_path("-d", "--data", TRAINING_IMAGES, "training images")
    parser.add_path("-dl", "--datalabels", TRAINING_LABELS, "their labels")
    parser.add_path("-t", "--test", TEST_IMAGES, "test images")
    parser.add_path("-tl", "--testlabels", TEST_LABELS, "their labels")
    parsed = parser.parse_args(arguments)
    if parsed.modelpath is None and not _is_about_a_run(parsed):
        if not ENCODER.is_file():
            parser.error(f"-model: not given, and its default, {ENCODER}, is not there: autoencoder.py makes encoders")
        parsed.modelpath = ENCODER
    return parsed


def _is_about_a_run(parsed):
    return parsed.list or parsed.resume is not None or parsed.open is not None


class _Parser(argparse.ArgumentParser):
    """A parser that knows the flags both scripts have, and reports a fault in one line."""

    def __init__(self, answers, **texts):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **texts)
        self.files = self.add_argument_group("files", FILES)
        self._add_answers(answers)
        self._add_runs()
        self.add_argument(
            "--seed",
            type=_seed,
            default=DEFAULT_SEED,
            metavar="N",
            help=f"seed of all that is random (default: {DEFAULT_SEED})",
        )

    def _add_answers(self, answers):
        self.set_defaults(answers={})
        add = self.add_argument_group("answers", "to the questions of the first experiment").add_argument
        for flag, text in answers.items():
            add(flag, action=_Answer, default=argparse.SUPPRESS, metavar="ANSWER", help=text)

    def _add_runs(self):
        runs = self.add_argument_group("runs", "every experiment is kept, and can be gone back to")
        runs.add_argument(
            "--runs", type=Path, default=Path("runs"), metavar="DIR", help="where these are (default: runs)"
        )
        add = runs.add_mutually_exclusive_group().add_argument
        add(
            "--resume",
            nargs="?",
            const=LAST,
            metavar="RUN",
            help="go on with an unfinished experiment, with its own answers, seed and files: a part of its name, or "
            "its folder (default: the last one)",
        )
        add(
            "--open",
            nargs="?",
            const=LAST,
            metavar="RUN",
            help="go back to the menu of a finished experiment (default: of the last one)",
        )
        add("--list", action="store_true", help="print the experiments in DIR, and leave (default: train)")

    def add_path(self, short, long, default, what):
        self.files.add_argument(
            short, long, type=Path, default=default, metavar="IDX", help=f"{what} (default: MNIST's, in Dataset/)"
        )

    def parse_args(self, arguments=None):
        parsed = super().parse_args(arguments)
        if parsed.answers and _is_about_a_run(parsed):
            self.error(f"{', '.join(parsed.answers)}: not with --resume, --open or --list: a run has its own")
        return parsed

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())} (see --help)\n")


class _Answer(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        namespace.answers = namespace.answers | {option_string: values}


def _seed(text):
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_SEED):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {LARGEST_SEED}, found {text!r}")
    return int(text)
