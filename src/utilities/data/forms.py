"""The form that new pictures are brought to, for a network that was trained on images of it."""

import json

from utilities.data.batches import WHITE
from utilities.data.pictures import Form, corners

FORM_FILE = "dataset.json"  # beside the IDX files that dataset.py wrote: how the pictures became images
LONGEST_FILE = 2**16  # bytes
LOOKED_AT = 100  # images
ALIKE = 0.9  # the share of them whose ground tells that of all


def form_like(images, path):
    """Return the Form of images, uint8 in (count, rows, columns, channels), that were read from an IDX file at a path.

    It is the one that dataset.py kept beside the file. Without it sides and channels are the images', and where grey
    images have a dark ground, as MNIST's have, new ones on a light ground are inverted.
    """
    shape = images.shape[1:]
    try:
        with (path.parent / FORM_FILE).open("rb") as file:
            kept = _parse(json.loads(file.read(LONGEST_FILE))["form"])
        if (kept.rows, kept.columns, kept.channels) == shape:
            return kept
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass  # there is none, or it is something else
    some = images[:: max(1, len(images) // LOOKED_AT)]
    dark = (corners(some.swapaxes(0, 1).swapaxes(1, 2)) < WHITE / 2).all(axis=(0, 2)).mean() >= ALIKE
    return Form(*shape, inverted=None if dark and shape[2] == 1 else False)


def _parse(kept):
    """Return a Form from what JSON made of one; raise ValueError, LookupError or TypeError where it made another."""
    crop = kept["crop"] and tuple(kept["crop"])
    numbers = kept["rows"], kept["columns"], kept["channels"]
    flags = kept["inverted"], kept["transposed"]
    are_numbers = all(type(number) is int and number > 0 for number in (*numbers, *(crop or (1, 1))))
    if not (are_numbers and all(type(flag) is bool for flag in flags) and len(crop or (1, 1)) == 2):
        raise ValueError
    return Form(*numbers, *flags, crop)
