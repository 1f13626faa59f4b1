"""Several experiments beside each other, those of earlier sessions too: a table, and the graph of their losses."""

import contextlib
from functools import partial

from utilities.errors import BadInput
from utilities.record import figures
from utilities.record.run_list import best_of_each, runs_of
from utilities.record.summary import show


def with_earlier(experiments):
    """Return the RunFolders of a session, and before them those of earlier sessions that they can be compared with.

    These are the finished ones beside the last, of the same script and images. A folder that is damaged, or that
    something else made, is passed over.
    """
    last, beside = experiments[-1], []
    own = {experiment.path for experiment in experiments}
    with contextlib.suppress(BadInput):  # the folder cannot be read any more
        beside = runs_of(last.path.parent, last.path.name.rpartition("_")[2])
    earlier = [folder for path, folder in beside if folder and path not in own]
    return [each for each in earlier if each.summary.is_comparable and _data_of(each) == _data_of(last)] + experiments


def _data_of(experiment):
    *images, _ = experiment.summary.held_out
    return images, experiment.summary.settings.keys()


def format_experiments(experiments):
    """Return a table of experiments of one script: what came of them, and in what they differ.

    A * marks the best of those whose held-out images are the same.
    """
    best = best_of_each(experiments)
    table = [f"{'validation':>15}", f"{'loss':>15}{'seconds':>9}"]
    for number, (experiment, differing) in enumerate(zip(experiments, differences(experiments), strict=True), start=1):
        mark = "*" if experiment in best else " "
        loss, seconds = experiment.summary.validation_loss, experiment.summary.seconds
        table.append(f"{number:>2}{mark}{loss:>#12.4g}{seconds:>9.0f}  {show(differing)}".rstrip())
    return "\n".join(table)


def differences(experiments):
    """Return, of each experiment, those of its hyperparameters and conditions that are not the same in all."""
    settings = [experiment.summary.settings for experiment in experiments]
    differing = [name for name in settings[0] if len({each[name] for each in settings}) > 1]
    return [{name: each[name] for name in differing} for each in settings]


def draw_comparison(experiments, name="hyperparameters"):
    """Draw the losses of experiments of one script against the answers in which they differ; for pictures.show."""
    answers = differences(experiments)
    if not answers[0]:  # a single one, or all the same
        answers = [experiment.summary.labels for experiment in experiments]
    values = {answer: [each[answer] for each in answers] for answer in answers[0]}
    losses = [experiment.summary.validation_loss for experiment in experiments]
    return {name: partial(figures.draw_comparison, values, losses)}
