"""The command line of ``dataset.py``: what a flag answers is not asked."""

import argparse
import re
from fractions import Fraction

from utilities.terminal.answers import whole_number
from utilities.terminal.arguments import DEFAULT_SEED, Parser, of_flag, seed
from utilities.text import given_path, printable

DEEPEST = 2**16 - 1  # a pixel of 16 bits
LARGEST_SIDE = 1024
SIDES_DIVIDE_BY = 4  # what two poolings by 2 take
DESCRIPTION = """Make IDX files, which the other scripts train on, of
pictures: a folder with a folder of pictures for each class,
or with such folders below train/ and test/ (or val/); a
folder of pictures without classes; a CSV, .npz, .npy or IDX
file, with its labels beside it; or a zip of any of these.

What no flag answers is asked for: Enter takes the default,
and so does the end of the input; b goes back one question.
Answers can be redirected in, one a line."""
EPILOG = """examples:
  python3 dataset.py -d photos -o mine
  python3 dataset.py -d train.csv -o mine --sides 28 --grey \\
      --no-invert --test-share 1/6
  python3 dataset.py -d emnist-letters-train-images-idx3-ubyte \\
      -o letters --transpose --count 10000
"""


def parse_dataset_arguments(arguments=None):
    """Return the arguments; what is asked for is None where no flag answers it."""
    parser = Parser(description=DESCRIPTION, epilog=EPILOG)
    add = parser.add_argument_group("files").add_argument
    add("-d", "--data", type=given_path, required=True, metavar="SOURCE", help="the pictures (required)")
    add("-o", "--output", type=given_path, required=True, metavar="FOLDER", help="where to write (required)")
    answers = parser.add_argument_group("answers to the questions", "asked for where not given")
    add = answers.add_argument
    add("--sides", type=of_flag(parse_sides), metavar="N|RxC", help="rows and columns of the images")
    either = answers.add_mutually_exclusive_group().add_argument
    either("--colour", "--color", action="store_true", default=None, help="red, green and blue")
    either("--grey", "--gray", action="store_false", default=None, dest="colour", help="grey")
    add("--invert", action=argparse.BooleanOptionalAction, help="swap light and dark, or leave them")
    add("--test-share", type=of_flag(parse_share), metavar="S", help="of the pictures: 1/6, 0.2, 20%%, 0")
    add = parser.add_argument_group("asked for where in doubt").add_argument
    add("--label", type=of_flag(parse_label), metavar="PLACE", help="of a table: first, last or none")
    add("--brightest", type=of_flag(parse_brightest), metavar="N", help="the value of the pixels that is white")
    add = parser.add_argument_group("not asked for").add_argument
    add("--crop", type=of_flag(parse_crop), metavar="N|RxC", help="keep the middle of each picture")
    add("--transpose", action="store_true", help="swap rows and columns: EMNIST's then stand upright")
    add("--count", type=of_flag(whole_number(2, 10**9)), metavar="N", help="only so many of the pictures")
    add("--seed", type=seed, default=DEFAULT_SEED, metavar="N", help="of the choice of test pictures (default: 1)")
    return parser.parse_args(arguments)


def parse_crop(answer):
    """Return the (rows, columns) of "28", "28x32" or "28 32"; raise ValueError where they are none."""
    found = re.fullmatch(r"\(?([0-9]{1,4})(?:[\sxX*,\u00d7]+([0-9]{1,4}))?\)?", answer.strip())
    sides = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if min(sides) < 1 or max(sides) > LARGEST_SIDE:
        raise ValueError(f"expected rows x columns such as 28x28, up to {LARGEST_SIDE}, found {printable(answer)!r}")
    return sides


def parse_sides(answer):
    """Return (rows, columns) as parse_crop does; both must divide by 4."""
    sides = parse_crop(answer)
    if any(side % SIDES_DIVIDE_BY for side in sides):
        raise ValueError(f"expected sides that divide by {SIDES_DIVIDE_BY}, found {printable(answer)!r}")
    return sides


def parse_label(answer):
    """Return "first", "last" or "none", where the labels of a table are; raise ValueError where it is another."""
    if answer.lower() not in ("first", "last", "none"):
        raise ValueError(f"expected first, last or none, found {printable(answer)!r}")
    return answer.lower()


def parse_brightest(answer):
    """Return the number of "16" or "0.5", above 0 and up to 65,535; raise ValueError where there is none."""
    found = re.fullmatch(r"[0-9]{0,5}\.?[0-9]{1,12}(e-?[0-9]{1,2})?", answer)
    if not found or not 0 < float(answer) <= DEEPEST:
        raise ValueError(f"expected a number above 0, up to {DEEPEST}, found {printable(answer)!r}")
    return float(answer)


def parse_share(answer):
    """Return the Fraction of "1/6", "0.2" or "20%", from 0 to 1/2; raise ValueError where there is none."""
    found = re.fullmatch(r"([0-9]{1,6}/[0-9]{1,6}|[0-9]{0,6}\.?[0-9]{1,6})\s*(%?)", answer.strip())
    try:
        share = Fraction(found[1]) / (100 if found[2] else 1)
    except (TypeError, ZeroDivisionError):
        share = None
    if share is None or share > Fraction(1, 2):
        raise ValueError(f"expected a share from 0 to 1/2, such as 1/6, 0.2 or 20%, found {printable(answer)!r}")
    return share
