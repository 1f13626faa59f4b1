import matplotlib.pyplot as plt
import numpy as np
import pytest

from utilities.record import figures, image_figures


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
    figure = figures.draw_code_map(np.full((4, 8, 8, 1), 255, np.uint8), codes, "title")
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
    figure = figures.draw_code_map(np.zeros((len(codes), 8, 8, 1), np.uint8), codes, "title")
    figure.canvas.draw()
    assert len(figure.axes[0].images) >= 1


def images_in_grid(axis):
    """Return the images of a grid, each cut out of its frame."""
    corners = [np.round(np.add(frame.get_xy(), 0.5)).astype(int) for frame in axis.patches]
    sizes = [(frame.get_width(), frame.get_height()) for frame in axis.patches]
    sheet = axis.images[0].get_array()
    return [sheet[y : y + height, x : x + width] for (x, y), (width, height) in zip(corners, sizes, strict=True)]


@pytest.mark.parametrize("count", [1, 8, 11])
def test_every_kernel_is_drawn_on_one_scale(count):
    kernels = np.random.default_rng(0).normal(size=(count, 3, 5, 1)).astype(np.float32)
    axis, _ = figures.draw_kernels(kernels, "title").axes
    drawn = images_in_grid(axis)
    assert len(drawn) == count
    assert all(map(np.array_equal, drawn, kernels[..., 0]))
    assert axis.images[0].get_clim() == (-np.abs(kernels).max(), np.abs(kernels).max())


def test_of_kernels_of_grey_and_opacity_those_of_grey_are_drawn():
    kernels = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype(np.float32)
    axis, _ = figures.draw_kernels(kernels, "title").axes
    assert np.array_equal(images_in_grid(axis)[1], kernels[1, ..., 0])


def test_images_are_drawn_before_those_with_the_nearest_codes():
    images, others = (np.random.default_rng(seed).integers(0, 256, (9, 4, 6, 3), np.uint8) for seed in (0, 1))
    codes = np.arange(2.0)[:, None, None]
    other_codes = np.array([9, 5, 1.1, 7, 0.2, 0.4, 11, 13, 2])[:, None, None]
    (axis,) = image_figures.draw_neighbours(images[:2], others, codes, other_codes, "title").axes
    nearest = ([4, 5, 2, 8, 1, 3, 0, 6], [2, 5, 4, 8, 1, 3, 0, 6])  # the last of nine is too far to be among eight
    expected = [row for number in range(2) for row in (images[number], *others[nearest[number]])]
    drawn = images_in_grid(axis)
    assert len(drawn) == len(expected)
    assert all(np.allclose(one, image / 255) for one, image in zip(drawn, expected, strict=True))
    framed = [frame.get_linewidth() > 1 for frame in axis.patches]
    assert framed == ([True] + [False] * 8) * 2


def colour_in(frame):
    """Return the (red, green, blue) that is shown in the middle of an image of a grid."""
    frame.figure.canvas.draw()
    pixels = np.asarray(frame.figure.canvas.buffer_rgba())
    column, row = frame.axes.transData.transform(frame.get_center()).astype(int)
    return pixels[len(pixels) - 1 - row, column, :3].tolist()


@pytest.mark.parametrize(
    ("pixel", "shown"),
    [
        ([200], [55, 55, 55]),  # ink on paper
        ([200, 102], [175, 175, 175]),  # 0.4 of that ink
        ([200, 30, 90], [200, 30, 90]),
        ([200, 30, 90, 51], [244, 210, 222]),  # 0.2 of it on white
    ],
)
def test_images_and_reconstructions_are_shown_in_their_colours(pixel, shown):
    images = np.broadcast_to(np.array(pixel, np.uint8), (2, 6, 6, len(pixel)))
    darker = (images / 255 * 0.5).astype(np.float32)
    (axis,) = image_figures.draw_rows({"originals": images, "reconstructions": darker}, "title").axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["originals", "reconstructions"]
    assert colour_in(axis.patches[0]) == pytest.approx(shown, abs=1.5)
    if len(pixel) == 3:
        assert colour_in(axis.patches[3]) == pytest.approx([100, 15, 45], abs=1.5)


def test_the_map_shows_colours_as_they_are_and_leaves_the_paper_below_ink():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    codes = np.array([[0.0], [9.0]])
    (coloured,) = figures.draw_code_map(images, codes, "title").axes
    assert [np.allclose(one.get_array(), image / 255) for one, image in zip(coloured.images, images, strict=True)] == [
        True
    ] * 2
    (grey,) = figures.draw_code_map(images[..., :1], codes, "title").axes
    assert np.allclose(grey.images[0].get_array(), images[0, ..., :1] / 255 * (0, 0, 0, 1))


