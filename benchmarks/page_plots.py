"""The plots of autoencoder.md and classification.md, in pictures/."""

from statistics import mean

import matplotlib.pyplot as plt
from experiments import COMPARED
from page_tables import component_error, error_rates, numbers
from run import HERE, settings_of

from utilities.record.figures import scale_by_logarithm
from utilities.record.pictures import BLUE, GREEN, GREY, ORANGE

STYLES = dict(zip(COMPARED, ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^")), strict=True))
# The setting that each group with a plot varies.
VARIED = {name: name.replace("-", " ") for name in ("layers", "kernels", "filters", "units", "epochs", "batch-size")}
VARIED |= {"encoder": "encoder filters", "few-labels": "images"}


def plot(group, measured):
    """Draw a group's measured experiments, [(Experiment, rows)], if it is one that has a plot."""
    script, _, name = group.partition("/")
    if name not in VARIED or not measured:
        return
    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    setting = VARIED[name]
    if script == "autoencoder":
        plot_validation_errors(axis, setting, measured)
    else:
        plot_test_errors(axis, setting, measured)
    scale_by_logarithm(axis)
    axis.grid(axis="y", alpha=0.3)
    figure.savefig(HERE / "pictures" / f"{name if name == 'few-labels' else group.replace('/', '-')}.png", dpi=120)
    plt.close(figure)


def plot_validation_errors(axis, setting, measured):
    """Plot the validation errors of autoencoders against a setting, and those of principal components."""
    places = [f"{settings_of(experiment)[setting]}\n({rows[0]['code size']})" for experiment, rows in measured]
    errors = [numbers(rows, "validation loss") for _, rows in measured]
    _plot_seeds(axis, places, errors, BLUE, "o", "autoencoder")
    # As many components as pixels leave nothing, for which the axis has no place.
    components = [component_error(rows) for _, rows in measured]
    shown = {place: error for place, error in zip(places, components, strict=True) if round(error, 5)}
    axis.plot(shown.keys(), shown.values(), "_", color=GREY, markersize=20, label="principal components")
    axis.set(xlabel=f"{setting} (and the code's size)", ylabel="validation mean squared error")
    axis.tick_params(axis="x", labelsize=8)
    axis.legend(fontsize=8)


def plot_test_errors(axis, setting, measured):
    """Plot the test errors of classifiers against a setting, for each kind of the encoder's weights."""
    for weights in dict.fromkeys(experiment.weights for experiment, _ in measured):
        of_weights = {settings_of(one)[setting]: rows for one, rows in measured if one.weights == weights}
        _plot_seeds(axis, list(of_weights), list(map(error_rates, of_weights.values())), *STYLES[weights], weights)
    axis.set(xlabel="labels" if setting == "images" else setting, ylabel="test error in %")
    axis.legend(title="encoder's weights")


def _plot_seeds(axis, places, values, colour, marker, label):
    """Plot a line of the means of the seeds' values at each place, and a point for each seed."""
    axis.plot(places, list(map(mean, values)), color=colour, marker=marker, label=label)
    for place, of_seeds in zip(places, values, strict=True):
        axis.plot([place] * len(of_seeds), of_seeds, marker, color=colour, alpha=0.3, markeredgewidth=0)
