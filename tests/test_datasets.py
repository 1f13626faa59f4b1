import struct

import numpy as np
import pytest
from conftest import make_images, make_labels, parse_classification_arguments

from utilities.data import datasets, idx
from utilities.errors import BadInput


def write(path, array):
    idx.write(path, array)
    return path


def write_pair(folder, labels, name="set", rows=8, columns=8):
    images = make_images(np.asarray(labels, np.uint8), rows, columns)
    return write(folder / name, images), write(folder / f"{name}-labels", np.asarray(labels, np.uint8))


@pytest.mark.parametrize("path", [".", "/", "", ".."])
def test_a_path_without_a_file_name_is_bad_input(path):
    with pytest.raises(BadInput, match="not a regular file"):
        datasets.read_images(path)


def test_without_arguments_the_four_paths_are_the_mnist_in_dataset():
    arguments = parse_classification_arguments(["-model", "encoder.h5"])
    training = datasets.read_training_set(arguments.data, arguments.datalabels)
    test = datasets.read_test_set(arguments.test, arguments.testlabels, training)
    assert training.images.shape == (60_000, 28, 28, 1)
    assert test.images.shape == (10_000, 28, 28, 1)
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
        (np.zeros((3, 8, 8, 5), np.uint8), "1 to 4 channels, found 5"),
        (np.zeros((3, 8, 8, 0), np.uint8), "1 to 4 channels, found 0"),
        (np.zeros((3, 8, 8, 3, 1), np.uint8), "3 or 4 dimensions.*, found 5 dimensions"),
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


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_labels_of_any_type_of_integer_are_read(tmp_path, dtype, suffix):
    images, _ = write_pair(tmp_path, [0, 1, 2, 3])
    labels = write(tmp_path / f"integers{suffix}", np.array([7, 3, 100, 3], dtype))
    training = datasets.read_training_set(images, labels)
    assert training.classes.tolist() == [3, 7, 100]
    assert training.targets.tolist() == [1, 0, 2, 0]
    assert datasets.read_test_set(images, labels, training).targets.tolist() == [1, 0, 2, 0]
    write(tmp_path / "again", training.classes)  # in a type that the format has
    with pytest.raises(BadInput, match="the label 3 does not occur"):
        datasets.read_test_set(images, labels, datasets.read_training_set(*write_pair(tmp_path, [7, 100], "other")))


def test_of_qmnists_labels_the_first_column_is_the_class(tmp_path):
    images, _ = write_pair(tmp_path, [0, 1, 2])
    rows = np.array([[5, 4, 2424, 33, 35, 261616, 0, 0], [0, 1, 0, 9, 30, -1, 0, 0], [5, 4, 2588, 65, 34, 1, 0, 0]])
    labels = write(tmp_path / "qmnist-train-labels-idx2-int.gz", rows.astype(np.int32))
    training = datasets.read_training_set(images, labels)
    assert training.classes.tolist() == [0, 5]
    assert training.targets.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.zeros((3, 8), np.uint8), r"expected labels \(1 dimension\), found 2 dimensions"),
        (np.zeros((3, 2), np.int32), r"expected labels \(1 dimension\), found 2 dimensions"),
        (np.array([1, 2, 3], np.float32), "expected labels as whole numbers, found float32"),
        (np.array([1, 2, 3], np.float64), "expected labels as whole numbers, found float64"),
        (np.array([1, -2, -3], np.int16), "expected labels of 0 or more, found -3"),
        (np.zeros(0, np.uint8), "expected labels, found none"),
        (np.zeros((0, 8), np.int32), "expected labels, found none"),
    ],
)
def test_an_array_that_is_no_labels_is_told(tmp_path, array, complaint):
    images, labels = write_pair(tmp_path, [0, 1, 2])
    training = datasets.read_training_set(images, labels)
    write(tmp_path / "array", array)
    with pytest.raises(BadInput, match=f"array: {complaint}$"):
        datasets.read_training_set(images, tmp_path / "array")
    with pytest.raises(BadInput, match=f"array: {complaint}$"):
        datasets.read_test_set(images, tmp_path / "array", training)


