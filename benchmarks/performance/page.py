"""Make README.md, with tables of what measure.py, breakdown.py and time_to_result.py measured, from their CSV files.

python3 benchmarks/performance/page.py
"""

import csv
import sys
from collections import defaultdict
from itertools import pairwise
from math import prod
from pathlib import Path
from statistics import median
from textwrap import fill

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from csv_rows import read_rows
from footprint import OTHERS
from jobs import BREAKDOWN, DEFAULT, HERE, JOBS, RESULTS
from markdown_table import markdown_table
from measure import MATRIX_SIDE
from run import IMAGE_SHAPE
from stages import FIRST_STEPS, STAGES
from time_to_result import GOALS, rows_of

from utilities.network.architecture import RECONSTRUCTION_KERNEL, feature_maps

OURS = "this project"
WIDTH = 120
INTRODUCTION = """# Speed and memory

The same jobs, with the same data, answers and seed, done by this project's scripts, by a textbook Keras script
([textbook.py](textbook.py)) and by PyTorch ([pytorch.py](pytorch.py)), one after another in each of several rounds:

```
python3 -m venv torch && torch/bin/pip install torch==2.13.0 numpy
python3 -m venv jax && jax/bin/pip install -r requirements-jax.txt
.venv/bin/pip install -r requirements.txt idx2numpy
.venv/bin/python benchmarks/performance/measure.py --torch torch/bin/python --jax jax/bin/python
.venv/bin/python benchmarks/performance/breakdown.py
.venv/bin/python benchmarks/performance/page.py
```

No package is installed beside these: Keras imports scikit-learn, and TensorFlow JAX, where they find them. This
project's scripts do not let them.

Seconds, CPU seconds and peak memory are those of whole processes, from their start to their end, and medians over the
rounds; of two scripts the sums, and the larger peak. A ratio is the median of each round's own ratio to this project,
with the least and the greatest: above 1, this project needs less. All train and validate alike, and a classifier, on
an untrained encoder, is measured on the 10,000 test images after each phase. This project's scripts also draw
pictures, and keep networks, checkpoints and results; the others keep nothing. PyTorch is eager: in jobs of minutes
its compiler has taken longer than it saved. What takes minutes longer was run in the first round only.
"""
SECTIONS = {
    "Both scripts, filters 16 16 16": ("autoencoder, 16 16 16", "classifier, 16 16 16"),
    "Both scripts, filters 32 64 64": ("autoencoder, 32 64 64", "classifier, 32 64 64"),
    "The default autoencoder": ("autoencoder, default",),
    "An epoch of 60,000 images": ("autoencoder, 60,000 images",),
}
BACKENDS = """The second of two epochs of the default network, on 13,500 of 15,000 images, with its validation. What the
first takes longer is compiling."""
TIME_TO_RESULT = """Seconds of the whole process, imports included, until the tenth of 15,000 images that is held out
has the error or the accuracy that PyTorch ends at after its epochs, with the default network and batch sizes:

```
.venv/bin/python benchmarks/performance/time_to_result.py --torch torch/bin/python --rates 0.001 0.003
```

This project's learning rate falls to 0 over the epochs asked for, so what counts is the shortest run whose end reaches
the result, from the first import to the last picture. The others, whose rate is constant, count up to the epoch that
reaches it. What trying several numbers of epochs takes is not counted for any. Classifiers begin with random weights:
this project's script trains in two phases, of as many epochs each, the others everything at once. The last row is this
project at an earlier revision, one before Muon unless `--earlier` names another."""


def main():
    """Write the page."""
    (HERE / "README.md").write_text("\n".join(parts(read_rows(RESULTS))) + "\n")


