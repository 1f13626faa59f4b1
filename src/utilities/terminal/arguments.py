"""The command lines of the two scripts that train."""

import argparse
import itertools
import math
import re
from pathlib import Path

from utilities.system import cores
from utilities.terminal.answers import is_folder, path_of_model, whole_number
from utilities.text import printable

SOURCE = Path(__file__).resolve().parents[2]
DATASET = SOURCE.parent / "Dataset"
# The files of a data set: what each argument is called, and its file.
FILES = {
    "data": "train-images-idx3-ubyte",
    "datalabels": "train-labels-idx1-ubyte",
    "test": "t10k-images-idx3-ubyte",
    "testlabels": "t10k-labels-idx1-ubyte",
}
BESIDE = {"datalabels": "data", "test": "data", "testlabels": "test"}  # where a file lies that is not given
TRAINING_IMAGES, TRAINING_LABELS, TEST_IMAGES, TEST_LABELS = (DATASET / name for name in FILES.values())
ENCODER = SOURCE / "autoencoder" / "encoder.h5"
DEFAULT_SEED = 1
LARGEST_SEED = 2**32 - 1
LONGEST_FAULT = 1000
LONGEST_NAME = 80  # bytes of UTF-8 that a run's folder has of a name: file systems take 255 in all
# Lines of help that argparse leaves as they are: none longer than 60 columns.
QUESTIONS = """The hyperparameters are asked for: Enter takes the default
that a question shows, and so does the end of the input; b
goes back one question. The answers can be kept in a file,
one a line, and redirected in: a bad one ends the script.
What a flag answers is not asked."""
OF_FILES = """IDX files, plain or gzip; IDX.gz is found as IDX too, and
in a folder the file of the usual name"""
SEVERAL = """to the questions of the first experiment; of what is
given more than once, seeds and encoders too, each
combination is an experiment, and a table compares them"""
GOING_BACK = {
    "--resume": "go on with an unfinished experiment, with its own answers, seed and files: a part of its name, or its "
    "folder (default: the last one)",
    "--open": "go back to the menu of a finished experiment (default: of the last one)",
}
LAST = ""  # stands for the last run where none is named
RANDOM = Path("random")  # stands for an encoder with weights that are not trained
MOST_EXPERIMENTS = 1000
# Arguments of a session, not of an experiment, which is not repeated with them.
OF_SESSION = ("answers", "list", "open", "resume", "runs", "save", "results", "csv", "jobs")


def parse_autoencoder_arguments(hyperparameters, arguments=None):
    """Return the arguments of ``autoencoder.py``, a list of those of each experiment: data, and those of both scripts.

    Those of both are seed, runs, name, list; save and csv, a path or None; resume and open, each a part of a run's
    name, LAST, or None; and answers, {flag: text}, of the questions' flags that were given or that these imply. With
    resume, open or list, files, seed and name that are not given are None.

    Args:
        hyperparameters: the class of Answers that the script's questions fill.
        arguments: the words of the command line; None for those of this process.

    Raises:
        BadInput: the answer of a flag is bad.
    """
    parser = _TrainingParser(
        hyperparameters,
        "encoder",
        description=f"Train a convolutional autoencoder on IDX images, and save\nits encoder.\n\n{QUESTIONS}",
        epilog="""examples:
  python3 autoencoder.py
  python3 autoencoder.py < input.txt
  python3 autoencoder.py -d FOLDER --save encoder.h5
  python3 autoencoder.py --filters "32 32 16" --epochs 2
  python3 autoencoder.py --resume
""",
    )
    parser.add_path("-d", "--data", "training images, or the folder of a data set (default: MNIST, in Dataset/)")
    return parser.parse_all(arguments)


