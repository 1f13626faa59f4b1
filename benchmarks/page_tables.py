"""The tables of autoencoder.md and classification.md, from the rows of results/*.csv."""

from functools import cache
from statistics import mean, stdev

from csv_rows import read_rows
from experiments import ALL_IMAGES, COMPARED
from markdown_table import markdown_table
from run import RESULTS, settings_of, subset

from utilities.data.datasets import read_images, split_for_validation
from utilities.data.principal_components import reconstruction_errors

ENCODER = "encoder: kernels / filters / epochs / third pooling"
# Earlier work, as reported: the answers, and what was measured with them.
EARLIER_AUTOENCODER = {
    **{"layers": "4", "kernels": "7 7 7 7", "filters": "64 64 64 64", "epochs": "25", "batch size": "16"},
    **{"third pooling": "yes", "code": "64", "validation error": "0.0209", "seeds": "earlier work"},
}
EARLIER_CLASSIFIER = {
    **{ENCODER: "no third pooling", "units": "64", "epochs": "25", "batch size": "128"},
    **{"validation loss": "0.075", "seeds": "earlier work"},
}
# Error in % on the test set, pre-trained and random: Masci et al., "Stacked Convolutional Auto-Encoders", 2011.
MASCI = {1000: ("7.23", "7.63"), 10_000: ("1.88", "2.21"), ALL_IMAGES: ("0.71", "0.79")}


def experiments_table(measured, columns, earlier):
    """Return the table of some experiments, and a line with the settings that they share.

    Args:
        measured: [(Experiment, rows)].
        columns: {heading: function of the rows of an experiment's seeds that returns the text}.
        earlier: rows of earlier work, [{heading: text}].
    """
    settings = _differing(measured)
    heads = [*settings, *columns, "seeds"]
    table = [
        [_shown_settings(experiment)[name] for name in settings]
        + [text(rows) for text in columns.values()]
        + [str(len(rows))]
        for experiment, rows in measured
    ]
    table += [[row.get(name, "") for name in heads] for row in earlier]
    but_last = " but the last" if earlier else ""
    return f"{markdown_table(heads, table)}\n\nAll rows{but_last}: {_shared(measured)}."


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
    return "\n\n".join(
        [
            markdown_table(heads, table),
            f"All rows: {_shared(measured)}. After phase 1:",
            markdown_table(["labels, frozen", *COMPARED], frozen),
        ]
    )


def choices_table(rows, columns):
    """Return the table of the rows that choices.py wrote for one script.

    Args:
        columns: {column: digits}.
    """
    settings = ("images", "epochs", "batch size")
    table = []
    for of_one in dict.fromkeys((*(row[name] for name in settings), row["changed"]) for row in rows):
        of_name = [row for row in rows if (*(row[name] for name in settings), row["changed"]) == of_one]
        cells = [with_spread(numbers(of_name, column), digits) for column, digits in columns.items()]
        table.append([*of_one, *cells, str(len(of_name))])
    return markdown_table([*settings, "changed", *columns, "seeds"], table)


def read_choices(script):
    """Return the rows that choices.py wrote for a script, [{column: text}]."""
    return [row for row in read_rows(RESULTS / "choices.csv") if row["script"] == script]


def component_error(rows):
    """Return the mean error that principal components leave of the rows' images, as many as the code has numbers."""
    sizes = [int(row["code size"]) for row in rows]
    return mean(errors[min(size, len(errors) - 1)] for size, errors in zip(sizes, _of_components(rows), strict=True))


def mean_image_error(rows):
    """Return the mean error of the mean image in place of the rows' images."""
    return mean(errors[0] for errors in _of_components(rows))


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
    rows = {}
    for experiment, of_experiment in measured:
        rows.setdefault(experiment.images, {})[experiment.weights] = of_experiment
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


def _shown_settings(experiment):
    """Return an experiment's settings, {column: text}, with those of its encoder in one column."""
    settings = settings_of(experiment)
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
