"""Make autoencoder.md, its tables and plots, from results/autoencoder.csv.

python3 benchmarks/pages.py
"""

from itertools import groupby
from statistics import mean, stdev

import matplotlib.pyplot as plt
import numpy as np
from experiments import AUTOENCODER_CHANGES, SWEEP_IMAGES
from run import HERE, read_results

from utilities.arguments import DEFAULT_SEED, TRAINING_IMAGES
from utilities.datasets import read_images, split_for_validation

BLUE = "#0072B2"
SETTINGS = ("layers", "kernels", "filters", "epochs", "batch size", "third pooling")
VERSIONS = ("python", "tensorflow", "keras", "numpy")
INTRODUCTION = """# The autoencoder

Mean squared errors of pixels between 0 and 1, on a tenth of the training images, held out. The test set has no part
in any of this. Each row is the mean of so many seeds, with the spread (the standard deviation) where there is more than
one. A seed draws the held-out images too.

Measured with `python3 benchmarks/run.py`, which runs `autoencoder.py` with redirected answers and adds to
[results/autoencoder.csv](results/autoencoder.csv); `python3 benchmarks/pages.py` makes this page of it.
`python3 benchmarks/run.py --again GROUP` measures a table anew.
"""


def main():
    """Write the page and its plots."""
    rows = read_results("autoencoder")
    (HERE / "autoencoder.md").write_text("\n".join(page(rows)) + "\n")


def page(rows):
    """Yield the parts of the page."""
    yield INTRODUCTION
    best = [row for row in rows if row["group"] == "best"]
    yield f"## The best found, group `best`\n\nOn all 60,000 images.\n\n{table(best)}"
    yield f"\nPrincipal components of the same images, as many as the code has numbers:\n\n{baseline_table(best)}"
    for group in AUTOENCODER_CHANGES:
        of_group = [row for row in rows if row["group"] == group]
        if of_group:
            yield f"\n## What changes with the {group}, group `{group}`\n\nOn {SWEEP_IMAGES:,} images.\n"
            yield table(of_group)
            yield f"\n![validation error against {group}]({plot(group, of_group)})"
    yield f"\nVersions: {'; '.join(sorted({', '.join(f'{name} {row[name]}' for name in VERSIONS) for row in rows}))}."


def experiments(rows):
    """Yield the rows of each experiment, those of its seeds together."""
    by_settings = sorted(rows, key=settings)
    for _, seeds in groupby(by_settings, key=settings):
        yield list(seeds)


def settings(row):
    """Return the answers of a row, sorted as numbers where they are."""
    return [[int(word) if word.isdigit() else word for word in row[name].split()] for name in SETTINGS]


def table(rows):
    """Return the table of the experiments that some rows are of."""
    lines = [
        f"| {' | '.join(SETTINGS)} | code | validation error | seeds |",
        "|" + " --- |" * (len(SETTINGS) + 3),
    ]
    for seeds in experiments(rows):
        answers = " | ".join(seeds[0][name] for name in SETTINGS)
        error = with_spread([float(row["validation loss"]) for row in seeds])
        lines.append(f"| {answers} | {seeds[0]['code size']} | {error} | {len(seeds)} |")
    return "\n".join(lines)


def with_spread(values):
    """Return the mean of some values, and their standard deviation where there are two or more."""
    return f"{mean(values):.5f}" + (f" ± {stdev(values):.5f}" if len(values) > 1 else "")


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
    for place, seeds in enumerate(experiments(rows)):
        errors = [float(row["validation loss"]) for row in seeds]
        axis.plot([place] * len(errors), errors, "o", color=BLUE, alpha=0.6)
        axis.plot([place - 0.2, place + 0.2], [mean(errors)] * 2, color=BLUE)
        names.append(f"{seeds[0][group]}\n({seeds[0]['code size']})")
    axis.set_xticks(range(len(names)), names)
    axis.set(xlabel=f"{group} (and the code's size)", ylabel="validation mean squared error", yscale="log")
    axis.grid(axis="y", alpha=0.3, which="both")
    path = f"pictures/autoencoder-{group.replace(' ', '-')}.png"
    figure.savefig(HERE / path, dpi=120)
    plt.close(figure)
    return path


if __name__ == "__main__":
    main()
