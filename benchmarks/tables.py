"""Fill the tables of the pages from results/NAME.csv, and run the commands above those that are named.

tables.py            fills all tables
tables.py NAME ...   runs the commands above these, one after another, and fills all

A table stands between <!-- table: NAME --> and <!-- end -->, after a block of the commands that measure it. Their runs
are kept in data/runs: what was measured by the same code is not measured again.
"""

import argparse
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import HERE, describe_machine, fill, markdown_table, read_rows, write_rows

PAGES = [HERE / name for name in ("autoencoder.md", "classification.md")]
COMMANDS = re.compile(r"```\n((?:(?!```).)*?)```\s*<!-- table: (\S+) -->", re.DOTALL)
NOTHING = "Not measured yet."
# What a table shows of each experiment: {column of the CSV file: (head, factor, format)}.
MEASURED = {
    "val_loss": ("validation loss", 1, "{:#.3g}"),
    "principal_components": ("components", 1, "{:#.3g}"),
    "val_accuracy": ("validation %", 100, "{:.2f}"),
    "test_after_phase_1_accuracy": ("test %, frozen", 100, "{:.2f}"),
    "test_accuracy": ("test %", 100, "{:.2f}"),
    "seconds": ("seconds", 1, "{:.0f}"),
}
APART = {"run", "seed", "machine", "program", "python", "tensorflow", "keras", "numpy"}


def main():
    """Run what is asked for, and fill the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = {name: text for page in PAGES for text, name in COMMANDS.findall(page.read_text())}
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(commands))
    for name in parser.parse_args().names:
        write_rows(results(name), [row for line in lines(commands[name]) for row in measure(line)])
    for page in PAGES:
        fill(page, table)


def results(name):
    """Return the path of what was measured for a table."""
    return HERE / "results" / f"{name}.csv"


def lines(block):
    """Return the commands of a block; a backslash at a line's end goes on with the next."""
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def measure(line):
    """Run a command of a page; return a row for each of its experiments, {column: text}."""
    _, *words = shlex.split(line.partition("<")[0])
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder, "measured.csv")
        command = [sys.executable, *words, "--runs", "data/runs", "--csv", csv]
        subprocess.run(command, cwd=HERE, stdin=subprocess.DEVNULL, check=True)
        return [row | {"machine": describe_machine()} for row in read_rows(csv)]


def table(name):
    """Return the table of what was measured: a line for all that differ in their seed alone."""
    rows = read_rows(results(name))
    if not rows:
        return NOTHING
    settings = [column for column in rows[0] if column not in APART and not is_measured(column)]
    same = {column: rows[0].get(column) for column in settings if len({row.get(column) for row in rows}) == 1}
    differing = [column for column in settings if column not in same]
    measured = {column: of for column, of in MEASURED.items() if all(row.get(column) for row in rows)}
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row.get(column, "") for column in differing), []).append(row)
    shown = [
        [*key, *(mean(group, column, *of) for column, (_, *of) in measured.items()), str(len(group))]
        for key, group in groups.items()
    ]
    heads = [*differing, *(head for head, *_ in measured.values()), "seeds"]
    told = ", ".join(f"{column} {text}" for column, text in same.items() if text)
    machines = "; ".join(sorted({row["machine"] for row in rows}))
    return f"{markdown_table(heads, shown)}\n\nAll rows: {told}. On {machines}."


def is_measured(column):
    """Tell whether a column of a CSV file is what came of an experiment."""
    return column in MEASURED or column.startswith(("val_", "test_"))


def mean(group, column, factor, shape):
    """Return the mean of a column over the seeds, with the standard deviation where there are several, as a text."""
    values = [factor * float(row[column]) for row in group]
    spread = f" ± {shape.format(statistics.stdev(values))}" if len(values) > 1 else ""
    return f"{shape.format(statistics.fmean(values))}{spread}"


if __name__ == "__main__":
    main()
