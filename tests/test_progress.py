import math

import pytest

from utilities.training.progress import LONGEST_CURVE, curve


def test_the_curve_spans_the_blocks_by_the_logarithm_of_the_loss():
    assert curve([1.0, 0.1, 0.01]) == "█▅▁"
    assert curve([0.01, 1.0, 0.01]) == "▁█▁"


@pytest.mark.parametrize("count", [1, 40, 41, 1000])
def test_a_curve_of_many_epochs_is_no_longer_than_a_line(count):
    drawn = curve([1 / (1 + number) for number in range(count)])
    assert min(count, LONGEST_CURVE / 2) <= len(drawn) <= LONGEST_CURVE
    assert list(drawn) == sorted(drawn, reverse=True)


@pytest.mark.parametrize("losses", [[], [0.5] * 3, [0.0, 0.0], [math.nan, 1.0], [math.inf, 0.1]])
def test_losses_that_have_no_logarithm_or_no_spread_are_drawn_all_the_same(losses):
    assert len(curve(losses)) <= len(losses)
