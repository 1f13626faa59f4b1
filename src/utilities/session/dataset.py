"""What ``dataset.py`` asks, and what it writes then."""

import contextlib
import functools
import itertools
import json
import os
import re
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from utilities import system
from utilities.data import idx, pictures
from utilities.data.batches import WHITE
from utilities.data.datasets import spread
from utilities.data.forms import FORM_FILE
from utilities.data.names import FILES_FILE, FILES_HEAD, NAMES_FILE
from utilities.data.parts import TEST, TRAINING
from utilities.data.pictures import Form
from utilities.data.sources import check_classes, choose, decide, find
from utilities.data.values import DEEPEST, brightest, is_deep, scale_of, white_of
from utilities.errors import BadInput, Fault
from utilities.files import as_csv
from utilities.record.conversion import convert
from utilities.record.dataset_folder import LABELS, SHEET_FILE, replacing_folder
from utilities.terminal.answers import show_yes_or_no, yes_or_no
from utilities.terminal.console import Question, say
from utilities.terminal.dataset_arguments import parse_brightest, parse_label, parse_share, parse_sides
from utilities.terminal.pictures_done import PicturesDone
from utilities.text import printable

LOOKED_AT = 50  # pictures that are decoded for the defaults
# The default sides are the nearest multiple of the first, which suits the third pooling, up to the second.
STEP, LARGEST_DEFAULT = 28, 56
LONGEST_LINE = 300  # of what was left out
VISIBLE_COLOUR = 8  # of 255: by how much a picture's channels differ, on average
TEST_SHARE = Fraction(1, 6)
# An object's number, of fewer digits than a date, and a letter or a number: wall_01_a, wall01b, obj1__20, 12 (3).
OF_A_SERIES = re.compile(r"(.*?(?<!\d)\d{1,6})(?:[-_. (]*[a-z]|[-_. (]+\d+)\)?", re.IGNORECASE)


def read(console, arguments):
    """Return the Source of what is to be read; say how it was, and ask what is in doubt of that.

    Raises:
        BadInput: it cannot be read.
    """
    found, place, white = find(arguments.data), arguments.label, arguments.brightest
    source = _say_read(decide(found, place, white), arguments)
    if source.in_doubt:
        question = Question("column of the labels: first, last or none", source.labels_at, parse_label)
        if (place := console.ask(question)) != source.labels_at:
            source = _say_read(decide(found, place, white), arguments)
    if source.is_dim:
        white = console.ask(Question("value of the pixels that is white", source.white, parse_brightest, "{:g}".format))
        if white != source.white:
            source = decide(found, place, white)
            return _with_white_of_pictures(source, arguments) if source.kind == "pictures" else source
    return source


def _say_read(source, arguments):
    """Return a Source, of which it is known now what is white; print a line on how it was read."""
    if source.kind == "pictures":
        source = _with_white_of_pictures(source, arguments)
    classes = "no classes"
    if names := source.class_names.values():
        classes = f"{len(names)} class{'es' if len(names) > 1 else ''} ({printable(', '.join(names))})"
    left_out = f"; left out: {printable(', '.join(source.passed_over), LONGEST_LINE)}" if source.passed_over else ""
    say(f"read as {source.kind}: {', '.join([*source.told, classes])}; seed {arguments.seed}{left_out}")
    if source.is_dim:
        say(f"nearly black as it is: the brightest pixel is {source.white:g}")
    print(flush=True)
    return source


def _with_white_of_pictures(source, arguments):
    """Return a Source of pictures with the value that is white in them, or in those of 16 bits, if there are some.

    Some tell whether there is anything unusual; then all are looked at.
    """
    *_, seen, any_deep = _look_at(source, arguments.crop, arguments.transpose)
    if white := source.white:
        if scale_of(DEEPEST if any_deep else WHITE, seen, white) != white:
            raise BadInput(f"{arguments.data}: --brightest {white:g}: it is not the white of pixels up to {seen:g}")
        return source
    if not any_deep and white_of(0, seen)[0] == WHITE:
        return source
    progress, greatest = PicturesDone(len(source), "pictures looked at"), 0
    for index in range(len(source)):
        with contextlib.suppress(BadInput), pictures.faults_of(lambda index=index: source.name(index)):
            picture = source.open(index)
            if is_deep(picture) == any_deep:
                picture.load()
                value = brightest(picture)
                greatest = max(greatest, value if value <= DEEPEST else 0)  # what is brighter is left out later
        progress(index + 1, [])
    progress.close()
    white, is_dim = white_of(0, greatest)
    return replace(source, white=white, is_dim=is_dim, told=[*source.told, f"pixels 0 to {greatest:g}"])


def ask(console, source, arguments):
    """Ask what no flag answers; return the Form and the share of the test set."""
    *defaults, _, _ = _look_at(source, arguments.crop, arguments.transpose)
    return console.ask_in_order(lambda: _questions(source, *defaults, arguments))


