"""Several experiments beside each other, those of earlier sessions too: a table, and the graph of their losses."""

from functools import partial

from utilities.record import figures
from utilities.record.experiment import best_of, read_back, show
from utilities.record.run_list import folders_of


def with_earlier(experiments):
    """Return experiments of a session, and before them those of earlier sessions that they can be compared with.

    These are the finished ones beside the last in its run folder's parent, of the same script and data. A folder that
    is damaged, or that something else made, is passed over.
    """
    last = experiments[-1]
    own = {experiment.folder.path for experiment in experiments}
    path = last.folder.path
    beside = folders_of(path.parent, path.name.rpartition("_")[2]) if path else []
    earlier = [read_back(folder) for folder in beside if folder.path not in own]
    alike = last.trained_on, last.answers.keys()
    return [each for each in earlier if each and (each.trained_on, each.answers.keys()) == alike] + experiments


def format_experiments(experiments):
    """Return a table of experiments of one script: what came of them, and in what they differ; * marks the best."""
    best = best_of(experiments)
    table = [f"{'validation':>15}", f"{'loss':>15}{'seconds':>9}"]
    for number, (experiment, differing) in enumerate(zip(experiments, differences(experiments), strict=True), start=1):
        mark = "*" if experiment is best else " "
        line = f"{number:>2}{mark}{experiment.validation_loss:>#12.4g}{experiment.seconds:>9.0f}  {show(differing)}"
        table.append(line.rstrip())
    return "\n".join(table)


def differences(experiments):
    """Return, of each experiment, those of its answers and conditions that are not the same in all."""
    answers = [experiment.answers for experiment in experiments]
    differing = [name for name in answers[0] if len({answer[name] for answer in answers}) > 1]
    return [{name: answer[name] for name in differing} for answer in answers]


def draw_comparison(experiments, name="hyperparameters"):
    """Draw the losses of experiments of one script against the answers in which they differ; for pictures.show."""
    answers = differences(experiments)
    if not answers[0]:  # a single one, or all the same
        answers = [experiment.hyperparameters for experiment in experiments]
    values = {answer: [each[answer] for each in answers] for answer in answers[0]}
    losses = [experiment.validation_loss for experiment in experiments]
    return {name: partial(figures.draw_comparison, values, losses)}
