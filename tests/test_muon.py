import keras
import numpy as np
import pytest

from utilities.training.muon import Muon

RATE = 0.01


def step(optimizer, variable, gradients):
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return variable.numpy()


def gradients_of(shape):
    return np.random.default_rng(1).normal(size=(5, *shape)).astype(np.float32)


@pytest.mark.backend
@pytest.mark.parametrize("shape", [(40, 8), (8, 40), (8, 8)])
def test_a_matrix_is_stepped_as_by_keras_own(shape):
    gradients = gradients_of(shape)
    own = keras.optimizers.Muon(RATE, weight_decay=0.1, adam_weight_decay=0.1)
    expected = step(own, keras.Variable(np.ones(shape, np.float32)), gradients)
    found = step(Muon(RATE, weight_decay=0.1), keras.Variable(np.ones(shape, np.float32)), gradients)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("shape", [(5, 5, 1, 32), (7, 3, 8, 16), (1, 1, 8, 32)])
def test_a_convolution_is_stepped_as_the_matrix_of_its_kernels(shape):
    gradients = gradients_of(shape)
    flat = gradients.reshape(len(gradients), -1, shape[-1])
    expected = step(Muon(RATE, None), keras.Variable(np.zeros(flat.shape[1:], np.float32)), flat)
    found = step(Muon(RATE, None), keras.Variable(np.zeros(shape, np.float32)), gradients)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_a_step_has_the_same_length_in_all_directions(scale):
    variable = keras.Variable(np.zeros((3, 3, 4, 16), np.float32))
    stepped = step(Muon(RATE, None), variable, gradients_of(variable.shape)[:1] * scale)
    lengths = np.linalg.svd(stepped.reshape(-1, 16), compute_uv=False)
    # As far apart as the five iterations, which are chosen for speed, leave them.
    assert lengths.min() > 0.6 * RATE * 0.2 * 36**0.5
    assert lengths.max() < 1.3 * RATE * 0.2 * 36**0.5


@pytest.mark.parametrize(
    ("name", "shape"), [("bias", (8,)), ("reconstruction", (3, 3, 4, 1)), ("probabilities", (8, 4))]
)
def test_biases_and_output_layers_are_stepped_by_adam(name, shape):
    gradients = gradients_of(shape)
    with keras.name_scope(name):
        variables = [keras.Variable(np.ones(shape, np.float32), name="kernel") for _ in range(2)]
    expected = step(keras.optimizers.Adam(RATE), variables[0], gradients)
    np.testing.assert_allclose(step(Muon(RATE, None), variables[1], gradients), expected, atol=1e-6)
