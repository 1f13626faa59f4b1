"""The tables of the pages, from the CSV files of what was measured."""

import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import mean, median, stdev

sys.path.append(str(Path(__file__).resolve().parent / "performance"))

from common import markdown_table, read_rows
from experiments import ALL_IMAGES, COMPARED
from run import GROUPS, rows_of, settings_of, subset
from speed import RESULTS
from time_to_result import TIMES, is_reached

from utilities.data.datasets import read_images, split_for_validation
from utilities.data.principal_components import reconstruction_errors

ENCODER = "encoder: kernels / filters / epochs / third pooling"
# Error in % on the test set, pre-trained and random: Masci et al., "Stacked Convolutional Auto-Encoders", 2011.
MASCI = {1000: ("7.23", "7.63"), 10_000: ("1.88", "2.21"), ALL_IMAGES: ("0.71", "0.79")}


def columns_of(group):
    """Return what a group's table shows beside the settings, {heading: function of an experiment's rows}."""
    script, _, name = group.partition("/")
    match script, name:
        case "autoencoder", "choices":
            return {"validation error": with_spread_of("validation loss", 5)}
        case "autoencoder", _:
            baseline = {"mean image": lambda rows: f"{mean(errors[0] for errors in _of_components(rows)):.5f}"}
            return (baseline if name == "small-sets" else {}) | {
                "code": lambda rows: rows[0]["code size"],
                "components": lambda rows: f"{component_error(rows):.5f}",
                "validation error": with_spread_of("validation loss", 5),
                "processor seconds": mean_seconds,
            }
        case _, "choices":
            return {name: with_spread_of(name, 4) for name in ("frozen", "validation loss", "validation accuracy")}
    return {
        "code": lambda rows: rows[0]["code size"],
        "validation loss": with_spread_of("validation loss", 4),
        "validation %": with_spread_of("validation accuracy", 2, 100),
        "test %, frozen": with_spread_of("test accuracy after phase 1", 2),
        "test %": with_spread_of("test accuracy", 2),
        "processor seconds": mean_seconds,
    }


def measured_of(group):
    """Return the experiments of a group that are measured, [(Experiment, rows)]; none where most are not.

    A group with few of them has only what it shares with others.
    """
    measured = [(experiment, rows) for experiment in GROUPS[group] if (rows := rows_of(experiment))]
    return measured if 2 * len(measured) > len(GROUPS[group]) else []


def command(group, measured):
    """Return the command that measures a group, with the minutes that one processor core took for it."""
    rows = [row for _, of_experiment in measured for row in of_experiment]
    seconds = numbers(rows, "processor seconds")
    told = f"{sum(seconds) / 60:.0f} minutes of one core" if len(seconds) == len(rows) else "not timed"
    return f"```\n.venv/bin/python benchmarks/run.py {group}    # {told}\n```"


def experiments_table(group, measured):
    """Return the table of a group's measured experiments, and a line with the settings that they share."""
    if group == "classification/few-labels":
        return few_labels_tables(measured)
    settings, columns = _differing(measured), columns_of(group) | {"seeds": lambda rows: str(len(rows))}
    table = [
        [*(_shown_settings(experiment)[name] for name in settings), *(text(rows) for text in columns.values())]
        for experiment, rows in measured
    ]
    return f"{markdown_table([*settings, *columns], table)}\n\nAll rows: {_shared(measured)}."


def few_labels_tables(measured):
    """Return the tables of test errors by number of labels and kind of weights: after both phases, and frozen."""
    table, frozen = [], []
    for images, of_weights in by_labels(measured).items():
        answers = next(experiment for experiment, _ in measured if experiment.images == images).hyperparameters
        errors = [error_rates(of_weights[weights]) for weights in COMPARED]
        after_phase_1 = [error_rates(of_weights[weights], "test accuracy after phase 1") for weights in COMPARED]
        pre_trained, random, _ = map(mean, errors)
        seeds = dict.fromkeys(str(len(values)) for values in errors)
        table.append(
            [f"{images:,}", str(answers.epochs), str(answers.batch_size)]
            + [with_spread(values, 2) for values in errors]
            + [f"{pre_trained / random:.2f}", " or ".join(seeds), *MASCI.get(images, ("", ""))]
        )
        frozen.append([f"{images:,}", *(with_spread(values, 2) for values in after_phase_1)])
    heads = ["labels", "epochs", "batch size", *COMPARED]
    heads += ["pre-trained / random", "seeds", "Masci, pre-trained", "Masci, random"]
    shared = f"All rows: {_shared(measured)}. After phase 1:"
    return "\n\n".join([markdown_table(heads, table), shared, markdown_table(["labels, frozen", *COMPARED], frozen)])


def component_error(rows):
    """Return the mean error that principal components leave of the rows' images, as many as the code has numbers."""
    sizes = [int(row["code size"]) for row in rows]
    return mean(errors[min(size, len(errors) - 1)] for size, errors in zip(sizes, _of_components(rows), strict=True))


def _of_components(rows):
    return [errors_by_components(int(row["images"]), int(row["seed"])) for row in rows]


