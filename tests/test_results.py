import keras
import numpy as np
import pytest
from conftest import make_hyperparameters, make_images, make_labels

from utilities.data.datasets import LabelledImages
from utilities.network.networks import build_autoencoder, build_classifier, with_weights
from utilities.record.results import Results, format_results
from utilities.training import training

# Four classes; no image is of the last, and the third is never predicted. Some winners have no probability over 0.5.
CLASSES = np.array([1, 5, 7, 26])
TARGETS = np.array([0, 0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [
        [0.40, 0.35, 0.15, 0.10],  # right
        [0.90, 0.05, 0.03, 0.02],  # right
        [0.20, 0.49, 0.16, 0.15],  # taken for 5
        [0.10, 0.70, 0.10, 0.10],  # right
        [0.24, 0.25, 0.25, 0.26],  # taken for 26
        [0.45, 0.10, 0.44, 0.01],  # taken for 1
    ],
    np.float32,
)
RESULTS = Results(TARGETS, PROBABILITIES, CLASSES, ("1", "5", "7", "26"))


def lines_of(text):
    return [line.split() for line in text.splitlines()]


def test_the_most_probable_class_decides_though_none_is_over_a_half():
    assert RESULTS.predictions.tolist() == [0, 0, 1, 1, 3, 0]
    assert RESULTS.correct.tolist() == [True, True, False, True, False, False]
    assert RESULTS.accuracy == 0.5


def test_the_loss_is_the_mean_cross_entropy():
    of_target = [0.40, 0.90, 0.20, 0.70, 0.25, 0.44]
    assert RESULTS.loss == pytest.approx(-sum(np.log(of_target)) / 6, rel=1e-6)
    assert RESULTS.loss == pytest.approx(
        float(keras.losses.SparseCategoricalCrossentropy()(TARGETS, PROBABILITIES)), rel=1e-5
    )


def test_a_probability_of_0_for_the_true_class_costs_much_but_not_infinitely():
    loss = Results(np.array([0]), np.array([[0.0, 1.0]], np.float32), np.arange(2), ("0", "1")).loss
    assert 10 < loss < 100


def test_the_confusion_matrix_counts_true_classes_in_rows():
    assert RESULTS.confusion.tolist() == [[2, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_the_text_says_the_totals():
    lines = lines_of(format_results(RESULTS))
    assert ["test", "loss", f"{RESULTS.loss:.4f}"] in lines
    assert ["test", "accuracy", "50.00%"] in lines
    assert ["correct", "3", "of", "6"] in lines
    assert ["incorrect", "3", "of", "6"] in lines
    assert f"in nats: 0 for certainty, {np.log(4):.2f} for a guess among 4 classes\n" in format_results(RESULTS)


def test_the_table_gives_precision_recall_f1_and_support_of_each_class():
    lines = lines_of(format_results(RESULTS))
    start = lines.index(["class", "precision", "recall", "F1", "support"])
    assert lines[start + 1 : start + 6] == [
        ["1", "0.6667", "0.6667", "0.6667", "3"],
        ["5", "0.5000", "0.5000", "0.5000", "2"],
        ["7", "0.0000", "0.0000", "0.0000", "1"],  # never predicted
        ["26", "-", "-", "-", "0"],  # never there, though once predicted
        ["mean", "0.3889", "0.3889", "0.3889", "6"],  # of the three that are there
    ]


def test_means_are_of_the_classes_that_the_test_set_has():
    targets, classes = np.array([3] * 5 + [7] * 5), np.arange(100)
    lines = lines_of(format_results(Results(targets, np.eye(100)[targets], classes, tuple(map(str, classes)))))
    assert ["mean", "1.0000", "1.0000", "1.0000", "10"] in lines
    assert sum(line[1:4] == ["-"] * 3 for line in lines) == 98


@pytest.mark.parametrize("width", [40, 44, 45, 80])
def test_the_table_fits_a_narrow_terminal_and_says_the_same(width):
    table = format_results(RESULTS, width).split("\n\n")[1]
    assert max(map(len, table.splitlines())) <= min(width, 45)
    assert lines_of(table) == lines_of(format_results(RESULTS).split("\n\n")[1])


def test_precision_recall_and_f1_differ_where_they_should():
    targets, predictions = np.array([0] * 8 + [1] * 2), np.array([0] * 6 + [1] * 4)
    lines = lines_of(format_results(Results(targets, np.eye(2)[predictions], np.arange(2), ("0", "1"))))
    assert ["0", "1.0000", "0.7500", "0.8571", "8"] in lines
    assert ["1", "0.5000", "1.0000", "0.6667", "2"] in lines


def test_the_text_shows_the_confusion_matrix_with_its_labels():
    lines = lines_of(format_results(RESULTS))
    start = next(number for number, line in enumerate(lines) if line[:2] == ["confusion", "matrix"])
    assert lines[start + 1 :] == [
        ["1", "5", "7", "26"],
        ["1", "2", "1", "0", "0"],
        ["5", "0", "1", "0", "1"],
        ["7", "1", "0", "0", "0"],
        ["26", "0", "0", "0", "0"],
    ]


@pytest.fixture
def classifier():
    keras.utils.set_random_seed(1)
    return build_classifier(build_autoencoder((8, 8, 1), make_hyperparameters(1)).encoder, 4, 3)


@pytest.mark.backend
@pytest.mark.parametrize("count", [1, training.EVALUATION_BATCH, training.EVALUATION_BATCH + 3])
def test_every_image_is_classified_in_its_place(classifier, count):
    labels = make_labels(count, range(3))
    images = make_images(labels, channels=1)
    labelled = LabelledImages(images, labels.astype(np.int64), np.arange(3), ("0", "1", "2"))
    now = training.predict(classifier.whole, images)
    expected = np.asarray(classifier.whole(images.astype(np.float32) / 255))
    assert np.allclose(now, expected, atol=1e-5)
    assert Results(labelled.targets, now, labelled.classes, labelled.names).confusion.sum() == count


@pytest.mark.backend
def test_a_network_predicts_with_other_weights_and_then_with_its_own_again(classifier):
    images = make_images(make_labels(9, range(3)), channels=1)
    own, predict = classifier.whole.get_weights(), training.Predictor(classifier.whole)
    expected = predict(images)
    with with_weights(classifier.whole, [weight + 0.1 for weight in own]):
        found, plain = predict(images), np.asarray(classifier.whole(images / np.float32(255)))
    assert np.allclose(found, plain, atol=1e-5)
    assert not np.allclose(found, expected, atol=1e-3)
    assert np.array_equal(predict(images), expected)


def test_a_wide_confusion_matrix_is_folded_to_a_width_and_loses_nothing():
    (first, *blocks) = format_results(RESULTS, width=15).split("predicted)\n")[1].split("\n\n")
    assert all(len(line) <= 15 for block in (first, *blocks) for line in block.splitlines())
    folded = [lines_of(block) for block in (first, *blocks)]
    assert [block[0] for block in folded] == [["1", "5"], ["7", "26"]]
    assert [row[0] for row in folded[1][1:]] == ["1", "5", "7", "26"]
    assert np.hstack([np.array([row[1:] for row in block[1:]], int) for block in folded]).tolist() == (
        RESULTS.confusion.tolist()
    )
