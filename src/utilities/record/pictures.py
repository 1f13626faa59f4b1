"""Draws pictures with settings of its own, keeps them as PNG files, and opens windows where there is a display."""

import contextlib
import functools
import io
import os
import textwrap
import unicodedata

import matplotlib.pyplot as plt
from matplotlib.font_manager import FontPath, FontProperties, findfont, fontManager, get_font

from utilities.backend import WINDOW_BACKEND
from utilities.data.names import LONGEST_NAME
from utilities.terminal.console import say
from utilities.text import distinct, printable

# Okabe and Ito's colours, told apart by the colour-blind too.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
DOTS_PER_INCH, TEXT_POINTS = 150, 9
FAULT_CHARACTERS = 200
TITLE_CHARACTERS = 11  # for each inch of a figure's width
NUMBER_CHARACTERS = 5  # of a class's name that is a number


def show(drawings, folder):
    """Draw and keep pictures as keep does, say where they are, and open windows where there is a display."""
    drawn = _draw(drawings, folder)
    windows = any(figure.canvas.required_interactive_framework for figure, _ in drawn)
    for figure, path in drawn:
        if path:
            say(f"picture: {path}")
        elif not windows:
            say("no picture: there is no display, and the run's folder cannot be written")
        if not windows:
            plt.close(figure)
    if windows:
        with _faults_told("no windows"):
            plt.pause(0.1)  # opens them, and lets them draw


def keep(drawings, folder):
    """Draw pictures, {name: function that returns a figure}, and keep them as PNG files in a run's folder.

    One that cannot be drawn is told, and left out.
    """
    for figure, _ in _draw(drawings, folder):
        plt.close(figure)


def _draw(drawings, folder):
    """Return the figures that can be drawn, each with the path of its file, or None where it could not be kept."""
    drawn, before = [], plt.get_fignums()
    for name, draw in drawings.items():
        with _faults_told(f"picture not drawn: {name}"):
            figure = draw()
            drawn.append((figure, folder.keep_bytes(f"{name}.png", as_png(figure))))
    for number in {*plt.get_fignums()} - {*before, *(figure.number for figure, _ in drawn)}:
        plt.close(number)  # half-drawn
    return drawn


def as_png(figure):
    """Return a figure as the bytes of a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
    return content.getvalue()


@contextlib.contextmanager
def _faults_told(what):
    """Tell what goes wrong within in one line, and go on: matplotlib raises whatever fonts and toolkits raise."""
    try:
        yield
    except Exception as error:
        say(printable(f"{what}: {type(error).__name__}: {' '.join(str(error).split())}", FAULT_CHARACTERS))


def subplots(title, *shape, **options):
    """Return what pyplot's function of that name returns, titled, and laid out so that no text covers another."""
    _set_up()
    figure, axes = plt.subplots(*shape, layout="constrained", **options)
    figure.suptitle(textwrap.fill(title, int(figure.get_figwidth() * TITLE_CHARACTERS)), fontsize=11)
    return figure, axes


@functools.cache
def _set_up():
    """Choose the settings, and the backend: Agg, which opens no windows, where the user's cannot be loaded."""
    plt.rcdefaults()  # a file matplotlibrc in the working directory has been read
    plt.rcParams["text.parse_math"] = False  # a $ is a character of a file's name
    name = os.environ.get(WINDOW_BACKEND, "")
    with _faults_told(f"no windows (MPLBACKEND={name})"):
        if name:
            plt.switch_backend(name)
        plt.close(plt.figure())
        return
    plt.switch_backend("Agg")


def legible(text, longest):
    """Return a text as printable does, with the characters escaped too that no font has."""
    _set_up()
    return printable("".join(each if _has_font(each) else ascii(each)[1:-1] for each in str(text)), longest)


@functools.cache
def _has_font(character):
    """Tell whether texts have a font for a character: one of those now, or one of the system, which is added to them.

    One is looked for in each script once, by what the names of its characters begin with: CJK, HANGUL, THAI.
    """
    families = plt.rcParams["font.family"]
    if any(_draws(findfont(FontProperties(family=[family])), character) for family in families):
        return True
    script = unicodedata.name(character, "").partition(" ")[0]
    if script not in _families:
        fonts = (font for font in fontManager.ttflist if not font.name.startswith("Last Resort"))
        found = (font.name for font in fonts if script and _draws(FontPath(font.fname, font.index), character))
        _families[script] = next(found, None)
    family = _families[script]
    if family is None or not _draws(findfont(FontProperties(family=[family])), character):
        return False
    plt.rcParams["font.family"] = list(dict.fromkeys([*families, family]))
    return True


_families = {}  # of the fonts that were looked for, by script


def _draws(path, character):
    """Tell whether a font has a character, and as lines: matplotlib draws no emoji in colour."""
    try:
        font = get_font(path)
        font.set_size(TEXT_POINTS, DOTS_PER_INCH)
        return font.get_char_index(ord(character)) and font.load_char(ord(character)) is not None
    except (RuntimeError, ValueError, OSError):
        return False


def class_names(results, longest):
    """Return what each class of Results is called, in characters that the font has."""
    return distinct([legible(name, LONGEST_NAME) for name in results.names], results.classes, longest)