def parts(rows):
    """Yield the parts of the page."""
    yield INTRODUCTION
    rounds = [row["contestant"] for row in rows if row["job"] == "machine"]
    rate = median(2 * MATRIX_SIDE**3 / float(row["seconds"]) for row in rows if row["job"] == "matrix product")
    yield (
        f"{len(rounds)} round{'s'[: len(rounds) > 1]}, on {'; '.join(sorted(set(rounds)))}. "
        f"NumPy's float32 matrix products reach {rate / 1e9:.0f} GFLOP/s there.\n"
    )
    for title, jobs in SECTIONS.items():
        yield f"\n## {title}\n\n{'; '.join(map(in_words, jobs))}.\n\n{whole_table(rows, jobs)}"
        yield from (f"\n{stage_table(rows, name)}" for name in jobs)
    yield f"\n## Backends and cores\n\n{BACKENDS}\n\n{backend_table(rows)}"
    for name in OTHERS:
        yield f"\n## {name[0].upper()}{name[1:]}\n\n{plain_table(rows, name)}"
    yield f"\n## Where the time goes\n\n{breakdown_table(rate)}"
    if times := rows_of({}):
        yield from time_parts(times)


def in_words(name):
    """Return what is asked for in one of JOBS."""
    job, answers = JOBS[name], JOBS[name].hyperparameters
    epochs = f"{answers.epochs} epoch{'s' * (answers.epochs > 1)}"
    if job.classifier:
        network, epochs = f"{answers.units} units", f"{epochs} a phase"
    else:
        labels = answers.labels()
        network = f"kernels {labels['kernels']}, filters {labels['filters']}"
    script, _, _ = name.partition(",")
    return f"{script}: {job.images:,} images, {network}, {epochs} of batches of {answers.batch_size}"


def whole_table(rows, jobs):
    """Return the table of some of JOBS, done one after another, with a row for each contestant."""
    summed = sums(rows, jobs)
    table = []
    for contestant in dict.fromkeys(row["contestant"] for row in summed):
        cells = []
        for column, digits in (("seconds", 1), ("cpu_seconds", 1), ("peak_megabytes", 0)):
            cells += [f"{middle(summed, contestant, column):.{digits}f}", ratio(summed, contestant, column)]
        table.append([contestant, *cells])
    return markdown_table(["contestant", "seconds", "ratio", "CPU seconds", "ratio", "peak MB", "ratio"], table)


def sums(rows, jobs):
    """Return a row for each contestant and round in which all of some jobs were done."""
    done = defaultdict(list)
    for row in rows:
        if row["job"] in jobs:
            done[row["contestant"], row["round"]].append(row)
    return [
        {
            "contestant": contestant,
            "round": number,
            **{column: sum(float(row[column]) for row in of_round) for column in ("seconds", "cpu_seconds")},
            "peak_megabytes": max(float(row["peak_megabytes"]) for row in of_round),
        }
        for (contestant, number), of_round in done.items()
        if len(of_round) == len(jobs)
    ]


def stage_table(rows, name):
    """Return the table of the seconds of each stage of one of JOBS, with a column for each contestant."""
    of_job = [row for row in rows if row["job"] == name]
    contestants = list(dict.fromkeys(row["contestant"] for row in of_job))
    table = []
    for stage in STAGES:
        values = [middle(of_job, contestant, stage) for contestant in contestants]
        if any(values):
            table.append([stage, *("" if value is None else f"{value:.1f}" for value in values)])
    return markdown_table([f"{name.partition(',')[0]}, seconds", *contestants], table)


def backend_table(rows):
    """Return the table of an epoch on each backend."""
    of_job = [row for row in rows if row["job"] == "backends"]
    table = [
        [name, *(f"{middle(of_job, name, column):.1f}" for column in ("seconds", FIRST_STEPS))]
        for name in dict.fromkeys(row["contestant"] for row in of_job)
    ]
    return markdown_table(["backend", "seconds of the second epoch", "of the first, more"], table)


def plain_table(rows, name):
    """Return the table of one of OTHERS: seconds, and the ratio to this project, or memory where it has no part."""
    of_job = [row for row in rows if row["job"] == name]
    contestants = list(dict.fromkeys(row["contestant"] for row in of_job))
    extra = "ratio" if OURS in contestants else "peak MB"
    table = []
    for contestant in contestants:
        memory = middle(of_job, contestant, "peak_megabytes")
        cell = ratio(of_job, contestant, "seconds") if OURS in contestants else f"{memory:.0f}" if memory else ""
        table.append([contestant, f"{middle(of_job, contestant, 'seconds'):.3g}", cell])
    return markdown_table(["measured", "seconds", extra], table)


