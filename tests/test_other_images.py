"""What was learnt, put to use: other pictures classified and reconstructed, mistakes, codes, neighbours."""

import csv
import json
import re
import zipfile
from dataclasses import asdict, replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import make_images, make_labels, run_script
from PIL import Image

from utilities.data import idx
from utilities.data.forms import form_like
from utilities.data.pictures import Form
from utilities.errors import BadInput
from utilities.record.image_figures import draw_captioned
from utilities.record.predictions import filled, format_table, mistakes_table, predictions_table, shown_predictions
from utilities.record.results import Results
from utilities.session.other_images import Other, ask_for_images

BLACK = np.zeros((2, 8, 8, 1), np.uint8)  # training images
NAMES = {0: "naught", 5: "five", 9: "nine"}


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def said(session, what):
    return [session.folder / path for path in re.findall(rf"^{what}: (.+)$", session.stdout, re.MULTILINE)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of labelled images of three classes with names, and pictures of some, dark on light ground."""
    folder = tmp_path_factory.mktemp("others")
    labels = make_labels(120, tuple(NAMES))
    images = make_images(labels)
    images[:, [0, 0, -1, -1], [0, -1, 0, -1]] = 0  # a dark ground
    for name, array in (("images", images), ("labels", labels)):
        idx.write(folder / name, array)
    (folder / "labels.txt").write_text("".join(f"{label} {name}\n" for label, name in NAMES.items()))
    (folder / "pictures" / "deep").mkdir(parents=True)
    for number, (image, label) in enumerate(zip(images[:12], labels, strict=False)):
        Image.fromarray(255 - image).save(folder / "pictures" / "deep" / f"{number}-{NAMES[label]}.png")
    (folder / "pictures" / "broken.png").write_bytes(b"\x89PNG no")
    return folder


@pytest.fixture(scope="module")
def classified(folder):
    """A session that classifies a folder, a picture and the IDX file, and asks for the mistakes."""
    assert run_script("autoencoder", ["-d", "images"], "1\n3\n8\n10\n16\n3\nencoder.h5\n0\n", folder).code == 0
    files = ["-d", "images", "-dl", "labels", "-t", "images", "-tl", "labels", "-model", "encoder.h5"]
    picture = next(folder.glob("pictures/deep/0-*"))
    answers = ["32", "40", "16", "4", "pictures", "4", f'"{picture}"', "4", "images", "4", "-", "5", "0"]
    session = run_script("classification", files, "".join(f"{answer}\n" for answer in answers), folder)
    assert (session.code, session.stderr) == (0, "")
    return session


def test_pictures_are_brought_to_the_form_of_the_training_images_and_classified(classified):
    first, second, third = [path for path in said(classified, "all of them") if path.name != "mistakes.csv"]
    assert [path.name for path in (first, second, third)] == [
        "predictions-1.csv",
        "predictions-2.csv",
        "predictions-3.csv",
    ]
    rows = read_csv(first)
    assert len(rows) == 12
    right = [row for row in rows if row["image"].endswith(f"-{row['name']}.png")]
    assert len(right) >= 11  # upside down, or light on dark, it is a third
    assert all(NAMES[int(row["label"])] == row["name"] for row in rows)
    assert all(1 >= float(row["probability"]) >= float(row["second_probability"]) >= 0 for row in rows)
    assert re.search(r"^left out: pictures/broken\.png: .+$", classified.stdout, re.MULTILINE)
    (alone,) = read_csv(second)
    assert {alone["name"], rows[0]["name"]} <= set(NAMES.values())
    same = next(row for row in rows if row["image"].endswith(alone["image"].split("/")[-1]))
    assert float(alone["probability"]) == pytest.approx(float(same["probability"]), abs=1e-4)
    assert len(read_csv(third)) == 120


def test_images_of_the_networks_own_form_are_taken_as_they_are(classified):
    labels = idx.read(classified.folder / "labels")
    rows = read_csv(said(classified, "all of them")[2])
    right = np.mean([int(row["label"]) == label for row, label in zip(rows, labels, strict=True)])
    accuracy = json.loads((classified.runs[0] / "experiment.json").read_text())["test"]["accuracy"]
    assert right == pytest.approx(accuracy)


def test_what_was_answered_for_the_pictures_is_printed_in_a_table(classified):
    assert re.search(r"^deep/0-\w+\.png +(naught|five|nine) +\d+\.\d\d%", classified.stdout, re.MULTILINE)
    assert "... and 100 more" in classified.stdout
    pictures = said(classified, "picture")
    assert [path.stem for path in pictures][:3] == ["predictions-1", "predictions-2", "predictions-3"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_mistakes_are_listed_or_there_are_none(classified):
    accuracy = json.loads((classified.runs[0] / "experiment.json").read_text())["test"]["accuracy"]
    wrong = round(120 * (1 - accuracy))
    if wrong:
        assert len(read_csv(classified.runs[0] / "mistakes.csv")) == wrong
        assert f"{wrong} of 120 images, the most confident first" in classified.stdout
    else:
        assert "there are none" in classified.stdout


def test_other_images_are_reconstructed_the_worst_first(folder, classified):
    strange = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(strange).save(folder / "strange.png")
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        for path in [folder / "strange.png", *sorted(folder.glob("pictures/deep/*.png"))]:
            archive.write(path, path.name)
    session = run_script("autoencoder", ["--open"], "5\nsome.zip\n7\n2\n7\n0\n", folder)
    assert (session.code, session.stderr) == (0, "")
    rows = read_csv(said(session, "all of them")[0])
    errors = [float(row["error"]) for row in rows]
    assert len(rows) == 13
    assert errors == sorted(errors, reverse=True)
    assert rows[0]["image"].endswith("strange.png")
    assert rows[0]["worse than"] == "100%"  # it does not belong with the others, which are alike
    assert all(int(row["worse than"].removesuffix("%")) < 100 for row in rows[2:])
    mean, count = re.search(r"^mean ([\d.]+); of (\d+) images held out", session.stdout, re.MULTILINE).groups()
    assert (float(mean), int(count)) == (pytest.approx(np.mean(errors), abs=1e-5), 12)
    codes = np.load(session.runs[0] / "codes.npy")
    assert (codes.shape, codes.dtype) == ((120, 4, 4, 8), np.float32)
    assert "the codes, (120, 4, 4, 8), in the images' order: " in session.stdout
    assert said(session, "picture")[-1].name == "neighbours.png"


def test_the_codes_are_those_of_the_encoder_that_is_kept(folder, classified):
    import keras

    (run,) = folder.glob("runs/*_autoencoder")
    if not (run / "codes.npy").exists():
        run_script("autoencoder", ["--open"], "7\n0\n", folder)
    encoder = keras.models.load_model(run / "encoder.h5", compile=False)
    images = idx.read(folder / "images")[..., np.newaxis] / np.float32(255)
    assert np.allclose(np.load(run / "codes.npy"), encoder.predict(images, verbose=0), atol=1e-5)


# --- asked for


def test_a_path_that_cannot_be_read_is_told_and_asked_again(folder, at_terminal, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "page.html").write_text("<html>")
    answers = ("nowhere", "empty", "page.html", "'pictures'")
    chunks, shown = at_terminal(lambda console: list(ask_for_images(console, Form(8, 8, 1), BLACK)), *answers)
    assert [len(others) for others, _ in chunks] == [12]
    assert "nowhere: no such file" in shown
    assert "empty: expected pictures" in shown
    assert "page.html: not an IDX file: it begins like a web page" in shown


@pytest.mark.parametrize("answer", ["-", ""])
def test_asking_is_cancelled(at_terminal, answer):
    assert at_terminal(lambda console: list(ask_for_images(console, Form(8, 8, 1), BLACK)), answer)[0] == []


def test_a_bad_path_in_redirected_input_ends_the_script(redirect):
    with pytest.raises(BadInput, match=r"line 1 of the input, .*: nowhere: no such file"):
        list(ask_for_images(redirect("nowhere\n"), Form(8, 8, 1), BLACK))


def test_pictures_come_in_chunks_in_their_order(folder, redirect, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("utilities.session.other_images.CHUNK_BYTES", 5 * 64)
    chunks = list(ask_for_images(redirect("pictures\n"), Form(8, 8, 1), BLACK))
    assert [images.shape for _, images in chunks] == [(4, 8, 8, 1), (5, 8, 8, 1), (3, 8, 8, 1)]
    names = [other.name for others, _ in chunks for other in others]
    assert names == sorted(names)
    assert capsys.readouterr().out.count("left out: ") == 1


@pytest.mark.parametrize("channels", [2, 4])
def test_pictures_for_a_network_of_other_channels_are_refused_at_once(folder, redirect, monkeypatch, channels):
    monkeypatch.chdir(folder)
    with pytest.raises(BadInput, match=f"pictures have 1 or 3 channels, the network takes {channels}"):
        list(ask_for_images(redirect("pictures\n"), Form(8, 8, channels), BLACK))


def test_where_none_can_be_read_that_is_told(folder, redirect, capsys):
    assert list(ask_for_images(redirect(f"{folder / 'pictures' / 'broken.png'}\n"), Form(8, 8, 1), BLACK)) == []
    assert capsys.readouterr().out.endswith("\nno picture could be read\n")


@pytest.mark.parametrize("converted", [True, False])
def test_arrays_are_brought_to_the_remembered_form_where_dataset_py_has_not_done_so(tmp_path, redirect, converted):
    np.save(tmp_path / "light.npy", np.full((2, 8, 8), 250, np.uint8))
    if converted:
        (tmp_path / "dataset.json").touch()
    ((_, images),) = ask_for_images(redirect(f"{tmp_path / 'light.npy'}\n"), Form(8, 8, 1, inverted=True), BLACK)
    assert (images == (250 if converted else 5)).all()


def test_the_note_says_what_was_inverted_and_what_looks_like_no_training_image(tmp_path, redirect):
    ink = make_images(make_labels(40, range(5)), 28, 28) // 2 * 2
    ink[ink < 100] = 0
    grounds = {"clean": 255 - ink[0], "light on dark": ink[0]}
    slope = np.linspace(60, 140, 28)[:, None].repeat(28, 1)
    grounds["shaded"] = (slope * (1 - ink[0] / 300)).astype(np.uint8)
    grounds["all ink"] = np.where(ink[0] == 0, 0, 255).astype(np.uint8).T.repeat(3, 0)[:28]
    grounds["all ink"][:, 2:26] = 255
    for name, pixels in grounds.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    for name in grounds:
        chunk = ask_for_images(redirect(f"{tmp_path / name}.png\n"), Form(28, 28, inverted=None), ink[..., None])
        (((((_, note, _),), (image,))),) = chunk
        assert note == {"light on dark": "", "all ink": "looks unlike"}.get(name, "inverted")
        if name in ("clean", "light on dark"):
            assert np.array_equal(image[..., 0], ink[0])
        if name == "shaded":
            assert np.array_equal(image[..., 0] > 64, ink[0] > 0)


# --- the form


def dark(count=20, channels=1):
    return np.zeros((count, 8, 8, channels), np.uint8)


def test_light_pictures_are_inverted_for_a_network_of_dark_ones_alone(tmp_path):
    assert form_like(dark(), tmp_path / "images") == Form(8, 8, 1, inverted=None)
    assert form_like(255 - dark(), tmp_path / "images") == Form(8, 8, 1)
    mixed = dark()
    mixed[::4] = 255
    assert form_like(mixed, tmp_path / "images") == Form(8, 8, 1)
    assert form_like(dark(channels=3), tmp_path / "images") == Form(8, 8, 3)


def test_the_answers_of_dataset_py_are_remembered(tmp_path):
    kept = Form(8, 8, 1, inverted=True, transposed=True, crop=(20, 30))
    (tmp_path / "dataset.json").write_text(json.dumps({"form": asdict(kept)}))
    assert form_like(255 - dark(), tmp_path / "images") == kept
    assert form_like(dark(), tmp_path / "images") == replace(kept, inverted=None)  # light on dark they are as they are
    assert form_like(np.zeros((5, 12, 8, 1), np.uint8), tmp_path / "images").transposed is False  # of other images


@pytest.mark.parametrize(
    "form",
    [
        {"rows": 8},
        {"rows": "8", "columns": 8, "channels": 1, "inverted": True, "transposed": False, "crop": None},
        {"rows": 8, "columns": 8, "channels": 1, "inverted": 1, "transposed": False, "crop": None},
        {"rows": 8, "columns": 8, "channels": 1, "inverted": True, "transposed": False, "crop": [3]},
        {"rows": 8, "columns": 8, "channels": 1, "inverted": True, "transposed": False, "crop": [3, -1]},
        {"rows": 8, "columns": 8, "channels": 1, "inverted": True, "transposed": False, "crop": 3},
        [],
        None,
    ],
)
def test_a_damaged_memory_of_the_answers_is_passed_over(tmp_path, form):
    (tmp_path / "dataset.json").write_text(json.dumps({"form": form}))
    assert form_like(dark(), tmp_path / "images") == Form(8, 8, 1, inverted=None)


# --- numbers and pictures

RESULTS = Results(
    np.array([0, 1, 2, 0, 1]),
    np.array([[0.6, 0.3, 0.1], [0.9, 0.05, 0.05], [0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.4, 0.35, 0.25]]),
    np.array([3, 5, 8]),
    ("three", "five", "eight"),
)


def test_mistakes_are_in_the_order_of_their_confidence():
    rows = mistakes_table(RESULTS)
    assert filled(rows)[0] == ("index", "true", "predicted", "probability")
    assert filled(rows)[1:] == [
        (1, "five", "three", "0.9000"),
        (3, "three", "eight", "0.7000"),
        (4, "five", "three", "0.4000"),
    ]
    assert [row[-1] for row in mistakes_table(RESULTS, [*"abcde"])] == ["file", "b", "d", "e"]


def test_the_second_class_is_told_where_it_is_close():
    others = Other("a", "", "x/1.png"), Other("b", "inverted", "")
    table = predictions_table(others, RESULTS.probabilities[:2], RESULTS.classes, RESULTS.names)
    assert table[1] == ["a", 3, "three", "0.600000", 5, "five", "0.300000", "", "x/1.png"]
    shown = list(shown_predictions(table))
    assert shown[1:] == [
        ("a", "three", "60.00%", "five 30.00%", "", "x/1.png"),
        ("b", "three", "90.00%", "", "inverted", ""),
    ]


def test_a_table_shows_its_first_rows_and_ends_of_paths_and_no_empty_column():
    rows = [("image", "class", "note"), *((f"/a/very/long/path/{number}.png", "x\x1b", "") for number in range(25))]
    lines = format_table(rows).splitlines()
    assert lines[:2] == ["image        class", r"path/0.png   x\x1b"]
    assert format_table([("image", "class"), ("a/b/c", "d/e/f")]).splitlines()[1] == "b/c    d/e/f"
    cut = format_table([("file",), ("mine/t10k-images-idx3-ubyte.gz, image 3830",)]).splitlines()[1]
    assert cut == "mine/t10k-i...image 3830"
    assert lines[-1] == "... and 5 more"
    assert len(lines) == 22


@pytest.mark.parametrize("count", [1, 5, 13])
def test_each_image_is_above_its_own_caption(count):
    images = np.arange(count, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2)
    figure = draw_captioned(images, [f"image {number}" for number in range(count)], "title")
    drawn = [axis for axis in figure.axes if axis.images]
    assert [axis.get_xlabel() for axis in drawn] == [f"image {number}" for number in range(count)]
    assert [round(255 * float(axis.images[0].get_array().flat[0])) for axis in drawn] == list(range(count))
    plt.close(figure)
