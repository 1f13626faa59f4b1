"""A picture of some images of each class with its name: inverted, turned or mislabelled sets are seen in it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utilities.data.datasets import spread
from utilities.text import printable

MOST_CLASSES, EXAMPLES = 40, 12
SMALLEST_SIDE, LARGEST_SIDE = 56, 112  # of an image in the picture, in pixels
GAP, MARGIN, TEXT, TEXT_SIZE, LONGEST_NAME = 4, 12, 150, 14, 18
FONT = "mpl-data/fonts/ttf/DejaVuSans.ttf"  # matplotlib's: Pillow's own has no more letters than English


def draw_contact_sheet(source, form, path):
    """Write a PNG with a row of images for each class of a sources.Source, as they are in the IDX file, 0 black."""
    classes = source.class_names or {0: f"{len(source):,} pictures"}
    rows = dict(list(classes.items())[:MOST_CLASSES])
    side = max(form.rows, form.columns)
    zoom = max(1, -(-SMALLEST_SIDE // side)) if side <= LARGEST_SIDE else LARGEST_SIDE / side
    height, width = max(1, round(form.rows * zoom)), max(1, round(form.columns * zoom))
    step = max(height, TEXT_SIZE + GAP) + GAP
    top = MARGIN + TEXT_SIZE + 2 * GAP
    sheet = Image.new("RGB", (MARGIN + TEXT + EXAMPLES * (width + GAP), top + len(rows) * step + MARGIN), "white")
    drawing = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(Path(find_spec("matplotlib").origin).parent / FONT, TEXT_SIZE)
    drawing.text((MARGIN, MARGIN), "as the networks see them; MNIST's ink is light on dark", "black", font)
    for label, name in rows.items():
        shown = name if name == str(label) or not source.class_names else f"{label} {name}"
        drawing.text((MARGIN, top), printable(shown, LONGEST_NAME), "black", font)
        for place, index in enumerate(spread(np.flatnonzero(source.labels == label), EXAMPLES)):
            image = Image.fromarray(source.bring(index, form)).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(image, (MARGIN + TEXT + place * (width + GAP), top))
        top += step
    sheet.save(path)
