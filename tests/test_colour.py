"""Images of several channels, from their files to the pictures, by the scripts as a user runs them."""

import re

import keras
import numpy as np
import pytest
from conftest import LABELLED, lines, make_images, make_labels, run_script

from utilities.data import idx
from utilities.data.checksum import identify
from utilities.data.datasets import read_images

NAMES = ("red", "green", "blue")
AUTOENCODER = ["1", "3", "6", "20", "8"]


def make_coloured(labels):
    """Return images, (count, 8, 8, 3), of a spot anywhere on grey: its colour alone tells the label."""
    random = np.random.default_rng(2)
    images = np.repeat(random.integers(60, 90, (len(labels), 8, 8, 1), np.uint8), 3, axis=-1)
    for image, label, (row, column) in zip(images, labels, random.integers(0, 4, (len(labels), 2)), strict=True):
        image[row : row + 4, column : column + 4, label] = 250
    return images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("colour")
    labels = make_labels(90, range(3))
    idx.write(folder / "images.gz", make_coloured(labels))
    idx.write(folder / "labels.gz", labels)
    (folder / "labels.txt").write_text(lines(*(f"{label} {name}" for label, name in enumerate(NAMES))))
    return folder


@pytest.fixture(scope="module")
def autoencoder_session(folder):
    return run_script("autoencoder", ["-d", "images"], lines(*AUTOENCODER, "2", "4", "5", "0", "3", ""), folder)


def test_an_autoencoder_learns_colours(autoencoder_session):
    assert (autoencoder_session.stderr, autoencoder_session.code) == ("", 0)
    out = autoencoder_session.stdout
    assert out.startswith("90 images of 8 x 8 pixels in 3 channels: 81 to train on, 9 for validation")
    assert "encoder  8x8x3 -> 4x4x6\ndecoder  4x4x6 -> 8x8x6 -> 8x8x3\n" in out
    assert "code     96 numbers for an image of 192 numbers: 2 times fewer\n" in out
    assert "nothing was learnt" not in out
    encoder = keras.models.load_model(autoencoder_session.folder / "encoder.h5")
    assert encoder.input_shape == (None, 8, 8, 3)


def test_the_pictures_of_colours_are_drawn(autoencoder_session):
    (run,) = autoencoder_session.runs
    assert re.findall("(.*)not drawn", autoencoder_session.stdout) == ["kernels of the first layer: "]
    found = {path.name for path in run.iterdir()}
    assert found & {"reconstructions.png", "code_map.png", "first_layer.png"} == {"reconstructions.png", "code_map.png"}


def test_a_classifier_tells_colours_apart_and_calls_them_by_their_names(folder, autoencoder_session):
    session = run_script("classification", LABELLED, lines("16", "12", "8", "3"), folder)
    assert (session.stderr, session.code) == ("", 0)
    assert "not drawn" not in session.stdout
    assert "nothing was learnt" not in session.stdout
    (run,) = session.runs
    results = (run / "results.txt").read_text()
    assert float(re.search(r"\ntest accuracy +([\d.]+)%\n", results)[1]) > 80
    head, *rows = (line.split() for line in results.split("predicted)\n")[1].splitlines())
    assert head == [row[0] for row in rows] == list(NAMES)
    assert {"examples.png", "confusion.png"} <= {path.name for path in run.iterdir()}


def test_images_with_an_axis_for_one_channel_are_those_without(tmp_path):
    images = make_images(make_labels(40, range(3)))
    idx.write(tmp_path / "without", images)
    idx.write(tmp_path / "with", images[..., np.newaxis])
    one, other = (read_images(tmp_path / name) for name in ("without", "with"))
    assert np.array_equal(one, other)
    assert identify(one) == identify(other)
    assert identify(one).startswith("(40, 8, 8), checksum ")
