"""dataset.py as a user runs it: from folders, archives and files of pictures to IDX files."""

import contextlib
import functools
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import (
    OF_USER,
    SOURCE,
    Running,
    make_images,
    make_labels,
    parse_classification_arguments,
    run_script,
    script_environment,
    start,
)
from PIL import Image
from test_reading import open_source

from utilities import system
from utilities.data import idx
from utilities.data.datasets import read_test_set, read_training_set
from utilities.data.names import read_files
from utilities.data.pictures import Form
from utilities.data.places import Folder
from utilities.data.sources import Source
from utilities.errors import BadInput
from utilities.record import contact_sheet, dataset_folder
from utilities.session.dataset import _describe_series, ask, read, write
from utilities.terminal.console import Console
from utilities.terminal.dataset_arguments import parse_dataset_arguments

SESSION = Path(__file__).parent / "data" / "dataset_session.txt"
NAMES = {
    "images": "train-images-idx3-ubyte.gz",
    "labels": "train-labels-idx1-ubyte.gz",
    "test": "t10k-images-idx3-ubyte.gz",
    "test labels": "t10k-labels-idx1-ubyte.gz",
}
BESIDE = {"labels.txt", "files.csv", "dataset.json", "contact-sheet.png"}
AS_THEY_ARE = ["--sides", "8", "--grey", "--no-invert", "--test-share", "0"]


def write_pictures(folder, classes=("cat", "dog"), each=6, suffix=".png", side=8, **options):
    """Write pictures in a folder for each class; return them in the order of their names, (count, side, side)."""
    images = make_images(np.repeat(np.arange(len(classes), dtype=np.uint8), each), side, side)
    for number, image in enumerate(images):
        path = Path(folder, classes[number // each], f"{number:03}{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, **options)
    return images


# The fork server would import the large libraries first, which dataset.py has no use for.
run = functools.partial(run_script, fresh=True)


def convert(folder, source, *arguments, answers=None):
    return run("dataset", ["-d", source, "-o", "out", *arguments], answers, folder)


def converted(folder, source, *flags, answers=""):
    """Do what dataset.py does, in this process; return what it wrote, {what: array}, and what it showed."""
    arguments = parse_dataset_arguments(["-d", str(source), "-o", "out", *flags])
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()) as shown,
        pytest.MonkeyPatch.context() as at,
    ):
        at.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(answers.encode()))))
        console = Console()
        source = read(console, arguments)
        write(source, *ask(console, source, arguments), arguments)
    found = {what: idx.read(folder / "out" / name) for what, name in NAMES.items() if (folder / "out" / name).exists()}
    assert {path.name for path in (folder / "out").iterdir()} - BESIDE == {NAMES[what] for what in found}
    return found, shown.getvalue()


def assert_refused(session, complaint, code=2):
    """Check that a script told one thing in one line, and wrote nothing."""
    assert session.code == code
    assert re.fullmatch(r"dataset\.py: error: [^\n]+\n", session.stderr)
    assert complaint in session.stderr
    assert not (session.folder / "out").exists()
    assert not list(session.folder.glob(".out*"))


def asked(shown):
    return re.findall(r"^(.+) \[.*?\]: ", shown, re.MULTILINE)


# --- folders


