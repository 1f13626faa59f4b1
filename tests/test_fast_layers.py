import keras
import numpy as np
import pytest
from conftest import ON_JAX, make_hyperparameters

from utilities.network.hyperparameters import AutoencoderHyperparameters
from utilities.network.networks import build_autoencoder, leaves
from utilities.training import fourier_convolution
from utilities.training.fast_layers import fast_layers, ops
from utilities.training.training import engine

CASES = {
    "1 layer": ((6, 8, 3), make_hyperparameters(1)),
    "2 layers": ((8, 12, 1), make_hyperparameters(2)),
    "5 layers": ((8, 8, 1), make_hyperparameters(5)),
    "third pooling": ((28, 28, 1), make_hyperparameters(4, third_pooling=True)),
    "third pooling, oblong": ((28, 56, 1), make_hyperparameters(3, third_pooling=True)),
    "one pixel": ((4, 4, 1), AutoencoderHyperparameters(((2, 5), (4, 4), (3, 2)), (3, 4, 5), 1, 4, None)),
    "large kernels": ((4, 8, 2), AutoencoderHyperparameters(((9, 2), (6, 11)), (3, 4), 1, 4, None)),
    "large kernels, third": ((28, 28, 3), AutoencoderHyperparameters(((3, 3), (8, 9), (10, 5)), (2, 3, 4), 1, 4, True)),
}


def randomise(network):
    """Give a network weights and statistics none of which is 0 or 1."""
    random = np.random.default_rng(0)
    network.set_weights(
        [
            random.uniform(0.2, 0.9, w.shape) * (1 if "variance" in w.path else random.choice([-1, 1], w.shape)) / 2
            for w in network.weights
        ]
    )


# JAX compiles for each shape what has been shown on TensorFlow to be right.
PLAIN = ["third pooling, oblong", "large kernels"] if ON_JAX else list(CASES)
TRANSFORMED = ["large kernels"] if ON_JAX else ["third pooling", "one pixel", "large kernels", "large kernels, third"]


def train(network, images, targets):
    """Train a network of the backend's on a batch; return the loss."""
    if ON_JAX:
        real = np.ones(len(images), np.float32)
        return network.train_on_batch((images, real), targets, real)[0]
    return network.train_on_batch(images[np.newaxis], targets[np.newaxis])


@pytest.mark.backend
@pytest.mark.parametrize(
    ("case", "fewer_products"),
    [*((case, fourier_convolution.FEWER_PRODUCTS) for case in PLAIN), *((case, 0) for case in TRANSFORMED)],
)
def test_they_predict_and_learn_what_the_plain_network_does(monkeypatch, case, fewer_products):
    monkeypatch.setattr(fourier_convolution, "FEWER_PRODUCTS", fewer_products)
    shape, hyperparameters = CASES[case]
    plain = build_autoencoder(shape, hyperparameters).whole
    randomise(plain)
    images = np.random.default_rng(1).random((4, *shape), np.float32)
    if not ON_JAX:  # where test_on_jax.py shows it
        assert np.allclose(engine.network_of(plain, len(images))(images), plain(images), atol=1e-5)
    copy, fast = keras.models.clone_model(plain), engine.network_of(plain, len(images))
    copy.set_weights(plain.get_weights())
    batches = [images, images] if ON_JAX else [images, images[:1], images[:2], images[:3]]  # JAX compiles each size
    fast.compile(keras.optimizers.SGD(0.1), loss="mean_squared_error", metrics=[])
    fast.trained_steps.assign(1e6)  # so many that the moving statistics are Keras'
    # The plain network is what the other is measured by: tracing it would show no more.
    copy.compile(keras.optimizers.SGD(0.1), loss="mean_squared_error", run_eagerly=not ON_JAX)
    for batch in batches:
        assert train(fast, batch, batch) == pytest.approx(copy.train_on_batch(batch, batch), rel=1e-4)
    for weight, fast, expected in zip(plain.weights, plain.get_weights(), copy.get_weights(), strict=True):
        assert np.allclose(fast, expected, rtol=1e-3, atol=1e-4), weight.path


@pytest.mark.backend
def test_the_moving_statistics_of_the_first_steps_are_their_mean():
    shape, hyperparameters = CASES["2 layers"]
    plain = build_autoencoder(shape, hyperparameters).whole
    randomise(plain)
    images = np.random.default_rng(1).random((4, *shape), np.float32)
    first = next(layer for layer in leaves(plain) if isinstance(layer, keras.layers.BatchNormalization))
    before = keras.Model(plain.input, first.input)
    fast, seen = engine.network_of(plain, len(images)), []
    fast.compile(keras.optimizers.SGD(0.1), loss="mean_squared_error", metrics=[])
    for batch in (images, images / 2, images / 3):
        features = keras.ops.convert_to_numpy(before(batch))
        seen.append([features.mean((0, 1, 2)), features.var((0, 1, 2))])
        train(fast, batch, batch)
        mean, variance = np.mean(seen, axis=0)
        assert np.allclose(first.moving_mean, mean, rtol=1e-3, atol=1e-5)
        assert np.allclose(first.moving_variance, variance, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("side", "batch_size", "may_transform", "convolutions"),
    [(7, 64, True, 1), (7, 2, True, 3), (7, 64, False, 3), (3, 64, True, 3)],
)
def test_a_transform_is_taken_where_it_saves_most_of_the_products(
    side, batch_size, may_transform, convolutions, monkeypatch
):
    kernels = ((5, 5), (side, side), (side, side))
    hyperparameters = AutoencoderHyperparameters(kernels, (32, 32, 64), 1, batch_size, third_pooling=True)
    encoder = build_autoencoder((28, 28, 1), hyperparameters).encoder
    features, calls, convolve = np.ones((2, 28, 28, 1), np.float32), [], ops.conv
    monkeypatch.setattr(ops, "conv", lambda *inputs, **options: calls.append(1) or convolve(*inputs, **options))
    for step in fast_layers(leaves(encoder), batch_size, may_transform):
        features = step(features, None)
    assert len(calls) == convolutions
