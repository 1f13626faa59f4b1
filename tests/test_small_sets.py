"""Trainings of few images, and of few steps, on MNIST."""

from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from utilities.data.datasets import LabelledImages, read_training_set, split_for_validation
from utilities.data.principal_components import sampled_errors
from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters, TrainingData
from utilities.network.networks import build_autoencoder, build_classifier, leaves
from utilities.record.runs import RunFolder
from utilities.terminal.arguments import TRAINING_IMAGES, TRAINING_LABELS
from utilities.training import training


@pytest.fixture(scope="module")
def mnist():
    return read_training_set(TRAINING_IMAGES, TRAINING_LABELS)


def train(images, epochs, folder):
    """Train a small autoencoder, which a folder keeps; return it, the split, and the last validation loss."""
    keras.utils.set_random_seed(1)
    hyperparameters = AutoencoderHyperparameters(((3, 3), (5, 5)), (8, 16), epochs, 32, third_pooling=None)
    autoencoder = build_autoencoder((28, 28, 1), hyperparameters)
    split, folder = split_for_validation(len(images), seed=1), RunFolder(folder)
    training.train_autoencoder(autoencoder, images, split, hyperparameters, 1, folder)
    return autoencoder, split, folder.outcome["val_loss"]


def test_300_images_teach_an_autoencoder_more_than_their_mean_image(mnist, tmp_path):
    _, split, loss = train(mnist.images[:300], 5, tmp_path)
    assert loss < 0.7 * sampled_errors(mnist.images[:300], split, 0, seed=1)[0]


def letters(count):
    """Return capital letters, whose faces, sizes, places and greys differ, uint8 in (count, 12, 12, 1)."""
    random, drawn = np.random.default_rng(1), []
    for number in range(count):
        image = Image.new("L", (12, 12))
        face = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono-Bold.ttf")[number % 3]
        font = ImageFont.truetype(Path(get_data_path(), "fonts/ttf", face), int(random.integers(9, 12)))
        place, ink = tuple(random.integers(5, 8, 2).tolist()), int(random.integers(160, 256))
        ImageDraw.Draw(image).text(place, "AHNSTXZ"[number % 7], ink, font, anchor="mm")
        drawn.append(np.asarray(image)[..., np.newaxis])
    return np.stack(drawn)


@pytest.mark.parametrize("kind", ["digits", "letters"])
def test_enter_at_every_question_is_better_than_principal_components(mnist, tmp_path, kind):
    if kind == "digits":
        pixels = mnist.images[:300, 2:-2, 2:-2].reshape(300, 12, 2, 12, 2, 1)
        images = pixels.mean((2, 4)).astype(np.uint8)  # in a fifth of the time
    else:
        images = letters(300)
    split, folder = split_for_validation(len(images), seed=1), RunFolder(tmp_path)
    hyperparameters = AutoencoderHyperparameters.defaults(TrainingData(images.shape[1:], len(split.training)))
    keras.utils.set_random_seed(1)
    autoencoder = build_autoencoder(images.shape[1:], hyperparameters)
    training.train_autoencoder(autoencoder, images, split, hyperparameters, 1, folder)
    code = int(np.prod(autoencoder.encoder.output_shape[1:]))
    assert folder.outcome["val_loss"] < 0.9 * sampled_errors(images, split, code, seed=1)[-1]


def test_after_20_steps_the_moving_statistics_are_those_of_the_images(mnist, tmp_path):
    images = mnist.images[:640]
    autoencoder, split, _ = train(images, 1, tmp_path)
    features = images[split.training] / np.float32(255)
    for layer in leaves(autoencoder.encoder):
        if isinstance(layer, keras.layers.BatchNormalization):
            deviation = np.std(features, (0, 1, 2))
            off = (layer.moving_mean.numpy() - features.mean((0, 1, 2))) / deviation
            np.testing.assert_allclose(off, 0, atol=0.3)
            np.testing.assert_allclose(layer.moving_variance.numpy(), deviation**2, rtol=1)
        features = keras.ops.convert_to_numpy(layer(features))


def test_a_classifier_learns_from_ten_images_of_each_class(mnist, tmp_path):
    chosen = np.concatenate([np.flatnonzero(mnist.targets == target)[:10] for target in range(10)])
    few = LabelledImages(mnist.images[chosen], mnist.targets[chosen], mnist.classes, mnist.names)
    keras.utils.set_random_seed(1)
    encoder, hyperparameters = train(few.images, 5, tmp_path)[0].encoder, ClassifierHyperparameters(32, 10, 10)
    split, folder = split_for_validation(100, seed=1, targets=few.targets), RunFolder(tmp_path)
    classifier = build_classifier(encoder, 32, 10)
    training.train_classifier(classifier, few, split, hyperparameters, 1, folder)
    others = LabelledImages(mnist.images[-500:], mnist.targets[-500:], mnist.classes, mnist.names)
    probabilities = training.predict(classifier.whole, others.images)
    assert np.mean(probabilities.argmax(1) == others.targets) > 0.6
