"""Several experiments beside each other, those of earlier sessions too: a table, the graph of their losses, a CSV file.

A row is a list of RunFolders that differ in their seeds alone.
"""

import contextlib
import math
import statistics
from functools import partial
from pathlib import Path

from utilities.errors import BadInput, Fault
from utilities.files import as_csv, replacing
from utilities.processes import is_first_process
from utilities.record import figures
from utilities.record.run_list import best_of_each, runs_of
from utilities.record.summary import show
from utilities.terminal.arguments import name_of_data

SEED = "seed"
BEST = "* the best on the same held-out images, where no other is within the spread of its seeds"
# What a table tells of an experiment beside its settings, where it has that: {head: (value of a Summary, format)}.
COLUMNS = {
    "validation loss": (lambda summary: summary.validation_loss, "{:#.4g}"),
    "of components'": (lambda summary: summary.share_of_components, "{:.2f}"),
    "accuracy": (lambda summary: summary.validation.get("val_accuracy"), "{:.2%}"),
    "test (not chosen by)": (lambda summary: (summary.test or {}).get("accuracy"), "{:.2%}"),
    "seconds": (lambda summary: summary.seconds, "{:.0f}"),
}


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


def rows_of(experiments):
    """Return the rows of experiments of one script and data set; as they were begun; of one repeated the last."""
    rows = {}
    for each in sorted(experiments, key=lambda each: each.summary.begun):
        rows.setdefault(show(_settings(each)), {})[each.summary.settings.get(SEED)] = each
    return [list(row.values()) for row in rows.values()]


def _settings(experiment):
    return {name: text for name, text in experiment.summary.settings.items() if name != SEED}


def mean_and_spread(row, value_of):
    """Return the mean of ``value_of(summary)`` and its standard deviation, 0 of one; None where one has no value."""
    values = [value_of(each.summary) for each in row]
    if None in values:
        return None
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def _loss(row):
    """Return a row's mean validation loss and its standard deviation."""
    return mean_and_spread(row, lambda summary: summary.validation_loss)


def best_rows(rows):
    """Return, of the rows of the same held-out images, that of the lowest loss, if no other is within their spread."""
    groups, best = {}, []
    for row in rows:
        groups.setdefault(frozenset(each.summary.held_out for each in row), []).append(row)
    for group in groups.values():
        first, *others = sorted(group, key=lambda row: (math.isnan(_loss(row)[0]), _loss(row)[0]))
        if not any(_loss(row)[0] - _loss(first)[0] <= max(_loss(row)[1], _loss(first)[1]) for row in others):
            best.append(first)
    return best


def format_experiments(experiments):
    """Return a table of experiments of one script and data set: their rows, what came of them, in what they differ."""
    rows = rows_of(experiments)
    best = best_rows(rows)
    columns = {head: of_rows for head, of_rows in _columns(rows).items() if any(of_rows)}
    if max(map(len, rows)) > 1:
        columns["seeds"] = [str(len(row)) for row in rows]
    columns[""] = [show(differing) for differing in differences(rows)]
    numbers = ["", *(f"{number}{'*' if row in best else ' '}" for number, row in enumerate(rows, start=1))]
    table = [numbers, *([head, *texts] for head, texts in columns.items())]
    widths = [max(map(len, column)) for column in table[:-1]]
    lines = zip(*table, strict=True)
    return "\n".join(
        "  ".join([*(f"{text:>{width}}" for text, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    )


def _columns(rows):
    """Return what COLUMNS tell of each row, {head: [text]}."""
    columns = {}
    for head, (value_of, shape) in COLUMNS.items():
        found = [mean_and_spread(row, value_of) for row in rows]
        columns[head] = [
            "" if each is None else " ± ".join(map(shape.format, each[: len(row)]))
            for row, each in zip(rows, found, strict=True)
        ]
    return columns


def differences(rows):
    """Return, of each row, those of its settings that are not the same in all."""
    settings = [_settings(row[0]) for row in rows]
    differing = [name for name in settings[0] if len({each[name] for each in settings}) > 1]
    return [{name: each[name] for name in differing} for each in settings]


def format_all(experiments):
    """Return the tables of all data sets on which there are several experiments, of one script; "" for none."""
    groups = {}
    for each in experiments:
        of_one = each.summary.data.get("data") if each.summary.arguments.get("labels") is None else "few labels"
        settings = tuple(each.summary.settings)
        groups.setdefault((name_of_data(Path(each.summary.arguments["data"])), of_one, settings), []).append(each)
    tables = [f"{name}; {BEST}\n{format_experiments(group)}" for (name, *_), group in groups.items() if len(group) > 1]
    return "\n\n".join(tables)


def _flat(name, values):
    """Return {name: value}, some of which have values of their own, with the names joined."""
    flat = {}
    for part, value in values.items():
        flat |= _flat(f"{name}_{part}", value) if isinstance(value, dict) else {f"{name}_{part}": value}
    return flat


def write_csv(path, experiments):
    """Write a CSV file with a line for each experiment.

    Raises:
        Fault: it cannot be written.
    """
    lines = [
        {"run": each.path.name, "data": name_of_data(Path(each.summary.arguments["data"]))}
        | each.summary.settings
        | each.summary.validation
        | {"principal_components": each.summary.principal_components}
        | _flat("test", each.summary.test or {})
        | {"seconds": each.summary.seconds}
        | (each.summary.versions or {})
        for each in experiments
        if each.summary.finished
    ]
    names = list(dict.fromkeys(name for line in lines for name in line))
    if not is_first_process():
        return
    try:
        with replacing(path) as beside:
            beside.write_bytes(as_csv([names, *([line.get(name, "") for name in names] for line in lines)]))
    except OSError as error:
        raise Fault(f"--csv: {path}: cannot be written: {error.strerror or error}") from error


def draw_comparison(experiments, name="hyperparameters"):
    """Draw the losses of the rows of experiments against the answers in which they differ; for pictures.show."""
    rows = rows_of(experiments)
    answers = differences(rows)
    if not answers[0]:  # a single row
        answers = [row[0].summary.labels for row in rows]
    values = {answer: [each[answer] for each in answers] for answer in answers[0]}
    losses, spreads = zip(*map(_loss, rows), strict=True)
    return {name: partial(figures.draw_comparison, values, losses, spreads)}


def lowest_of(experiments):
    """Return the experiment with the lowest loss of the row with the lowest."""
    row = min(rows_of(experiments), key=lambda row: (math.isnan(_loss(row)[0]), _loss(row)[0]))
    (best,) = best_of_each(row, lambda folder: None)
    return best
