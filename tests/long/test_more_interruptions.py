"""dataset.py ended at three hundred random moments."""

import pytest
from test_interruptions import KINDS, disk, interrupt, undisturbed  # noqa: F401, fixtures

TIMES = 60


@pytest.mark.parametrize("seed", range(TIMES))
@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_and_a_data_set_is_whole(undisturbed, disk, kind, seed):  # noqa: F811
    interrupt(kind, seed, undisturbed, disk)
