"""Batches of one or a few images, and last batches of one or two, on every way that images take through a network.

The networks are those that Enter gives, whose layers take every shortcut that a FastNetwork has.
"""

import keras
import numpy as np
import pytest
from conftest import make_images, make_labels

from utilities.data.datasets import LabelledImages, Split
from utilities.network import memory
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters
from utilities.network.networks import build_autoencoder, build_classifier
from utilities.record.runs import RunFolder
from utilities.training import training

KERNELS, FILTERS = ((5, 5), (7, 7), (7, 7)), (32, 32, 64)
CLASSES = np.arange(3)
LABELS = make_labels(16, CLASSES)
LABELLED = LabelledImages(make_images(LABELS, 28, 28, 1), LABELS.astype(np.int64), CLASSES, ("0", "1", "2"))
# (batch size, images to train on, images for validation). On JAX, where batches are padded to one size, test_on_jax.py
# shows it.
CASES = [(1, 3, 1), (2, 5, 2), (3, 7, 1), (3, 8, 2), (4, 9, 2), (4, 10, 1), (5, 11, 1), (5, 12, 2)]


def split_of(training_count, validation_count):
    return Split(np.arange(training_count), np.arange(training_count, training_count + validation_count))


def scaled(chosen):
    return LABELLED.images[chosen] / np.float32(255)


def autoencoder_of(batch_size):
    keras.utils.set_random_seed(1)
    hyperparameters = AutoencoderHyperparameters(KERNELS, FILTERS, 1, batch_size, third_pooling=True)
    return build_autoencoder((28, 28, 1), hyperparameters), hyperparameters


@pytest.mark.parametrize(("batch_size", "training_count", "validation_count"), CASES)
def test_an_autoencoder_trains_in_batches_of_any_size(tmp_path, batch_size, training_count, validation_count):
    split, folder = split_of(training_count, validation_count), RunFolder(tmp_path)
    autoencoder, hyperparameters = autoencoder_of(batch_size)
    before = autoencoder.whole.get_weights()
    training.train_autoencoder(autoencoder, LABELLED.images, split, hyperparameters, 1, folder)
    # In a batch of one image normalisation leaves 0 of a code of 1 x 1: only the last bias learns.
    learnt = [not np.array_equal(a, b) for a, b in zip(before, autoencoder.whole.get_weights(), strict=True)]
    assert learnt[-1]
    assert all(learnt) == (batch_size > 1)
    images = scaled(split.validation)
    loss = np.mean((autoencoder.whole.predict(images, verbose=0) - images) ** 2)
    assert folder.history[-1]["val_loss"] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("through_encoder", [False, True], ids=["codes computed once", "through the encoder"])
@pytest.mark.parametrize(("batch_size", "training_count", "validation_count"), [CASES[0], CASES[3], CASES[6]])
def test_both_phases_of_a_classifier_train_in_batches_of_any_size(
    monkeypatch, tmp_path, batch_size, training_count, validation_count, through_encoder
):
    if through_encoder:
        monkeypatch.setattr(memory, "LARGEST_CODES", 0)
    split, folder = split_of(training_count, validation_count), RunFolder(tmp_path)
    classifier = build_classifier(autoencoder_of(batch_size)[0].encoder, 8, len(CLASSES))
    hyperparameters = ClassifierHyperparameters(8, 1, batch_size)
    ends, _ = training.train_classifier(classifier, LABELLED, split, hyperparameters, 1, folder)
    frozen, everything = folder.history
    for row, weights in ((frozen, ends["frozen"]), (everything, ends["everything"])):
        classifier.whole.set_weights(weights)
        probabilities = classifier.whole.predict(scaled(split.validation), verbose=0)
        of_target = probabilities[np.arange(validation_count), LABELLED.targets[split.validation]]
        assert row["val_loss"] == pytest.approx(-np.log(of_target).mean(), rel=1e-3)


def test_predictions_of_any_number_of_images_are_the_plain_networks():
    autoencoder, _ = autoencoder_of(64)
    images = LABELLED.images[np.arange(102) % len(LABELS)]
    expected = autoencoder.whole.predict_on_batch(images / np.float32(255))
    predict = training.Predictor(autoencoder.whole)
    for count in (1, 2, 3, 4, 5, 101, 102):
        assert np.allclose(predict(images[:count]), expected[:count], atol=1e-5), count
