"""One picture brought to a form, and damaged pictures, archives and tables by the hundred, from fixed seeds."""

import contextlib
import functools
import io
import random
import struct
import zipfile
import zlib

import numpy as np
import pytest
from fuzz import damage, message_of
from PIL import Image
from test_reading import CSV, open_source

from utilities.data import pictures
from utilities.data.pictures import Form
from utilities.errors import BadInput

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's, of damage; the scripts silence them

PICTURES, ARCHIVES, TABLES = 1200, 400, 400
GREY = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
COLOUR = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)


def saved(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def brought(content, form):
    return pictures.bring(pictures.open_picture(io.BytesIO(content)), form)


@pytest.mark.parametrize("kind", pictures.FORMATS)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_format_is_read(kind, channels):
    smooth = np.linspace(40, 200, 64).reshape(8, 8).round().astype(np.uint8)
    image = Image.fromarray(smooth if channels == 1 else np.stack([smooth, smooth, 255 - smooth], -1))
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    found = brought(saved(image, kind, **options), Form(8, 8, channels))
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - np.asarray(image)).max() <= (6 if kind == "JPEG" else 3 if kind == "GIF" else 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was_held(orientation, kind):
    upright = np.repeat([[50, 200, 120, 10], [90, 30, 250, 160]], 4, axis=0).repeat(8, axis=1).astype(np.uint8)
    turn = {1: 0, 3: 2, 6: 1, 8: 3}
    stored = np.rot90(upright, turn[orientation]) if orientation in turn else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    content = saved(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, **options)
    found = brought(content, Form(8, 32)).astype(int)
    assert (np.abs(found - upright).max() <= 8) == (orientation in turn)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(mode):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2:6, 2:6, 3] = 255  # black ink on nothing
    image = Image.fromarray(pixels).convert(mode) if mode != "P" else Image.fromarray(pixels).quantize()
    found = brought(saved(image, "PNG"), Form(8, 8))
    assert np.array_equal(found, 255 - pixels[..., 3])


@pytest.mark.parametrize("colour", [False, True])
def test_a_transparent_value_of_16_bits_becomes_white(colour):
    pixels = np.full((8, 8), 3000, np.uint16)
    pixels[2:6, 2:6] = 40_000
    found = brought(png_of_16_bits(pixels, colour, transparent=3000), Form(8, 8))
    assert np.array_equal(found, np.where(pixels == 3000, 255, 40_000 >> 8))


