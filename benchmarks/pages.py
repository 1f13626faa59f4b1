"""Make autoencoder.md and classification.md, their tables and plots, from results/*.csv.

python3 benchmarks/pages.py
"""

from itertools import groupby
from statistics import mean, stdev

import matplotlib.pyplot as plt
import numpy as np
from experiments import AUTOENCODER_CHANGES, ENCODER_SEED, SWEEP_IMAGES
from run import HERE, read_results

from utilities.arguments import DEFAULT_SEED, TRAINING_IMAGES
from utilities.datasets import read_images, split_for_validation
from utilities.figures import BLUE, ORANGE, scale_by_logarithm

SETTINGS = ("layers", "kernels", "filters", "epochs", "batch size", "third pooling")
VERSIONS = ("python", "tensorflow", "keras", "numpy")
ENCODER_SETTINGS = tuple(f"encoder {name}" for name in ("kernels", "filters", "epochs", "third pooling"))
CLASSIFIER_SETTINGS = ("units", "epochs", "batch size")
HOW = """Measured with `python3 benchmarks/run.py`, which runs `{script}.py` with redirected answers and adds to
[results/{script}.csv](results/{script}.csv); `python3 benchmarks/pages.py` makes this page of it.
`python3 benchmarks/run.py --again GROUP` measures a table anew. Seconds are those of all epochs; the machine did other
work beside, so they are an upper bound."""
AUTOENCODER_PAGE = f"""# The autoencoder

Mean squared errors of pixels between 0 and 1, on a tenth of the training images, held out. The test set has no part
in any of this. Each row is the mean of so many seeds, with the spread (the standard deviation) where there is more than
one. A seed draws the held-out images too.

{HOW.format(script="autoencoder")}
"""
CLASSIFIER_PAGE = f"""# The classifier

Cross-entropies and shares of right answers: on a tenth of the training images, held out, by which everything was
chosen; and on the 10,000 images of the test set, which chose nothing. Each row is the mean of so many seeds, with the
spread (the standard deviation). Pre-trained encoders are those of an autoencoder trained on all training images,
without labels, once, with seed {ENCODER_SEED}; random ones have the weights that such an encoder begins with, others
for each seed. All else is the same for both: network, epochs, batches.

{HOW.format(script="classification")}
"""
# Error in % on the test set by labels: Masci et al., "Stacked Convolutional Auto-Encoders", 2011.
MASCI = {"1000": ("7.23", "7.63"), "10000": ("1.88", "2.21"), "60000": ("0.71", "0.79")}


def main():
    """Write the pages and their plots."""
    for script, page in (("autoencoder", autoencoder_page), ("classification", classifier_page)):
        rows = read_results(script)
        versions = sorted({", ".join(f"{name} {row[name]}" for name in VERSIONS) for row in rows})
        (HERE / f"{script}.md").write_text("\n".join([*page(rows), f"\nVersions: {'; '.join(versions)}.\n"]))


def autoencoder_page(rows):
    """Yield the parts of the autoencoder's page."""
    yield AUTOENCODER_PAGE
    best = [row for row in rows if row["group"] in ("best", "default")]
    columns = {
        "code": lambda seeds: seeds[0]["code size"],
        "validation error": lambda seeds: with_spread(seeds, "validation loss", 5),
        "seconds": lambda seeds: with_spread(seeds, "seconds", 0),
    }
    yield f"## The best found, group `best`\n\nOn all 60,000 images.\n\n{table(best, SETTINGS, columns)}"
    yield "\nEarlier work of this kind reached 0.0209 with a code of 64 numbers, in 25 epochs."
    yield f"Principal components of the same images, as many as the code has numbers:\n\n{baseline_table(best)}"
    for group in AUTOENCODER_CHANGES:
        of_group = [row for row in rows if row["group"] == group]
        if of_group:
            yield f"\n## What changes with the {group}, group `{group}`\n\nOn {SWEEP_IMAGES:,} images.\n"
            yield table(of_group, SETTINGS, columns)
            yield f"\n![validation error against {group}]({plot(group, of_group)})"


def classifier_page(rows):
    """Yield the parts of the classifier's page."""
    yield CLASSIFIER_PAGE
    best = [row for row in rows if row["group"] == "best"]
    if best:
        columns = {
            "code": lambda seeds: seeds[0]["code size"],
            "validation loss": lambda seeds: with_spread(seeds, "validation loss", 4),
            "validation accuracy %": lambda seeds: with_spread(seeds, "validation accuracy", 2, factor=100),
            "test accuracy % after phase 1": lambda seeds: with_spread(seeds, "test accuracy after phase 1", 2),
            "test accuracy %": lambda seeds: with_spread(seeds, "test accuracy", 2),
            "seconds": lambda seeds: with_spread(seeds, "seconds", 0),
        }
        yield "## The best found, group `best`\n\nOn all 60,000 images.\n"
        yield table(best, (*ENCODER_SETTINGS, "weights", *CLASSIFIER_SETTINGS), columns)
        yield "\nEarlier work of this kind reached a validation loss of 0.075 without the third pooling.\n"
    few = [row for row in rows if row["group"] == "few labels"]
    yield "## With few labels, group `few labels`\n\nErrors on the test set in %; a tenth of the labels is held out.\n"
    yield few_labels_table(few)
    yield f"\n![test error against labels]({plot_few_labels(few)})\n\nMasci et al. are quoted from memory of the paper."


