"""Make README.md, the table of what measure.py measured, from results.csv.

python3 benchmarks/performance/page.py
"""

import csv
from itertools import pairwise
from math import prod
from statistics import median

from breakdown import BREAKDOWN
from footprint import OTHERS
from jobs import DEFAULT, JOBS, Job
from measure import MATRIX_SIDE, RESULTS

from utilities.network.architecture import RECONSTRUCTION_KERNEL, feature_maps

PAGE = RESULTS.with_name("README.md")
OURS = "this project"
INTRODUCTION = """# Speed and memory

The same jobs, data, answers and seed with this project's scripts, with a textbook Keras script
([textbook.py](textbook.py)) and with PyTorch ([pytorch.py](pytorch.py)), one after another in each of some rounds:

```
python3 -m venv torch && torch/bin/pip install torch==2.13.0 numpy && .venv/bin/pip install idx2numpy
.venv/bin/python benchmarks/performance/measure.py --torch torch/bin/python
.venv/bin/python benchmarks/performance/breakdown.py
.venv/bin/python benchmarks/performance/page.py
```

Seconds are those of the training, from its first phase's begin to its last epoch's end, compiling included and imports
not. CPU seconds and peak memory are the whole process's. All are medians; ratios are medians of the rounds' own, with
the least and the greatest, above 1 where this project needs less. What takes minutes more was run in the first round
alone. The share of matrix products is that of the machine's rate of them that the operations of the layers as written
come to, those that this project has ways not to do among them: it can be more than all.
"""


def main():
    """Write the page."""
    with RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    PAGE.write_text("\n".join(parts(rows)) + "\n")


def parts(rows):
    """Yield the parts of the page."""
    yield INTRODUCTION
    rounds = [row["contestant"] for row in rows if row["job"] == "machine"]
    rate = median(2 * MATRIX_SIDE**3 / float(row["seconds"]) for row in rows if row["job"] == "matrix product")
    yield (
        f"{len(rounds)} round{'s'[: len(rounds) > 1]}, on {'; '.join(sorted(set(rounds)))}. "
        f"NumPy's float32 matrix products reach {rate / 1e9:.0f} GFLOP/s there.\n"
    )
    for name, job in JOBS.items():
        yield f"\n## {name[0].upper()}{name[1:]}\n\n{job_table(rows, name, job, rate)}"
    for name in OTHERS:
        yield f"\n## {name[0].upper()}{name[1:]}\n\n{plain_table(rows, name)}"
    yield f"\n## Where the time goes\n\n{breakdown_table(rate)}"


def job_table(rows, name, job, rate):
    """Return the table of a job: a line for each contestant."""
    lines = [
        "| | images/s | seconds | ratio | CPU seconds | ratio | peak MB | ratio | share of matrix products |",
        "|" + " --- |" * 9,
    ]
    of_job = [row for row in rows if row["job"] == name]
    for contestant in dict.fromkeys(row["contestant"] for row in of_job):
        cells = [f"{middle(of_job, contestant, 'images_per_second'):.0f}"]
        for column, digits in (("seconds", 1), ("cpu_seconds", 1), ("peak_megabytes", 0)):
            cells += [f"{middle(of_job, contestant, column):.{digits}f}", ratio(of_job, contestant, column)]
        share = middle(of_job, contestant, "images_per_second") * operations(job) / rate
        cells.append(f"{share:.0%}" if job.phases == 2 or not job.classifier else "")
        lines.append(f"| {contestant} | {' | '.join(cells)} |")
    return "\n".join(lines)


def plain_table(rows, name):
    """Return the table of what is not a job: seconds, then memory or the ratio to this project where there is one."""
    of_job = [row for row in rows if row["job"] == name]
    contestants = list(dict.fromkeys(row["contestant"] for row in of_job))
    extra = "ratio" if OURS in contestants else "peak MB"
    lines = [f"| | seconds | {extra} |", "| --- | --- | --- |"]
    for contestant in contestants:
        memory = middle(of_job, contestant, "peak_megabytes")
        cell = ratio(of_job, contestant, "seconds") if OURS in contestants else f"{memory:.0f}" if memory else ""
        lines.append(f"| {contestant} | {middle(of_job, contestant, 'seconds'):.3g} | {cell} |")
    return "\n".join(lines)


def breakdown_table(rate):
    """Return the table of what breakdown.py traced, and how far it is from the rate of matrix products, in 1/s."""
    with BREAKDOWN.open(newline="") as file:
        seconds = {name: float(value) for name, value in csv.reader(file)}
    epoch, images = seconds.pop("epoch"), seconds.pop("images")
    total = sum(seconds.values())
    convolutions = sum(value for kind, value in seconds.items() if kind.startswith("convolution"))
    least = images * operations(Job(DEFAULT)) / rate
    lines = ["| the default autoencoder, an epoch traced | share of the cores' time |", "| --- | --- |"]
    lines += [f"| {kind} | {value / total:.0%} |" for kind, value in seconds.items()]
    lines.append(
        f"""
The epoch of {images:.0f} images took {epoch:.1f} s on {total / epoch:.0f} cores. At the rate of matrix products, the
products and sums of its convolutions as written would take {least:.1f} s; with those left out that transforms and
upsamplings folded into the next convolution save, they took {convolutions * epoch / total:.1f} s. Were they the only
work, the epoch would be {total / convolutions:.2f} times as fast: so much, at most, could still be gained
around them. *Waiting* is a core without an operation of its own, which computes a part of another's, or nothing."""
    )
    return "\n".join(lines)


def middle(rows, contestant, column):
    """Return the median of a contestant's column, or None where it was not measured."""
    values = [float(row[column]) for row in rows if row["contestant"] == contestant and row[column]]
    return median(values) if values else None


def ratio(rows, contestant, column):
    """Return how many times what this project needs a contestant needs, round by round."""
    by_round = {(row["contestant"], row["round"]): float(row[column]) for row in rows}
    ratios = [
        value / by_round[OURS, number]
        for (who, number), value in by_round.items()
        if who == contestant and (OURS, number) in by_round
    ]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def operations(job):
    """Return the floating-point operations that training takes for an image, in each of the job's phases on average.

    Counted are the products and sums of the layers as written, once forward and twice backward; of a classifier's
    first phase none, of its encoder, as it need not be computed again.
    """
    encoder, decoder = products(job.autoencoder)
    if job.classifier:
        return 3 * 2 * encoder / 2
    return 3 * 2 * (encoder + decoder)


def products(autoencoder):
    """Return the products of an image's way through the encoder, and through the decoder."""
    encoded, decoded = feature_maps((28, 28), autoencoder.filters, autoencoder.third_pooling)
    kernels = [prod(size) for size in autoencoder.kernel_sizes]
    # A convolution works on the map before it, and makes the channels of the map after it.
    encoder, decoder = (
        sum(prod(before) * taps * after[-1] for (before, after), taps in zip(pairwise(maps), of_maps, strict=True))
        for maps, of_maps in ((encoded, kernels), (decoded, [*reversed(kernels), prod(RECONSTRUCTION_KERNEL)]))
    )
    return encoder, decoder


if __name__ == "__main__":
    main()