def png_of_16_bits(pixels, colour, transparent):
    """Return a PNG file, which Pillow writes with no transparent value."""
    channels = 3 if colour else 1
    rows = b"".join(b"\0" + row.repeat(channels).astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", *pixels.shape[::-1], 16, 2 if colour else 0, 0, 0, 0)
    parts = {b"IHDR": header, b"tRNS": struct.pack(">H", transparent) * channels, b"IDAT": zlib.compress(rows)}
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in (parts | {b"IEND": b""}).items():
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content


@pytest.mark.parametrize("contrast", [1, -1])
@pytest.mark.parametrize("ground", [60, 128, 200])
def test_ink_is_light_on_black_whatever_the_paper(ground, contrast):
    ink = np.zeros((28, 28))
    ink[8:20, 10:14] = 1
    uneven = np.linspace(-25, 25, 28)[None] + np.linspace(0, 20, 28)[:, None]
    paper = (ground + uneven - 10).clip(0, 255)
    pixels = (paper + contrast * ink * (255 - paper if contrast > 0 else paper) * 0.8).round().astype(np.uint8)
    found = pictures.light_on_black(pixels)
    assert found[ink == 1].min() > 128
    assert found[ink == 0].max() < 40
    assert found.dtype == np.uint8


def test_proportions_are_kept_on_a_ground_of_the_corners_colour():
    picture = np.full((4, 8, 3), 200, np.uint8)
    picture[1:3, 2:6] = 10
    found = pictures.bring(pictures.from_array(picture), Form(16, 16, 3))
    assert (found[:4] == 200).all()
    assert (found[12:] == 200).all()
    assert (found[7:9, 6:10] < 20).all()


def test_turned_cropped_and_inverted_in_this_order():
    picture = np.arange(96, dtype=np.uint8).reshape(8, 12)
    found = pictures.bring(pictures.from_array(picture), Form(4, 8, inverted=True, transposed=True, crop=(4, 8)))
    assert np.array_equal(found, 255 - picture.T[4:8])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_of_1_to_4_channels(channels):
    pixels = np.full((8, 8, channels), 255, np.uint8)
    pixels[..., 0] = 100
    expected = {1: 100, 2: 100, 3: 209, 4: 209}[channels]  # by the weights of red, green and blue
    assert pictures.bring(pictures.from_array(pixels), Form(8, 8)).tolist() == [[expected] * 8] * 8


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size():
    content = saved(Image.new("RGB", (4000, 3000), (200, 30, 30)), "JPEG")
    picture = pictures.open_picture(io.BytesIO(content))
    found = pictures.bring(picture, Form(28, 28, 3))
    assert max(picture.size) <= 500
    assert np.abs(found[14, 14].astype(int) - [200, 30, 30]).max() < 4


def test_the_middle_of_a_large_jpeg_is_the_same_at_a_fraction_of_its_size():
    gradient = np.linspace(0, 255, 2400, dtype=np.uint8)[None].repeat(1600, 0)
    content = saved(Image.fromarray(gradient), "JPEG")
    picture = pictures.open_picture(io.BytesIO(content))
    found = pictures.bring(picture, Form(8, 16, crop=(600, 1200)))
    assert picture.size == (300, 200)
    expected = gradient[500:1100, 600:1800].reshape(8, 75, 16, 75).mean(axis=(1, 3))
    assert np.abs(found - expected).max() < 3


def test_a_jpeg_of_200_megapixels_is_read_and_other_formats_of_as_many_are_not():
    image = Image.new("L", (16_320, 12_240), 90)
    assert (brought(saved(image, "JPEG"), Form(8, 8)) == 90).all()
    with pytest.raises(BadInput, match="expected at most 67,108,864 pixels"):
        brought(saved(image.convert("1"), "PNG"), Form(8, 8))


def test_large_pictures_are_decoded_while_their_semaphore_is_held(monkeypatch):
    class Counting(contextlib.nullcontext):
        times = 0

        def __enter__(self):
            Counting.times += 1

    monkeypatch.setattr(pictures, "LARGE", Counting())
    brought(saved(Image.new("L", (4096, 4096)), "JPEG"), Form(8, 8))
    assert Counting.times == 0
    brought(saved(Image.new("L", (4096, 4097)), "JPEG"), Form(8, 8))
    assert Counting.times == 1


# --- damage


def check_refusal(message, start):
    assert message.startswith(start)
    assert message.isprintable()
    assert len(start) + 3 < len(message) < len(start) + 300


def read_or_refuse(content):
    with pictures.faults_of(lambda: "a picture"):
        brought(content, Form(8, 8, 3))


def test_a_damaged_picture_is_read_or_refused_in_one_line():
    image = Image.fromarray(COLOUR)
    whole = [saved(image, kind) for kind in pictures.FORMATS]
    whole += [saved(image.convert("P"), "PNG", transparency=3), saved(image, "TIFF", compression="jpeg")]
    whole += [saved(image, "TIFF", compression="tiff_lzw"), saved(image.convert("CMYK"), "JPEG")]
    outcomes = {True: 0, False: 0}
    for seed in range(PICTURES):
        content = damage(whole[seed % len(whole)], random.Random(seed))
        message = message_of(functools.partial(read_or_refuse, content), BadInput)
        if message:
            check_refusal(message, "a picture: ")
        outcomes[message is None] += 1
    assert min(outcomes.values()) > PICTURES / 20


def outcome_of(path):
    """Open a damaged source and bring all its pictures to a form; tell whether it was good."""
    message = message_of(lambda: open_source(path), BadInput)
    if message:
        assert message.isprintable()
        return False
    source = open_source(path)
    for index in range(len(source)):
        message = message_of(functools.partial(source.bring, index, Form(8, 8)), BadInput)
        if message:
            check_refusal(message, source.name(index))
    return True


def test_a_damaged_archive_is_read_or_refused_in_one_line(tmp_path):
    path, content = tmp_path / "some.zip", io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
            archive.writestr(name, saved(Image.fromarray(GREY), "PNG"))
    outcomes = []
    for seed in range(ARCHIVES):
        path.write_bytes(damage(content.getvalue(), random.Random(seed)))
        outcomes.append(outcome_of(path))
    assert ARCHIVES / 20 < sum(outcomes) < ARCHIVES * 19 / 20


def test_a_damaged_table_is_read_or_refused_in_one_line(tmp_path):
    path, whole, outcomes = tmp_path / "some.csv", [content for content, *_ in CSV.values()], []
    for seed in range(TABLES):
        path.write_bytes(damage(whole[seed % len(whole)], random.Random(seed)))
        outcomes.append(outcome_of(path))
    assert TABLES / 20 < sum(outcomes) < TABLES * 19 / 20


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_npz_is_read_or_refused_in_one_line(tmp_path, save):
    content = io.BytesIO()
    save(content, x_train=np.resize(GREY, (4, 8, 8)), y_train=np.arange(4) % 2)
    outcomes = []
    for seed in range(100):
        (tmp_path / "x.npz").write_bytes(damage(content.getvalue(), random.Random(seed)))
        outcomes.append(outcome_of(tmp_path / "x.npz"))
    assert 0 < sum(outcomes) < 100