def test_a_folder_for_each_class_becomes_what_the_other_scripts_read(tmp_path):
    images = write_pictures(tmp_path / "photos", ("b", "a"), each=12)
    found, _ = converted(tmp_path, "photos", "--sides", "8")
    paths = [tmp_path / "out" / name for name in NAMES.values()]
    training = read_training_set(*paths[:2])
    test = read_test_set(*paths[2:], training)
    assert [len(training.images), len(test.images)] == [20, 4]
    assert np.bincount(test.targets).tolist() == [2, 2]
    assert (tmp_path / "out" / "labels.txt").read_text() == "0 a\n1 b\n"
    label_of = {image.tobytes(): 1 - number // 12 for number, image in enumerate(images)}
    for each, labels in (("images", "labels"), ("test", "test labels")):
        assert [label_of[image.tobytes()] for image in found[each]] == found[labels].tolist()
    assert len({image.tobytes() for image in [*found["images"], *found["test"]]}) == 24
    for path, each in ((paths[0], found["images"]), (paths[2], found["test"])):
        for file, image in zip(read_files(path, len(each)), each, strict=True):
            assert np.array_equal(np.asarray(Image.open(tmp_path / "photos" / file)), image)


def test_the_default_size_is_the_nearest_that_suits_the_third_pooling(tmp_path):
    write_pictures(tmp_path / "photos", side=40)
    found, shown = converted(tmp_path, "photos")
    assert "rows and columns of the images [28x28]: end of input" in shown
    assert found["images"].shape == (10, 28, 28)


def test_a_flat_folder_has_no_labels_and_trains_the_autoencoder_alone(tmp_path):
    images = write_pictures(tmp_path / "photos", ("",), each=5)
    found, shown = converted(tmp_path, "photos", "--sides", "8", "--grey", "--no-invert")
    assert list(found) == ["images"]
    assert np.array_equal(found["images"], images)
    assert not (tmp_path / "out" / "labels.txt").exists()
    assert ("autoencoder.py" in shown, "classification.py" in shown) == (True, False)


def test_classes_whose_names_are_numbers_have_these_labels_of_more_than_a_byte_too(tmp_path):
    write_pictures(tmp_path / "photos", ("300", "5", "8"))
    found, _ = converted(tmp_path, "photos", *AS_THEY_ARE)
    assert found["labels"].tolist() == [300] * 6 + [5] * 6 + [8] * 6
    assert (tmp_path / "out" / "labels.txt").read_text() == "5 5\n8 8\n300 300\n"


def test_dark_ink_on_light_paper_is_inverted_by_default(tmp_path):
    images = write_pictures(tmp_path / "photos")
    for path in (tmp_path / "photos").rglob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(path)) // 2).save(path)
    found, shown = converted(tmp_path, "photos", "--sides", "8", "--test-share", "0")
    assert "swap light and dark? y/n [y]" in shown
    assert np.array_equal(found["images"], images // 2)
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["form"] == {
        "rows": 8,
        "columns": 8,
        "channels": 1,
        "inverted": True,
        "transposed": False,
        "crop": None,
        "white": None,
    }


@pytest.mark.parametrize(
    ("names", "times"),
    [
        (["wall_01_a", "wall_01_b", "wall_02_a", "wall_02_b", "floor"], 2),
        (["obj1__0", "obj1__5", "obj2__0", "obj2__5"], 2),
        (["a01b", "a01c", "a02b", "a02c"], 2),
        (["12 (1)", "12 (2)", "7 (1)", "7 (2)"], 2),
        (["IMG_0001", "IMG_0002", "IMG_0003", "IMG_0004"], 0),
        (["3_17", "3_18", "3_19", "3_20"], 0),  # one object alone is rather the class
        (["20240101_1", "20240101_2", "20240102_1", "20240102_2"], 0),  # a day
        (["bird_0001_88", "bird_0002_71", "bird_0003_90", "bird_0004_5"], 0),
    ],
)
def test_pictures_whose_names_suggest_one_object_on_both_sides_are_told(names, times):
    place, count = Folder("photos"), len(names)
    is_test = np.arange(count) % 2 == 1
    source = Source([(place, f"x/{name}.png") for name in names], np.zeros(count, int), is_test, {0: "x"}, [])
    lines = list(_describe_series(source))
    first = f"photos/x/{names[0]}.png and photos/x/{names[1]}.png"
    told = f"the same object, by its pictures' names, to train on and to test with, {times} times: {first}"
    assert lines == ([told] if times else [])
    assert list(_describe_series(replace(source, is_test=np.zeros(count, bool)))) == []


# --- archives and files


def zipped(path, *roots):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for root in roots:
            for file in [root] if root.is_file() else root.rglob("*"):
                archive.write(file, file.relative_to(root.parent))
    return path


def test_a_zip_of_folders_is_read_in_place_by_several_threads(tmp_path, monkeypatch):
    images = write_pictures(tmp_path / "photos", each=200)
    (tmp_path / "photos" / "__MACOSX").mkdir()
    (tmp_path / "photos" / "__MACOSX" / "._000.png").write_bytes(b"junk")
    zipped(tmp_path / "photos.zip", tmp_path / "photos")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setitem(OF_USER, "TMPDIR", str(tmp_path / "temporary"))
    session = convert(tmp_path / "elsewhere", "../photos.zip", *AS_THEY_ARE)
    assert (session.stderr, session.code) == ("", 0)
    assert np.array_equal(idx.read(tmp_path / "elsewhere" / "out" / NAMES["images"]), images)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["out"]
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("source", ["set", "set/train-images-idx3-ubyte", "set.zip"])
def test_idx_files_come_out_as_they_went_in(tmp_path, source):
    (tmp_path / "set").mkdir()
    arrays = {}
    for part, count, names in (("train", 20, ("images", "labels")), ("t10k", 6, ("test", "test labels"))):
        labels = make_labels(count, range(3))
        arrays |= dict(zip(names, (make_images(labels), labels), strict=True))
        for what, kind in zip(names, ("images-idx3", "labels-idx1"), strict=True):
            idx.write(tmp_path / "set" / f"{part}-{kind}-ubyte.gz", arrays[what])
    zipped(tmp_path / "set.zip", tmp_path / "set")
    found, _ = converted(tmp_path, source, *AS_THEY_ARE)
    assert all(np.array_equal(found[what], array) for what, array in arrays.items())


def test_transposed_cropped_and_counted(tmp_path):
    labels = make_labels(60, range(1, 4))
    images = make_images(labels, 8, 12)
    idx.write(tmp_path / "emnist-letters-train-images-idx3-ubyte.gz", images)
    idx.write(tmp_path / "emnist-letters-train-labels-idx1-ubyte.gz", labels)
    source = "emnist-letters-train-images-idx3-ubyte"
    flags = ["--transpose", "--crop", "8x4", "--sides", "8x4", "--count", "30"]
    found, _ = converted(tmp_path, source, *flags, *AS_THEY_ARE[2:])
    expected = {image.T[2:10, 2:6].tobytes(): label for image, label in zip(images, labels.tolist(), strict=True)}
    assert [expected[image.tobytes()] for image in found["images"]] == found["labels"].tolist()
    assert np.bincount(found["labels"]).tolist() == [0, 10, 10, 10]


# --- questions and flags


def test_answers_can_be_redirected(tmp_path):
    write_pictures(tmp_path / "photos", side=12)
    found, shown = converted(tmp_path, "photos", answers="8 x 4\nyes\ny\n25%\n")
    assert found["images"].shape == (9, 8, 4, 3)
    assert found["test"].shape == (3, 8, 4, 3)
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["form"]["inverted"] is True
    assert "share to take for the test set [1/6]: 25%\n" in shown


QUESTIONS = [
    "rows and columns of the images",
    "in colour? y/n",
    "swap light and dark? y/n",
    "share to take for the test set",
]


@pytest.mark.parametrize(
    ("flags", "left"), [([], QUESTIONS), (["--grey", "--test-share", "0"], QUESTIONS[::2]), (AS_THEY_ARE, [])]
)
def test_what_a_flag_answers_is_not_asked(tmp_path, flags, left):
    write_pictures(tmp_path / "photos")
    assert asked(converted(tmp_path, "photos", *flags)[1]) == left


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--sides", "30"], "expected sides that divide by 4, found '30'"),
        (["--sides", "4096"], "up to 1024"),
        (["--test-share", "1/0"], "expected a share from 0 to 1/2"),
        (["--count", "1"], "expected a whole number from 2"),
        (["--seed", "-1"], "expected a whole number from 0"),
        (["--colour", "--grey"], "not allowed with"),
        (["--crop", "x"], "expected rows x columns"),
    ],
)
def test_a_bad_flag_is_refused(capsys, flags, complaint):
    with pytest.raises(SystemExit) as left:
        parse_dataset_arguments(["-d", "nothing", "-o", "out", *flags])
    assert left.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(("answers", "line"), [("29\n", 1), ("28\nperhaps\n", 2), ("28\nn\nn\n0.9\n", 4)])
