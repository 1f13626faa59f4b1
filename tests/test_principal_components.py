"""Principal components of images, and an autoencoder's error beside theirs."""

import numpy as np
import pytest

from utilities.data import principal_components as module
from utilities.data.datasets import Split, split_for_validation
from utilities.data.principal_components import principal_components, reconstruction_errors, sampled_errors
from utilities.session.autoencoder import compare


def images_of(count, side, channels=1, seed=0):
    """Return smooth random images, whose components explain less and less, and no two as much."""
    random = np.random.default_rng(seed)
    size = side * side * channels
    directions = np.linalg.qr(np.random.default_rng(9).normal(size=(size, 40)))[0]
    points = random.normal(size=(count, 40)) * 0.8 ** np.arange(40) @ directions.T + random.normal(
        0, 0.001, (count, size)
    )
    return (128 + 30 * points / points.std()).clip(0, 255).astype(np.uint8).reshape(count, side, side, channels)


def exact_errors(training, validation, count):
    """Return the errors by NumPy's singular value decomposition of the centred training images."""
    points, others = (images.reshape(len(images), -1) / 255 for images in (training, validation))
    _, _, directions = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    others = others - points.mean(axis=0)
    drawn = [others @ directions[:number].T @ directions[:number] for number in range(count + 1)]
    return [np.square(others - each).mean() for each in drawn]


@pytest.mark.parametrize("count", [300, 30])  # more images than pixels, and fewer
def test_errors_are_those_of_the_singular_value_decomposition(count):
    training, validation = images_of(count, 10), images_of(40, 10, seed=1)
    found = reconstruction_errors(training, validation, 20)
    assert found == pytest.approx(exact_errors(training, validation, 20), rel=1e-3)


def test_the_first_error_is_that_of_the_mean_image_and_each_component_lessens_it():
    training, validation = images_of(200, 8), images_of(30, 8, seed=1)
    errors = reconstruction_errors(training, validation)
    mean = training.mean(axis=0)
    assert errors[0] == pytest.approx(np.square((validation - mean) / 255).mean(), rel=1e-5)
    assert len(errors) == 65
    assert (np.diff(errors) <= 0).all()
    assert errors[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("count", [1, 12, 30])
def test_those_of_large_images_are_close_to_the_exact_ones(count):
    training, validation = images_of(250, 20, channels=3), images_of(40, 20, channels=3, seed=1)
    assert training[0].size > module.LARGEST_IMAGE
    found = reconstruction_errors(training, validation, count, seed=1)
    assert found[-1] == pytest.approx(exact_errors(training, validation, count)[-1], rel=0.02)
    again, other = (reconstruction_errors(training, validation, count, seed) for seed in (1, 2))
    assert np.array_equal(found, again)
    assert not np.array_equal(found, other)


@pytest.mark.parametrize(("images", "side"), [(5, 8), (5, 40)])
def test_few_images_have_no_more_components_than_they_span(images, side):
    components = principal_components(np.random.default_rng(0).normal(size=(images, side**2)).astype(np.float32), 50)
    assert components.shape == (side**2, images)
    assert np.allclose(components.T @ components, np.eye(images), atol=1e-5)
    flat = np.full((3, side, side, 1), 7, np.uint8)
    assert reconstruction_errors(flat, flat, 50).tolist() == [0]


def test_some_images_are_enough_and_the_seed_draws_them(monkeypatch):
    images = images_of(400, 8)
    split = split_for_validation(400, seed=1)
    whole = reconstruction_errors(images[split.training], images[split.validation], 5)
    assert sampled_errors(images, split, 5, seed=1) == pytest.approx(whole, rel=1e-6)
    monkeypatch.setattr(module, "MOST_NUMBERS", 100 * images[0].size)
    some, again, other = (sampled_errors(images, split, 5, seed) for seed in (1, 1, 2))
    assert np.array_equal(some, again)
    assert not np.array_equal(some, other)
    assert some[-1] == pytest.approx(whole[-1], rel=0.3)


def test_components_are_of_training_images_and_errors_of_those_held_out():
    images = np.concatenate([images_of(60, 8), 255 - images_of(20, 8, seed=3)])
    split = Split(np.arange(60), np.arange(60, 80))
    expected = exact_errors(images[:60], images[60:], 5)
    assert sampled_errors(images, split, 5, seed=1) == pytest.approx(expected, rel=1e-3)
    assert expected[5] != pytest.approx(exact_errors(images, images[60:], 5)[5], rel=0.1)


def test_more_components_than_a_second_is_enough_for_are_left_out(monkeypatch):
    split = split_for_validation(400, seed=1)
    many = images_of(400, 20, channels=3)
    assert len(sampled_errors(many, split, 256, seed=1)) > 250
    assert len(sampled_errors(many, split, 257, seed=1)) == 1
    monkeypatch.setattr(module, "MOST_NUMBERS", 20 * many[0].size)
    assert [len(sampled_errors(many, split, count, seed=1)) for count in (10, 11)] == [11, 1]


@pytest.mark.parametrize(
    ("error", "errors", "code", "told", "remarks"),
    [
        (0.0046, [0.06, *[0.01] * 48, 0.0118], (7, 7, 1), "; 49 principal components of the same images: 0.01180", []),
        (0.0118, [0.06, *[0.01] * 48, 0.0118], (7, 7, 1), None, ["no better than principal components: more epochs"]),
        (0.02, [0.06, *[0.01] * 8], (1, 1, 8), None, ["components: without the third pooling, and with few filters"]),
        (0.0046, [0.06, 0.03], (1, 1, 8), "; 1 principal component of the same images, all that there are: 0.0", []),
        (0.06, [0.06, 0.01], (1, 1, 1), None, ["nothing was learnt: the mean image has 0.06000; more epochs"]),
        (float("nan"), [0.06, 0.01], (1, 1, 1), None, ["nothing was learnt"]),
        (0.01, [0.06], (7, 7, 16), "", ["beside it: nothing is compressed, the code has 784 numbers, an image 784"]),
        (0.01, [0.06], (7, 7, 15), "", ["no principal components beside it: 735 of such images take too long"]),
    ],
)
def test_an_error_is_told_beside_that_of_components_with_what_to_try(error, errors, code, told, remarks):
    found, found_remarks = compare(error, errors, code, (28, 28, 1))
    assert found.startswith(f"mean squared error {error:.5f}" + (told or ""))
    assert told is None or bool(told) is ("component" in found)
    assert len(found_remarks) == len(remarks)
    assert all(part in remark for part, remark in zip(remarks, found_remarks, strict=True))
