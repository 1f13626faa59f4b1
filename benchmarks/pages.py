"""Make autoencoder.md and classification.md, with their tables and plots, from results/*.csv.

pages.py
"""

from textwrap import fill

from experiments import AUTOENCODERS, CLASSIFIERS
from page_plots import plot_few_labels, plot_test_errors, plot_validation_errors
from page_tables import (
    EARLIER_AUTOENCODER,
    EARLIER_CLASSIFIER,
    choices_table,
    component_errors,
    experiments_table,
    few_labels_tables,
    numbers,
    read_choices,
    with_spread,
)
from page_texts import AUTOENCODER_GROUPS, AUTOENCODER_PAGE, CHOICES, CLASSIFIER_GROUPS, CLASSIFIER_PAGE
from run import HERE, read_results, rows_of

WIDTH = 120
VERSIONS = ("python", "tensorflow", "keras", "numpy")


def main():
    """Write the pages and their plots."""
    for script, page in (("autoencoder", autoencoder_page), ("classification", classifier_page)):
        (HERE / f"{script}.md").write_text("\n\n".join([*page(), f"{measured_with(read_results(script))}\n"]))


def autoencoder_page():
    """Yield the parts of the autoencoder's page."""
    yield AUTOENCODER_PAGE
    for group, measured in measured_groups(AUTOENCODERS):
        components = component_errors(measured)
        columns = {
            "code": lambda rows: rows[0]["code size"],
            "components": lambda rows, components=components: f"{components[rows[0]['code size']]:.5f}",
            "validation error": lambda rows: with_spread(numbers(rows, "validation loss"), 5),
            "seconds": least_seconds,
        }
        earlier = [EARLIER_AUTOENCODER] if group == "best" else []
        table = experiments_table(measured, columns, earlier)
        yield section("autoencoder", group, *AUTOENCODER_GROUPS[group], measured, table)
        if len(measured) > 2:
            yield f"![validation error against {group}]({plot_validation_errors(group, measured, components)})"
    yield from choices_section("autoencoder", {"validation error": 5})


def classifier_page():
    """Yield the parts of the classifier's page."""
    yield CLASSIFIER_PAGE
    columns = {
        "code": lambda rows: rows[0]["code size"],
        "validation loss": lambda rows: with_spread(numbers(rows, "validation loss"), 4),
        "validation %": lambda rows: with_spread(numbers(rows, "validation accuracy", 100), 2),
        "test %, frozen": lambda rows: with_spread(numbers(rows, "test accuracy after phase 1"), 2),
        "test %": lambda rows: with_spread(numbers(rows, "test accuracy"), 2),
        "seconds": least_seconds,
    }
    for group, measured in measured_groups(CLASSIFIERS):
        text = CLASSIFIER_GROUPS[group]
        if group == "few labels":
            yield section("classification", group, *text, measured, few_labels_tables(measured))
            yield f"![test error against labels]({plot_few_labels(measured)})"
            continue
        earlier = [EARLIER_CLASSIFIER] if group == "best" else []
        yield section("classification", group, *text, measured, experiments_table(measured, columns, earlier))
        if group != "best":
            yield f"![test error against {group}]({plot_test_errors(group, measured)})"
    yield from choices_section("classification", {"validation loss": 4, "validation accuracy": 4})


def measured_groups(groups):
    """Yield the name of each group that has measured experiments, and these, [(Experiment, rows)]."""
    for group, experiments in groups.items():
        measured = [(experiment, rows) for experiment in experiments if (rows := rows_of(experiment))]
        if measured:
            yield group, measured


def section(script, group, title, text, measured, table):
    """Return a group's section: its title and text, the command that measures it, and its table."""
    minutes = sum(sum(numbers(rows, "seconds")) for _, rows in measured) / 60
    command = f".venv/bin/python benchmarks/run.py --again {script}/{group.replace(' ', '-')}"
    return f"## {title}\n\n{fill(text, WIDTH)}\n\n```\n{command}    # {minutes:.0f} minutes\n```\n\n{table}"


def choices_section(script, columns):
    """Yield the section about what the questions do not ask, if choices.py has measured it.

    Args:
        columns: {column: digits}.
    """
    rows = read_choices(script)
    if rows:
        command = "```\n.venv/bin/python benchmarks/choices.py\n```"
        table = choices_table(rows, columns)
        yield f"## What the questions do not ask\n\n{fill(CHOICES[script], WIDTH)}\n\n{command}\n\n{table}"


def least_seconds(rows):
    """Return the seconds of the fastest seed."""
    return f"{min(numbers(rows, 'seconds')):.0f}"


def measured_with(rows):
    """Return the versions and the processors that all results of a script were measured with, in a line."""
    versions = sorted({", ".join(f"{name} {row[name]}" for name in VERSIONS) for row in rows})
    cores = sorted({row["cores"] for row in rows})
    processors = sorted({row["processor"] for row in rows})
    return f"Versions: {'; '.join(versions)}. Measured on {' or '.join(cores)} cores of {'; '.join(processors)}."


if __name__ == "__main__":
    main()
