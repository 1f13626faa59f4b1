"""Experiments of earlier sessions, read back from their run folders and compared."""

import math
import re

import pytest
from conftest import make_hyperparameters, parse_autoencoder_arguments

from utilities.record.comparison import format_experiments, with_earlier
from utilities.record.run_list import best_of_each, format_runs
from utilities.record.runs import RunFolder

DATA = {"data": "(60, 28, 28), checksum 00000001"}


def keep_experiment(parent, epochs=1, loss=0.5, seed=1, **changes):
    """Keep an experiment in a folder as a script does, and return its RunFolder as it is before the changes."""
    hyperparameters = make_hyperparameters(1, epochs=epochs)
    arguments = vars(parse_autoencoder_arguments(["--seed", str(seed)]))
    folder = RunFolder.create(parent, "autoencoder", hyperparameters.answers(), arguments, DATA)
    summary = {
        "finished": True,
        "hyperparameters": hyperparameters.labels(),
        "conditions": {"code": "4", "seed": str(seed)},
        "validation": {"val_loss": loss},
        "seconds": 5.0,
    }
    folder.keep_summary(summary)
    whole = RunFolder(folder.path, folder.summary)
    folder.keep_summary(changes)
    return whole


def epochs_of(experiments):
    return [experiment.summary.labels["epochs"] for experiment in experiments]


def test_earlier_experiments_come_before_those_of_the_session_with_what_came_of_them(tmp_path):
    for epochs, loss in ((7, 0.25), (8, 0.125)):
        keep_experiment(tmp_path, epochs, loss)
    session = [keep_experiment(tmp_path, 3, 1.0), keep_experiment(tmp_path, 4, 2.0)]
    together = with_earlier(session)
    assert epochs_of(together) == ["7", "8", "3", "4"]
    assert together[2:] == session
    assert [experiment.summary.validation_loss for experiment in together] == [0.25, 0.125, 1.0, 2.0]
    assert [experiment.summary.seconds for experiment in together] == [5.0] * 4
    assert best_of_each(together) == [together[1]]


@pytest.mark.parametrize(
    "changes",
    [
        {"finished": False},
        {"data": {"data": "(61, 28, 28), checksum 00000001"}},
        {"data": {"data": "(60, 28, 28), checksum 00000002"}},
        {"hyperparameters": {"units": "3"}},
        {"conditions": {"code": "4"}},
        {"validation": {}},
        *({"validation": {"val_loss": loss}} for loss in (math.nan, math.inf)),
        {"seconds": math.nan},
    ],
)
def test_unfinished_experiments_those_on_other_data_and_damaged_ones_are_left_out(tmp_path, changes):
    keep_experiment(tmp_path, 7, **changes)
    keep_experiment(tmp_path, 8)
    assert epochs_of(with_earlier([keep_experiment(tmp_path, 3)])) == ["8", "3"]


def test_a_damaged_history_does_not_matter(tmp_path):
    (keep_experiment(tmp_path, 7).path / "history.csv").write_bytes(b"\xff")
    assert epochs_of(with_earlier([keep_experiment(tmp_path, 3)])) == ["7", "3"]


def test_what_is_no_run_folder_is_passed_over(tmp_path):
    (tmp_path / "0_autoencoder").mkdir()
    (tmp_path / "1_autoencoder").write_text("a file")
    (tmp_path / "2_autoencoder").symlink_to("nowhere")
    assert epochs_of(with_earlier([keep_experiment(tmp_path, 3)])) == ["3"]


def test_texts_of_a_folder_cannot_reach_the_terminal_as_control_characters(tmp_path):
    experiment = keep_experiment(tmp_path)
    labels = experiment.summary.labels | {"epochs": "\x1b[2J", "kernels": ["\x07"]}
    experiment.keep_summary({"hyperparameters": labels})
    table = format_experiments(with_earlier([keep_experiment(tmp_path, 3)]))
    assert len(table.splitlines()) == 4
    assert table.replace("\n", "").isprintable()


def test_a_loss_that_is_no_number_is_never_the_best(tmp_path):
    experiments = [keep_experiment(tmp_path, epochs, loss) for epochs, loss in ((3, float("nan")), (4, 0.5))]
    assert best_of_each(experiments) == best_of_each(experiments[::-1]) == [experiments[1]]


def test_the_table_tells_what_differs_and_marks_the_best(tmp_path):
    experiments = [keep_experiment(tmp_path, epochs, loss) for epochs, loss in ((3, 0.5), (4, 0.25), (40, 0.3))]
    assert format_experiments(experiments).splitlines() == [
        "     validation",
        "           loss  seconds",
        " 1       0.5000        5  epochs 3",
        " 2*      0.2500        5  epochs 4",
        " 3       0.3000        5  epochs 40",
    ]


def test_of_each_seed_which_held_out_other_images_the_best_is_marked(tmp_path):
    experiments = [keep_experiment(tmp_path, 3, loss, seed) for loss, seed in ((0.5, 1), (0.25, 2), (0.4, 1))]
    table = format_experiments(experiments).splitlines()[2:]
    assert [line[2] for line in table] == [" ", "*", "*"]
    listed = format_runs(tmp_path, "autoencoder")
    best = re.findall(r"^\* (.*)", listed.partition("\n")[2], re.MULTILINE)
    assert best == [experiment.path.name for experiment in experiments[1:]]
