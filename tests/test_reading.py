"""What dataset.py reads of each kind of source: pixels, labels and parts as they are meant, or one line on why not."""

import gzip
import io
import json
import os
import zipfile
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from utilities.data import arrays, idx, tables
from utilities.data.forms import form_like
from utilities.data.pictures import Form
from utilities.data.sources import decide, find, open_pictures
from utilities.errors import BadInput
from utilities.session.dataset import ask, read
from utilities.terminal import pictures_done
from utilities.terminal.dataset_arguments import parse_dataset_arguments
from utilities.text import given_path

RANDOM = np.random.default_rng(0)
COUNT = 60
GREY = RANDOM.integers(0, 256, (COUNT, 8, 8)).astype(np.uint8)
GREY[0, 0, :2] = 0, 255
LABELS = np.arange(COUNT) % 3
SORTED = np.sort(LABELS)
SMOOTH = np.add.outer(np.arange(COUNT) * 3, np.add.outer(np.arange(8) * 9, np.arange(8) * 12)).astype(np.uint8)
COLOUR = np.stack([SMOOTH, SMOOTH.transpose(0, 2, 1) // 2, 255 - SMOOTH], axis=-1)


def open_source(path):
    return decide(find(path))


def table(*columns, head=None, separator=",", end="\n"):
    """Return the text of a table of columns, each (rows,) or (rows, ...), as bytes."""
    parts = [np.asarray(column).reshape(COUNT, -1).tolist() for column in columns]
    rows = [[cell for part in parts for cell in part[number]] for number in range(COUNT)]
    return end.join([separator.join(map(str, row)) for row in ([head] if head else []) + rows] + [""]).encode()


def names(count, *before, stem="pixel"):
    return [*before, *(f"{stem}{number}" for number in range(count))]


def npz(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def idx_of(folder, array):
    idx.write(folder / "array", array)
    content = (folder / "array").read_bytes()
    (folder / "array").unlink()
    return content


def lay(folder, files):
    """Write files, {name: bytes, or an array that is saved as a picture}; a text is another file, or text itself."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, np.ndarray):
            Image.fromarray(content).save(path, "PNG" if path.suffix == ".x" else None)
        else:
            path.write_bytes(content)


@pytest.fixture
def reads(tmp_path, monkeypatch, redirect, capsys):
    """Return a function that reads a source as dataset.py does; it returns the Source, what is printed, and images."""
    monkeypatch.chdir(tmp_path)

    def reads(source, *flags, answers=""):
        arguments = parse_dataset_arguments(["-d", str(source), "-o", "out", *flags])
        source = read(redirect(answers), arguments)
        shown = capsys.readouterr().out
        arguments.sides, arguments.colour, arguments.invert, arguments.test_share = (
            (8, 8),
            "--colour" in flags,
            False,
            0,
        )
        form, _ = ask(redirect(""), source, arguments)
        columns, rows = source.open(0).size
        form = Form(rows, columns, form.channels, white=form.white)
        return source, shown, np.stack([source.bring(index, form) for index in range(len(source))])

    return reads


def classes_of(source):
    """Return the name of the class of each image."""
    return [source.class_names[label] for label in source.labels.tolist()] if source.class_names else None


# --- tables

FRACTIONS = (GREY / 255).round(6)
WIDE = np.resize(GREY, (COUNT, 26, 26))
LETTERS = np.array(["n", "y", "cat"])[LABELS]
HEADED = names(64, "label")
FAINT = GREY.copy()
FAINT[:, -1, -1] = np.arange(COUNT) == 7
RISING = np.arange(COUNT)
GAPS, FRAMED = np.array([5, 8, 32])[LABELS], GREY * (np.arange(8) < 7)
MIXED, QUOTED = np.array(["7", "8", "A"])[LABELS], [f'"{name}, 1"' for name in LETTERS]
TOLD = table(GREY % 4, LABELS, head=[*names(64), "emotion"])
DOTTED = table(LABELS, GREY, head=["0", *(f"0.{n}" for n in range(1, 65))])
# Of each: the file, its images, its labels or None, and what the line says.
CSV = {
    "the label first": (table(LABELS, GREY), GREY, LABELS, "first column, pixels 0 to 255, 3 classes (0, 1, 2)"),
    "the label last": (table(GREY, LABELS), GREY, LABELS, "last column"),
    "sorted, the label first": (table(SORTED, GREY), GREY, SORTED, "first column"),
    "labels with gaps, the border constant": (table(GAPS, FRAMED), FRAMED, GAPS, "first column"),
    "a border with a faint spot": (table(LABELS, FAINT), FAINT, LABELS, "first column"),
    "a head": (table(LABELS, GREY, head=HEADED), GREY, LABELS, 'head "label, pixel0 ..."'),
    "a head, label last": (table(GREY, LABELS, head=[*names(64), "y"]), GREY, LABELS, "last column"),
    "a head with another name": (table(LABELS, GREY, head=names(64, "letter")), GREY, LABELS, "first column"),
    "a head that tells against looks": (TOLD, (GREY % 4) * 85, LABELS, "last column"),
    "ids": (table(RISING, GREY, head=names(64, "id")), GREY, None, "no column of labels"),
    "ids and labels": (table(RISING, LABELS, GREY, head=names(64, "id", "class")), GREY, LABELS, "first column"),
    "ids that are names": (table([f"{n}.png" for n in RISING], LABELS, GREY), GREY, LABELS, "first column"),
    "pandas' index": (table(RISING, LABELS, GREY, head=names(64, "", "label")), GREY, LABELS, "first column"),
    "pandas' index, read again": (table(RISING, GREY, head=names(64, "Unnamed: 0")), GREY, None, "no column"),
    "an index without a head": (table(RISING + 7, GREY), GREY, None, "no column of labels"),
    "an index and labels without a head": (table(RISING, GREY, LABELS), GREY, LABELS, "last column"),
    "a head that counts": (table(GREY, head=range(64)), GREY, None, "no column of labels"),
    "a head of pandas for equal names": (DOTTED, GREY, LABELS, "first column"),
    "a label before a head that counts": (table(LABELS, GREY, head=["label", *range(64)]), GREY, LABELS, "first"),
    "quoted texts": (table(QUOTED, GREY), GREY, [f"{name}, 1" for name in LETTERS], "first"),
    "digits and letters": (table(MIXED, GREY, head=HEADED), GREY, MIXED, "3 classes (7, 8, A)"),
    "large labels": (table(2**24 + 1 + LABELS, GREY), GREY, 2**24 + 1 + LABELS, "3 classes (16777217, "),
    "26 x 26 without labels": (table(WIDE), WIDE, None, "26 x 26, no column of labels"),
    "7 x 7 without labels": (table(GREY[:, :7, :7]), GREY[:, :7, :7], None, "7 x 7, no column of labels"),
    "fractions": (table(LABELS, FRACTIONS), GREY, LABELS, "pixels 0 to 1,"),
    "fractions and a little": (table(LABELS, FRACTIONS * 1.0001), GREY, LABELS, "pixels 0 to 1.0001"),
    "semicolons and CR": (table(LABELS, GREY, separator=";", end="\r\n"), GREY, LABELS, "first"),
    "blanks": (table(LABELS, GREY / 1.0, separator="  "), GREY, LABELS, "first"),
    "a comma at the end": (table(LABELS, GREY, end=",\n"), GREY, LABELS, "first"),
    "a comma at the end of the rows": (
        b"label" + b",p" * 64 + b"\n" + table(LABELS, GREY, end=",\n"),
        GREY,
        LABELS,
        "first",
    ),
    "UTF-16": (table(LABELS, GREY).decode().encode("utf-16"), GREY, LABELS, "first"),
    "a byte-order mark": (b"\xef\xbb\xbf" + table(LABELS, GREY, head=HEADED), GREY, LABELS, 'head "label'),
    "gzip": (gzip.compress(table(LABELS, GREY)), GREY, LABELS, "read as CSV: 60 for training (x.csv.gz)"),
    "planar colours": (table(LABELS, COLOUR.transpose(0, 3, 1, 2)), COLOUR, LABELS, "all red first"),
    "colours together": (table(LABELS, COLOUR), COLOUR, LABELS, "of each pixel"),
}


@pytest.mark.parametrize("case", CSV)
def test_a_table_is_read_as_it_is_meant(tmp_path, reads, case):
    content, images, labels, line = CSV[case]
    name = "x.csv.gz" if case == "gzip" else "x.csv"
    (tmp_path / name).write_bytes(content)
    source, shown, found = reads(name, *(["--colour"] if images.ndim == 4 else []))
    assert np.array_equal(found, np.asarray(images).round().astype(np.uint8))
    assert classes_of(source) == (None if labels is None else list(map(str, np.asarray(labels).tolist())))
    assert line in shown
    assert shown.startswith("read as CSV: 60 for training (x.csv")
    assert shown.count("\n") == 2  # nothing is asked


def test_a_large_table_tells_how_far_it_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures_done, "can_redraw", lambda: True)
    monkeypatch.setattr(pictures_done, "REFRESH_SECONDS", 0)
    pixels = np.resize(GREY, (2400, 784))
    np.savetxt(tmp_path / "x.csv", pixels, "%d", ",")
    source = open_source(tmp_path / "x.csv")
    assert "1 of 6 MB, 0:0" in capsys.readouterr().out
    assert np.array_equal(source.bring(2399, Form(28, 28)).ravel(), pixels[2399])


def test_where_both_ends_of_a_table_fit_or_neither_that_is_asked(reads, tmp_path):
    binary = (GREY > 100).astype(int)
    for number, (first, last) in enumerate([(LABELS % 2, binary), (binary, LABELS % 2), (RISING * 7, GREY)]):
        (tmp_path / f"{number}.csv").write_bytes(table(first, last))
    source, shown, found = reads("0.csv")
    assert "column of the labels: first, last or none [first]: end of input" in shown
    assert classes_of(source) == list(map(str, (LABELS % 2).tolist()))
    assert np.array_equal(found, binary * 255)
    source, shown, found = reads("1.csv", answers="last\n")
    assert shown.count("read as CSV") == 2
    assert np.array_equal(found, binary * 255)
    _, shown, found = reads("1.csv", "--label", "last")
    assert "column of the labels" not in shown
    assert np.array_equal(found, binary * 255)
    assert "column of the labels" in reads("2.csv")[1]
    with pytest.raises(BadInput, match=r"line 1 of the input, .*expected first, last or none, found 'left'"):
        reads("2.csv", answers="left\n")
    with pytest.raises(BadInput, match=r"2\.csv: expected a label and the pixels of a square"):
        reads("2.csv", "--label", "none")


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--label", "last"], "--label last: expected a table with its labels in a column, found none"),
        (["--brightest", "32"], "--brightest 32: it is not the white of pixels up to 255"),
    ],
)
def test_a_flag_that_answers_nothing_of_a_source_is_refused(tmp_path, reads, flags, complaint):
    lay(tmp_path, {f"photos/{number}.png": image for number, image in enumerate(SMOOTH)})
    (tmp_path / "x_train.npz").write_bytes(npz(x=GREY, y=LABELS))
    for source in ["photos", "x_train.npz"][: 2 if "--label" in flags else 1]:
        with pytest.raises(BadInput, match=f"{source}: {complaint}"):
            reads(source, *flags)


# --- what is white

# Of each: the array, what of it is white, the question's default, where that is in doubt.
VALUES = {
    "bytes": (GREY, 255, None),
    "all 0 or 1": (GREY % 2, 1, None),
    "all false or true": (GREY % 2 > 0, 1, None),
    "0 to 15": (GREY % 16, 15, None),
    "0 to 16": (GREY.astype(int) % 17, 16, "16"),
    "0 to 16 in fractions": (GREY % 17 / 1.0, 16, "16"),
    "0 to 1": (GREY / 255, 1, None),
    "to a little more than 1": (np.float32(GREY / 255 * 1.0001), 1, None),
    "to 0.2": (GREY / 255 / 5, 0.2, "0.2"),
    "divided by 255 twice": (GREY / 255**2, 1 / 255, "0.00392157"),
    "dark bytes": (GREY % 41, 40, "40"),
    "10 bits": (GREY.astype(">i2") * 4 + 3 * (GREY == 255), 1023, None),
    "12 bits, none quite white": (GREY.astype("u2") * 16, 4080, "4080"),
    "16 bits": (GREY.astype("u2") * 257, 65535, None),
    "16 bits, none quite white": (GREY.astype("u2") * 250, 65535, None),
    "black": (GREY * 0, 255, None),
}


@pytest.mark.parametrize("kind", ["csv", "npy", "npz", "idx"])
@pytest.mark.parametrize("case", VALUES)
def test_the_range_of_a_source_tells_what_is_white(tmp_path, reads, case, kind):
    array, white, default = VALUES[case]
    content = {"csv": lambda: table(array * 1.0), "npy": lambda: npy(array), "npz": lambda: npz(x_train=array)}
    if kind == "idx":  # of the types that there are
        kinds = {"bool": "i4", "int64": "i4", "uint16": "i4", "float64": "f8"}
        content["idx"] = lambda: idx_of(tmp_path, array.astype(kinds.get(array.dtype.name, array.dtype)))
    name = "train-images.idx3" if kind == "idx" else f"x.{kind}"
    (tmp_path / name).write_bytes(content[kind]())
    _, shown, found = reads(name)
    expected = (array * (255 / white)).round().clip(0, 255)
    assert np.abs(found - expected).max() <= (0 if default is None else 1)
    assert f"pixels 0 to {array.max():g}" in shown
    question = f"value of the pixels that is white [{default}]: end of input"
    assert (question in shown) == (default is not None)
    assert ("nearly black as it is" in shown) == (default is not None)


def test_what_is_white_is_asked_or_flagged_and_kept_with_the_answers(tmp_path, reads):
    (tmp_path / "x.npy").write_bytes(npy(GREY % 17))
    for flags, answers in (((), "32\n"), (("--brightest", "32"), "")):
        source, _, found = reads("x.npy", *flags, answers=answers)
        assert np.array_equal(found, ((GREY % 17) * (255 / 32)).round())
        assert source.white == 32
    with pytest.raises(SystemExit):
        reads("x.npy", "--brightest", "0")


def test_a_faint_image_is_scaled_once(tmp_path, reads):
    digits = GREY % 17
    digits[3] = 1
    (tmp_path / "x.npy").write_bytes(npy(digits))
    assert reads("x.npy")[2][3].max() == 16


def test_test_images_have_the_scale_of_the_training_images(tmp_path, reads):
    (tmp_path / "x.npz").write_bytes(npz(x_train=GREY % 17, y_train=LABELS, x_test=GREY[:6] % 12, y_test=LABELS[:6]))
    source, _, found = reads("x.npz")
    assert np.array_equal(found[source.is_test], ((GREY[:6] % 12) * (255 / 16)).round())
    (tmp_path / "x.npz").write_bytes(npz(x_train=GREY / 255, y_train=LABELS, x_test=GREY, y_test=LABELS))
    with pytest.raises(BadInput, match="expected one range of pixels, found some to 1, others to 255"):
        reads("x.npz")


DEEP = GREY.astype(np.uint16)
WHITEST = (DEEP == 255).astype(np.uint16)
PICTURES = {  # of each: the values, the white, the default of the question
    "8 bits in 16": (DEEP, 255, None),
    "10 bits in 16": (DEEP * 4 + 3 * WHITEST, 1023, None),
    "12 bits in 16, none quite white": (DEEP * 16, 4080, "4080"),
    "16 bits": (DEEP * 257, 65535, None),
    "masks": (GREY % 2, 1, None),
    "0 to 16": (GREY % 17, 16, "16"),
    "bytes": (GREY, 255, None),
}


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("case", PICTURES)
def test_the_depth_of_pictures_is_that_of_all(tmp_path, reads, case, suffix):
    values, white, default = PICTURES[case]
    lay(tmp_path, {f"photos/{number:03}{suffix}": image for number, image in enumerate(values)})
    _, shown, found = reads("photos")
    assert np.abs(found - (values * (255 / white)).round()).max() <= (0 if default is None else 1)
    assert (f"[{default}]: end of input" in shown) == (default is not None)
    assert ("pixels 0 to" in shown) == (case != "bytes")


def test_deep_pictures_beside_others_keep_their_own_depth(tmp_path, reads):
    lay(
        tmp_path,
        {"photos/a.png": GREY[0], "photos/b.png": DEEP[1] * 4, "photos/c.png": np.full((8, 8), 1023, np.uint16)},
    )
    _, _, found = reads("photos")
    assert np.array_equal(found[0], GREY[0])
    assert np.array_equal(found[1], (DEEP[1] * 4 * (255 / 1023)).round())


@pytest.mark.parametrize(
    ("white", "array", "scale"),
    [
        (16, GREY[:2] % 12, 255 / 16),
        (None, GREY[:2] % 12, 1),
        (1, GREY[:2] / 510, 255),
        (16, GREY[:2], 1),
        (1, GREY[:2], 1),
        (None, GREY[:2] / 255, 255),
    ],
)
def test_other_images_are_brought_to_the_scale_of_the_training_set(tmp_path, white, array, scale):
    np.save(tmp_path / "x.npy", array)
    form = Form(8, 8, white=white)
    source = open_pictures(tmp_path / "x.npy", form)
    assert np.array_equal(source.bring(1, form), (array[1] * scale).round())


@pytest.mark.parametrize("white", [None, 16, 1023])
def test_other_pictures_of_another_depth_keep_theirs(tmp_path, white):
    Image.fromarray(GREY[0]).save(tmp_path / "x.png")
    assert np.array_equal(open_pictures(tmp_path / "x.png").bring(0, Form(8, 8, white=white)), GREY[0])


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3), (64, 40, 1)])
def test_an_array_without_an_axis_that_counts_is_one_image(tmp_path, shape):
    image = RANDOM.integers(0, 256, shape).astype(np.uint8)
    np.save(tmp_path / "x.npy", image)
    source = open_pictures(tmp_path / "x.npy")
    form = Form(*shape[:2], 3 if shape[2:] == (3,) else 1)
    assert len(source) == 1
    assert np.array_equal(source.bring(0, form), image.reshape(form.shape))
    with pytest.raises(BadInput, match=r"x\.npy: expected 2 or more pictures to train on, found 1"):
        open_source(tmp_path / "x.npy")


ROWS = np.resize(GREY, (300, 64))
ARRAYS = {  # of each: the arrays, the images of training, their labels
    "rows of numbers, scikit-learn's": (
        {"data": ROWS % 16, "target": np.arange(300) % 3},
        ROWS.reshape(-1, 8, 8) % 16 * 17,
        np.arange(300) % 3,
    ),
    "a table with labels": (
        {"train": np.column_stack([np.arange(300) % 3, ROWS])},
        ROWS.reshape(-1, 8, 8),
        np.arange(300) % 3,
    ),
    "channels first": ({"X": COLOUR.transpose(0, 3, 1, 2), "y": LABELS}, COLOUR, LABELS),
    "planar rows": ({"X": COLOUR.transpose(0, 3, 1, 2).reshape(COUNT, -1), "y": LABELS}, COLOUR, LABELS),
    "trainX and testX": ({"trainX": GREY, "trainY": LABELS, "testX": GREY[:5], "testY": LABELS[:5]}, GREY, LABELS),
    "Xtrain": ({"Xtrain": GREY, "ytrain": LABELS, "Xdev": GREY[:5], "ydev": LABELS[:5]}, GREY, LABELS),
    "labels in a column, and a part to validate with": (
        {
            "train_images": GREY[5:] / 255,
            "train_labels": LABELS[5:, None],
            "val_images": GREY[:5] / 255,
            "val_labels": LABELS[:5, None],
        },
        GREY[5:],
        LABELS[5:],
    ),
    "a test set alone": ({"X_test": GREY, "y_test": LABELS}, GREY, LABELS),
    "labels that are texts": ({"x_train": GREY, "y_train": LETTERS}, GREY, LETTERS),
    "as many as sides": ({"x": np.resize(GREY, (8, 8, 4)), "y": LABELS[:8]}, np.resize(GREY, (8, 8, 4)), LABELS[:8]),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_are_told_by_their_shapes_and_names(tmp_path, reads, case):
    arrays, images, labels = ARRAYS[case]
    (tmp_path / "x.npz").write_bytes(npz(**arrays))
    source, shown, found = reads("x.npz", *(["--colour"] if images.ndim == 4 else []))
    assert np.array_equal(found[~source.is_test], images)
    assert np.array_equal(np.array(classes_of(source))[~source.is_test], np.asarray(labels).astype(str))
    assert source.is_test.sum() == (5 if len(arrays) == 4 else 0)
    assert shown.startswith("read as NumPy arrays: ")


def test_what_is_white_is_kept_for_other_images(tmp_path):
    kept = asdict(Form(8, 8, white=16))
    for white in (16, 0, -1, True, "16", 2**16, [1]):
        (tmp_path / "dataset.json").write_text(json.dumps({"form": kept | {"white": white}}))
        assert form_like(GREY[..., None], tmp_path / "images").white == (16 if white == 16 else None)


# --- folders and archives


def photos(*names):
    """Return pictures, {name: array}, each of its own grey."""
    return {f"{name}.png": np.full((8, 8), 90 + number, np.uint8) for number, name in enumerate(names)}


def each(*folders, count=2):
    return photos(*(f"{folder}/{number}" for folder in folders for number in range(count)))


# Of each: the folders that pictures lie in, two in each; the classes to train on, and to test with, and how many of
# each; and what the line says.
FOLDERS = {
    "training_set and test_set": (
        "training_set/cat training_set/dog test_set/cat test_set/dog",
        "cat2 dog2 | cat2 dog2",
        "4 for training (training_set), 4 to test with (test_set), 2 classes (cat, dog)",
    ),
    "doubled": (
        "seg_train/seg_train/sea seg_train/seg_train/ice seg_test/seg_test/sea seg_pred/seg_pred",
        "ice2 sea2 | sea2",
        "seg_pred/seg_pred/0.png)",
    ),
    "the rest to predict, without a test set": (
        "seg_train/seg_train/sea seg_pred/seg_pred",
        "sea2 | ",
        "2 of no part (",
    ),
    "doubled, without classes in the test set": (
        "all_train/all_train/A all_train/all_train/B all_test/all_test",
        "A2 B2 | ",
        "2 of no class (",
    ),
    "parts at unlike depths": ("s1/c0/train s1/c1/train s2/c1", "s14 | ", "2 of no part ("),
    "images between": ("set/train_images/images/a set/train_images/images/b set/dev/images/a", "a2 b2 | a2", "(a, b)"),
    "classes called x and y": ("Train/x Train/y Val/x", "x2 y2 | x2", "2 to test with (Val)"),
    "a part below the class": (
        "cat/train cat/test dog/train dog/test",
        "cat2 dog2 | cat2 dog2",
        "4 for training (train)",
    ),
    "eval, and all three": (
        "train/a train/b validation/a test/b",
        "a4 b2 | b2",
        "6 for training (train, validation), 2",
    ),
    "train alone beside what is neither": ("train/a train/b sample", "a2 b2 | ", "left out: 2 of no part ("),
    "a class that is called train": ("car train ship", "car2 ship2 train2 | ", "3 classes (car, ship, train)"),
    "a class called train in each part": (
        "train/car train/train test/car test/train",
        "car2 train2 | car2 train2",
        "2 classes (car, train)",
    ),
    "a test folder without classes": ("train/a train/b test", "a2 b2 | ", "left out: 2 of no class ("),
    "parts without classes": ("train test", "2 | 2", "no classes"),
    "parts of images alone": ("train/images test/images", "2 | 2", "no classes"),
    "10 after 2": ("class1 class2 class10", "class12 class102 class22 | ", "3 classes (class1, class2, class10)"),
    "composed and decomposed": ("train/caf\u00e9 train/b test/cafe\u0301", "b2 caf\u00e92 | caf\u00e92", "2 classes"),
}


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, image in files.items():
            picture = io.BytesIO()
            if not isinstance(image, bytes):
                Image.fromarray(image).save(picture, "PNG")
            archive.writestr(name, picture.getvalue() or image)
    return content.getvalue()


def found_of(source):
    """Return the classes to train on, and to test with, each followed by how many there are of it."""
    classes = np.array([source.class_names.get(label, "") for label in source.labels.tolist()])
    found = (np.unique(classes[source.is_test == test], return_counts=True) for test in (False, True))
    return " | ".join(" ".join(f"{name}{count}" for name, count in zip(*each, strict=True)) for each in found)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", FOLDERS)
def test_parts_and_classes_are_told_by_folders(tmp_path, reads, case, packed):
    folders, expected, line = FOLDERS[case]
    pictures = each(*folders.split(" "))
    lay(*(tmp_path, {"some": zipped(pictures)}) if packed else (tmp_path / "some", pictures))
    source, shown, _ = reads("some")
    assert found_of(source) == expected
    assert line in shown
    assert shown.startswith("read as pictures: ")


# Of each: how the name of a picture in the archive becomes another, and the class that is meant.
ARCHIVED = {
    "backslashes": (lambda name: name.replace("/", "\\"), "dog"),
    "a dot before": (lambda name: f"./{name}", "dog"),
    "UTF-8 that is not said to be": (lambda name: name.replace("dog", "gr\u00fc\u00df"), "gr\u00fc\u00df"),
}


@pytest.mark.parametrize("case", ARCHIVED)
def test_names_in_archives_of_other_archivers(tmp_path, reads, case):
    rename, dog = ARCHIVED[case]
    content = zipped({rename(name): image for name, image in each("set/cat", "set/dog").items()})
    if case.startswith("UTF-8"):
        content = content.replace(b"PK\x01\x02\x14\x03\x14\0\0\x08", b"PK\x01\x02\x14\x03\x14\0\0\0")
        content = content.replace(b"PK\x03\x04\x14\0\0\x08", b"PK\x03\x04\x14\0\0\0")
    (tmp_path / "x.zip").write_bytes(content)
    source, _, found = reads("x.zip")
    assert found_of(source) == f"cat2 {dog}2 | "
    assert found[:, 0, 0].tolist() == [90, 91, 92, 93]


def tell_encrypted(content):
    return content.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\x01\0")


WHOLE = zipped(each("cat", "dog"))


def test_files_that_are_not_read_are_counted_by_their_suffixes(tmp_path, reads):
    others = {f"photos/elk/{number}.heic": b"x" for number in range(20)}
    lay(tmp_path, each("photos/cat", "photos/dog") | others | {"photos/notes.TXT": b"", "photos/cat/Thumbs.db": b""})
    _, shown, _ = reads("photos")
    assert "2 classes (cat, dog); seed 1; left out: 21 files (.heic 20, .txt 1)\n" in shown
    lay(tmp_path, {"none/a.svg": b"", "none/b.svg": b""})
    with pytest.raises(BadInput, match=r"none: expected pictures .*; left out: 2 files \(.svg 2\)"):
        reads("none")


@pytest.mark.parametrize("suffix", [".jpe", ".jfif", ".JPG"])
def test_other_suffixes_of_jpeg_are_read(tmp_path, reads, suffix):
    content = io.BytesIO()
    Image.fromarray(GREY[0] // 255 * 255).save(content, "JPEG", quality=100)
    lay(tmp_path, {f"photos/{number}{suffix}": content.getvalue() for number in range(2)})
    assert len(reads("photos")[0]) == 2


WHOLE = zipped(each("cat", "dog"))
ZEROS = np.zeros((3, 4, 4), np.uint8)
PLAIN = table(LABELS, GREY)
INFINITE = np.where(np.arange(COUNT * 64).reshape(COUNT, 64) == 5 * 64 + 9, np.inf, 1)
HEADER = io.BytesIO()
np.lib.format.write_array_header_1_0(HEADER, {"descr": "|u1", "fortran_order": False, "shape": (2**40, 28, 28)})
REFUSED = {  # of each: the file, what it holds, what is said of it
    "a zip that is cut off": ("x.zip", WHOLE[:-100], "x.zip: not a zip archive that can be read, damaged or cut off"),
    "an encrypted zip": ("x.zip", tell_encrypted(WHOLE), "x.zip: an encrypted zip archive: unpack it first"),
    "a zip in a zip": (
        "x.zip",
        zipped({"in.zip": WHOLE}),
        "unpack the archives in it first; left out: 1 file (.zip 1)",
    ),
    "7z": ("x.7z", b"7z\xbc\xaf\x27\x1c", "x.7z: an archive that is not read: unpack it first"),
    "HEIC": ("x.HEIC", b"\0\0\0\x18ftypheic", "pictures of this format are not read: convert it to PNG or JPEG"),
    "a bad cell": ("x.csv", PLAIN.replace(b"\n0,", b"\n0,x", 1), "line 4: expected a number, found 'x"),
    "a bad cell after a head and blank lines": (
        "x.csv",
        table(LABELS, GREY, head=HEADED).replace(b"\n", b"\n\n", 5).replace(b"\n1,", b"\n1,?", 1),
        "line 5: expected a number, found '?",
    ),
    "a cell too many": ("x.csv", PLAIN.replace(b"\n2,", b"\n2,7,", 1), "line 3: expected 65 cells, found 66"),
    "infinity": (
        "x.csv",
        table(INFINITE),
        "expected pixels from 0 to 255, to 1, or to any 2^k - 1 up to 65,535, found",
    ),
    "texts among the pixels": (
        "x.csv",
        table(LABELS, ["x"] * COUNT, GREY),
        "pixels of a square in each row, found 66 co",
    ),
    "gzip cut off": ("x.csv", gzip.compress(PLAIN)[:-20], "not a table of images"),
    "an empty table": ("x.csv", b"", "x.csv: not a table of images: expected rows of numbers, found none"),
    "commas alone": ("x.csv", b",\n,\n", "x.csv: expected an array of images, and one of labels, found another"),
    "a head alone": ("x.csv", b"label,p1,p2,p3,p4\n", "expected rows of numbers, found none"),
    "a table of words": ("x.csv", b"a,b\nc,d\n", "a label and the pixels of a square in each row, found 2 columns"),
    "pixels of more than 16 bits": ("x.csv", b"1,2,3,4,70000\n" * 3, "found 2 to 70000"),
    "fractions for labels": ("x.csv", b"label,a,b,c,d\n1.5,2,3,4,5\n", "expected labels as whole numbers"),
    "a folder without files": ("photos/.hidden", b"", "photos: expected pictures (.png "),
    "a single picture": ("photos/cat/0.png", GREY[0], "expected 2 or more pictures"),
    "an array that claims too much": (
        "x.npy",
        HEADER.getvalue() + bytes(100),
        "not arrays of numbers that can be read",
    ),
    "two arrays of images": (
        "x.npz",
        npz(a=ZEROS, b=ZEROS),
        "x.npz: expected an array of images, and one of labels, fo",
    ),
    "no images": ("x.npz", npz(a=np.zeros(3)), "expected an array of images, and one of labels, found none of images"),
    "too few labels": ("x.npz", npz(x=ZEROS, y=np.arange(2)), "expected 3 labels, one for each image, found 2"),
    "labels twice": (
        "x.npz",
        npz(x=np.column_stack([LABELS, GREY.reshape(COUNT, -1)]), y=LABELS),
        "labels of their own",
    ),
    "negative pixels": ("x.npy", npy(np.full((3, 4, 4), -1)), "found -1 to -1"),
    "not a number": ("x.npy", npy(np.full((3, 4, 4), np.nan)), "found nan to nan"),
    "texts for images": ("x.npy", npy(np.full((3, 4, 4), "a")), "images of numbers"),
    "a test class without training": (
        "photos/train/cat/0.png",
        GREY[0],
        "the class dog has pictures to test with, and none",
    ),
}
BESIDE = {  # in the same folder
    "a test class without training": {"photos/train/cat/1.png": GREY[1], "photos/test/dog/0.png": GREY[2]},
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_none_is_refused_and_a_bad_row_named_by_its_line(tmp_path, case):
    name, content, complaint = REFUSED[case]
    lay(tmp_path, {name: content} | BESIDE.get(case, {}))
    with pytest.raises(BadInput) as raised:
        open_source(tmp_path / name.split("/")[0])
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "complaint"), [("x.csv.gz", "line 5: its numbers take more than 0"), ("x.npz", "they take 0.0 GB of mem")]
)
def test_nothing_is_read_further_than_there_is_memory_for_it(tmp_path, monkeypatch, name, complaint):
    lay(tmp_path, {"x.csv.gz": gzip.compress(table(LABELS, GREY)), "x.npz": npz(x=GREY, y=LABELS)})
    for module in (tables, arrays):
        monkeypatch.setattr(module, "available_memory", lambda: 3000)
    with pytest.raises(BadInput, match=complaint):
        open_source(tmp_path / name)


# --- what lies beside a file


def test_what_lies_beside_a_file_is_taken_where_it_fits(tmp_path, reads):
    lay(
        tmp_path,
        {"train.csv": table(LABELS, GREY), "labels.csv": b"id,name\n0,cat\n1,dog\n", "test.csv": table(LABELS, GREY)},
    )
    source, shown, _ = reads("train.csv")
    assert [len(source), int(source.is_test.sum())] == [120, 60]
    assert "left out: labels.csv: expected an array of images" in shown
    lay(tmp_path, {"labels.csv": b"3\n4\n", "test.csv": table(RISING, GREY, head=names(64, "id"))})
    source, shown, _ = reads("train.csv")
    assert classes_of(source) == list(map(str, LABELS.tolist()))
    assert "labels.csv: expected 60 labels, one for each image, found 2" in shown
    assert "60 of no class (test.csv, image 0)" in shown
    lay(tmp_path, {"labels.csv": table(RISING)})
    source, shown, _ = reads("train.csv")
    assert classes_of(source) == list(map(str, LABELS.tolist()))
    assert "labels.csv: the images have labels of their own" in shown


@pytest.mark.parametrize("name", ["empty.npz", "y_train.npy"])
def test_where_there_are_no_images_that_is_told(tmp_path, name):
    lay(tmp_path, {"empty.npz": npz(), "y_train.npy": npy(LABELS), "x_train.npy": npy(GREY[:, None, None])})
    for opens in (open_source, open_pictures):
        with pytest.raises(BadInput, match=f"{name}: expected an array of images, and one of labels, found none"):
            opens(tmp_path / name)


def test_a_column_of_labels_in_a_file_of_their_own(tmp_path, reads):
    lay(
        tmp_path,
        {"x_train.csv": table(GREY), "y_train.csv": b"label\n" + b"".join(f"{name}\n".encode() for name in LETTERS)},
    )
    source, _, found = reads("x_train.csv")
    assert classes_of(source) == LETTERS.tolist()
    assert np.array_equal(found, GREY)


def test_labels_beside_a_file_are_those_of_images_that_come_after_them(tmp_path, reads):
    lay(tmp_path, {f"{part}_x.npy": npy(GREY) for part in ("test", "train")})
    lay(tmp_path, {f"{part}_labels.npy": npy(LABELS) for part in ("test", "train")})
    source, shown, _ = reads("train_x.npy")
    assert classes_of(source) == [*map(str, LABELS)] * 2
    assert (int(source.is_test.sum()), "left out" in shown) == (COUNT, False)


@pytest.mark.parametrize("packed", [False, True])
def test_files_of_kaggle_that_are_neither_part_are_counted(tmp_path, reads, packed):
    train = table(LABELS, GREY, head=HEADED)
    files = {"k/train.csv": train, "k/test.csv": table(GREY), "k/sample_submission.csv": b"ImageId,Label\n1,0\n"}
    lay(tmp_path, {"k": zipped(files)} if packed else files)
    source, shown, found = reads("k")
    assert (classes_of(source), source.is_test.any()) == (list(map(str, LABELS.tolist())), False)
    assert np.array_equal(found, GREY)
    assert "left out: 1 file (.csv 1), 60 of no class (" in shown


# --- paths, and other ways to say the same


def test_a_path_is_taken_as_a_terminal_writes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "'odd name'").mkdir()
    given = {
        "~/x": tmp_path / "home" / "x",
        "my\\ set": "my set",
        "'my set' ": "my set",
        '"it\'s"': "it's",
        "it's": "it's",
        "my set": "my set",
        "file:///tmp/a%20b": "/tmp/a b",
        "'odd name'": "'odd name'",
    }
    assert {text: str(given_path(text)) for text in given} == {text: str(path) for text, path in given.items()}
    monkeypatch.setattr(os, "sep", "\\")  # as on Windows
    assert [str(given_path(text)) for text in ("C:\\new\\set", '"C:\\my set"')] == ["C:\\new\\set", "C:\\my set"]
    arguments = parse_dataset_arguments(["-d", "file:///tmp/my%20set", "-o", "~/x", "--gray", "--sides", "28X56"])
    assert [str(arguments.data), arguments.output] == ["/tmp/my set", tmp_path / "home" / "x"]
    assert [arguments.colour, arguments.sides] == [False, (28, 56)]
