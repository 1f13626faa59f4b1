"""Make autoencoder.md and classification.md, their tables and plots, from results/*.csv.

pages.py
"""

import csv
from statistics import mean, stdev

import matplotlib.pyplot as plt
from experiments import (
    AUTOENCODER_BASE,
    AUTOENCODER_IMAGES,
    AUTOENCODERS,
    CLASSIFIER_IMAGES,
    CLASSIFIERS,
    ENCODER_SEED,
    WEIGHTS,
)
from principal_components import reconstruction_errors
from run import HERE, RESULTS, describe, read_results, rows_of, subset

from utilities.data.datasets import read_images, split_for_validation
from utilities.network.hyperparameters import show_numbers
from utilities.record.figures import BLUE, GREEN, GREY, ORANGE, scale_by_logarithm
from utilities.terminal.arguments import DEFAULT_SEED

VERSIONS = ("python", "tensorflow", "keras", "numpy")
HOW = """The command above each table measures it anew: it runs `{script}.py` with redirected answers and puts what it
measures in [results/{script}.csv](results/{script}.csv), of which `.venv/bin/python benchmarks/pages.py` makes this
page. Both run from the project's root, in the environment that the README makes. Seconds are those of all epochs of
the fastest seed, on one core of an AMD EPYC (Zen 4) in the sweeps and on one or two on all images; the machine had
other work at times, so they are upper bounds."""
AUTOENCODER_PAGE = f"""# The autoencoder

Mean squared errors of pixels between 0 and 1, on a tenth of the training images, held out. The test set has no part
in any of this. Each row is the mean of so many seeds, with the spread (the standard deviation) where there is more than
one. A seed draws the held-out images too. *Components* is the error of as many principal components of the same
training images as the code has numbers, on the images that seed {DEFAULT_SEED} holds out: what a linear code can do.

{HOW.format(script="autoencoder")}"""
CLASSIFIER_PAGE = f"""# The classifier

Cross-entropies and shares of right answers: on a tenth of the training images, held out, by which everything was
chosen; and on the 10,000 images of the test set, which chose nothing. Each row is the mean of so many seeds, with the
spread (the standard deviation). The encoder's weights are

- *pre-trained*: of an autoencoder trained on all training images, without labels, once, with seed {ENCODER_SEED};
- *random*: those that such an encoder begins with, others for each seed;
- *principal components*: as many of the training images' as the code has numbers, or all 784 where it has more; in
  phase 2 they are trained like any weights.

All else is the same for the three: dense layers, epochs, batches. *Frozen* is after phase 1.

The spread of pre-trained classifiers is thus of their own seeds alone. Where the encoder is trained anew, its sums may
be taken in another order, and it comes out as another one: with few images or labels, a row may then lie further from
this one than its spread.

{HOW.format(script="classification")}"""
ON_CLASSIFIER_SWEEP = f"On {CLASSIFIER_IMAGES:,} of the images"
# What each group of experiments is about, and why it came out so.
AUTOENCODER_GROUPS = {
    "best": (
        "The best found",
        """On all 60,000 images, one seed each. The kernels and filters are those that two cores train in about a minute
an epoch; the rest is steps. It is not the end of the road: the error still falls with every doubling of the epochs, and
a second kernel of 13 takes a sixth of it away, for half as much time again (both below, on fewer images). In as many
numbers, the network keeps more than principal components do, which can only add up the same few pictures. The last
row is earlier work on this family of networks, as its authors report it.""",
    ),
    "default": (
        "Enter at every question",
        """On all 60,000 images, on two cores: half the epochs of the best found, which two cores train in minutes.""",
    ),
    "layers": (
        "Number of layers",
        """Each of the first three sets pools, and the error rises with what pooling throws away: 3136 numbers are
left of an image's 784 after one, 784 after two, 64 after three. A fourth and a fifth set have nothing to pool, and
at 1 x 1 nothing beside a pixel to see: their kernels are 1 here, so that the depth alone changes. They pass 64
numbers on, and are two more things to learn in the same number of steps.""",
    ),
    "kernels": (
        "Kernel sizes",
        """The second kernel decides. The third pooling leaves one number for each filter, of which the decoder's
upsampling by 7 makes a map of 7 x 7 equal numbers. The convolution after it, which has the second layer's kernel,
can tell the positions of that map apart by one thing alone: how much of the padding around it each sees. A kernel of
3 sees none from the inner 5 x 5 positions, and draws the same there whatever the code; one of 5 draws the same in
the inner 3 x 3; from 7 on every position is its own, and one of 13 sees all of the map from everywhere. The first
kernel draws the strokes, on a map that has its positions told apart already, and gains little beyond 5. The third
reads the map of 7 x 7 that the code is made of: a kernel of 3 sees less of it at once.""",
    ),
    "filters": (
        "Filters",
        """The last layer's filters are the code, and every number of it tells. Those of the other two are what the
decoder has to draw with: from 8 8 to 16 16 to 32 32 the error falls, each time by less and for about twice the time.
In which of the two layers they are added makes no difference beyond the spread.""",
    ),
    "epochs": (
        "Epochs",
        """Each doubling takes a share of the error away, a smaller one each time, and 32 are not the end. The
learning rate falls to 0 along half a cosine however many epochs there are: a training of any length ends settled,
and a short one is not a long one cut off. Two epochs, 338 steps, are too few to learn anything by, and too few for
the moving statistics of batch normalisation, of which each step replaces a hundredth.""",
    ),
    "batch size": (
        "Batch size",
        """With the epochs fixed, a batch twice as large means half the steps, and the steps are what is missing on
so few images: 256 leaves 344 of them, as few as two epochs above. Below 64 there is little left to gain. On all
60,000 images, with five times the steps, 64 is small enough, and a larger share of the time goes into arithmetic
than with 16.""",
    ),
    "third pooling": (
        "Third max-pooling",
        """Without it the code has 49 times as many numbers, four times those of the image itself. The error is a
third: not the better network but the lighter task.""",
    ),
}
CLASSIFIER_GROUPS = {
    "best": (
        "The best found",
        """On all 60,000 images. With so many labels the encoder's training before counts for little once everything
is trained: for a tenth of a percent at most with the third pooling, hardly more than the spread, and for nothing
without. It is worth most where the encoder is frozen. There, principal components as many as the code's numbers are
better still; in phase 2 they stay behind both: they are a single layer, however it is trained. The last
row is earlier work on this family of networks, as its authors report it.""",
    ),
    "few labels": (
        "Few labels",
        """What pre-training is for. Test error in %, of the same network with the same training for each kind of
weights; the labels are the same number of each class, others for each seed. The fewer labels, the more is owed to
what the encoder learnt from images without any: with 100, where it takes a third of the error away, with 1,000, and
by more than the spread still with 10,000. Principal components lead while the encoder is frozen, and fall behind in
phase 2: a linear code can be separated, but has no more to learn. Masci et al. are "Stacked Convolutional Auto-
Encoders", 2011.""",
    ),
    "encoder": (
        "Encoder",
        f"""{ON_CLASSIFIER_SWEEP}, five epochs. A smaller code is made of larger features, and is as good a beginning
for phase 2; frozen, the largest is the best, because everything is still in it. The random encoders are read with
care: within the 215 steps of phase 2 the moving statistics of their batch normalisation, which begin at 0 and 1 and
of which each step replaces a hundredth, can lag behind weights that move fast, and the classifier is judged by them.
Those of a pre-trained encoder begin where they belong.""",
    ),
    "units": (
        "Units of the hidden dense layer",
        f"""{ON_CLASSIFIER_SWEEP}, five epochs. Phase 1 gains with every unit: it has nothing else to learn with.
Phase 2 does not: the more units, the worse random weights do, probably because they are moved faster and their moving
statistics are the further behind at the end of so few steps. Principal components, which have no batch
normalisation, only gain. 128 is the best of the three where the encoder is pre-trained.""",
    ),
    "epochs": (
        "Epochs",
        f"""{ON_CLASSIFIER_SWEEP}. Each phase runs so many. Random weights do worse after five epochs than after one,
which again looks like moving statistics that do not keep up; after twenty both have settled, and pre-trained weights
are ahead by more than the spread.""",
    ),
    "batch size": (
        "Batch size",
        f"""{ON_CLASSIFIER_SWEEP}, five epochs. Steps again: 32 makes four times as many as 128, and reaches what
twenty epochs of 128 reach, in a third of the time. The default of 128 is meant for all 60,000 images, where five
epochs are 2,110 steps.""",
    ),
}
CHOICES = {
    "autoencoder": f"""Each row changes one thing alone, in a network of filters
{show_numbers(AUTOENCODER_BASE.filters)} on {AUTOENCODER_IMAGES:,} images, as in the sections above. What counts is the
learning rate: that it falls to nothing lets the last epochs settle, and a low one does not come far enough in as few
epochs. A last kernel of another size is worse by a few per cent; loss, initial weights and statistics change no more
than another seed does.""",
    "classification": f"""Each row changes one thing alone. {ON_CLASSIFIER_SWEEP}, pre-trained, in batches of 32. Again
the rate has to fall, and the second phase needs one high enough to change the encoder. Without weight decay or
smoothing the loss is lower, as the network is surer of itself; it is right no more often. One of the images held out is
0.17 %: smaller differences say nothing.""",
}
ENCODER = "encoder: kernels / filters / epochs / third pooling"
# Earlier work, as reported: the answers, and what came of them.
EARLIER_AUTOENCODER = {
    **{"layers": "4", "kernels": "7 7 7 7", "filters": "64 64 64 64", "epochs": "25", "batch size": "16"},
    **{"third pooling": "yes", "code": "64", "validation error": "0.0209", "seeds": "earlier work"},
}
EARLIER_CLASSIFIER = {
    **{ENCODER: "no third pooling", "units": "64", "epochs": "25", "batch size": "128"},
    **{"validation loss": "0.075", "seeds": "earlier work"},
}
# Error in % on the test set, pre-trained and random: Masci et al., "Stacked Convolutional Auto-Encoders", 2011.
MASCI = {1000: ("7.23", "7.63"), 10_000: ("1.88", "2.21"), None: ("0.71", "0.79")}
COLOURS = dict(zip(WEIGHTS, ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^")), strict=True))


def main():
    """Write the pages and their plots."""
    for script, page in (("autoencoder", autoencoder_page), ("classification", classifier_page)):
        versions = sorted({", ".join(f"{name} {row[name]}" for name in VERSIONS) for row in read_results(script)})
        (HERE / f"{script}.md").write_text("\n\n".join([*page(), f"Versions: {'; '.join(versions)}.\n"]))


def autoencoder_page():
    """Yield the parts of the autoencoder's page."""
    yield AUTOENCODER_PAGE
    for group, measured in measured_groups(AUTOENCODERS):
        columns = {
            "code": lambda rows: rows[0]["code size"],
            "components": component_errors(measured),
            "validation error": lambda rows: with_spread(rows, "validation loss", 5),
            "seconds": least_seconds,
        }
        earlier = [EARLIER_AUTOENCODER] if group == "best" else []
        yield from section("autoencoder", group, measured, table(measured, columns, earlier))
        if len(measured) > 2:
            yield f"![validation error against {group}]({plot_errors(group, measured)})"
    yield from choices_section("autoencoder", {"validation error": 5})


def classifier_page():
    """Yield the parts of the classifier's page."""
    yield CLASSIFIER_PAGE
    columns = {
        "code": lambda rows: rows[0]["code size"],
        "validation loss": lambda rows: with_spread(rows, "validation loss", 4),
        "validation %": lambda rows: with_spread(rows, "validation accuracy", 2, factor=100),
        "test %, frozen": lambda rows: with_spread(rows, "test accuracy after phase 1", 2),
        "test %": lambda rows: with_spread(rows, "test accuracy", 2),
        "seconds": least_seconds,
    }
    for group, measured in measured_groups(CLASSIFIERS):
        if group == "few labels":
            yield from section("classification", group, measured, few_labels_tables(measured))
            yield f"![test error against labels]({plot_few_labels(measured)})"
            continue
        earlier = [EARLIER_CLASSIFIER] if group == "best" else []
        yield from section("classification", group, measured, table(measured, columns, earlier))
        if group != "best":
            yield f"![test error against {group}]({plot_accuracies(group, measured)})"
    yield from choices_section("classification", {"validation loss": 4, "validation accuracy": 4})


def measured_groups(groups):
    """Yield the name of each group of which something is measured, and its experiments, [(Experiment, rows)]."""
    for group, experiments in groups.items():
        measured = [(experiment, rows) for experiment in experiments if (rows := rows_of(experiment))]
        if measured:
            yield group, measured


def section(script, group, measured, of_experiments):
    """Yield the parts of a group's section, up to its table."""
    title, text = {"autoencoder": AUTOENCODER_GROUPS, "classification": CLASSIFIER_GROUPS}[script][group]
    minutes = sum(float(row["seconds"]) for _, rows in measured for row in rows) / 60
    command = f".venv/bin/python benchmarks/run.py --again {script}/{group.replace(' ', '-')}"
    yield f"## {title}\n\n{text}\n\n```\n{command}    # {minutes:.0f} minutes\n```\n\n{of_experiments}"


def settings_of(experiment):
    """Return what tells an experiment from others, {column: text}, with what its encoder is of in one column."""
    description = describe(experiment, None)
    if not experiment.encoder:
        return description
    encoder = experiment.encoder.labels()
    pooling = "third pooling" if experiment.encoder.third_pooling else "none"
    of_encoder = f"{encoder['kernels']} / {encoder['filters']} / {encoder['epochs']} / {pooling}"
    others = {name: text for name, text in description.items() if not name.startswith("encoder ")}
    return {ENCODER: of_encoder} | others


def differing(measured):
    """Return the settings that differ among experiments, [name]; the answers that all share tell nothing."""
    settings = [settings_of(experiment) for experiment, _ in measured]
    names = dict.fromkeys(name for setting in settings for name in setting)
    return [name for name in names if len({setting.get(name) for setting in settings}) > 1]


def telling(measured):
    """Return the setting that tells the experiments of one kind of weights from each other."""
    settings = [describe(experiment, None) for experiment, _ in measured if experiment.weights == WEIGHTS[0]]
    return next(name for name in settings[0] if len({setting[name] for setting in settings}) == len(settings))


def shared(measured):
    """Return the settings that experiments share, as a text."""
    setting = settings_of(measured[0][0])
    names = [name for name in setting if name not in ("seed", *differing(measured))]
    return ", ".join(f"{name} {setting[name]}" for name in names)


def table(measured, columns, earlier):
    """Return the table of some experiments, and what they share.

    Args:
        columns: {heading: function of the rows of an experiment's seeds that returns the text}.
        earlier: rows of earlier work, [{heading: text}].
    """
    settings = differing(measured)
    heads = [*settings, *columns, "seeds"]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for experiment, rows in measured:
        description = settings_of(experiment)
        cells = [description[name] for name in settings] + [text(rows) for text in columns.values()] + [str(len(rows))]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [f"| {' | '.join(row.get(name, '') for name in heads)} |" for row in earlier]
    return "\n".join([*lines, f"\nAll rows{' but the last' if earlier else ''}: {shared(measured)}."])


def with_spread(rows, column, digits, factor=1, offset=0):
    """Return the mean of a column, scaled, and its standard deviation where there are two rows or more."""
    values = [offset + factor * float(row[column]) for row in rows]
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


def least_seconds(rows):
    """Return the seconds of the fastest seed."""
    return f"{min(float(row['seconds']) for row in rows):.0f}"


def component_errors(measured):
    """Return a column: the error that principal components leave of the same images, as many as a code has numbers."""
    (count,) = {experiment.images for experiment, _ in measured}
    sizes = [int(rows[0]["code size"]) for _, rows in measured]
    images = read_images(subset(count, seed=0)[0])
    split = split_for_validation(len(images), DEFAULT_SEED)
    errors = reconstruction_errors(images[split.training], images[split.validation], sizes)
    texts = {str(size): f"{error:.5f}" for size, error in zip(sizes, errors, strict=True)}
    return lambda rows: texts[rows[0]["code size"]]


def few_labels_tables(measured):
    """Return the tables of errors by number of labels, for each kind of weights: after everything, and frozen."""
    heads = ["labels", "epochs", "batch size", *WEIGHTS, "seeds", "Masci, pre-trained", "Masci, random"]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    frozen = [f"| labels, frozen | {' | '.join(WEIGHTS)} |", "|" + " --- |" * (1 + len(WEIGHTS))]
    for images, of_weights in by_labels(measured).items():
        answers = next(experiment for experiment, _ in measured if experiment.images == images).hyperparameters
        after_phase_1, errors = (
            [with_spread(of_weights[weights], column, 2, factor=-1, offset=100) for weights in WEIGHTS]
            for column in ("test accuracy after phase 1", "test accuracy")
        )
        labels, seeds = f"{images or 60_000:,}", str(len(of_weights[WEIGHTS[0]]))
        cells = [labels, str(answers.epochs), str(answers.batch_size), *errors, seeds, *MASCI.get(images, ("", ""))]
        lines.append(f"| {' | '.join(cells)} |")
        frozen.append(f"| {' | '.join([labels, *after_phase_1])} |")
    return "\n".join([*lines, f"\nAll rows: {shared(measured)}. After phase 1:\n", *frozen])


def choices_section(script, columns):
    """Yield the section about what the questions do not ask, of what choices.py measured, if it did.

    Args:
        columns: {column: digits}.
    """
    path = RESULTS / "choices.csv"
    if not path.exists():
        return
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["script"] == script]
    seeds = str(len({row["seed"] for row in rows}))
    lines = [f"| changed | {' | '.join(columns)} | seeds |", "|" + " --- |" * (2 + len(columns))]
    for name in dict.fromkeys(row["changed"] for row in rows):
        of_name = [row for row in rows if row["changed"] == name]
        cells = [with_spread(of_name, column, digits) for column, digits in columns.items()]
        lines.append(f"| {' | '.join([name, *cells, seeds])} |")
    command = ".venv/bin/python benchmarks/choices.py"
    table = "\n".join(lines)
    yield f"## What the questions do not ask\n\n{CHOICES[script]}\n\n```\n{command}\n```\n\n{table}"


def by_labels(measured):
    """Return {images: {weights: rows}} of the numbers of images whose experiments are all measured."""
    rows = {}
    for experiment, of_experiment in measured:
        rows.setdefault(experiment.images, {})[experiment.weights] = of_experiment
    return {images: of_weights for images, of_weights in rows.items() if len(of_weights) == len(WEIGHTS)}


def test_errors(rows):
    """Return the shares of wrong answers on the test set in %, one for each row."""
    return [100 - float(row["test accuracy"]) for row in rows]


def plot_few_labels(measured):
    """Plot the test errors against the number of labels, a point for each seed; return the picture's path."""
    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    rows = by_labels(measured)
    for weights, (colour, marker) in COLOURS.items():
        errors = {images or 60_000: test_errors(of_weights[weights]) for images, of_weights in rows.items()}
        axis.plot(errors.keys(), list(map(mean, errors.values())), color=colour, marker=marker, label=weights)
        for labels, of_seeds in errors.items():
            axis.plot([labels] * len(of_seeds), of_seeds, marker, color=colour, alpha=0.3, markeredgewidth=0)
    axis.set(xlabel="labels", ylabel="test error in %", xscale="log")
    scale_by_logarithm(axis)
    axis.legend(title="encoder's weights")
    axis.grid(alpha=0.3, which="both")
    return save(figure, "few-labels")


def plot_accuracies(group, measured):
    """Plot the test errors of a group, a point for each seed; return the picture's path from the page."""
    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    name = telling(measured)
    for weights, (colour, marker) in COLOURS.items():
        errors = {
            describe(experiment, None)[name]: test_errors(rows)
            for experiment, rows in measured
            if experiment.weights == weights
        }
        axis.plot(errors.keys(), list(map(mean, errors.values())), color=colour, marker=marker, label=weights)
        for value, of_seeds in errors.items():
            axis.plot([value] * len(of_seeds), of_seeds, marker, color=colour, alpha=0.3, markeredgewidth=0)
    axis.set(xlabel=name, ylabel="test error in %")
    scale_by_logarithm(axis)
    axis.legend(title="encoder's weights")
    axis.grid(axis="y", alpha=0.3)
    return save(figure, f"classification-{group.replace(' ', '-')}")


def plot_errors(group, measured):
    """Plot the reconstruction errors of a group, a point for each seed; return the picture's path from the page."""
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    components = component_errors(measured)
    names = []
    for place, (experiment, rows) in enumerate(measured):
        errors = [float(row["validation loss"]) for row in rows]
        axis.plot([place] * len(errors), errors, "o", color=BLUE, alpha=0.5, markeredgewidth=0)
        axis.plot([place - 0.2, place + 0.2], [mean(errors)] * 2, color=BLUE, label="autoencoder, a point each seed")
        if float(components(rows)) > 0:
            axis.plot(place, float(components(rows)), "_", color=GREY, markersize=20, label="principal components")
        names.append(f"{describe(experiment, None)[group]}\n({rows[0]['code size']})")
    axis.set_xticks(range(len(names)), names, fontsize=8)
    axis.set(xlabel=f"{group} (and the code's size)", ylabel="validation mean squared error")
    scale_by_logarithm(axis)
    handles, labels = axis.get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))
    axis.legend(by_label.values(), by_label, fontsize=8)
    axis.grid(axis="y", alpha=0.3)
    return save(figure, f"autoencoder-{group.replace(' ', '-')}")


def save(figure, name):
    """Save a picture; return its path from the page."""
    path = f"pictures/{name}.png"
    figure.savefig(HERE / path, dpi=120)
    plt.close(figure)
    return path


if __name__ == "__main__":
    main()
