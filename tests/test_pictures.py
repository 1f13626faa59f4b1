"""Pictures, whatever matplotlib is set up to and however much there is to draw."""

import subprocess
import sys
import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import SOURCE, script_environment

from utilities.record import figures, pictures
from utilities.record.confusion_matrix import draw_confusion
from utilities.record.runs import RunFolder

# Draws in a fresh process, whose settings are read on import; prints what is told, and then the picture's digest.
DRAW = """
import hashlib, pathlib
from functools import partial
import numpy as np
from utilities.backend import set_matplotlib_aside
set_matplotlib_aside()
from utilities.record import figures, image_figures, pictures
from utilities.record.runs import RunFolder
images = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
drawings = {"names": partial(figures.draw_comparison, {"encoder": ["Ba$$in.h5", "b.h5"]}, [0.1, 0.4], [0, 0])}
drawings["images"] = partial(image_figures.draw_rows, {"images": images, "again": images / 255}, "title of 100 % $x_1$")
pictures.keep(drawings, RunFolder(pathlib.Path()))
print(*(hashlib.sha256(pathlib.Path(f"{name}.png").read_bytes()).hexdigest() for name in drawings))
"""
NO_DISPLAY = """
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
def new_figure_manager(*arguments, **options):
    raise RuntimeError("no display")
def show():
    pass
"""
LATEX = b"text.usetex: True\nimage.origin: lower\nsavefig.format: pdf\n"


