"""Make autoencoder.md and classification.md, with their tables and plots, from results/*.csv.

pages.py    leaves out what has not been measured
"""

from statistics import mean
from textwrap import fill

from experiments import AUTOENCODERS, CLASSIFIERS
from page_plots import plot_few_labels, plot_test_errors, plot_validation_errors
from page_tables import (
    EARLIER_AUTOENCODER,
    EARLIER_CLASSIFIER,
    by_labels,
    choices_table,
    component_error,
    experiments_table,
    few_labels_tables,
    mean_image_error,
    numbers,
    read_choices,
    with_spread,
)
from page_texts import AUTOENCODER_GROUPS, AUTOENCODER_PAGE, CHOICES, CLASSIFIER_GROUPS, CLASSIFIER_PAGE, WIDTH
from run import HERE, read_results, rows_of

VERSIONS = ("python", "tensorflow", "keras", "numpy")


def main():
    """Write the pages and their plots."""
    for script, page in (("autoencoder", autoencoder_page), ("classification", classifier_page)):
        (HERE / f"{script}.md").write_text("\n\n".join([*page(), f"{measured_with(read_results(script))}\n"]))


def autoencoder_page():
    """Yield the parts of the autoencoder's page."""
    yield AUTOENCODER_PAGE
    columns = {
        "code": lambda rows: rows[0]["code size"],
        "components": lambda rows: f"{component_error(rows):.5f}",
        "validation error": lambda rows: with_spread(numbers(rows, "validation loss"), 5),
        "processor seconds": mean_seconds,
    }
    mean_image = {"mean image": lambda rows: f"{mean_image_error(rows):.5f}"}
    for group, measured in measured_groups(AUTOENCODERS):
        earlier = [EARLIER_AUTOENCODER] if group == "best" else []
        shown = mean_image | columns if group == "small sets" else columns
        table = experiments_table(measured, shown, earlier)
        yield section("autoencoder", group, *AUTOENCODER_GROUPS[group], measured, table)
        if group != "best" and len(measured) > 2:
            yield f"![validation error against {group}]({plot_validation_errors(group, measured)})"
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
        "processor seconds": mean_seconds,
    }
    for group, measured in measured_groups(CLASSIFIERS):
        text = CLASSIFIER_GROUPS[group]
        if group == "few labels":
            if by_labels(measured):
                yield section("classification", group, *text, measured, few_labels_tables(measured))
                yield f"![test error against labels]({plot_few_labels(measured)})"
            continue
        earlier = [EARLIER_CLASSIFIER] if group == "best" else []
        yield section("classification", group, *text, measured, experiments_table(measured, columns, earlier))
        if group not in ("best", "small sets"):
            yield f"![test error against {group}]({plot_test_errors(group, measured)})"
    accuracies = {"frozen": 4, "validation loss": 4, "validation accuracy": 4}
    yield from choices_section("classification", accuracies)


def measured_groups(groups):
    """Yield the name of each group with most of its experiments measured, and these, [(Experiment, rows)].

    A group with few of them has only what it shares with others.
    """
    for group, experiments in groups.items():
        measured = [(experiment, rows) for experiment in experiments if (rows := rows_of(experiment))]
        if 2 * len(measured) > len(experiments):
            yield group, measured


def section(script, group, title, text, measured, table):
    """Return a group's section: its title and text, the command that measures it, and its table."""
    rows = [row for _, of_experiment in measured for row in of_experiment]
    command = f"benchmarks/run.py --again {script}/{group.replace(' ', '-')}"
    return f"## {title}\n\n{fill(text, WIDTH)}\n\n{timed(command, rows)}\n\n{table}"


def choices_section(script, columns):
    """Yield the section about what the questions do not ask, if choices.py has measured it.

    Args:
        columns: {column: digits}.
    """
    rows = read_choices(script)
    if rows:
        command = timed(f"benchmarks/choices.py {script}", rows)
        table = choices_table(rows, columns)
        yield f"## What the questions do not ask\n\n{fill(CHOICES[script], WIDTH)}\n\n{command}\n\n{table}"


def timed(command, rows):
    """Return a command that measures some rows, with the minutes that one processor core took for them all."""
    seconds = numbers(rows, "processor seconds")
    told = f"{sum(seconds) / 60:.0f} minutes of one core" if len(seconds) == len(rows) else "not timed"
    return f"```\n.venv/bin/python {command}    # {told}\n```"


def mean_seconds(rows):
    """Return the mean of the seeds' processor seconds."""
    seconds = numbers(rows, "processor seconds")
    return f"{mean(seconds):.0f}" if seconds else ""


def measured_with(rows):
    """Return a line on the versions and the processors that a script's results were measured with."""
    if not rows:
        return "Nothing has been measured with today's training code yet."
    versions = sorted({", ".join(f"{name} {row[name]}" for name in VERSIONS) for row in rows})
    processors = sorted({row["processor"] for row in rows})
    return f"Versions: {'; '.join(versions)}. Measured on {'; '.join(processors)}."


if __name__ == "__main__":
    main()
