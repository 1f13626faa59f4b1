"""What ``dataset.py`` asks, and what it writes then."""

import json
import math
import os
import shlex
import sys
import time
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np

from utilities.data import idx, pictures
from utilities.data.batches import WHITE
from utilities.data.pictures import Form
from utilities.data.sources import check_classes, choose
from utilities.errors import BadInput, Fault
from utilities.record.contact_sheet import draw_contact_sheet, spread
from utilities.record.conversion import IMAGES, convert
from utilities.record.dataset_folder import ANSWERS_FILE, LABELS, NAMES_FILE, SHEET_FILE, replacing_folder
from utilities.terminal.answers import show_yes_or_no, yes_or_no
from utilities.terminal.console import CLEAR_LINE, REFRESH_SECONDS, Question, can_redraw, say, terminal_width
from utilities.terminal.dataset_arguments import parse_share, parse_sides
from utilities.text import printable

LOOKED_AT = 50  # pictures that are decoded for the defaults
# The default sides are the nearest multiple of the first, which suits the third pooling, up to the second.
STEP, LARGEST_DEFAULT = 28, 56
TEST_SHARE = Fraction(1, 6)
LINES_APART = 10  # seconds between reports of progress in a log


def describe(source):
    """Return a line on a Source."""
    classes, tests = " without classes", int(source.is_test.sum())
    if source.class_names:
        classes = f" of {len(source.class_names)} classes ({printable(', '.join(source.class_names.values()))})"
    return f"{len(source):,} pictures{classes}" + (f"; {tests:,} of them given to test with" if tests else "")


def may_replace(console, output):
    """Tell whether the data set in a folder may be replaced: a person is asked."""
    question = Question(f"{printable(str(output))} has a data set: replace it? y/n", False, yes_or_no, show_yes_or_no)
    return not console.typed or console.ask(question)


def ask(console, source, arguments):
    """Ask what no flag answers; return the Form and the share of the test set."""
    defaults = _look_at(source, arguments)
    return console.ask_in_order(lambda: _questions(source, *defaults, arguments))


def _look_at(source, arguments):
    """Return what some of the pictures, spread over all, are like; those that cannot be read do not count.

    Returns:
        The (rows, columns) to bring them to, and whether most have light corners.
    """
    sizes, light = [], []
    for index in spread(np.arange(len(source)), LOOKED_AT):
        try:
            with pictures.faults_of(lambda index=index: source.name(index)):
                picture = source.open(index)
                size = pictures.upright_size(picture)
                image = pictures.bring(picture, Form(STEP, STEP, 3, crop=arguments.crop))
        except BadInput:
            continue
        sizes.append(arguments.crop or (size[::-1] if arguments.transpose else size))
        light.append((pictures.corners(image).mean(axis=-1) > WHITE / 2).all())
    middle = np.median(sizes or [(STEP, STEP)], axis=0)  # where most are alike, they are so
    scale = min(1, LARGEST_DEFAULT / middle.max())
    sides = tuple(max(1, round(side * scale / STEP)) * STEP for side in middle)
    return sides, 2 * sum(light) > len(sizes)


def _questions(source, default_sides, on_light_ground, arguments):
    sides, colour, inverted, share = arguments.sides, arguments.colour, arguments.invert, arguments.test_share
    if sides is None:
        note = "the third pooling takes sides that divide by 28 alone"
        sides = yield Question(
            "rows and columns of the images",
            default_sides,
            parse_sides,
            show=lambda sides: "x".join(map(str, sides)),
            note=lambda sides: note if any(side % STEP for side in sides) else "",
        )
    if colour is None:
        note = "autoencoder.py and classification.py train on grey images alone so far"
        colour = yield Question(
            "in colour? y/n", False, yes_or_no, show_yes_or_no, note=lambda colour: note if colour else ""
        )
    if inverted is None:
        default = on_light_ground and not colour
        inverted = yield Question("swap light and dark? y/n", default, yes_or_no, show_yes_or_no)
    if share is None:
        default = TEST_SHARE if source.class_names and not source.is_test.any() else Fraction(0)
        share = yield Question("share to take for the test set", default, parse_share)
    return Form(*sides, 3 if colour else 1, inverted, arguments.transpose, arguments.crop), share


