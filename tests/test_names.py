"""The names of classes, from labels.txt to the tables and pictures."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import make_images

from utilities.data import datasets, idx
from utilities.data.names import LARGEST_FILE, read_files, read_names
from utilities.record import image_figures
from utilities.record.confusion_matrix import draw_confusion
from utilities.record.results import Results, format_results
from utilities.text import distinct

LABELS = np.array([0, 1, 2], np.uint8)
LONG = tuple(f"handwritten {name}" for name in ("zero of Arabic numerals", "one of Arabic numerals", "two"))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"0 cat\n1 dog\n2 guinea pig\n", ("cat", "dog", "guinea pig")),
        (b"\xef\xbb\xbf0\tcat\r\n\r\n1  dog \r\n9 elk\r\n2 \xe7\x8c\xab", ("cat", "dog", "猫")),
        (b"1 dog\n", ("0", "dog", "2")),
        (b"0 dog\n1 dog\n2 cat\n", ("0 dog", "1 dog", "cat")),
        (b"1 2\n", ("0", "1 2", "2 2")),
        (b"0 a\x1b[31mb\n", ("a\\x1b[31mb", "1", "2")),
        (b"0 a" + b"x" * 100 + b"b", ("a" + "x" * 28 + "..." + "x" * 27 + "b", "1", "2")),
    ],
)
def test_each_label_has_its_name_or_itself_and_no_two_are_alike(tmp_path, capsys, content, names):
    (tmp_path / "labels.txt").write_bytes(content)
    assert read_names(tmp_path / "labels.txt", LABELS) == names
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"cat\ndog\nelk\n", "found 'cat'"),
        (b"0 cat\n1\n", "found '1'"),
        (b"0 cat\n0 dog\n", "found '0 dog'"),
        (b"\xff\xfe0\0 \0c\0", "can't decode"),
        (b"0 \x00" + b"x" * LARGEST_FILE, "larger than 1,048,576 bytes"),
        (b"7 cat\n", "names none of the labels"),
        (b"", "names none of the labels"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_damaged_or_unrelated_file_is_passed_over_and_that_is_said(tmp_path, capsys, content, complaint):
    (tmp_path / "labels.txt").write_bytes(content)
    assert read_names(tmp_path / "labels.txt", LABELS) == ("0", "1", "2")
    out, err = capsys.readouterr()
    assert out.startswith(f"{tmp_path / 'labels.txt'}: passed over: ")
    assert complaint in out
    assert (out.count("\n"), err) == (1, "")


def test_the_names_lie_beside_the_training_labels_and_the_test_set_has_them_too(tmp_path):
    labels = np.array([3, 5, 3, 5], np.uint8)
    (tmp_path / "images").mkdir()
    idx.write(tmp_path / "images" / "images", make_images(labels))
    (tmp_path / "images" / "labels.txt").write_text("3 no\n5 no\n")
    idx.write(tmp_path / "labels", labels)
    (tmp_path / "labels.txt").write_text("3 cat\n5 dog\n")
    paths = tmp_path / "images" / "images", tmp_path / "labels"
    training = datasets.read_training_set(*paths)
    assert training.names == ("cat", "dog")
    assert datasets.read_test_set(*paths, training).names == ("cat", "dog")
    (tmp_path / "labels.txt").unlink()
    assert datasets.read_training_set(*paths).names == ("3", "5")


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("emnist-letters-train-images.idx3-ubyte", "emnist-letters-train-labels.idx1-ubyte"),
    ],
)
def test_the_classes_of_images_are_known_by_the_labels_of_the_usual_name_beside_them(tmp_path, capsys, images, labels):
    idx.write(tmp_path / labels, np.array([5, 3, 5], np.uint8))
    (tmp_path / "labels.txt").write_text("3 cat\n5 dog\n")
    targets, names = datasets.read_classes_beside(tmp_path / images, 3)
    assert (targets.tolist(), names) == ([1, 0, 1], ("cat", "dog"))
    assert capsys.readouterr().out == ""
    targets, names = datasets.read_classes_beside(tmp_path / images, 4)
    assert (len(targets), names) == (4, ())
    assert capsys.readouterr().out == (
        f"no classes: {tmp_path / labels.removesuffix('.gz' * (not images.endswith('gz')))}: "
        "expected 4 labels, one for each image, found 3\n"
    )


@pytest.mark.parametrize("images", ["images", "labels"])
def test_images_of_another_name_have_no_classes(tmp_path, capsys, images):
    idx.write(tmp_path / images, np.array([5, 3, 5], np.uint8))
    assert datasets.read_classes_beside(tmp_path / images, 3)[1] == ()
    assert capsys.readouterr().out == ""


ROWS = "set,index,file,class\ntraining,0,a/0.png,a\ntest,1,b/1.png,b\ntest,0,a/1.png,a\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (ROWS, None),
        ("\ufeff" + ROWS.replace("\n", "\r\n"), None),  # as a spreadsheet saves it
        (ROWS.replace("1,b/1.png", "2,b/1.png"), "expected a row for each of the 2 images of t10k-images, found 2"),
        (ROWS.replace("1,b/1.png", "0,b/1.png"), "found 2"),
        (ROWS + "test,2,b/2.png,b\n", "found 3"),
        (ROWS.replace("test", "training"), "found 0"),
        ("", "found 0"),
        (ROWS.replace(",", ";"), "expected a table with the columns set, index, file, class"),
        (ROWS.replace("1,b", "one,b"), "expected a table"),
        (ROWS.replace("b/1", "\0"), None),
        (ROWS.replace("b/1", "x" * 200_000), "expected a table"),
        ("\udcff" + ROWS, "expected a table"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_file_of_an_image_is_known_by_a_table_with_a_row_for_each_of_its_set(tmp_path, capsys, content, complaint):
    assert read_files(tmp_path / "t10k-images", 2) == []  # there is none, and nothing to say
    (tmp_path / "files.csv").write_bytes(content.encode(errors="surrogateescape"))
    files = read_files(tmp_path / "t10k-images", 2)
    out = capsys.readouterr().out
    if complaint:
        assert files == []
        assert out.startswith(f"{tmp_path / 'files.csv'}: passed over: ")
        assert complaint in out
    else:
        assert (files[0], len(files), out) == ("a/1.png", 2, "")


def results_of(names, count=30):
    """Return Results of as many classes as names, the images of each taken for its own, or for the next."""
    targets = np.resize(np.arange(len(names)), count)
    predictions = (targets + np.arange(count) // len(names) % 2) % len(names)
    return Results(targets, np.eye(len(names))[predictions], np.arange(len(names)), tuple(names))


@pytest.mark.parametrize("width", [40, 60, 200, None])
@pytest.mark.parametrize("names", [("cat", "dog", "guinea pig"), LONG, [f"{n} of many" for n in range(30)]])
def test_tables_of_names_are_aligned_and_fit_a_terminal(names, width):
    blocks = format_results(results_of(names), width).split("\n\n")[1:]
    for block in blocks:
        table = [line for line in block.splitlines() if not line.startswith("confusion matrix")]
        assert len({len(line) for line in table}) == 1
        assert len(table[0]) <= (width or len(table[0]))
    head, *rows = blocks[0].splitlines()
    assert len({line[: head.index("class") + len("class")] for line in rows}) == len(names) + 1


def test_a_terminal_of_60_columns_shows_names_and_cuts_long_ones_so_that_they_differ():
    table, matrix = format_results(results_of(LONG), 60).split("\n\n")[1:]
    assert [line[:22].strip() for line in table.splitlines()] == [
        "class",
        "0 handwrit... numerals",
        "1 handwrit... numerals",
        "handwritten two",
        "mean",
    ]
    assert matrix.splitlines()[1].split() == ["0", "ha...als", "1", "ha...als", "hand...two"]
    assert LONG[0] in format_results(results_of(LONG))


def test_names_that_look_alike_when_cut_have_their_labels():
    alike = "one of many is alike", "one of some is alike"
    assert distinct([*alike, "other"], [7, 8, 9], 8) == ("7 o...ke", "8 o...ke", "other")


@pytest.mark.parametrize("names", [("cat", "dog", "guinea pig"), LONG, [f"name {n} of many" for n in range(30)]])
def test_pictures_show_names(names):
    results = results_of(names, 60)
    figure = draw_confusion(results)
    figure.canvas.draw()
    axis = figure.axes[0]
    boxes = [label.get_window_extent() for label in axis.get_yticklabels()]
    shown = [label.get_text() for label in axis.get_yticklabels()]
    assert shown == [label.get_text() for label in axis.get_xticklabels()]
    assert len({*shown}) == len(shown)
    for name, tick in zip(shown, axis.get_yticks(), strict=True):
        first, _, last = name.partition("...")
        assert first.removeprefix(f"{int(tick)} ") in names[int(tick)]
        assert names[int(tick)].endswith(last)
    assert axis.get_window_extent().width > 0.5 * figure.bbox.width
    cell = axis.get_window_extent().width / len(names)
    assert all(text.get_window_extent().width <= cell for text in axis.texts)
    assert all(figure.bbox.contains(*corner) for box in boxes for corner in box.get_points())


def test_predictions_are_told_by_name_and_no_caption_covers_another():
    results = results_of(("cat", "a dog of a long name", "guinea pig"))
    figure = image_figures.draw_examples(results, np.zeros((30, 8, 8, 3), np.uint8))
    figure.canvas.draw()
    captions = [axis.xaxis.label for axis in figure.axes if axis.images]
    assert captions[0].get_text() == "cat (100 %)"
    assert captions[12].get_text() == "taken for a dog of a long\nname (100 %), is cat"
    boxes = [caption.get_window_extent() for caption in captions]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_predictions_of_numbers_are_told_on_one_line():
    figure = image_figures.draw_examples(results_of(("0", "1", "2")), np.zeros((30, 8, 8, 1), np.uint8))
    captions = [axis.get_xlabel() for axis in figure.axes if axis.images]
    assert (captions[0], captions[12]) == ("0 (100 %)", "taken for 1 (100 %), is 0")
