"""Fill the tables of autoencoder.md, classification.md and performance/README.md, and draw the plots of the first two.

pages.py

A table stands between <!-- table: NAME --> and <!-- end -->; all else is written in the page.
"""

from common import fill, read_rows
from page_plots import plot
from page_tables import command, experiments_table, measured_of, speed_table, times_table
from run import GROUPS, HERE

PAGES = ("autoencoder.md", "classification.md", "performance/README.md")
NOTHING = "Nothing has been measured with today's code yet."


def main():
    """Fill the tables, and draw the plots."""
    for page in PAGES:
        fill(HERE / page, table)
    for group in GROUPS:
        plot(group, measured_of(group))


def table(name):
    """Return what a page shows under a name: what is measured of a GROUP, or of speed, time or machine, and which."""
    kind, _, which = name.partition("/")
    match kind:
        case "speed":
            return speed_table(which.split(" + "))
        case "time":
            return times_table(which)
        case "machine":
            machines = {row["machine"] for row in read_rows(HERE / which)} - {""}
            return f"Measured on {'; '.join(sorted(machines))}." if machines else NOTHING
    measured = measured_of(name)
    return f"{command(name, measured)}\n\n{experiments_table(name, measured)}" if measured else NOTHING


if __name__ == "__main__":
    main()
