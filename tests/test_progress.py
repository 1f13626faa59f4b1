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
    ("seconds", "epochs", "shape", "told"),
    [
        # The first takes 8 s, in which it is traced, the second 3 s more than its share, and the validation 3 s.
        ([8, 4, 1, 1, 1, 1, 1], 12, None, [(1, 6, "about 78 seconds")]),
        ([8, 0.125, 0.125, 0.125], 600, None, [(3, 1, "about 5 minutes")]),  # too short a time to tell by, at first
        ([8], 606, None, [(6, 1, "about 10 minutes")]),
        ([8, 4, 1, 1, 1, 1, 1], 9, None, []),  # 57 s are not worth telling
        ([8, 20, 20, 20, 20, 20], 81, (28, 28, 3), [(1, 6, "about 2.7 hours")]),
        (
            [8, 20, 20, 20, 20, 20],
            18,
            (56, 56, 3),
            [(1, 6, "about 34 minutes (56 x 56 in colour: 28 x 28 would take about 8 minutes)")],
        ),
        (
            [8, 20, 20, 20, 20, 20],
            18,
            (32, 28, 1),
            [(1, 6, "about 34 minutes (32 x 28: 28 x 28 would take about 30 minutes)")],
        ),
    ],
)
def test_what_takes_long_is_told_once_at_the_pace_of_the_stacks_after_the_first(
    monkeypatch, capsys, seconds, epochs, shape, told
):
    now, found = 0, []
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: now))
    shown = Progress(0, epochs, len(seconds), shape)
    shown.set_model(SimpleNamespace(stop_training=False))
    for epoch in range(epochs):
        shown.on_epoch_begin(epoch)
        for stack, each in enumerate(seconds):
            now += each if epoch == 0 else seconds[-1] if len(seconds) > 1 else 1
            shown.on_train_batch_end(stack, {"loss": 1.0})
            found += [(epoch + 1, stack + 1, line) for line in capsys.readouterr().out.splitlines()]
        now += 3
        shown.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0})
        assert "about" not in capsys.readouterr().out
    assert found == told


def test_at_a_terminal_it_is_told_above_the_bar(monkeypatch, capsys):
    now = 0
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(progress, "can_redraw", lambda: True)
    monkeypatch.setattr(progress, "terminal_width", lambda: 80)
    shown = Progress(0, 10, 100)
    shown.on_epoch_begin(0)
    for stack in range(6):
        now += 1
        shown.on_train_batch_end(stack, {"loss": 1.0})
    lines = [line.rpartition("\r")[2] for line in capsys.readouterr().out.split("\n")]
    assert lines[0] == "about 17 minutes"
    assert lines[1].startswith("epoch  1/10  ")