@functools.cache
def _look_at(source, crop, transpose):
    """Return what some of the pictures, spread over all, are like; those that cannot be read do not count.

    Returns:
        The (rows, columns) to bring them to, whether most are in colour, and whether most have light corners; the
        brightest value, and whether any has more than 8 bits.
    """
    sizes, coloured, light, values, deep = [], [], [], [0], []
    some = spread(np.arange(len(source)), LOOKED_AT)
    progress = PicturesDone(len(some), "pictures looked at")
    for done, index in enumerate(some):
        progress(done, [])
        try:
            with pictures.faults_of(lambda index=index: source.name(index)):
                picture = source.open(index)
                size = pictures.upright_size(picture)
                image = pictures.bring(picture, Form(STEP, STEP, 3, crop=crop, white=source.white))
                values.append(brightest(picture))
        except BadInput:
            continue
        deep.append(is_deep(picture))
        sizes.append(crop or (size[::-1] if transpose else size))
        # A scan in grey, stored in colour, has none.
        coloured.append(np.ptp(image, axis=-1).mean() > VISIBLE_COLOUR)
        light.append((pictures.corners(image).mean(axis=-1) > WHITE / 2).all())
    progress.close()
    middle = np.median(sizes or [(STEP, STEP)], axis=0)  # where most are alike, they are so
    scale = min(1, LARGEST_DEFAULT / middle.max())
    sides = tuple(max(1, round(side * scale / STEP)) * STEP for side in middle)
    return sides, *(2 * sum(each) > len(sizes) for each in (coloured, light)), max(values), any(deep)


def _questions(source, default_sides, in_colour, on_light_ground, arguments):
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
        colour = yield Question("in colour? y/n", in_colour, yes_or_no, show_yes_or_no)
    if inverted is None:
        default = on_light_ground and not colour
        inverted = yield Question("swap light and dark? y/n", default, yes_or_no, show_yes_or_no)
    if share is None:
        default = TEST_SHARE if source.class_names and not source.is_test.any() else Fraction(0)
        share = yield Question("share to take for the test set", default, parse_share)
    white = None if source.white == WHITE and source.kind != "pictures" else source.white
    return Form(*sides, 3 if colour else 1, inverted, arguments.transpose, arguments.crop, white), share


def write(source, form, share, arguments):
    """Convert the pictures, write the data set, and say how to go on; raise Fault where it cannot be written."""
    source = choose(source, share, arguments.count, arguments.seed)
    progress = PicturesDone(len(source))
    answers = {"form": asdict(form), "test_share": str(share), "count": arguments.count, "seed": arguments.seed}
    try:
        with replacing_folder(arguments.output) as folder:
            source, left_out, alike = convert(source, form, folder, progress)
            progress.end()
            check_classes(source)
            _write_labels(source, folder)
            (folder / FILES_FILE).write_bytes(as_csv(_files(source)))
            with system.signals_held():  # matplotlib's import takes a second, and Ctrl-C for a lack of NumPy's parts
                from utilities.record.contact_sheet import draw_contact_sheet
            (folder / SHEET_FILE).write_bytes(draw_contact_sheet(source, form, folder))
            (folder / FORM_FILE).write_text(json.dumps(answers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Fault(f"{arguments.output}: cannot be written: {error.strerror or error}") from error
    tests = int(source.is_test.sum())
    classes, tested = (len(np.unique(labels)) for labels in (source.labels, source.labels[source.is_test]))
    lacks = source.class_names and share and tested < classes
    note = f"; classes with none to test with: {classes - tested} of {classes}" if lacks else ""
    say(f"{len(source) - tests:,} images to train on, {tests:,} to test with{note}")
    if left_out:
        say(f"left out: {left_out:,} that cannot be read, named above")
    for line in [*alike, *_describe_series(source)]:
        say(f"{line}; results look better than they are")
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


def _describe_series(source):
    """Yield a line on pictures whose names suggest one object, if there are some on both sides of the test set."""
    objects = defaultdict(lambda: ([], []))
    for index, ((_, name), label) in enumerate(zip(source.items, source.labels.tolist(), strict=True)):
        if found := OF_A_SERIES.fullmatch(Path(str(name)).stem):
            objects[label, found[1]][int(source.is_test[index])].append(index)
    series = Counter(label for (label, _), (trained, tested) in objects.items() if len(trained) + len(tested) > 1)
    both = [parts for (label, _), parts in objects.items() if all(parts) and series[label] > 1]
    if both:
        pair = " and ".join(source.name(part[0]) for part in both[0])
        yield f"the same object, by its pictures' names, to train on and to test with, {len(both):,} times: {pair}"


def _files(source):
    """Yield the rows of a table of what each image was made of, the head first, as names.read_files reads them."""
    yield FILES_HEAD
    numbers = {TRAINING: itertools.count(), TEST: itertools.count()}
    for (place, name), label, is_test in zip(source.items, source.labels.tolist(), source.is_test, strict=True):
        part = TEST if is_test else TRAINING
        file = name if isinstance(name, str) else Path(place.title(name)).name
        yield part, next(numbers[part]), file, source.class_names.get(label, "")


def _say_commands(output, may_classify):
    """Print the commands to go on with as the shell takes them, the flags on a line of their own."""
    commands = {"autoencoder": ["--save", "encoder.h5"]}
    if may_classify:
        commands["classification"] = ["-model", "encoder.h5", "--results"]
    print("\nto go on:")
    for script, flags in commands.items():
        path = Path(__file__).resolve().parents[2] / script / f"{script}.py"
        command = [sys.orig_argv[0], _shown(path)], ["-d", _shown(output), *flags]
        print(f"  {system.command_lines(*command)}", flush=True)


def _shown(path):
    """Return a path from the working directory, where there is one; no shell or script takes it for a flag."""
    try:
        shown = os.path.relpath(path)
    except ValueError:  # on another drive of Windows
        shown = str(path)
    return f"./{shown}" if shown.startswith("-") else shown
