"""The plots of autoencoder.md and classification.md, in pictures/."""

from statistics import mean

import matplotlib.pyplot as plt
from experiments import COMPARED
from page_tables import by_labels, component_error, error_rates, numbers
from run import HERE, settings_of

from utilities.record.figures import scale_by_logarithm
from utilities.record.pictures import BLUE, GREEN, GREY, ORANGE

COLOURS = dict(zip(COMPARED, ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^")), strict=True))
# The setting in which a group's experiments differ, where it has another name than the group.
VARIED = {"encoder": "encoder filters"}


def plot_few_labels(measured):
    """Plot the test errors against the number of labels; return the picture's path from the page."""
    rows = by_labels(measured)
    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    for weights in COMPARED:
        errors = {images: error_rates(of_weights[weights]) for images, of_weights in rows.items()}
        _plot_errors_of(axis, weights, errors)
    axis.set(xlabel="labels", ylabel="test error in %", xscale="log")
    scale_by_logarithm(axis)
    axis.legend(title="encoder's weights")
    axis.grid(alpha=0.3, which="both")
    return save(figure, "few-labels")


def plot_test_errors(group, measured):
    """Plot the test errors of a classifiers' group; return the picture's path from the page."""
    name = VARIED.get(group, group)
    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    for weights in dict.fromkeys(experiment.weights for experiment, _ in measured):
        of_weights = [(experiment, rows) for experiment, rows in measured if experiment.weights == weights]
        errors = {settings_of(experiment)[name]: error_rates(rows) for experiment, rows in of_weights}
        _plot_errors_of(axis, weights, errors)
    axis.set(xlabel=name, ylabel="test error in %")
    scale_by_logarithm(axis)
    axis.legend(title="encoder's weights")
    axis.grid(axis="y", alpha=0.3)
    return save(figure, f"classification-{group.replace(' ', '-')}")


def _plot_errors_of(axis, weights, errors):
    """Plot {value: errors of the seeds} of one kind of weights: a line of the means, a point for each seed."""
    colour, marker = COLOURS[weights]
    axis.plot(errors.keys(), list(map(mean, errors.values())), color=colour, marker=marker, label=weights)
    for value, of_seeds in errors.items():
        axis.plot([value] * len(of_seeds), of_seeds, marker, color=colour, alpha=0.3, markeredgewidth=0)


def plot_validation_errors(group, measured):
    """Plot the validation errors of an autoencoders' group; return the picture's path from the page."""
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    names = []
    for place, (experiment, rows) in enumerate(measured):
        errors, components = numbers(rows, "validation loss"), component_error(rows)
        axis.plot([place] * len(errors), errors, "o", color=BLUE, alpha=0.5, markeredgewidth=0)
        axis.plot([place - 0.2, place + 0.2], [mean(errors)] * 2, color=BLUE, label="autoencoder, a point each seed")
        if round(components, 5):  # as many components as pixels leave nothing, for which the axis has no place
            axis.plot(place, components, "_", color=GREY, markersize=20, label="principal components")
        names.append(f"{settings_of(experiment)[group]}\n({rows[0]['code size']})")
    axis.set_xticks(range(len(names)), names, fontsize=8)
    axis.set(xlabel=f"{group} (and the code's size)", ylabel="validation mean squared error")
    scale_by_logarithm(axis)
    handles, labels = axis.get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))
    axis.legend(by_label.values(), by_label, fontsize=8)
    axis.grid(axis="y", alpha=0.3)
    return save(figure, f"autoencoder-{group.replace(' ', '-')}")


def save(figure, name):
    """Save a figure in pictures/; return its path from the page."""
    path = f"pictures/{name}.png"
    figure.savefig(HERE / path, dpi=120)
    plt.close(figure)
    return path
