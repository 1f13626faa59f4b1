"""Which value of the pixels is white: the range of a whole source decides, not that of an image."""

import numpy as np

from utilities.data.batches import WHITE
from utilities.terminal.dataset_arguments import DEEPEST

DIM = 64  # of 255: where the brightest pixel would be darker than this, the scale is rather another
BEYOND = 1e-3  # of white: what resizing leaves above it, and below black
EXPECTED = "expected pixels from 0 to 255, to 1, or to any 2^k - 1 up to 65,535"


def white_of(least, greatest):
    """Return the value that is white where pixels go from ``least`` to ``greatest``, and whether that is in doubt.

    It is 1 for fractions, 2^k - 1 where that is the greatest, with k from 1 to 16, else 255, or 65,535 where some are
    larger. Where the brightest pixel would then be dark, it is that one, in doubt.

    Raises:
        ValueError: pixels below 0, above 65,535, or not numbers.
    """
    white = next((depth for depth in (1, WHITE, DEEPEST) if greatest <= depth * (1 + BEYOND)), None)
    if white is None or not least >= -BEYOND * white:
        raise ValueError(f"{EXPECTED}, found {least:g} to {greatest:g}")
    if greatest == 0:
        return float(WHITE), False
    if any(greatest == 2**bits - 1 for bits in range(1, 17)):
        return float(greatest), False
    if greatest * WHITE < DIM * white:
        return float(greatest), True
    return float(white), False


def as_bytes(pixels, white):
    """Return pixels as uint8, scaled so that ``white`` is 255; what is beyond it is cut off."""
    if pixels.dtype == np.uint8 and white == WHITE:
        return pixels
    return (pixels * (WHITE / white)).round().clip(0, WHITE).astype(np.uint8)


def scale_of(picture_white, greatest, of_source):
    """Return the white of a picture: the source's where the picture is of such a depth, else that of its own type."""
    known = of_source or 0
    fits = greatest <= known * (1 + BEYOND) and 0 < known < picture_white
    return known if fits or min(known, picture_white) > WHITE else picture_white


def is_deep(picture):
    """Tell whether a Pillow image has numbers of 16 bits, or more."""
    return picture.mode == "F" or picture.mode.startswith("I")


def brightest(picture):
    """Return the brightest value of a Pillow image that is decoded; what is transparent is to become white."""
    if is_deep(picture):
        pixels = np.asarray(picture)
        return float(pixels[pixels != picture.info.get("transparency", -1)].max(initial=0))
    if picture.has_transparency_data:
        return float(WHITE)
    return float(np.max((picture if picture.mode in ("1", "L", "RGB") else picture.convert("RGB")).getextrema()))