def test_columns_of_images_have_their_captions_below_them_folded_to_their_width():
    captions = [f"0.0{number}\na-rather-long-name-{number}.png" for number in range(4)]
    images = np.zeros((4, 6, 6, 1), np.uint8)
    figure = image_figures.draw_rows({"originals": images, "reconstructions": images}, "title", captions)
    figure.canvas.draw()
    (axis,) = figure.axes
    labels = axis.get_xticklabels()
    assert [label.get_text().replace("\n", "") for label in labels] == [text.replace("\n", "") for text in captions]
    boxes = [label.get_window_extent() for label in labels]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    for label, frame in zip(labels, axis.patches, strict=False):
        image = frame.get_window_extent()
        assert image.x0 < (label.get_window_extent().x0 + label.get_window_extent().x1) / 2 < image.x1
        assert label.get_window_extent().y1 < axis.get_window_extent().y0 + 1


@pytest.mark.parametrize("classes", [3, 20, 26])
def test_the_map_has_the_colours_of_the_classes_and_their_names(classes):
    names = tuple(f"class {number}" for number in range(classes))
    targets = np.arange(2 * classes) % classes
    images = np.full((2 * classes, 4, 4, 1), 255, np.uint8)
    codes = 9.0 * np.arange(2 * classes)[:, None]
    figure = figures.draw_code_map(images, codes, "title", targets, names)
    (axis,), (legend,) = figure.axes, figure.legends
    colours = {
        text.get_text(): line.get_color() for text, line in zip(legend.texts, legend.legend_handles, strict=True)
    }
    assert [*colours] == [*names]
    assert len({tuple(colour) for colour in colours.values()}) == classes
    expected = np.array([colours[names[target]] for target in targets])
    assert np.allclose(axis.collections[0].get_facecolors()[:, :3], expected)
    thumbnails = np.array([image.get_array()[0, 0, :3] for image in axis.images])
    assert len(thumbnails) > 3
    assert all((np.abs(expected - shown).sum(axis=1) < 1e-6).any() for shown in thumbnails)
    coloured = figures.draw_code_map(images.repeat(3, axis=-1), codes, "title", targets, names).axes[0]
    frames = np.array([frame.get_edgecolor()[:3] for frame in coloured.patches])
    assert np.allclose(frames, thumbnails)


def test_a_map_of_more_classes_than_have_room_names_none():
    names, codes = tuple(map(str, range(100))), np.arange(100.0)[:, None]
    assert not figures.draw_code_map(np.zeros((100, 4, 4, 1), np.uint8), codes, "title", np.arange(100), names).legends


def history(losses, phases):
    """Return rows of so many epochs, with a learning rate that falls."""
    rows = zip(losses, phases, strict=True)
    return [{"phase": p, "learning_rate": 1 / (n + 2), "loss": x, "val_loss": 2 * x} for n, (x, p) in enumerate(rows)]


def test_a_history_shows_its_losses_its_learning_rate_and_the_border_between_phases():
    losses, axis = figures.draw_history(history([0.4, 0.3, 0.02, 0.01], "aabb"), "title").axes
    training, validation, border = losses.lines
    assert training.get_ydata() == pytest.approx([0.4, 0.3, 0.02, 0.01])
    assert validation.get_ydata() == pytest.approx([0.8, 0.6, 0.04, 0.02])
    assert list(border.get_xdata()) == [2.5, 2.5]
    assert axis.lines[0].get_ydata() == pytest.approx([1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert axis.get_ylabel() == "learning rate"


@pytest.mark.parametrize(
    ("losses", "scale"), [([1, 0.1], "log"), ([0.30, 0.31], "linear"), ([1, 0], "linear"), ([np.nan, 0.1], "linear")]
)
def test_losses_are_on_a_logarithmic_axis_where_they_spread_and_can_be(losses, scale):
    axis = figures.draw_history(history(losses, "aa"), "title").axes[0]
    assert axis.get_yscale() == scale
    axis.figure.canvas.draw()
    assert sum(bool(label.get_text()) for label in axis.get_yticklabels()) >= 2


def test_experiments_are_drawn_by_the_numbers_in_their_values():
    axis = figures.draw_comparison({"epochs": ["100", "5", "20", "5"]}, [0.1, 0.4, 0.2, 0.3], [0] * 4).axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["5", "20", "100"]
    assert axis.lines[0].get_xdata().tolist() == [2, 0, 1, 0]
    assert {text.get_text().strip(): text.get_position() for text in axis.texts} == {
        "1": (2, 0.1),
        "2": (0, 0.4),
        "3": (1, 0.2),
        "4": (0, 0.3),
    }


def test_long_values_and_titles_stay_inside_the_figure():
    kernels = [" ".join(f"{side}x{side}" for side in range(first, first + 20)) for first in range(12)]
    title = f"kernels {kernels[0]}, filters {kernels[1]}"
    comparison = figures.draw_comparison({"kernels": kernels, "layers": ["20"] * 12}, np.linspace(1, 2, 12), [0] * 12)
    titled = [figures.draw_history(history([0.4], "a"), title), figures.draw_kernels(np.ones((1, 3, 3, 1)), title)]
    for figure in (comparison, *titled):
        figure.canvas.draw()
    texts = [*comparison.axes[0].get_xticklabels(), *(figure._suptitle for figure in titled)]
    for text in texts:
        assert all(text.figure.bbox.contains(*corner) for corner in text.get_window_extent().get_points())