@cache
def errors_by_components(count, seed):
    """Return the errors of 0, 1, 2 ... principal components of the images that an experiment trains on, (pixels + 1,).

    They are those of the images that it holds out.
    """
    images = read_images(subset(count, seed)[0])
    split = split_for_validation(len(images), seed)
    return reconstruction_errors(images[split.training], images[split.validation])


def by_labels(measured):
    """Return {images: {weights: rows}} of the numbers of images whose experiments are all measured."""
    rows = defaultdict(dict)
    for experiment, of_experiment in measured:
        rows[experiment.images][experiment.weights] = of_experiment
    return {images: of_weights for images, of_weights in rows.items() if len(of_weights) == len(COMPARED)}


def numbers(rows, column, factor=1):
    """Return a column's numbers, times a factor; rows may lack them."""
    return [factor * float(row[column]) for row in rows if row[column]]


def error_rates(rows, column="test accuracy"):
    """Return the percentages of wrong answers, from a column of percentages of right ones."""
    return [100 - accuracy for accuracy in numbers(rows, column)]


def with_spread(values, digits):
    """Return the mean of some numbers, and their standard deviation where there are two or more."""
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


def with_spread_of(column, digits, factor=1):
    """Return the function of rows that returns with_spread of a column, times a factor."""
    return lambda rows: with_spread(numbers(rows, column, factor), digits)


def mean_seconds(rows):
    """Return the mean of the seeds' processor seconds."""
    seconds = numbers(rows, "processor seconds")
    return f"{mean(seconds):.0f}" if seconds else ""


def _shown_settings(experiment):
    """Return an experiment's settings, {column: text}, with those of its encoder in one column."""
    settings = settings_of(experiment)
    if not experiment.changed:
        del settings["changed"]
    if not experiment.encoder:
        return settings
    encoder = experiment.encoder.labels()
    pooling = "third pooling" if experiment.encoder.third_pooling else "none"
    of_encoder = f"{encoder['kernels']} / {encoder['filters']} / {encoder['epochs']} / {pooling}"
    return {ENCODER: of_encoder} | {name: text for name, text in settings.items() if not name.startswith("encoder ")}


def _differing(measured):
    """Return the names of the settings that are not the same in all experiments."""
    settings = [_shown_settings(experiment) for experiment, _ in measured]
    names = dict.fromkeys(name for setting in settings for name in setting)
    return [name for name in names if len({setting.get(name) for setting in settings}) > 1]


def _shared(measured):
    """Return the settings that are the same in all experiments, in one line."""
    differing = _differing(measured)
    settings = _shown_settings(measured[0][0])
    return ", ".join(f"{name} {text}" for name, text in settings.items() if name not in differing)


def speed_table(jobs):
    """Return the table of some of speed.JOBS, done one after another, or of the backends, with a row a contestant.

    A ratio is to the first contestant.
    """
    done = defaultdict(list)
    for row in read_rows(RESULTS):
        if row["job"] in jobs:
            done[row["contestant"], row["round"]].append(row)
    rounds = {of_one: rows for of_one, rows in done.items() if len(rows) == len(jobs)}
    contestants = list(dict.fromkeys(contestant for contestant, _ in rounds))
    heads, table = ["contestant"], [[contestant] for contestant in contestants]
    for column, head, digits, of_jobs in (
        ("seconds", "seconds", 1, sum),
        ("cpu_seconds", "CPU seconds", 1, sum),
        ("peak_megabytes", "peak MB", 0, max),
    ):
        values = defaultdict(dict)
        for (contestant, number), rows in rounds.items():
            if all(row[column] for row in rows):
                values[contestant][number] = of_jobs(float(row[column]) for row in rows)
        if values:
            heads += [head, "ratio"]
            for contestant, cells in zip(contestants, table, strict=True):
                cells += _middle_and_ratio(values[contestant], values[contestants[0]], digits)
    return markdown_table(heads, table)


def _middle_and_ratio(values, ours, digits):
    """Return the median of {round: value}, and that of the ratios to ours, with the least and the greatest."""
    ratios = [value / ours[number] for number, value in values.items() if number in ours]
    ratio = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return [f"{median(values.values()):.{digits}f}", ratio]


def times_table(goal):
    """Return the table of the times to a goal: each contestant's last trial, and its ratio to this project."""
    table, of_goal = [], [row for row in read_rows(TIMES) if row["goal"] == goal]
    for seed in sorted({row["seed"] for row in of_goal}):
        last = {row["contestant"]: row for row in of_goal if row["seed"] == seed}
        target, ours = float(next(iter(last.values()))["validation"]), float(last["this project"]["seconds"])
        for contestant, row in last.items():
            reached = is_reached(goal, target, float(row["validation"]))
            ratio = f"{float(row['seconds']) / ours:.2f}" if reached else "not reached"
            table.append([f"{contestant}: {row['validation']}", row["epochs"], row["seconds"], ratio, seed])
    return markdown_table([goal, "epochs", "seconds", "ratio", "seed"], table)