def test_a_bad_redirected_answer_ends_the_script(tmp_path, answers, line):
    write_pictures(tmp_path / "photos")
    with pytest.raises(BadInput, match=f"line {line} of the input"):
        converted(tmp_path, "photos", answers=answers)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_at_a_terminal_a_bad_answer_is_asked_again_and_b_goes_back(tmp_path, at_terminal):
    write_pictures(tmp_path / "photos")
    source = open_source(tmp_path / "photos")
    arguments = parse_dataset_arguments(["-d", "photos", "-o", "out"])
    (form, share), shown = at_terminal(
        lambda console: ask(console, source, arguments), "30", "32", "b", "56", "y", "", "1/4"
    )
    assert (form.shape, form.inverted, str(share)) == ((56, 56, 3), False, "1/4")
    assert "  expected sides that divide by 4, found '30'\n" in shown
    assert "  the third pooling takes sides that divide by 28 alone\n" in shown
    assert "rows and columns of the images (before: 32x32) [28x28]: 56\n" in shown


@pytest.mark.parametrize(
    ("colours", "default"),
    [
        (["white"] * 3, "n"),
        ([(250, 250, 248)] * 3, "n"),  # scans in grey, stored in colour
        (["red", "red", "white"], "y"),
        (["red", "white", "white"], "n"),
    ],
)
def test_colour_is_the_default_where_most_pictures_have_it(tmp_path, colours, default):
    (tmp_path / "photos").mkdir()
    for number, colour in enumerate(colours):
        picture = Image.new("RGB", (8, 8), "black")
        picture.paste(colour, (2, 2, 6, 6))
        picture.save(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "photos" / "3.png").write_text("damaged: not looked at")
    _, shown = converted(tmp_path, "photos", "--count", "2")
    assert f"in colour? y/n [{default}]: " in shown