def write(source, form, share, arguments):
    """Convert the pictures, write the data set, and say how to go on; raise Fault where it cannot be written."""
    source = choose(source, share, arguments.count, arguments.seed)
    progress = Progress(len(source))
    answers = {"form": asdict(form), "test_share": str(share), "count": arguments.count, "seed": arguments.seed}
    try:
        with replacing_folder(arguments.output) as folder:
            source, left_out = convert(source, form, folder, progress)
            progress.end()
            check_classes(source)
            _write_labels(source, folder)
            draw_contact_sheet(source, form, folder / SHEET_FILE)
            (folder / ANSWERS_FILE).write_text(json.dumps(answers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Fault(f"{arguments.output}: cannot be written: {error.strerror or error}") from error
    tests = int(source.is_test.sum())
    say(f"{len(source) - tests:,} images to train on, {tests:,} to test with")
    if left_out:
        say(f"left out: {left_out:,} that cannot be read, named above")
    say(f"written to {printable(str(arguments.output), 1000)}; look at {SHEET_FILE} there before you train")
    _say_commands(arguments.output, may_classify=source.class_names and tests)


def _write_labels(source, folder):
    """Write the labels of training and test images, and the classes' names, where there are classes."""
    if not source.class_names:
        return
    labels = source.labels.astype(np.uint8 if source.labels.max() < 2**8 else np.int32)
    for test, name in LABELS.items():
        if (source.is_test == test).any():
            idx.write(folder / name, labels[source.is_test == test])
    names = [f"{label} {source.class_names[label]}\n" for label in np.unique(labels).tolist()]
    (folder / NAMES_FILE).write_text("".join(names), encoding="utf-8")


def _say_commands(output, may_classify):
    """Print the commands to go on with as the shell takes them, a flag a line."""
    files = {"-d": IMAGES[False], "-dl": LABELS[False], "-t": IMAGES[True], "-tl": LABELS[True]}
    flags = [f"{flag} {_quote(output / name.removesuffix('.gz'))}" for flag, name in files.items()]
    commands = {"autoencoder": flags[:1]} | ({"classification": [*flags, "-model encoder.h5"]} if may_classify else {})
    print("\nto go on:")
    for script, given in commands.items():
        path = Path(__file__).resolve().parents[2] / script / f"{script}.py"
        print(" \\\n    ".join([f"  {shlex.quote(sys.orig_argv[0])} {_quote(path)}", *given]), flush=True)


def _quote(path):
    """Return a path as the shell reads it, from the working directory."""
    shown = os.path.relpath(path)
    return shlex.quote(f"./{shown}" if shown.startswith("-") else shown)


class Progress:
    """Tells how many of the pictures are done, and names those that cannot be read."""

    def __init__(self, count):
        self.count = count
        self.clear = CLEAR_LINE if can_redraw() else ""
        self.begun = self.shown = time.monotonic()

    def __call__(self, done, left_out):
        """Tell of pictures done so far, and of lines on those left out since the last call."""
        for line in left_out:
            print(self.clear, end="")
            say(f"left out: {line}")
        now = time.monotonic()
        if done and now - self.shown >= (REFRESH_SECONDS if self.clear else LINES_APART):
            self.shown = now
            left = math.ceil((now - self.begun) / done * (self.count - done))
            text = f"{done:,} of {self.count:,} pictures, {left // 60}:{left % 60:02} left"
            print(f"{self.clear}{text[: (terminal_width() or 80) - 1]}", end="" if self.clear else "\n", flush=True)

    def end(self):
        """Tell how long it took."""
        print(f"{self.clear}{self.count:,} pictures in {time.monotonic() - self.begun:.1f} s", flush=True)