def few_labels_table(rows):
    """Return the table of errors by number of labels, pre-trained beside random, and Masci's."""
    lines = [
        "| labels | epochs | batch size | pre-trained | random | seeds | Masci, pre-trained | Masci, random |",
        "|" + " --- |" * 8,
    ]
    for labels, (pretrained, random) in by_labels(rows):
        errors = " | ".join(
            with_spread(seeds, "test accuracy", 2, factor=-1, offset=100) for seeds in (pretrained, random)
        )
        first = pretrained[0]
        masci = " | ".join(MASCI.get(labels, ("", "")))
        lines.append(
            f"| {labels} | {first['epochs']} | {first['batch size']} | {errors} | {len(pretrained)} | {masci} |"
        )
    return "\n".join(lines)


def by_labels(rows):
    """Yield each number of labels, with the rows of pre-trained and of random weights."""
    for labels in sorted({row["images"] for row in rows}, key=int):
        of_both = [[r for r in rows if (r["images"], r["weights"]) == (labels, w)] for w in ("pre-trained", "random")]
        if all(of_both):
            yield labels, of_both


def plot_few_labels(rows):
    """Plot the test errors against the number of labels, a point for each seed; return the picture's path."""
    figure, axis = plt.subplots(figsize=(6, 3.8), layout="constrained")
    for place, (name, colour, marker) in enumerate((("pre-trained", BLUE, "o"), ("random", ORANGE, "s"))):
        points = [
            (int(labels), [100 - float(r["test accuracy"]) for r in both[place]]) for labels, both in by_labels(rows)
        ]
        axis.plot([x for x, _ in points], [mean(errors) for _, errors in points], color=colour, label=name)
        for x, errors in points:
            axis.plot([x] * len(errors), errors, marker, color=colour, alpha=0.6)
    axis.set(xlabel="labels", ylabel="test error in %", xscale="log")
    scale_by_logarithm(axis)
    axis.legend(title="encoder's weights")
    axis.grid(alpha=0.3, which="both")
    return save(figure, "few-labels")


def experiments(rows, settings):
    """Yield the rows of each experiment, those of its seeds together, sorted by its settings as numbers."""

    def key(row):
        return [[(int(word), "") if word.isdigit() else (0, word) for word in row[name].split()] for name in settings]

    for _, seeds in groupby(sorted(rows, key=key), key=key):
        yield list(seeds)


def table(rows, settings, columns):
    """Return the table of the experiments that some rows are of.

    Args:
        settings: the names of the columns that tell experiments apart.
        columns: {heading: function of the rows of an experiment's seeds that returns the text}.
    """
    heads = [*settings, *columns, "seeds"]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for seeds in experiments(rows, settings):
        cells = [seeds[0][name] for name in settings] + [text(seeds) for text in columns.values()] + [str(len(seeds))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def with_spread(rows, column, digits, factor=1, offset=0):
    """Return the mean of a column, scaled, and its standard deviation where there are two rows or more."""
    values = [offset + factor * float(row[column]) for row in rows]
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


def baseline_table(rows):
    """Return the table of the errors that principal components leave, at the code sizes of some rows."""
    sizes = sorted({int(row["code size"]) for row in rows})
    errors = principal_component_errors(sizes)
    return "\n".join(
        ["| components | validation error |", "| --- | --- |"]
        + [f"| {size} | {error:.5f} |" for size, error in zip(sizes, errors, strict=True)]
    )


def principal_component_errors(sizes):
    """Return the mean squared errors on the held-out images of so many principal components of the others."""
    images = read_images(TRAINING_IMAGES).reshape(-1, 28 * 28)
    split = split_for_validation(len(images), DEFAULT_SEED)
    training, validation = (images[indices] / np.float32(255) for indices in (split.training, split.validation))
    middle = training.mean(axis=0)
    _, components = np.linalg.eigh(np.cov(training, rowvar=False))  # ascending
    centred = validation - middle
    return [np.square(centred - centred @ (c := components[:, -size:]) @ c.T).mean() for size in sizes]


def plot(group, rows):
    """Plot the errors of a sweep, a point for each seed; return the picture's path from the page."""
    figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
    names = []
    for place, seeds in enumerate(experiments(rows, SETTINGS)):
        errors = [float(row["validation loss"]) for row in seeds]
        axis.plot([place] * len(errors), errors, "o", color=BLUE, alpha=0.6)
        axis.plot([place - 0.2, place + 0.2], [mean(errors)] * 2, color=BLUE)
        names.append(f"{seeds[0][group]}\n({seeds[0]['code size']})")
    axis.set_xticks(range(len(names)), names)
    axis.set(xlabel=f"{group} (and the code's size)", ylabel="validation mean squared error", yscale="log")
    axis.grid(axis="y", alpha=0.3, which="both")
    return save(figure, f"autoencoder-{group.replace(' ', '-')}")


def save(figure, name):
    """Save a picture; return its path from the page."""
    path = f"pictures/{name}.png"
    figure.savefig(HERE / path, dpi=120)
    plt.close(figure)
    return path


if __name__ == "__main__":
    main()
