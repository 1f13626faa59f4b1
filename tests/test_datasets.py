import gzip

import numpy as np
import pytest
from conftest import make_images, make_labels

from utilities.data import datasets, idx
from utilities.errors import BadInput
from utilities.terminal.arguments import parse_classification_arguments


def write(path, array):
    idx.write(path, array)
    return path


def write_pair(folder, labels, name="set", rows=8, columns=8):
    labels = np.asarray(labels, np.uint8)
    return write(folder / name, make_images(labels, rows, columns)), write(folder / f"{name}-labels", labels)


def test_a_path_that_does_not_exist_means_its_gz(tmp_path):
    images = make_images(make_labels(5, [0, 1]))
    write(tmp_path / "images.gz", images)
    assert datasets.locate(tmp_path / "images") == tmp_path / "images.gz"
    assert np.array_equal(datasets.read_images(tmp_path / "images"), images)


def test_a_path_that_exists_is_read_though_a_gz_lies_beside_it(tmp_path):
    write(tmp_path / "images", np.full((5, 8, 8), 1, np.uint8))
    write(tmp_path / "images.gz", np.full((5, 8, 8), 2, np.uint8))
    assert datasets.read_images(tmp_path / "images").max() == 1


@pytest.mark.parametrize("path", [".", "/", "", ".."])
def test_a_path_without_a_file_name_is_bad_input(path):
    with pytest.raises(BadInput, match="not a regular file"):
        datasets.read_images(path)


def test_a_gz_that_the_browser_unpacked_under_its_old_name_is_read(tmp_path):
    images = make_images(make_labels(5, [0, 1]))
    write(tmp_path / "images", images).rename(tmp_path / "images.gz")
    assert np.array_equal(datasets.read_images(tmp_path / "images"), images)


def test_without_arguments_the_four_paths_are_the_mnist_in_dataset():
    arguments = parse_classification_arguments(["-model", "encoder.h5"])
    training = datasets.read_training_set(arguments.data, arguments.datalabels)
    test = datasets.read_test_set(arguments.test, arguments.testlabels, training)
    assert training.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert training.classes.tolist() == list(range(10))
    assert np.bincount(test.targets).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_labels_given_for_images_and_the_reverse_are_told(tmp_path):
    images, labels = write_pair(tmp_path, [0, 1, 2])
    with pytest.raises(BadInput, match=r"set-labels: expected images .*, found labels"):
        datasets.read_images(labels)
    with pytest.raises(BadInput, match=r"set: expected labels .*, found images"):
        datasets.read_training_set(images, images)


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.zeros((3, 8), np.uint8), "found 2 dimensions"),
        (np.zeros((3, 8, 8, 3), np.uint8), "found 4 dimensions"),
        (np.zeros((3, 8, 8), np.float32), "found float32"),
        (np.zeros((3, 8, 8), np.int8), "found int8"),
        (np.zeros((0, 8, 8), np.uint8), "found none"),
        (np.zeros((3, 8, 0), np.uint8), "8 x 0 pixels"),
    ],
)
def test_an_array_that_is_no_images_is_told(tmp_path, array, complaint):
    with pytest.raises(BadInput, match=f"array: expected images.*{complaint}"):
        datasets.read_images(write(tmp_path / "array", array))


def test_counts_that_differ_name_both_files_and_both_counts(tmp_path):
    images, _ = write_pair(tmp_path, range(7), "seven")
    _, labels = write_pair(tmp_path, range(8), "eight")
    with pytest.raises(BadInput) as caught:
        datasets.read_training_set(images, labels)
    for part in (str(images), str(labels), "7 labels", "found 8"):
        assert part in str(caught.value)


@pytest.mark.parametrize("classes", [range(10), range(1, 27), [0, 7, 200, 255]], ids=["0..9", "1..26", "gaps"])
def test_classes_are_the_labels_found(tmp_path, classes):
    labels = make_labels(60, classes)
    training = datasets.read_training_set(*write_pair(tmp_path, labels))
    assert training.classes.tolist() == list(classes)
    assert sorted(set(training.targets.tolist())) == list(range(len(classes)))
    assert np.array_equal(training.classes[training.targets], labels)


def test_the_test_set_has_the_classes_of_the_training_set(tmp_path):
    training = datasets.read_training_set(*write_pair(tmp_path, [3, 5, 9], "training"))
    test = datasets.read_test_set(*write_pair(tmp_path, [9, 9, 5, 9], "test"), training)
    assert test.classes.tolist() == [3, 5, 9]
    assert test.targets.tolist() == [2, 2, 1, 2]


@pytest.mark.parametrize("unknown", [0, 4, 10])
def test_a_test_label_that_the_training_set_lacks_is_told(tmp_path, unknown):
    training = datasets.read_training_set(*write_pair(tmp_path, [3, 5, 9], "training"))
    with pytest.raises(BadInput, match=f"test-labels: the label {unknown} does not occur"):
        datasets.read_test_set(*write_pair(tmp_path, [3, unknown], "test"), training)


def test_a_single_class_is_told(tmp_path):
    with pytest.raises(BadInput, match=r"set-labels: .*only the label 4"):
        datasets.read_training_set(*write_pair(tmp_path, [4, 4, 4]))


def test_test_images_of_other_sides_are_told(tmp_path):
    training = datasets.read_training_set(*write_pair(tmp_path, [0, 1], "training", 56, 28))
    with pytest.raises(BadInput, match=r"test: expected images of 56 x 28 pixels .*, found 28 x 56"):
        datasets.read_test_set(*write_pair(tmp_path, [0, 1], "test", 28, 56), training)


@pytest.mark.parametrize("count", [2, 3, 19, 60, 1000])
def test_the_split_covers_all_images_once_and_holds_out_a_tenth(count):
    split = datasets.split_for_validation(count, seed=5)
    assert sorted([*split.training, *split.validation]) == list(range(count))
    assert len(split.validation) == max(1, round(count / 10))


def test_the_split_is_drawn_by_the_seed():
    first, again, other = (datasets.split_for_validation(100, seed).validation.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first != list(range(90, 100))


def test_a_single_image_cannot_be_split():
    with pytest.raises(BadInput, match="found 1"):
        datasets.split_for_validation(1, seed=0)


def test_a_damaged_file_is_bad_input(tmp_path):
    (tmp_path / "images.gz").write_bytes(gzip.compress(bytes(1000))[:-9])
    with pytest.raises(BadInput, match=r"images\.gz"):
        datasets.read_images(tmp_path / "images")
