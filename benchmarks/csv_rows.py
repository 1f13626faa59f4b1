"""The CSV files that the benchmarks keep what they measured in."""

import csv


def read_rows(path):
    """Return the rows of a file, [{column: text}]; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append_rows(path, columns, rows):
    """Add rows, {column: value}, to a file, which begins with the columns' names."""
    begins = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns)
        if begins:
            writer.writeheader()
        writer.writerows(rows)