def test_the_same_seed_gives_the_same_test_set_and_another_one_another(tmp_path):
    write_pictures(tmp_path / "photos", each=20)
    tests = []
    for seed in ("1", "1", "2"):
        found, _ = converted(tmp_path, "photos", "--sides", "8", "--seed", seed)
        tests.append({image.tobytes() for image in found["test"]})
    assert tests[0] == tests[1] != tests[2]


def test_a_class_keeps_a_picture_to_train_on_and_the_line_tells_of_those_without_a_test(tmp_path):
    write_pictures(tmp_path / "photos", tuple("abcdef"), each=1)
    found, _ = converted(tmp_path, "photos", "--sides", "8", "--test-share", "1/2")
    assert found["labels"].tolist() == list(range(6))
    write_pictures(tmp_path / "photos", tuple("ab"), each=2)
    found, shown = converted(tmp_path, "photos", "--sides", "8", "--test-share", "1/2")
    assert (found["labels"].tolist(), found["test labels"].tolist()) == (list(range(6)), [0, 1, 1])
    assert "6 images to train on, 3 to test with; classes with none to test with: 4 of 6\n" in shown


def test_a_small_count_has_a_picture_of_each_class_to_train_on(tmp_path):
    for part in ("train", "test"):
        write_pictures(tmp_path / "photos" / part, ("a",), each=2)
        write_pictures(tmp_path / "photos" / part, ("b", "c"), each=40)
    for count in (3, 4, 20):
        found, _ = converted(tmp_path, "photos", "--count", str(count), *AS_THEY_ARE)
        assert np.unique(found["labels"]).tolist() == [0, 1, 2]
        assert sum(len(found[what]) for what in ("images", "test") if what in found) == count
        shutil.rmtree(tmp_path / "out")


