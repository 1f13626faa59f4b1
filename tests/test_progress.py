import math
from types import SimpleNamespace

import pytest

from utilities.training import progress
from utilities.training.progress import LONGEST_CURVE, Progress, curve


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


@pytest.mark.parametrize(
    ("stacks", "epochs", "told"),
    [
        # The first takes 8 s, in which it is traced, the others 0.5 s, and the validation 3 s.
        ([8, 0.5, 0.5], 21, [(1, "0:30")]),  # 20 epochs of three stacks
        ([8], 61, [(2, "0:30")]),  # of the first stack alone nothing can be told
        ([8, 0.5, 0.5], 7, []),  # 9 s are not worth telling
        ([8, 0.5, 0.5], 1, []),
    ],
)
def test_the_time_left_is_told_once_at_the_pace_of_the_stacks_after_the_first(
    monkeypatch, capsys, stacks, epochs, told
):
    now, found = 0, []
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: now))
    shown = Progress(0, epochs, len(stacks))
    shown.set_model(SimpleNamespace(stop_training=False))
    for epoch in range(epochs):
        shown.on_epoch_begin(epoch)
        for stack, seconds in enumerate(stacks):
            now += seconds if epoch == 0 else 0.5
            shown.on_train_batch_end(stack, {"loss": 1.0})
        now += 3
        shown.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0})
        lines = capsys.readouterr().out.splitlines()
        found += [(epoch + 1, line.split()[1]) for line in lines if line.endswith(" left")]
    assert found == told
