"""One picture, brought to the form that a network takes."""

import contextlib
import math
import threading
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from utilities.data.batches import WHITE
from utilities.data.values import DEEPEST, as_bytes, brightest, is_deep, scale_of, white_of
from utilities.errors import BadInput
from utilities.limits import available_memory
from utilities.text import printable

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
# What a picture may claim to be, and a JPEG, which is decoded at a fraction of its size. One of the largest takes some
# 600 MB while it is decoded, a progressive JPEG twice that.
MOST_PIXELS, MOST_PIXELS_OF_JPEG = 2**26, 2**28
LARGEST_SIDE = 2**15
# Threads decode no more large pictures at a time than there is memory for.
LARGE_PIXELS, LARGEST_BYTES = 2**24, 2**31
LARGE = threading.Semaphore(max(1, available_memory() // LARGEST_BYTES))
Image.MAX_IMAGE_PIXELS = MOST_PIXELS_OF_JPEG // 2  # Pillow refuses what has more than twice as many
BLACK = 32  # the brightest that a ground is taken for black
REDUCING_GAP = 1.5  # a picture is first reduced by whole numbers, which is faster, to so many times its new sides
LONGEST_REASON = 100
MODES = {1: "L", 3: "RGB"}  # by the channels
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # in EXIF: the tag, and the values that swap rows and columns


@dataclass(frozen=True)
class Form:
    """What pictures are brought to: first transposed, then cropped to the rows and columns in the middle.

    Attributes:
        inverted: whether light and dark are swapped; None: as light_on_black tells.
        white: the value that is white in pictures of such a depth; None: the largest that their type has.
    """

    rows: int
    columns: int
    channels: int = 1
    inverted: bool | None = False
    transposed: bool = False
    crop: tuple[int, int] | None = None
    white: float | None = None

    @property
    def shape(self):
        """Of an image, (rows, columns), or (rows, columns, 3) in colour."""
        return (self.rows, self.columns) if self.channels == 1 else (self.rows, self.columns, self.channels)


def open_picture(file):
    """Return the picture in an open file, or at a path, not yet decoded, or raise whatever Pillow raises."""
    return _checked(Image.open(file, formats=FORMATS))


def from_array(pixels):
    """Return uint8, (rows, columns) or (rows, columns, 1 to 4 channels), as a Pillow image."""
    pixels = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
    return _checked(Image.fromarray(np.ascontiguousarray(pixels)))


def _checked(picture):
    most = MOST_PIXELS_OF_JPEG if picture.format == "JPEG" else MOST_PIXELS
    if picture.width * picture.height > most or max(picture.size) > LARGEST_SIDE:
        raise BadInput(
            f"expected at most {most:,} pixels and {LARGEST_SIDE:,} on a side, found {picture.height} x {picture.width}"
        )
    return picture


@contextlib.contextmanager
def faults_of(name_of):
    """Tell whatever goes wrong with a picture as BadInput, in one line that begins with the name that is returned."""
    try:
        yield
    except Image.UnidentifiedImageError as error:
        raise BadInput(f"{name_of()}: not a picture in one of the formats {', '.join(FORMATS)}") from error
    except Exception as error:  # a damaged picture makes Pillow raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{name_of()}: {printable(reason, LONGEST_REASON)}") from error


def upright_size(picture):
    """Return the rows and columns of a Pillow image when it is turned as its camera was held."""
    is_turned = picture.getexif().get(ORIENTATION) in TURNED
    return picture.size if is_turned else picture.size[::-1]


def bring(picture, form):
    """Return a Pillow image in a form: uint8, of ``form.shape``.

    What is transparent becomes white. The proportions are kept: where they are not the form's, the picture is put on a
    ground of the colour of its corners.

    Raises:
        Exception: whatever Pillow raises, and ValueError where it is not known which pixels are white.
    """
    if form.channels not in MODES:
        raise ValueError(f"a picture has 1 or 3 channels, and images of {form.channels} are wanted")
    if picture.width * picture.height <= LARGE_PIXELS:
        return _bring(picture, form)
    with LARGE:
        return _bring(picture, form)


def _bring(picture, form):
    width = picture.width
    if picture.format == "JPEG":
        _draft(picture, form)
    picture.load()
    reduced = picture.width / width
    if "exif" in picture.info or picture.format == "TIFF":
        picture = ImageOps.exif_transpose(picture)
    picture = _opaque(picture, MODES[form.channels], form.white)
    if form.transposed:
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
    if form.crop:
        picture = _middle(picture, *(max(1, round(side * reduced)) for side in form.crop))
    pixels = np.frombuffer(_fit(picture, form.columns, form.rows).tobytes(), np.uint8).reshape(form.shape)
    if form.inverted is None:
        return light_on_black(pixels)
    return WHITE - pixels if form.inverted else pixels


def _draft(picture, form):
    """Have a JPEG decoded at half its size, or less, where what is left of it is still larger than what is needed."""
    needed = round(REDUCING_GAP * max(form.rows, form.columns))
    wanted = (needed, needed)
    if form.crop:
        share = needed / min(*form.crop, *picture.size)
        wanted = tuple(math.ceil(side * share) for side in picture.size)
    picture.draft(MODES[form.channels], wanted)


def _opaque(picture, mode, white):
    """Return a picture in a mode, scaled as ``Form.white`` says, on white where it is transparent."""
    if is_deep(picture):
        pixels = np.asarray(picture)
        if pixels.dtype.kind == "f" or pixels.min() < 0 or pixels.max() > DEEPEST:
            raise ValueError("pixels of 32 bits, of which it is not known what is white")
        transparent = Image.fromarray(pixels == picture.info.get("transparency", -1))
        own, _ = white_of(0, float(pixels.max()))
        picture = Image.fromarray(as_bytes(pixels, scale_of(DEEPEST, pixels.max(), white or own)))
        picture.paste(WHITE, mask=transparent)
    elif white and (scale := scale_of(WHITE, brightest(picture), white)) < WHITE:
        picture = Image.fromarray(as_bytes(np.asarray(picture.convert(mode)), scale))
    colour = picture.info.get("transparency")
    if isinstance(colour, tuple) and max(colour) > WHITE:  # of a PNG with 16 bits, of which Pillow keeps 8
        picture.info["transparency"] = tuple(value >> 8 for value in colour)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture if picture.mode == mode else picture.convert(mode)


def _middle(picture, rows, columns):
    """Return the middle of a picture, no larger than it is."""
    width, height = min(columns, picture.width), min(rows, picture.height)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _fit(picture, width, height):
    """Return a picture scaled into a width and a height, on a ground of the colour of its corners."""
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP)
    if size == (width, height):
        return picture
    ground = corners(np.asarray(picture)).mean(axis=0).round().astype(int)
    return ImageOps.pad(picture, (width, height), color=tuple(np.atleast_1d(ground).tolist()))


def is_dark_on_light(pixels):
    """Tell whether a grey image, (rows, columns), has dark ink: its border is further from its darkest pixel."""
    return bool(2 * np.median(_border(pixels)) > int(pixels.min()) + int(pixels.max()))


def light_on_black(pixels):
    """Return a grey image, (rows, columns), as light ink on black, as MNIST has it.

    Dark ink is inverted. Where the ground is not black then, as paper in a photograph is not, it is taken away, uneven
    as its corners are, and the rest brought to the full range. Of 300 digits of MNIST drawn on uneven grey paper a
    network read 96 % so, and 18 % where light corners decided, and nothing was taken away.
    """
    pixels = WHITE - pixels if is_dark_on_light(pixels) else pixels
    if np.median(_border(pixels)) <= BLACK:
        return pixels
    left_above, right_above, left_below, right_below = corners(pixels)
    rows, columns = pixels.shape
    sides = np.linspace(left_above, left_below, rows), np.linspace(right_above, right_below, rows)
    ink = np.maximum(pixels - np.linspace(*sides, columns, axis=1), 0)
    return (ink * (WHITE / max(1, ink.max()))).round().astype(np.uint8)


def _border(pixels):
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def corners(pixels):
    """Return the four corners of an image, (rows, columns, ...), as (4, ...)."""
    return pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
