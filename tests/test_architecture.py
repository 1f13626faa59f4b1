import pytest

from utilities.network.architecture import describe, feature_maps, may_pool_third, pooling_fault, pooling_sizes


@pytest.mark.parametrize(
    ("layers", "third_pooling", "sizes"),
    [
        (1, False, (2,)),
        (2, False, (2, 2)),
        (3, False, (2, 2, 1)),
        (3, True, (2, 2, 7)),
        (4, None, (2, 2, 1, 1)),
        (5, False, (2, 2, 1, 1, 1)),
        (5, True, (2, 2, 7, 1, 1)),
    ],
)
def test_sets_1_and_2_pool_by_2_and_set_3_by_7_if_asked(layers, third_pooling, sizes):
    assert pooling_sizes(layers, third_pooling) == sizes


@pytest.mark.parametrize(
    ("shape", "layers", "third_pooling", "code"),
    [
        ((28, 28, 1), 1, None, (14, 14, 4)),
        ((28, 28, 1), 2, None, (7, 7, 4)),
        ((28, 28, 1), 3, False, (7, 7, 4)),
        ((28, 28, 1), 3, True, (1, 1, 4)),
        ((28, 28, 1), 5, True, (1, 1, 4)),
        ((56, 28, 1), 3, True, (2, 1, 4)),
        ((56, 28, 1), 5, False, (14, 7, 4)),
        ((8, 8, 1), 5, None, (2, 2, 4)),
        ((2, 6, 1), 1, None, (1, 3, 4)),
    ],
)
def test_the_code_is_the_image_divided_by_the_poolings(shape, layers, third_pooling, code):
    encoded, decoded = feature_maps(shape, (9,) * (layers - 1) + (4,), third_pooling)
    assert encoded[0] == decoded[-1] == shape
    assert encoded[-1] == decoded[0] == code


def test_the_feature_maps_are_those_of_every_set_from_image_to_code_and_back():
    assert feature_maps((28, 56, 1), (5, 6, 7), third_pooling=True) == (
        [(28, 56, 1), (14, 28, 5), (7, 14, 6), (1, 2, 7)],
        [(1, 2, 7), (7, 14, 7), (14, 28, 6), (28, 56, 5), (28, 56, 1)],
    )


def test_a_network_is_described_by_its_feature_maps_and_what_its_code_saves():
    assert describe((28, 28, 1), (32, 16, 64), third_pooling=True).splitlines() == [
        "encoder  28x28x1 -> 14x14x32 -> 7x7x16 -> 1x1x64",
        "decoder  1x1x64 -> 7x7x64 -> 14x14x16 -> 28x28x32 -> 28x28x1",
        "code     64 numbers for an image of 784 pixels: 12.2 times fewer",
    ]
    assert "64 numbers for an image of 2352 numbers: 36.8 times" in describe(
        (28, 28, 3), (2, 2, 64), third_pooling=True
    )


@pytest.mark.parametrize(
    ("shape", "filters", "advice"),
    [
        ((32, 32, 3), (32, 32, 64), "4096 numbers for an image of 3072 numbers: {} 2 give 128"),
        ((28, 28, 1), (2, 64), "3136 numbers for an image of 784 pixels: {} 1 gives 49"),
        ((4, 4, 1), (4,), "16 numbers for an image of 16 pixels: {} 1 gives 4"),
    ],
)
def test_a_code_that_is_no_smaller_than_the_image_is_told_with_what_decides(shape, filters, advice):
    last = describe(shape, filters, third_pooling=None).splitlines()[-1]
    assert last == "code     " + advice.format("nothing is compressed; the last layer's filters decide:")


@pytest.mark.parametrize(
    ("shape", "layers", "divisor"),
    [((27, 28, 1), 1, 2), ((28, 27, 1), 5, 2), ((14, 28, 1), 2, 4), ((28, 30, 1), 3, 4), ((1, 1, 1), 1, 2)],
)
def test_sides_that_do_not_divide_are_refused_with_the_reason(shape, layers, divisor):
    fault = pooling_fault(shape, layers)
    assert f"{shape[0]} x {shape[1]} pixels" in fault
    if shape[0] % 2 == shape[1] % 2 == 0:
        assert f"divide by {divisor}" in fault


@pytest.mark.parametrize(
    ("shape", "layers", "allowed"),
    [
        *(((28, 28, 1), layers, layers >= 3) for layers in (1, 2, 3, 5)),
        *((shape, 3, True) for shape in ((56, 28, 1), (84, 56, 1))),
        *((shape, 3, False) for shape in ((8, 8, 1), (28, 12, 1), (12, 28, 1), (32, 32, 1))),
    ],
)
def test_3_layers_or_more_and_sides_that_divide_by_28_alone_allow_a_third_pooling(shape, layers, allowed):
    assert pooling_fault(shape, layers) is None
    assert may_pool_third(shape, layers) is allowed
