import numpy as np
import pytest
from conftest import ON_JAX, tensorflow_only
from keras import ops

from utilities.training.fourier_convolution import FourierConvolution

SIZES = {
    "odd": ((7, 7), (7, 7)),
    "even map": ((14, 14), (7, 7)),
    "even kernel": ((8, 12), (5, 4)),
    "one tap": ((5, 6), (1, 1)),
    "kernel larger than the map": ((4, 3), (9, 2)),
    "kernel larger by far": ((2, 2), (8, 9)),
    "one row": ((1, 6), (3, 12)),
}


# JAX compiles for each size what has been shown on TensorFlow to be right.
@pytest.fixture(params=["odd", "kernel larger than the map"] if ON_JAX else SIZES)
def case(request):
    """A FourierConvolution, and feature maps, a kernel and an upstream gradient for it."""
    map_size, kernel_size = SIZES[request.param]
    random = np.random.default_rng(0)
    shapes = (5, *map_size, 3), (*kernel_size, 3, 4), (5, *map_size, 4)
    return FourierConvolution(map_size, kernel_size), *(
        ops.convert_to_tensor(random.standard_normal(shape), "float32") for shape in shapes
    )


def outputs_and_gradients(convolve, features, kernel, upstream):
    if ON_JAX:
        import jax

        outputs, gradients = jax.vjp(convolve, features, kernel)
        return outputs, *gradients(upstream)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch([features, kernel])
        outputs = convolve(features, kernel)
    return outputs, *tape.gradient(outputs, [features, kernel], upstream)


@pytest.mark.backend
def test_it_and_its_gradients_are_those_of_a_convolution(case):
    fourier, *tensors = case
    found = outputs_and_gradients(fourier.convolve, *tensors)
    expected = outputs_and_gradients(lambda maps, kernel: ops.conv(maps, kernel, padding="same"), *tensors)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.allclose(one, other, rtol=0, atol=1e-6 * np.abs(other).max() * np.sqrt(np.size(other)))


@tensorflow_only
def test_its_products_are_those_of_its_matrices(case):
    import tensorflow as tf

    fourier, features, kernel, _ = case

    @tf.function
    def convolve(features, kernel):
        return fourier.convolve(features, kernel)

    operations = convolve.get_concrete_function(features, kernel).graph.get_operations()
    counted = 0
    for operation in operations:
        if operation.type in ("MatMul", "BatchMatMulV2"):
            counted += operation.inputs[0].shape[-1] * np.prod(operation.outputs[0].shape)
    assert counted == fourier.products(*kernel.shape[2:], len(features))


def test_its_matrices_are_never_too_large_for_a_graph():
    large = FourierConvolution((112, 112), (99, 99))
    assert large.products(32, 32, 64) < 64 * 112**2 * 99**2 * 32 * 32 / 4
    assert not large.is_faster(32, 32, 64)