def draw_with(folder, **environment):
    """Return the lines that a process prints which draws with settings of a user."""
    done = subprocess.run(
        [sys.executable, "-c", DRAW],
        cwd=folder,
        env=script_environment(PYTHONPATH=str(SOURCE), **environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def digests(tmp_path_factory):
    (digests,) = draw_with(tmp_path_factory.mktemp("plain"))
    return digests


@pytest.mark.parametrize("backend", ["nonsense", "module://not.there", "module://no_display"])
def test_a_backend_that_cannot_be_used_is_told_once_and_pictures_are_drawn_all_the_same(tmp_path, digests, backend):
    (tmp_path / "no_display.py").write_text(NO_DISPLAY)
    told, found = draw_with(tmp_path, MPLBACKEND=backend)
    assert told.startswith(f"no windows (MPLBACKEND={backend}): ")
    assert found == digests


@pytest.mark.parametrize("name", ["matplotlibrc", "damaged"])
def test_other_settings_of_a_user_do_not_change_the_pictures(tmp_path, digests, name):
    (tmp_path / name).write_bytes(LATEX + (b"\xff" if name == "damaged" else b""))
    assert draw_with(tmp_path, MPLBACKEND="template", MATPLOTLIBRC="damaged") == [digests]


def a_figure(title="title"):
    return figures.draw_kernels(np.ones((1, 3, 3, 1)), title)


def failing():
    raise RuntimeError("latex could\nnot be found " + "x" * 300)


def half_drawn():
    a_figure()
    failing()


def unsaveable():
    figure = a_figure()
    figure.savefig = lambda *args, **options: failing()
    return figure


def test_a_picture_that_cannot_be_drawn_is_told_in_a_line_and_the_others_are_drawn(tmp_path, capsys):
    opened = a_figure().number
    pictures.show({"first": half_drawn, "second": unsaveable, "third": a_figure}, RunFolder(tmp_path))
    assert plt.get_fignums() == [opened]  # a figure of before stays, and no half of another
    plt.close(opened)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("picture not drawn: first: RuntimeError: latex could not be found xxx")
    assert second.startswith("picture not drawn: second: RuntimeError: ")
    assert third == f"picture: {tmp_path / 'third.png'}"
    assert [path.name for path in tmp_path.iterdir()] == ["third.png"]
    assert len(first) <= 200


def test_a_picture_without_a_folder_or_a_display_is_told(capsys, tmp_path):
    pictures.show({"picture": a_figure}, RunFolder(tmp_path / "gone"))
    assert capsys.readouterr().out == "no picture: there is no display, and the run's folder cannot be written\n"


def test_names_are_drawn_as_they_are_but_for_characters_that_the_font_lacks():
    names = {"Ba$$in.h5": "Ba$$in.h5", "a_b^$x$": "a_b^$x$", "é.h5": "é.h5"}
    names |= {"数.h5": r"\u6570.h5", "\udce9\x1b\n": r"\udce9\x1b\n"}
    figure = figures.draw_comparison({"encoder": [*names]}, [0.1] * len(names), [0] * len(names))
    labels = figure.axes[0].get_xticklabels()
    assert {label.get_text() for label in labels} == set(names.values())
    assert not any(label.get_parse_math() for label in labels)
    figure.canvas.draw()


# --- much to draw


class Outcome:
    """As of results.Results, with so many images of each class, most of them right; the labels of many are long."""

    def __init__(self, classes, images):
        self.classes = np.arange(classes) + (1 if classes < 200 else 10_000)
        self.names = tuple(map(str, self.classes))
        self.confusion = images // 10 * (np.eye(classes, k=1, dtype=int) + np.eye(classes, k=-1, dtype=int))
        np.fill_diagonal(self.confusion, images)


def boxes_of(texts):
    """Return the boxes of the texts that are drawn, in their order."""
    return [text.get_window_extent() for text in texts if text.get_text()]


@pytest.mark.parametrize(
    ("classes", "images", "numbered"),
    [
        (2, 7, True),
        (10, 100_000, True),
        (26, 800, True),
        (62, 2000, True),
        (62, 20_000, False),
        (200, 50, False),
        (1000, 5, False),
    ],
)
def test_a_confusion_matrix_of_any_size_can_be_read(classes, images, numbered):
    outcome = Outcome(classes, images)
    figure = draw_confusion(outcome)
    figure.canvas.draw()
    axis = figure.axes[0]
    assert max(figure.get_size_inches()) * pictures.DOTS_PER_INCH <= 2250
    texts = [text for text in axis.texts if text.get_text()]
    assert bool(texts) == numbered
    assert all(text.get_fontsize() >= 4.5 for text in texts)
    cell = axis.get_window_extent().width / classes
    assert all(box.width <= cell for box in boxes_of(texts))
    for side in (axis.xaxis, axis.yaxis):
        labels = side.get_ticklabels()
        assert [int(label.get_text()) for label in labels] == [outcome.classes[tick] for tick in side.get_ticklocs()]
        assert min(classes, 20) <= len(labels) <= 100
        assert all(label.get_fontsize() >= 8 for label in labels)
        boxes = boxes_of(labels)
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_of_a_confusion_matrix_small_shares_can_be_seen():
    outcome = Outcome(3, 100)
    outcome.confusion[0, 2] = 2
    image = draw_confusion(outcome).axes[0].images[0]
    assert image.get_array()[0, 2] ** 2 == pytest.approx(2 / outcome.confusion[0].sum())
    colours = image.cmap(image.norm(image.get_array()))[..., :3].sum(axis=-1)
    assert colours[2, 0] - colours[0, 2] > 0.2


def test_of_thousands_of_kernels_the_first_are_drawn_and_said_to_be():
    figure = figures.draw_kernels(np.random.default_rng(0).normal(size=(4096, 3, 3, 1)), "title")
    assert len(figure.axes[0].patches) == 128  # a frame each
    assert "the first 128 of 4096" in figure._suptitle.get_text()


def test_of_many_experiments_labels_do_not_cover_one_another():
    kernels = [f"{number} {number}" for number in range(100, 300)]
    axis = figures.draw_comparison({"kernels": kernels}, np.linspace(1, 2, 200), [0] * 200).axes[0]
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert 20 <= len(labels) <= 30
    assert [kernels[int(place)] for place in axis.get_xticks()] == labels


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_character_that_a_font_has_beside_the_usual_one_is_drawn_with_that(monkeypatch):
    monkeypatch.setattr(pictures, "_families", {})
    pictures._has_font.cache_clear()
    assert pictures.legible("a\n\uee80", 20) == r"a\n\uee80"  # of nobody
    # Of those that come with matplotlib only STIX has it.
    families = plt.rcParams["font.family"]
    assert pictures.legible("\U0001d49c", 20) == "\U0001d49c"
    figure, axis = pictures.subplots("title")
    axis.set_title("\U0001d49c")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that a character is missing
        pictures.as_png(figure)
    plt.close(figure)
    assert plt.rcParams["font.family"] != families
