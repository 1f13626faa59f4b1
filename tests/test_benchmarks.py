"""The benchmarks: what they use of the project exists, and pages are filled. They are too slow to run here."""

import ast
import re
import shutil
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
def benchmarks(monkeypatch):
    """Have a test import the benchmarks' modules."""
    monkeypatch.syspath_prepend(BENCHMARKS / "performance")
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_each_experiment_of_a_group_has_settings_of_its_own_that_the_questions_take(benchmarks):
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


def test_what_an_experiment_changes_in_the_code_exists(benchmarks):
    import experiments
    import run

    known = "\n".join(line for line in run.CHANGED.splitlines() if line.startswith("from utilities"))
    for name, change in experiments.CHANGES.items():
        assert list(unknown_names(f"{known}\n{change}")) == [], name
    assert list(unknown_names(f"{known}\nphases.NOTHING = 0")) == ["phases.NOTHING"]


@pytest.mark.parametrize("measured", ["present", "none", "all"])
def test_pages_are_filled_with_the_results_present_with_none_and_with_all(measured, benchmarks, tmp_path, monkeypatch):
    import common
    import page_plots
    import page_tables
    import pages
    import run

    shutil.copytree(BENCHMARKS, tmp_path, ignore=shutil.ignore_patterns("*.py", "*.png", ".*"), dirs_exist_ok=True)
    for module in (pages, page_plots):
        monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(page_tables, "errors_by_components", lambda count, seed: [0.07] + [0.01] * 784)
    if measured != "present":
        rows = made_up_rows(run) if measured == "all" else {"autoencoder": [], "classification": []}
        monkeypatch.setattr(run, "read_results", rows.get)
        machines = [{"machine": "one core"}] if measured == "all" else []
        monkeypatch.setattr(pages, "read_rows", lambda path: machines)
    pages.main()
    for script in ("autoencoder", "classification"):
        before, page = ((folder / f"{script}.md").read_text() for folder in (BENCHMARKS, tmp_path))
        assert common.MARKED.sub("", page) == common.MARKED.sub("", before)
        marked = {found[2]: found[0] for found in common.MARKED.finditer(page)}
        assert list(marked) == [
            *(name for name in run.GROUPS if name.startswith(script)),
            f"machine/results/{script}.csv",
        ]
        assert {pages.NOTHING in text for text in marked.values()} == {measured == "none"}
        pictures = re.findall(r"\]\((pictures/.*)\)", page)
        assert measured == "none" or all((tmp_path / picture).exists() for picture in pictures)
    if measured == "present":
        assert (tmp_path / pages.PAGES[-1]).read_text() == (BENCHMARKS / pages.PAGES[-1]).read_text()


def test_the_main_jobs_page_has_a_place_for_each_script(benchmarks):
    import common
    import main_job

    marked = common.MARKED.finditer((BENCHMARKS / "main-job.md").read_text())
    assert {found[2] for found in marked} == {*main_job.JOB, "machine"}


def made_up_rows(run):
    """Return a row for each seed of each experiment, {script: rows}."""
    measured = dict.fromkeys(("validation loss", "validation accuracy", "processor seconds", "frozen"), "0.5")
    measured |= dict.fromkeys(("test accuracy after phase 1", "test accuracy"), "90.0")
    rows = {"autoencoder": [], "classification": []}
    for group in run.GROUPS.values():
        for one in group:
            code = {"code size": str(run.code_size(one.encoder or one.hyperparameters))}
            rows[run.script_of(one)] += [run.settings_of(one, seed) | code | measured for seed in one.seeds]
    return rows


def test_a_time_to_a_result_is_that_of_the_last_trial_and_a_ratio_where_it_is_reached(benchmarks, monkeypatch):
    import page_tables

    columns = ("contestant", "epochs", "validation", "seconds", "goal", "seed")
    trials = ["PyTorch 7 0.006 70", "PyTorch 8 0.004 80", "slow 8 0.005 90", "ours 2 0.003 16"]
    rows = [dict(zip(columns, [*trial.split(), "error", "1"], strict=True)) for trial in trials]
    rows[-1]["contestant"] = "this project"
    monkeypatch.setattr(page_tables, "read_rows", lambda path: rows)
    assert page_tables.times_table("error").splitlines()[2:] == [
        "| PyTorch: 0.004 | 8 | 80 | 5.00 | 1 |",
        "| slow: 0.005 | 8 | 90 | not reached | 1 |",
        "| this project: 0.003 | 2 | 16 | 1.00 | 1 |",
    ]


def test_ratios_are_of_the_same_round_and_two_scripts_are_summed(benchmarks, monkeypatch):
    import page_tables

    columns = ("contestant", "round", "job", "seconds", "peak_megabytes", "cpu_seconds")
    runs = ["ours 1 a 10 500", "ours 1 b 20 700", "other 1 a 15 100", "other 1 b 30 90"]
    runs += ["ours 2 a 20 500", "ours 2 b 20 800", "other 2 a 10 100", "other 2 b 10 90", "other 3 a 1 1"]
    rows = [dict(zip(columns, [*run.split(), ""], strict=True)) for run in runs]
    monkeypatch.setattr(page_tables, "read_rows", lambda path: rows)
    assert page_tables.speed_table(("a", "b")).splitlines() == [
        "| contestant | seconds | ratio | peak MB | ratio |",
        "| --- | --- | --- | --- | --- |",
        "| ours | 35.0 | 1.00 (1.00 to 1.00) | 750 | 1.00 (1.00 to 1.00) |",
        "| other | 32.5 | 1.00 (0.50 to 1.50) | 100 | 0.13 (0.12 to 0.14) |",
    ]


@pytest.mark.parametrize(("target", "count"), [(None, 3), (0.5, 2), (0.1, 3)])
def test_trials_end_with_the_first_that_reaches_the_target(benchmarks, target, count):
    import time_to_result

    error, accuracy = time_to_result.GOALS
    trials = [(1, 0.7, 10.0), (2, 0.5, 20.0), (3, 0.3, 30.0)]
    assert len(time_to_result.rows_to(error, target, (trial for trial in trials))) == count
    assert time_to_result.is_reached(accuracy, 0.5, 0.7)
    assert not time_to_result.is_reached(accuracy, 0.7, 0.5)
