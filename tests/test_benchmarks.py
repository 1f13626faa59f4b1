"""The benchmarks: what they use of the project exists, and pages are made of results. They are too slow to run here."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import SOURCE

from utilities.network import layers
from utilities.network.hyperparameters import TrainingData
from utilities.terminal.console import Console

BENCHMARKS = SOURCE.parent / "benchmarks"
SCRIPTS = sorted(BENCHMARKS.rglob("*.py"))
MODULES = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in SOURCE.rglob("*.py")}
MODULES |= {path.stem: path for path in SCRIPTS}
WITH_ARGUMENTS = [path for path in SCRIPTS if {"ArgumentParser", "__main__"} <= {*re.findall(r"\w+", path.read_text())}]


def names_in(path):
    """Return the names that a module defines or imports."""
    names, waiting = set(), ast.parse(path.read_text()).body
    while waiting:
        node, *waiting = waiting
        if isinstance(node, ast.If):
            waiting += node.body + node.orelse
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            stored = (part for part in ast.walk(node) if isinstance(getattr(part, "ctx", None), ast.Store))
            names |= {part.id for part in stored if isinstance(part, ast.Name)}
    return names


def unknown_names(source):
    """Yield what a module's source uses of this project's modules, and these do not have."""
    imported = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in {"utilities", *MODULES}:
            for alias in node.names:
                full_name = f"{node.module}.{alias.name}"
                if full_name in MODULES:
                    imported[alias.name] = MODULES[full_name]
                elif node.module not in MODULES or alias.name not in names_in(MODULES[node.module]):
                    yield full_name
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            if node.attr not in names_in(imported[node.value.id]):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Constant) and "\nfrom utilities" in str(node.value):  # a program to run
            yield from unknown_names(node.value)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_benchmark_uses_of_the_project_exists(path):
    assert list(unknown_names(path.read_text())) == []


@pytest.mark.parametrize("path", WITH_ARGUMENTS, ids=lambda path: path.stem)
def test_a_benchmark_starts_as_a_script_in_any_folder(path, tmp_path):
    done = subprocess.run([sys.executable, path, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {path.name} ")


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """The module ``pages``, which writes to a folder of the test's own, and computes no components."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import page_plots
    import page_tables
    import pages

    (tmp_path / "pictures").mkdir()
    for module in (pages, page_plots):
        monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(page_tables, "errors_by_components", lambda count, seed: [0.07] + [0.01] * 784)
    return pages


