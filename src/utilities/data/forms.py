"""The form that new pictures are brought to, for a network that was trained on images of it."""

import json
from dataclasses import replace

from utilities.data.pictures import BLACK, Form, corners
from utilities.data.values import DEEPEST

FORM_FILE = "dataset.json"  # beside the IDX files that dataset.py wrote: how the pictures became images
LONGEST_FILE = 2**16  # bytes
LOOKED_AT = 100  # images
ALIKE = 0.9  # the share of them whose ground tells that of all


def form_like(images, path):
    """Return the Form of images, uint8 in (count, rows, columns, channels), that were read from an IDX file at a path.

    It is the one that dataset.py kept beside the file; without it, sides and channels are the images'. Where grey
    images have a black ground, as MNIST's have, each new one is inverted or not as it is found.
    """
    shape = images.shape[1:]
    form = Form(*shape)
    try:
        with (path.parent / FORM_FILE).open("rb") as file:
            kept = _parse(json.loads(file.read(LONGEST_FILE))["form"])
        form = kept if (kept.rows, kept.columns, kept.channels) == shape else form
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass  # there is none, or it is something else
    some = images[:: max(1, len(images) // LOOKED_AT)]
    black = (corners(some.swapaxes(0, 1).swapaxes(1, 2)) <= BLACK).all(axis=(0, 2)).mean() >= ALIKE
    return replace(form, inverted=None) if black and shape[2] == 1 else form


def _parse(kept):
    """Return a Form from what JSON made of one; raise ValueError, LookupError or TypeError where it made another."""
    crop = kept["crop"] and tuple(kept["crop"])
    numbers = kept["rows"], kept["columns"], kept["channels"]
    flags = kept["inverted"], kept["transposed"]
    white = kept.get("white")  # older files have none
    are_numbers = all(type(number) is int and number > 0 for number in (*numbers, *(crop or (1, 1))))
    is_white = white is None or (type(white) in (int, float) and 0 < white <= DEEPEST)
    if not (are_numbers and is_white and all(type(flag) is bool for flag in flags) and len(crop or (1, 1)) == 2):
        raise ValueError
    return Form(*numbers, *flags, crop, white)