PROBE = """
import sys
script, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, sys.argv.pop(1))
from utilities.terminal.console import Console
def tell(*_):
    print(sorted({"keras", "tensorflow", "matplotlib", "h5py"} & set(sys.modules)))
    raise SystemExit(0)
Console.ask_in_order = tell
import runpy
runpy.run_path(script, run_name="__main__")
"""


def test_the_first_question_waits_for_no_large_library(tmp_path):
    write_pictures(tmp_path / "photos")
    command = [sys.executable, "-c", PROBE, SOURCE / "dataset" / "dataset.py", SOURCE, "-d", "photos", "-o", "out"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


# --- what is printed


def test_a_session(tmp_path):
    write_pictures(tmp_path / "photos", each=20)
    (tmp_path / "photos" / "dog" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (tmp_path / "photos" / "cat" / "text.jpg").write_text("not a picture")
    session = run("dataset", ["-d", "photos", "-o", "my set"], "28\nn\n\n", tmp_path)
    shown = re.sub(r"in [\d.]+ s", "in # s", session.stdout.replace(str(sys.executable), "python3"))
    shown = shown.replace(os.path.relpath(SOURCE, tmp_path), "src")
    assert shown == SESSION.read_text()
    assert (session.stderr, session.code) == ("", 0)


def test_the_same_image_in_training_and_test_and_twice_in_a_class_is_told(tmp_path):
    write_pictures(tmp_path / "photos" / "train")
    write_pictures(tmp_path / "photos" / "test", each=2, side=16)
    shutil.copy(tmp_path / "photos/train/cat/001.png", tmp_path / "photos/train/dog/zz.png")  # another class: no repeat
    _, shown = converted(tmp_path, "photos", *AS_THEY_ARE)
    assert "the same image" not in shown
    shutil.copy(tmp_path / "photos/train/cat/003.png", tmp_path / "photos/test/cat/x.png")
    for name in ("y", "z"):
        Image.open(tmp_path / "photos/train/cat/001.png").save(tmp_path / f"photos/train/cat/{name}.bmp")
    _, shown = converted(tmp_path, "photos", *AS_THEY_ARE)
    assert [line for line in shown.splitlines() if "the same image" in line] == [
        "the same image to train on and to test with, 1 times: photos/train/cat/003.png and photos/test/cat/x.png; "
        "results look better than they are",
        "the same image again in its class, 2 times: photos/train/cat/001.png and photos/train/cat/y.bmp; "
        "results look better than they are",
    ]


def test_the_commands_to_go_on_with_are_right_for_the_shell(tmp_path, monkeypatch):
    (tmp_path / "my $set").mkdir()
    write_pictures(tmp_path / "photos")
    session = run("dataset", ["-d", "photos", "-o", "my $set/-new's"], None, tmp_path)
    commands = session.stdout.partition("to go on:\n")[2].replace("\\\n", " ").strip().splitlines()
    for command, script in zip(commands, ("autoencoder", "classification"), strict=True):
        _, path, *arguments = shlex.split(command)
        assert (tmp_path / path).resolve() == SOURCE / script / f"{script}.py"
        assert arguments[:2] == ["-d", "my $set/-new's"]
    monkeypatch.chdir(tmp_path)
    parsed = parse_classification_arguments(arguments)
    read_test_set(parsed.test, parsed.testlabels, read_training_set(parsed.data, parsed.datalabels))


def test_the_contact_sheet_shows_some_of_each_class_as_they_are_in_the_file(tmp_path, monkeypatch):
    write_pictures(tmp_path / "photos", ("a", "中"), each=3)
    (tmp_path / "photos" / "a" / "000.png").unlink()
    converted(tmp_path, "photos", *AS_THEY_ARE)
    drawn = []
    monkeypatch.setattr(contact_sheet, "as_png", lambda figure: drawn.append(figure))
    source = open_source(tmp_path / "photos")
    contact_sheet.draw_contact_sheet(source, Form(8, 8), tmp_path / "out")
    (axis,) = drawn[0].axes
    image, gap = axis.images[0], 1
    assert (image.get_cmap().name, image.get_clim()) == ("gray", (0, 1))
    images = idx.read(tmp_path / "out" / NAMES["images"])
    cells = {0: (0, 0), 1: (0, 1), 2: (1, 0), 3: (1, 1), 4: (1, 2)}
    for number, (row, column) in cells.items():
        top, left = row * (8 + gap), column * (8 + gap)
        shown = image.get_array()[top : top + 8, left : left + 8]
        assert np.array_equal((255 * shown.data).round(), images[number])
    assert np.isnan(image.get_array().data[:8, 18:]).all()
    assert len(axis.patches) == 5
    assert axis.get_yticklabels()[0].get_text() == "0 a"
    assert axis.get_yticklabels()[1].get_text() in ("1 中", r"1 \u4e2d")


# --- faults, each by its name


def folder_of(make):
    def prepare(folder):
        write_pictures(folder / "photos", each=12)
        make(folder / "photos" / "cat")

    return prepare


def blank(name, size):
    return lambda folder: Image.new("1", size).save(folder / name)


def link_out(folder):
    Image.new("L", (8, 8)).save(folder.parents[1] / "outside.png")
    (folder / "link.png").symlink_to(folder.parents[1] / "outside.png")


def no_text(folder):
    path = os.fsencode(folder) + b"/\xff.png"
    with open(path, "wb") as file:  # noqa: PTH123, a name of bytes
        Image.new("L", (8, 8)).save(file, "png")


LEFT_OUT = {
    "cut off": (lambda folder: (folder / "x.png").write_bytes((folder / "000.png").read_bytes()[:60]), "x.png: "),
    "empty": (
        lambda folder: (folder / "x.gif").write_bytes(b""),
        "x.gif: not a picture in one of the formats PNG, JPEG",
    ),
    "a decompression bomb": (
        blank("bomb.png", (20_000, 20_000)),
        "bomb.png: Image size (400000000 pixels) exceeds limit",
    ),
    "a huge side": (
        blank("long.png", (40_000, 1)),
        "long.png: expected at most 67,108,864 pixels and 32,768 on a side, found 1 x 40000",
    ),
    "a pipe": (lambda folder: os.mkfifo(folder / "x.png"), "x.png: not a regular file"),
    "a broken link": (lambda folder: (folder / "x.png").symlink_to("nothing"), "x.png: a link"),
    "a link to a picture": (link_out, "link.png: a link"),
    "a link to a folder": (lambda folder: (folder / "loop").symlink_to(".."), "cat/loop: a link"),
    "a name that is no text": (no_text, "\\udcff.png: its name is no text"),
    "32-bit pixels": (lambda folder: Image.new("F", (8, 8)).save(folder / "x.tiff"), "x.tiff: pixels of 32 bits"),
}


@pytest.mark.parametrize("fault", LEFT_OUT)
def test_a_picture_is_named_and_left_out(tmp_path, fault):
    make, line = LEFT_OUT[fault]
    folder_of(make)(tmp_path)
    found, shown = converted(tmp_path, "photos", *AS_THEY_ARE)
    assert len(found["images"]) == 24
    lines = [each for each in shown.splitlines() if each.startswith("left out: ")]
    assert len(lines) == 2
    assert line in lines[0]
    assert lines[1] == "left out: 1 that cannot be read, named above"


def test_more_than_one_in_ten_that_cannot_be_read_are_an_error(tmp_path):
    write_pictures(tmp_path / "photos", each=9)
    (tmp_path / "photos" / "cat" / "a.png").write_bytes(b"")
    (tmp_path / "photos" / "dog" / "b.png").write_bytes(b"")
    assert len(converted(tmp_path, "photos", *AS_THEY_ARE)[0]["images"]) == 18
    (tmp_path / "out").rename(tmp_path / "before")
    (tmp_path / "photos" / "dog" / "c.png").write_bytes(b"")
    session = convert(tmp_path, "photos", *AS_THEY_ARE)
    assert_refused(session, "3 pictures cannot be read: expected at most one in ten")
    assert session.stdout.count("left out: ") == 3


def object_array(folder):
    class Runs:
        def __reduce__(self):
            return os.mkdir, (str(folder / "ran"),)

    np.savez(folder / "x.npz", x_train=np.array([Runs()], object), y_train=np.arange(3))


def zip_bomb(folder):
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", b"1,2,3,4,5\n")
    content = bytearray((folder / "x.zip").read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 24 : place + 28] = (2**32 - 2).to_bytes(4, "little")  # what it claims to hold
    (folder / "x.zip").write_bytes(content)


REFUSED = {  # what test_reading says more of
    "no such source": (lambda folder: None, "photos", "photos: no such file"),
    "a device": (lambda folder: None, "/dev/zero", "not a regular file"),
    "an object array": (
        object_array,
        "x.npz",
        "x.npz: not arrays of numbers that can be read: Object arrays",
    ),
    "a zip bomb": (zip_bomb, "x.zip", "x.zip: train.csv: not unpacked: it claims 4,294,967,294 bytes"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_source_is_refused_in_one_line_before_any_question(tmp_path, fault):
    make, source, complaint = REFUSED[fault]
    folder = tmp_path / "data"
    folder.mkdir()
    make(folder)
    (tmp_path / "work").mkdir()
    session = run("dataset", ["-d", folder / source, "-o", "out"], None, tmp_path / "work")
    assert_refused(session, complaint)
    assert asked(session.stdout) == []
    assert not (folder / "ran").exists()


def file(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def other_file(folder):
    (folder / "out").mkdir()
    (folder / "out" / "thesis.tex").write_text("mine")


@pytest.mark.parametrize(
    ("make", "output", "complaint"),
    [
        (file("out", b"mine"), "out", "expected a folder, or none yet, found a file"),
        (other_file, "out", "has other files than a data set's, such as thesis.tex"),
        (lambda folder: None, "photos", "the pictures lie there"),
        (lambda folder: None, "photos/new/idx", "the pictures lie there"),
        (lambda folder: None, "..", "the pictures lie there"),
        (lambda folder: None, "here", "the folder that this shell is in"),
        (file("file", b""), "file/out", "cannot be written"),
        (lambda folder: None, "x" * 300, "cannot be written: File name too long"),
    ],
)
def test_no_other_folder_is_written(tmp_path, make, output, complaint):
    write_pictures(tmp_path / "photos")
    make(tmp_path)
    (tmp_path / "here").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with contextlib.chdir(tmp_path / "here"), pytest.raises(BadInput, match=complaint):
        dataset_folder.holds_dataset(Path("..", output), Path("../photos"))
    assert sorted(tmp_path.rglob("*")) == before


def test_an_output_is_refused_before_any_question(tmp_path):
    write_pictures(tmp_path / "photos")
    session = run("dataset", ["-d", "photos", "-o", "photos/new"], None, tmp_path)
    assert_refused(session, "the pictures lie there")
    assert session.stdout == ""


# --- all or nothing


def test_redirected_answers_replace_a_data_set_whole(tmp_path):
    write_pictures(tmp_path / "photos")
    converted(tmp_path, "photos", "--sides", "8")
    found, _ = converted(tmp_path, "photos", *AS_THEY_ARE)
    assert list(found) == ["images", "labels"]  # no test set of before is left
    assert not list(tmp_path.glob(".out*"))


def test_a_script_that_is_killed_while_it_writes_leaves_the_old_set(tmp_path):
    write_pictures(tmp_path / "photos")
    converted(tmp_path, "photos", "--sides", "8")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    Image.new("RGB", (1500, 1500)).save(tmp_path / "photos" / "cat" / "large.png")
    for each in range(300):
        os.link(tmp_path / "photos" / "cat" / "large.png", tmp_path / "photos" / "cat" / f"large{each}.png")
    running = Running("dataset", ["-d", "photos", "-o", "out", *AS_THEY_ARE], None, tmp_path, fresh=True)
    while not list(tmp_path.glob(".out*")) and running.process.poll() is None:
        time.sleep(0.01)
    running.process.kill()
    assert running.end().code == -signal.SIGKILL
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    shutil.rmtree(tmp_path / "photos" / "cat")
    convert(tmp_path, "photos", *AS_THEY_ARE)
    assert not list(tmp_path.glob(".out*"))


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(40):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (64, 64), np.uint8)).save(path)
    script = [SOURCE / "dataset" / "dataset.py", "-d", "photos", "-o", "out", "--sides", "64", *AS_THEY_ARE[2:]]
    command = f"ulimit -f 40; trap '' XFSZ; exec {shlex.join(map(str, [sys.executable, *script]))} < /dev/null"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, check=False, env=script_environment()
    )
    assert done.returncode == 1
    assert done.stderr == "dataset.py: error: out: cannot be written: File too large\n"
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_at_a_terminal_a_data_set_is_replaced_only_after_a_y(tmp_path):
    write_pictures(tmp_path / "photos")
    converted(tmp_path, "photos", *AS_THEY_ARE)
    before = (tmp_path / "out").stat().st_ino
    for answer in (b"\n", b"y\n"):
        ours, theirs = os.openpty()
        with (tmp_path / "shown").open("w+b") as shown:
            process = start(
                "dataset", ["-d", "photos", "-o", "out", *AS_THEY_ARE], tmp_path, (theirs, shown, shown), fresh=True
            )
            os.write(ours, answer)
            assert process.wait(60) == 0
        os.close(ours)
        os.close(theirs)
        text = (tmp_path / "shown").read_text()
        assert "out has a data set: replace it? y/n [n]: " in text
        assert ((tmp_path / "out").stat().st_ino == before) == (answer == b"\n") == ("not written" in text)


def test_what_killed_scripts_left_is_removed_but_for_another_that_runs(tmp_path):
    """An earlier process had this one's number too, as each in a container may."""
    ended, running = subprocess.Popen(["true"]), os.getppid()
    ended.wait()
    left = [f".out-{ended.pid}", f".out-{ended.pid}-old", f".out-{os.getpid()}"]
    others = [f".out-{running}", ".out-mine", f".out2-{ended.pid}"]
    for name in [*left, *others, "out"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.txt").write_text(name)
    with dataset_folder.replacing_folder(tmp_path / "out") as folder:
        assert not list(folder.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {*others, "out"}


def test_what_was_put_aside_where_nothing_took_its_place_is_put_back(tmp_path):
    old = tmp_path / f".out-{os.getppid()}-old"  # on Windows nobody can tell whether a process still runs
    old.mkdir()
    (old / "labels.txt").write_text("old")
    with pytest.raises(BadInput), dataset_folder.replacing_folder(tmp_path / "out"):
        raise BadInput
    assert (tmp_path / "out" / "labels.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("exchanges", [True, False])
def test_at_no_step_of_replacing_a_data_set_is_there_none(tmp_path, monkeypatch, exchanges):
    """Where the system exchanges names there always is one; elsewhere, two renames, the next script finds it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labels.txt").write_text("old")
    if not exchanges:
        monkeypatch.setattr(system, "exchange", lambda *_: False)
    found = []

    def look(_, event, function):
        if event in ("c_call", "c_return"):
            found.append((tmp_path / "out" / "labels.txt").is_file())

    with dataset_folder.replacing_folder(tmp_path / "out") as folder:
        (folder / "labels.txt").write_text("new")
        sys.setprofile(look)
    sys.setprofile(None)
    assert (tmp_path / "out" / "labels.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert all(found) == exchanges
    assert len(found) > 20


def test_large_images_are_small_in_the_contact_sheet(tmp_path):
    write_pictures(tmp_path / "photos", each=2)
    converted(tmp_path, "photos", "--sides", "400x1024", *AS_THEY_ARE[2:])
    with Image.open(tmp_path / "out" / "contact-sheet.png") as sheet:
        assert max(sheet.size) < 2000
