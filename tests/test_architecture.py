import pytest

from utilities.network.architecture import describe, feature_maps, pooling_fault


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