def breakdown_table(rate):
    """Return the table of what breakdown.py traced, and a comparison with a rate of floating-point operations."""
    with BREAKDOWN.open(newline="") as file:
        seconds = {name: float(value) for name, value in csv.reader(file)}
    epoch, images = seconds.pop("epoch"), seconds.pop("images")
    total = sum(seconds.values())
    convolutions = sum(value for kind, value in seconds.items() if kind.startswith("convolution"))
    least = images * operations(DEFAULT) / rate
    heads = ["the default autoencoder, an epoch traced", "share of the cores' time"]
    table = markdown_table(heads, [[kind, f"{value / total:.0%}"] for kind, value in seconds.items()])
    text = f"""The epoch of {images:,.0f} images took {epoch:.1f} s on {total / epoch:.0f} cores, its convolutions
{convolutions * epoch / total:.1f} s of that. At the rate of matrix products, the convolutions as written would take
{least:.1f} s; Fourier transforms, and upsamplings folded into the convolutions after them, save arithmetic. If the
convolutions were the only work, the epoch would be {total / convolutions:.2f} times as fast: no more than that can be
gained elsewhere. *Waiting*: a core has no operation of its own, and computes a part of another core's, or is idle."""
    return f"{table}\n\n{fill(text, WIDTH)}"


def time_parts(rows):
    """Yield the section of what time_to_result.py measured, with a table for each goal."""
    yield f"\n## Time to a result\n\n{TIME_TO_RESULT}"
    for goal in dict.fromkeys(row["goal"] for row in rows):
        of_goal = [row for row in rows if row["goal"] == goal]
        table = [line for seed in sorted({row["seed"] for row in of_goal}) for line in time_lines(of_goal, goal, seed)]
        yield f"\n{markdown_table([goal, 'epochs', 'seconds', 'ratio', 'seed'], table)}"
    yield f"\nMeasured on {'; '.join(sorted({row['machine'] for row in rows}))}."


def time_lines(rows, goal, seed):
    """Yield the line of each contestant with a seed: its last trial, and the seconds as a ratio to this project's."""
    last = {row["contestant"]: row for row in rows if row["seed"] == seed}
    target = float(next(iter(last.values()))["validation"])
    for contestant, row in last.items():
        begins = [f"{contestant}: {row['validation']}", row["epochs"], row["seconds"]]
        reached = GOALS[goal].is_reached(target, float(row["validation"]))
        ratio_to_ours = f"{float(row['seconds']) / float(last[OURS]['seconds']):.2f}"
        yield [*begins, ratio_to_ours if reached else "not reached", seed]


def middle(rows, contestant, column):
    """Return the median of a column for a contestant, or None where it was not measured."""
    values = [float(row[column]) for row in rows if row["contestant"] == contestant and row[column]]
    return median(values) if values else None


def ratio(rows, contestant, column):
    """Return the ratio of a contestant to this project, as a text: the median over the rounds, least and greatest."""
    by_round = {(row["contestant"], row["round"]): float(row[column]) for row in rows}
    ratios = [
        value / by_round[OURS, number]
        for (who, number), value in by_round.items()
        if who == contestant and (OURS, number) in by_round
    ]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def operations(autoencoder):
    """Return the floating-point operations of training an autoencoder on one image.

    These are the multiplications and additions of the convolutions as written, once in the forward and twice in the
    backward pass.
    """
    encoded, decoded = feature_maps(IMAGE_SHAPE, autoencoder.filters, autoencoder.third_pooling)
    kernels = [prod(size) for size in autoencoder.kernel_sizes]
    # A convolution has the sides of the map before it and the channels of the map after it.
    multiplications = (
        prod(before) * taps * after[-1]
        for maps, of_maps in ((encoded, kernels), (decoded, [*reversed(kernels), prod(RECONSTRUCTION_KERNEL)]))
        for (before, after), taps in zip(pairwise(maps), of_maps, strict=True)
    )
    return 3 * 2 * sum(multiplications)


if __name__ == "__main__":
    main()