def parse_classification_arguments(hyperparameters, arguments=None):
    """Return those of ``classification.py``: data, datalabels, test, testlabels, modelpath; results; those of both.

    Two may be None: labels, how many images are taken; and untrained, whether the encoder's layers alone are taken.
    """
    parser = _TrainingParser(
        hyperparameters,
        "classifier",
        description="Put dense layers on a trained encoder, train them with the\n"
        f"encoder frozen, then train everything, and report on the\ntest set.\n\n{QUESTIONS}",
        epilog="""examples:
  python3 classification.py
  python3 classification.py \\
      -model ../autoencoder/encoder.h5 < input.txt
  python3 classification.py -d FOLDER --results
  python3 classification.py -d IMAGES -dl LABELS \\
      -t IMAGES -tl LABELS -model ENCODER < input.txt
  python3 classification.py --open
""",
    )
    parser.files.add_argument(
        "-model",
        "--modelpath",
        type=Path,
        action="append",
        metavar="ENCODER",
        help="the encoder, .h5 or .keras, as autoencoder.py saves it; random for the layers of one, not trained "
        "(default: encoder.h5 in autoencoder/, beside the folder of this script)",
    )
    text = "take so many of the training images, of each class alike, chosen by the seed (default: all)"
    parser.files.add_argument("--labels", type=of_flag(whole_number(2, LARGEST_SEED)), metavar="N", help=text)
    parser.add_path("-d", "--data", "training images, or the folder of a data set (default: MNIST, in Dataset/)")
    parser.add_path("-dl", "--datalabels", "their labels (default: those beside them)")
    parser.add_path("-t", "--test", "test images (default: those beside the training images)")
    parser.add_path("-tl", "--testlabels", "their labels (default: those beside them)")
    text = (
        "print the results on the test set after the first experiment, or each of several (default: the menu's 3 does)"
    )
    parser.add_argument("--results", action="store_true", help=text)
    return _with_encoders(parser.parse_all(arguments), parser)


def _with_encoders(settings, parser):
    """Return arguments of experiments with an encoder each; one that is RANDOM has the layers of the first."""
    encoder = next((each.modelpath for each in settings if each.modelpath not in (None, RANDOM)), ENCODER)
    for each in settings:
        each.untrained = True if each.modelpath == RANDOM else None
        if each.untrained or (each.modelpath is None and not _is_about_a_run(each)):
            each.modelpath = encoder
        if each.modelpath == ENCODER and not ENCODER.is_file():
            parser.error(f"-model: not given, and its default, {ENCODER}, is not there: autoencoder.py makes encoders")
    return settings


def _is_about_a_run(parsed):
    return parsed.list or parsed.resume is not None or parsed.open is not None


class Parser(argparse.ArgumentParser):
    """A parser that reports a fault in one line, and leaves the layout of its texts as it is."""

    def __init__(self, **texts):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **texts)

    def error(self, message):
        """Print a fault and leave."""
        self.exit(2, f"{self.prog}: error: {printable(' '.join(message.split()), LONGEST_FAULT)} (see --help)\n")


def of_flag(parse):
    """Return a parser of an answer as argparse takes it."""

    def parse_flag(text):
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse_flag


seed = of_flag(whole_number(0, LARGEST_SEED))


