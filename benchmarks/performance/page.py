"""Fill the tables of README.md here, between <!-- table: NAME --> and <!-- end -->, from what was measured.

page.py
"""

import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import fill, markdown_table, read_rows
from speed import HERE, RESULTS
from time_to_result import TIMES, is_reached


def main():
    """Fill the tables."""
    fill(HERE / "README.md", table)


def table(name):
    """Return what the page shows under a name: of speed, of a time to a result, or of the machine."""
    kind, _, which = name.partition("/")
    match kind:
        case "speed":
            return speed_table(which.split(" + "))
        case "time":
            return times_table(which)
    return f"Measured on {'; '.join(sorted({row['machine'] for row in read_rows(HERE / which)} - {''}))}."


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


if __name__ == "__main__":
    main()