def test_labels_that_number_the_images_are_no_classes(tmp_path):
    count = datasets.MOST_CLASSES + 1
    images = write(tmp_path / "images", np.arange(count * 4, dtype=np.uint32).astype(np.uint8).reshape(count, 2, 2))
    labels = write(tmp_path / "labels", np.arange(count, dtype=np.int16))
    with pytest.raises(BadInput, match="labels: expected at most 1000 classes, found 1001 different labels; a label"):
        datasets.read_training_set(images, labels)
    write(labels, np.arange(count, dtype=np.int16) // 2 * 2)
    assert len(datasets.read_training_set(images, labels).classes) == 501


@pytest.mark.parametrize("level", [0, 7, 255])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_images_all_alike_are_refused_for_training_and_not_as_a_test_set(tmp_path, level, suffix):
    path = write(tmp_path / f"images{suffix}", np.full((20, 8, 8), level, np.uint8))
    _, labels = write_pair(tmp_path, range(20))
    complaint = f"^{path}: nothing to learn: its 20 images are all alike$"
    with pytest.raises(BadInput, match=complaint):
        datasets.read_images(path)
    with pytest.raises(BadInput, match=complaint):
        datasets.read_training_set(path, labels)
    training = datasets.read_training_set(*write_pair(tmp_path, range(20), "training"))
    assert datasets.read_test_set(path, labels, training).images.max() == level


def test_of_a_file_of_a_terabyte_no_more_is_read_than_up_to_the_first_image_that_differs(tmp_path):
    with (tmp_path / "images").open("wb") as file:
        file.write(struct.pack(">BBBBIII", 0, 0, 8, 3, 2**20, 2**10, 2**10))
        file.truncate(16 + 2**40)  # a sparse file: it takes no place on the disk
        file.seek(16 + 2**25)
        file.write(b"\1")
    assert datasets.read_images(tmp_path / "images").nbytes == 2**40


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
    for targets in (None, make_labels(100, range(5))):
        first, again, other = (
            datasets.split_for_validation(100, seed, targets).validation.tolist() for seed in (1, 1, 2)
        )
        assert first == again
        assert first != other
        assert first != list(range(90, 100))


@pytest.mark.parametrize(("count", "seed"), [(2, 0), (60, 5), (60_000, 1)])
def test_the_split_without_labels_is_the_one_that_earlier_results_were_made_with(count, seed):
    expected = np.random.default_rng(seed).permutation(count)[: max(1, round(count / 10))]
    assert datasets.split_for_validation(count, seed).validation.tolist() == sorted(expected.tolist())


@pytest.mark.parametrize("sizes", [[60, 60], [100, 50, 5], [5421, 6742, 5958, 6131], [7] * 26, [2, 2, 2], [2, 300]])
def test_a_tenth_of_each_class_is_held_out(sizes):
    targets = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    split = datasets.split_for_validation(len(targets), 3, targets)
    assert sorted([*split.training, *split.validation]) == list(range(len(targets)))
    assert len(split.validation) == max(1, round(len(targets) / 10))
    for size, held_out in zip(sizes, np.bincount(targets[split.validation], minlength=len(sizes)), strict=True):
        assert abs(held_out - size / 10) < 1


def test_chance_decides_which_of_equal_classes_have_one_more_image_held_out():
    targets = np.repeat(np.arange(10), 6)
    held_out = [set(targets[datasets.split_for_validation(60, seed, targets).validation]) for seed in range(20)]
    assert {len(classes) for classes in held_out} == {6}
    assert set.union(*held_out) == set(range(10))


@pytest.mark.parametrize("sizes", [[1, 2], [1, 1, 3], [50, 1, 1, 1], [1] * 60 + [2], [1] * 100 + [4, 5], [3, 1] * 20])
def test_each_class_is_trained_on_and_the_only_image_of_one_is_not_held_out(sizes, capsys):
    targets = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    for seed in range(10):
        split = datasets.split_for_validation(len(targets), seed, targets)
        assert set(targets[split.training]) == set(range(len(sizes)))
        assert len(split.validation) > 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("count", [2, 30])
def test_a_class_that_cannot_be_trained_on_is_told(count, capsys):
    split = datasets.split_for_validation(count, 1, np.arange(count))
    assert (len(split.training), len(split.validation)) == (count - 1, 1)
    told = "each class has a single image: one class is held out for validation, and not trained on\n"
    assert capsys.readouterr() == (told, "")


def test_a_single_image_is_read_and_cannot_be_split(tmp_path):
    assert len(datasets.read_images(write(tmp_path / "images", make_images(make_labels(1, [1]))))) == 1
    for targets in (None, np.zeros(1, int)):
        with pytest.raises(BadInput, match="found 1"):
            datasets.split_for_validation(1, seed=0, targets=targets)


@pytest.mark.parametrize(("channels", "told"), [(1, ""), (3, " in 3 channels")])
def test_the_description_counts_the_parts_of_the_split(channels, told):
    images = make_images(make_labels(60, range(3)), 8, 12, channels)
    described = datasets.describe(images, datasets.split_for_validation(60, seed=1))
    assert described == f"60 images of 8 x 12 pixels{told}: 54 to train on, 6 for validation"
