"""What is learnt of padded batches, and on several devices, is what is learnt of the same batches without padding."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import ON_JAX, make_hyperparameters

if not ON_JAX:
    pytest.skip("KERAS_BACKEND=jax runs these", allow_module_level=True)

import keras

from utilities.data.batches import Examples, epoch_order
from utilities.network.networks import build_autoencoder, build_classifier
from utilities.training import on_jax

pytestmark = pytest.mark.backend


def randomise(network):
    random = np.random.default_rng(0)
    network.set_weights([random.uniform(0.2, 0.9, w.shape) for w in network.get_weights()])


def make_case(kind):
    """Return a plain network with random weights, its loss, and five examples; one layer has a single channel."""
    hyperparameters = replace(make_hyperparameters(2), filters=(3, 1))
    autoencoder = build_autoencoder((8, 8, 1), hyperparameters)
    images = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 1), np.uint8)
    if kind == "autoencoder":
        randomise(autoencoder.whole)
        return autoencoder.whole, "mean_squared_error", Examples(images, np.arange(5))
    network = build_classifier(autoencoder.encoder, 4, 3)
    randomise(network.whole)
    network.encoder.trainable = kind != "frozen"
    targets = np.eye(3, dtype=np.float32)
    return network.whole, "categorical_crossentropy", Examples(images, np.arange(5), np.arange(5) % 3, targets)


def trained_plainly(network, loss, examples, batch_size):
    """Train on the batches of an epoch, one by one, as Keras does; return the mean loss, weighed by the examples."""
    network.compile(keras.optimizers.SGD(0.1), loss=loss)
    inputs = examples.inputs / np.float32(255)
    targets = inputs if examples.classes is None else examples.distributions[examples.classes]
    order = epoch_order(examples, 0, 3)
    losses = 0
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        losses += len(batch) * float(network.train_on_batch(inputs[batch], targets[batch]))
    return losses / len(order)


@pytest.mark.parametrize(
    ("kind", "batch_size", "padding"),
    [("autoencoder", 1, 0), ("autoencoder", 4, 3), ("classifier", 4, 3), ("frozen", 4, 3)],
)
def test_padding_leaves_no_trace_in_what_is_learnt(kind, batch_size, padding):
    plain, loss, examples = make_case(kind)
    copy = keras.models.clone_model(plain)
    for layer, original in zip(copy.layers, plain.layers, strict=True):
        layer.trainable = original.trainable
    copy.set_weights(plain.get_weights())
    expected = trained_plainly(copy, loss, examples, batch_size)

    data = on_jax.training_data(examples, batch_size, range(1), seed=3)
    data.rows += padding  # as several devices may make it
    network = on_jax.network_of(plain, 4)
    network.compile(keras.optimizers.SGD(0.1), loss=loss, metrics=[])
    network.trained_steps.assign(1e6)  # so many that the moving statistics are Keras'
    history = network.fit(data, shuffle=False, verbose=0).history
    assert history["loss"] == pytest.approx([expected], rel=1e-4)
    for weight, found, wanted in zip(plain.weights, plain.get_weights(), copy.get_weights(), strict=True):
        assert np.allclose(found, wanted, rtol=1e-3, atol=1e-5), weight.path


@pytest.mark.parametrize("kind", ["autoencoder", "classifier"])
def test_a_prediction_is_of_the_examples_alone_in_their_order(kind):
    plain, _, examples = make_case(kind)
    data = on_jax.evaluation_data(Examples(examples.inputs, np.arange(5)), 2)
    found = on_jax.network_of(plain, 4).predict(data, verbose=0)[:5]
    assert np.allclose(found, plain.predict(examples.inputs / 255, verbose=0), atol=1e-5)
