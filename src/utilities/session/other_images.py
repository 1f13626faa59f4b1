"""Images other than those of the session's files: asked for, read, brought to a form; and what came of them, kept."""

import math
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from utilities.data.arrays import Images
from utilities.data.datasets import spread
from utilities.data.forms import FORM_FILE
from utilities.data.names import read_files
from utilities.data.pictures import MODES, corners, is_dark_on_light, light_on_black
from utilities.data.sources import open_pictures
from utilities.errors import BadInput
from utilities.files import as_csv
from utilities.record import pictures
from utilities.record.predictions import filled
from utilities.session.menus import CANCEL
from utilities.terminal.console import Question, say
from utilities.terminal.pictures_done import PicturesDone
from utilities.text import given_path

CHUNK_BYTES = 2**24  # of images that are in memory at a time
INVERTED, UNLIKE = "inverted", "looks unlike"
LOOKED_AT, SMALLEST_MARGIN = 1000, 16  # training images; of 255
NO_FOLDER = "not kept: the run's folder cannot be written"


class Other(NamedTuple):
    """An image that was asked for; "" stands for no note, and no file.

    Attributes:
        name: what it is called.
        note: a few words, that it was inverted, or looks like no training image.
        file: the one that dataset.py made it of, where that is known.
    """

    name: str
    note: str
    file: str


def ask_for_images(console, form, trained_on):
    """Ask for pictures until there are some, or that is cancelled; yield what in_chunks does of them.

    Args:
        trained_on: the training images, uint8 in (count, rows, columns, channels).
    """

    def open_at(answer):
        if answer == CANCEL:
            return None
        try:
            path = given_path(answer)
            source = open_pictures(path, form)
            are_pictures = any(not isinstance(place, Images) for place, _ in source.items)
        except (BadInput, OSError) as fault:
            raise ValueError(getattr(fault, "strerror", None) or fault) from fault
        if are_pictures and form.channels not in MODES:
            raise ValueError(
                f"{answer}: pictures have 1 or 3 channels, the network takes {form.channels}: give an IDX file"
            )
        return source, ((path if path.is_dir() else path.parent) / FORM_FILE).is_file()

    found = console.ask(Question("a picture, a folder or zip of them, or an IDX file (- cancels)", CANCEL, open_at))
    if found:
        source, is_converted = found
        yield from in_chunks(source, form, trained_on, is_converted)


def in_chunks(source, form, trained_on, is_converted=False):
    """Yield lists of Others and their images, uint8 in (count, rows, columns, channels), of a Source's pictures.

    Those that cannot be read are named, and left out.

    Args:
        form: the pictures.Form to bring them to.
        is_converted: whether dataset.py has brought them to a form. Arrays that it has, and those with which there is
            nothing more to do, are taken as they are where their shape is the form's.
    """
    progress = PicturesDone(len(source))
    progress(0, source.left_out)
    shape = form.rows, form.columns, form.channels
    size, any_read = max(1, CHUNK_BYTES // math.prod(shape)), False
    bounds = _bounds(trained_on[spread(np.arange(len(trained_on)), LOOKED_AT)])
    as_they_are = is_converted or not (form.inverted is not False or form.transposed or form.crop)
    files = cache(read_files)
    for start in range(0, len(source), size):
        others, images = [], []
        for index in range(start, min(start + size, len(source))):
            faults = []
            try:
                image, inverted = _bring(source, index, form, as_they_are)
                images.append(image.reshape(shape))
                note = [INVERTED] * inverted + [UNLIKE] * _is_outside(images[-1], bounds)
                place, number = source.items[index]
                known = isinstance(place, Images) and files(place.file, len(place.pixels))
                others.append(Other(source.name(index), ", ".join(note), known[number] if known else ""))
            except BadInput as fault:
                faults.append(str(fault))
            progress(index + 1, faults)
        if others:
            any_read = True
            yield others, np.stack(images)
    if len(source) > 1:
        progress.end()
    if not any_read:
        say("no picture could be read")


def _bring(source, index, form, as_they_are):
    """Return an image, and whether it was inverted."""
    place, name = source.items[index]
    if as_they_are and isinstance(place, Images) and place.pixels.shape[1:] in (form.shape, (*form.shape, 1)):
        return place.image(name), False
    if form.inverted is not None:
        return source.bring(index, form), form.inverted
    image = source.bring(index, replace(form, inverted=False))
    return light_on_black(image), is_dark_on_light(image)


def _bounds(images):
    """Return the least and the greatest mean, and mean of the corners, that a picture may have to look like images."""
    looks = np.array([_look(image) for image in images])
    least, greatest = looks.min(axis=0), looks.max(axis=0)
    margin = np.maximum(SMALLEST_MARGIN, (greatest - least) / 4)
    return least - margin, greatest + margin


def _look(image):
    return image.mean(), corners(image).mean()


def _is_outside(image, bounds):
    """Tell whether an image, uint8 in (rows, columns, channels), is beyond the _bounds of what others look like."""
    least, greatest = bounds
    return bool(np.any((_look(image) < least) | (_look(image) > greatest)))


def say_notes(others):
    """Say what the notes on Others mean, where that is not plain."""
    if any(UNLIKE in other.note for other in others):
        say(f"{UNLIKE}: a mean, or corners, that the training images do not have\n")


def keep_and_show(folder, name, rows, draw):
    """Keep rows as the next CSV file of a name in a run's folder, and a picture beside it, and say where they are."""
    path = folder.keep_next(name, ".csv", as_csv(filled(rows)))
    say(f"all of them: {path}" if path else NO_FOLDER)
    pictures.show({path.stem if path else name: draw}, folder)
