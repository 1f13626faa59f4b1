import matplotlib.pyplot as plt
import numpy as np
import pytest

from utilities import figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def images_at(axis):
    """Return the middles of the thumbnails on an axis, in the order drawn."""
    extents = [image.get_extent() for image in axis.images]
    return np.array([((left + right) / 2, (bottom + top) / 2) for left, right, bottom, top in extents])


def test_the_map_puts_an_image_where_its_codes_vary_most():
    codes = np.zeros((4, 1, 1, 3), np.float32)
    codes[:, 0, 0, 1] = (0, 10, 20, 30)
    codes[:, 0, 0, 2] = (0, 1, -1, 0)
    figure = figures.draw_code_map(np.full((4, 8, 8), 255, np.uint8), codes, "title")
    places = images_at(figure.axes[0])
    assert np.abs(np.diff(places[:, 0])) == pytest.approx([10, 10, 10], rel=0.01)
    assert "100%" in figure.axes[0].get_xlabel()
    assert "0%" in figure.axes[0].get_ylabel()


def test_thumbnails_do_not_cover_one_another():
    places = np.random.default_rng(0).random((500, 2)) * 5
    chosen = figures._spread_out(places)
    gaps = np.abs(places[chosen][:, None] - places[chosen]).max(axis=-1) + 9 * np.eye(len(chosen))
    assert 9 <= len(chosen) < 36
    assert gaps.min() >= 1
    others = np.delete(places, chosen, axis=0)
    assert (np.abs(others[:, None] - places[chosen]).max(axis=-1).min(axis=1) < 1).all()


@pytest.mark.parametrize("codes", [np.ones((1, 1, 1, 3)), np.arange(5.0).reshape(5, 1, 1, 1), np.ones((5, 2, 2, 1))])
def test_codes_with_fewer_components_than_the_map_has_sides_are_drawn_all_the_same(codes):
    figure = figures.draw_code_map(np.zeros((len(codes), 8, 8), np.uint8), codes, "title")
    figure.canvas.draw()
    assert len(figure.axes[0].images) >= 1


@pytest.mark.parametrize("count", [1, 8, 11])
def test_every_kernel_is_drawn_on_one_scale(count):
    kernels = np.random.default_rng(0).normal(size=(count, 3, 5))
    figure = figures.draw_kernels(kernels, "title")
    drawn = [axis.images[0] for axis in figure.axes if axis.images]
    assert [np.array_equal(image.get_array(), kernel) for image, kernel in zip(drawn, kernels, strict=True)] == [
        True
    ] * count
    assert {image.get_clim() for image in drawn} == {(-np.abs(kernels).max(), np.abs(kernels).max())}