def test_each_experiment_of_a_group_has_settings_of_its_own_that_the_questions_take(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import experiments
    import run

    for name, group in run.GROUPS.items():
        settings = [tuple(run.settings_of(one, seed).items()) for one in group for seed in one.seeds]
        assert len(set(settings)) == len(settings), name
        for one in group:
            assert ask_again(one.hyperparameters) == one.hyperparameters, name
            assert one.encoder is None or ask_again(one.encoder) == one.encoder, name
            assert (one.weights in experiments.WEIGHTS) == (one.encoder is not None), name


def ask_again(hyperparameters):
    """Return the hyperparameters that a script takes from the answers made of some."""
    data = TrainingData((28, 28, 1), 54_000, 0, layers.NetworkSize(1, 1, 64), 10)
    console = Console("".join(f"{answer}\n" for answer in hyperparameters.answers()))
    return console.ask_in_order(lambda: hyperparameters.questions(data))


@pytest.mark.parametrize("measured", ["present", "none", "all"])
def test_pages_are_made_of_the_results_present_of_none_and_of_all(measured, pages, monkeypatch):
    import run

    if measured != "present":
        rows = made_up_rows(run) if measured == "all" else {"autoencoder": [], "classification": []}
        monkeypatch.setattr(run, "read_results", rows.get)
        monkeypatch.setattr(pages, "read_results", rows.get)
        monkeypatch.setattr(pages, "read_choices", made_up_choices if measured == "all" else lambda script: [])
    pages.main()
    for script, groups in (("autoencoder", pages.AUTOENCODERS), ("classification", pages.CLASSIFIERS)):
        page = (pages.HERE / f"{script}.md").read_text()
        shown = [name for name in groups if f" {script}/{name.replace(' ', '-')}    # " in page]
        assert shown == [name for name, _ in pages.measured_groups(groups)]
        assert measured == "present" or shown == (list(groups) if measured == "all" else [])
        assert measured != "all" or f"choices.py {script}    # " in page
        pictures = re.findall(r"\]\((pictures/.*)\)", page)
        assert all((pages.HERE / picture).exists() for picture in pictures)


def made_up_rows(run):
    """Return a row for each seed of each experiment, {script: rows}."""
    measured = dict.fromkeys(("validation loss", "validation accuracy", "processor seconds"), "0.5")
    measured |= dict.fromkeys(("test accuracy after phase 1", "test accuracy"), "90.0")
    measured |= dict.fromkeys(("processor", "python", "tensorflow", "keras", "numpy"), "1")
    rows = {"autoencoder": [], "classification": []}
    for group in run.GROUPS.values():
        for one in group:
            code = {"code size": str(run.code_size(one.encoder or one.hyperparameters))}
            rows[run.script_of(one)] += [run.settings_of(one, seed) | code | measured for seed in one.seeds]
    return rows


def made_up_choices(script):
    """Return a row for each choice of a script and each seed."""
    import choices

    return [
        dict.fromkeys(choices.COLUMNS, "0.5") | {"changed": changed, "images": str(one.images)}
        for one, changes in choices.CHOICES[script]
        for changed in changes
        for _ in choices.SEEDS
    ]


def test_the_page_about_speed_shows_the_times_to_a_result_where_they_are_measured(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(BENCHMARKS / "performance")
    import page

    row = {"goal": next(iter(page.GOALS)), "seed": "1", "machine": "two cores"}
    trials = [
        ("PyTorch", 7, 0.006, 70),
        ("PyTorch", 8, 0.004, 80),
        ("slow", 8, 0.005, 90),
        ("this project", 2, 0.003, 16),
    ]
    times = [
        row | dict(zip(("contestant", "epochs", "validation", "seconds"), map(str, trial), strict=True))
        for trial in trials
    ]
    measured = list(page.csv.DictReader(page.RESULTS.read_text().splitlines()))
    for rows, shown in (([], False), (times, True)):
        monkeypatch.setattr(page, "rows_of", lambda begins, rows=rows: rows)
        text = "\n".join(page.parts(measured))
        for line in (
            "| PyTorch: 0.004 | 8 | 80 | 5.00 | 1 |",
            "| slow: 0.005 | 8 | 90 | not reached | 1 |",
            "| this project: 0.003 | 2 | 16 | 1.00 | 1 |",
            "## Time to a result",
        ):
            assert (line in text) == shown


@pytest.mark.parametrize(("target", "count"), [(None, 3), (0.5, 2), (0.1, 3)])
def test_trials_end_with_the_first_that_reaches_the_target(monkeypatch, target, count):
    monkeypatch.syspath_prepend(BENCHMARKS / "performance")
    import time_to_result

    error, accuracy = time_to_result.GOALS.values()
    trials = [(1, 0.7, 10.0), (2, 0.5, 20.0), (3, 0.3, 30.0)]
    assert len(time_to_result.measure(error, target, (trial for trial in trials))) == count
    assert accuracy.is_reached(0.5, 0.7)
    assert not accuracy.is_reached(0.7, 0.5)


def test_the_seconds_of_a_stage_leave_out_those_of_the_stages_within_it(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS / "performance")
    import stages

    now = iter(range(10, 100, 10))
    monkeypatch.setattr(stages.time, "time", lambda: next(now))
    clock = stages.Clock(begun=0)
    validate = clock.timed(stages.VALIDATION, lambda: None)
    clock.timed(stages.TRAINING, lambda: [validate(), validate()])()
    clock.count()
    assert clock.seconds == {stages.IMPORTS: 10 + 10, stages.TRAINING: 10 + 10 + 10, stages.VALIDATION: 10 + 10}