class _TrainingParser(Parser):
    """A parser that knows the flags of both scripts that train."""

    def __init__(self, hyperparameters, saved, **texts):
        super().__init__(**texts)
        self.files = self.add_argument_group("files", OF_FILES)
        self.hyperparameters = hyperparameters
        add = self.add_argument_group("answers", SEVERAL).add_argument
        for flag, text in hyperparameters.flags().items():
            add(flag, dest=flag, metavar="ANSWER", action="append", help=text)
        self._add_runs()
        text = f"seed of all that is random (default: {DEFAULT_SEED})"
        self.add_argument("--seed", type=seed, metavar="N", action="append", help=text)
        text = f"save the {saved} there after the first experiment, or of several the best (default: the run's folder "
        text += "has it)"
        self.add_argument("--save", type=of_flag(path_of_model), metavar="PATH", help=text)
        text = "train so many of several experiments beside each other, each on a core of its own (default: 1)"
        self.add_argument("--jobs", type=of_flag(whole_number(1, cores())), default=1, metavar="N", help=text)

    def _add_runs(self):
        runs = self.add_argument_group("runs", "every experiment is kept, and can be gone back to")
        text = "where these are (default: runs)"
        runs.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help=text)
        text = "a word in the names of the new ones' folders (default: the data set's alone)"
        runs.add_argument("--name", type=as_in_folders, help=text)
        either = runs.add_mutually_exclusive_group()
        for flag, text in GOING_BACK.items():
            either.add_argument(flag, nargs="?", const=LAST, metavar="RUN", help=text)
        text = "print the experiments in DIR, and leave (default: train)"
        either.add_argument("--list", action="store_true", help=text)
        text = "write those that are listed, or trained first, there too, a line each (default: nowhere)"
        runs.add_argument("--csv", type=Path, metavar="FILE", help=text)

    def add_path(self, short, long, text):
        self.files.add_argument(short, long, type=Path, metavar="IDX", help=text)

    def _find_files(self, parsed):
        """Give each folder the usual name of its file, and what is not given, where no run has it, its place beside."""
        for name in (name for name in FILES if name in parsed):
            path = getattr(parsed, name)
            if path is None and _is_about_a_run(parsed):
                continue
            if path is None:
                path = (getattr(parsed, BESIDE[name]).parent if name in BESIDE else DATASET) / FILES[name]
            elif is_folder(path):
                if not any(path.glob("*idx*")):
                    self.error(f"--{name}: {path}: a folder without IDX files; dataset.py makes these of pictures")
                path /= FILES[name]
            setattr(parsed, name, path)

    def parse_all(self, arguments=None):
        """Return the arguments of each experiment: the combinations of all that is given more than once."""
        parsed = self.parse_args(arguments)
        self._find_files(parsed)
        flags = self.hyperparameters.flags()
        several = {name: values for name in (*flags, "seed", "modelpath") if (values := vars(parsed).pop(name, None))}
        if _is_about_a_run(parsed) and (
            excess := [name for name in several if name in flags or len(several[name]) > 1]
        ):
            excess = ", ".join(name if name in flags else f"several --{name}" for name in excess)
            self.error(f"{excess}: not with --resume, --open or --list: a run has its own")
        if (count := math.prod(map(len, several.values()))) > MOST_EXPERIMENTS:
            self.error(f"expected at most {MOST_EXPERIMENTS:,} experiments, found {count:,} combinations")
        given = [dict(zip(several, values, strict=True)) for values in itertools.product(*several.values())]
        return [self._of_one(parsed, each, flags) for each in given]

    def _of_one(self, parsed, given, flags):
        answers = self.hyperparameters.check_flags({flag: given.pop(flag) for flag in flags if flag in given})
        own = {"modelpath": None, "seed": None if _is_about_a_run(parsed) else DEFAULT_SEED} | given
        return argparse.Namespace(**vars(parsed), **own, answers=answers)


def seeds_of(settings):
    """Return in words the seeds that arguments of several experiments have."""
    seeds = dict.fromkeys(each.seed for each in settings)
    return f"seed{'s' * (len(seeds) > 1)} {' '.join(map(str, seeds))}"


def name_of_data(path):
    """Return what a file's data set is called: its folder's name, where the file has its usual one; else the file's."""
    own = path.name.removesuffix(".gz").replace(".idx", "-idx")
    usual = next(filter(own.endswith, FILES.values()), "")
    folder = path.parent.resolve()
    return own.removesuffix(usual).rstrip("-_.") or ("MNIST" if folder == DATASET else folder.name)


def name_of_run(arguments):
    """Return what the folder of an experiment with these arguments is called between its time and its script."""
    return "_".join(filter(None, (as_in_folders(name_of_data(arguments.data)), arguments.name)))


def as_in_folders(name):
    """Return a name as those of runs' folders have it: blanks, and what may not be in a file's name, become "-"."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-").encode()[:LONGEST_NAME].decode(errors="ignore")
