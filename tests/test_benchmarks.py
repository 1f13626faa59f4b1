"""The benchmarks: what they use of the project exists, and pages are filled. They are too slow to run here."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCE

from utilities.network.hyperparameters import AutoencoderHyperparameters, ClassifierHyperparameters
from utilities.terminal import arguments

BENCHMARKS = SOURCE.parent / "benchmarks"
ANSWERS = {"autoencoder": AutoencoderHyperparameters, "classification": ClassifierHyperparameters}
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


def test_each_table_has_commands_above_it_that_the_scripts_take(benchmarks):
    import common
    import tables

    for page in tables.PAGES:
        commands = {name: block for block, name in tables.COMMANDS.findall(page.read_text())}
        assert list(commands) == [found[2] for found in common.MARKED.finditer(page.read_text())]
        for line in (line for block in commands.values() for line in tables.lines(block)):
            python, script, *words = shlex.split(line.removesuffix("< /dev/null"))
            assert (python, line.count("< /dev/null")) == ("../.venv/bin/python", 1)
            assert (BENCHMARKS / script).resolve().is_relative_to(SOURCE)
            parse = getattr(arguments, f"parse_{Path(script).stem}_arguments")
            assert len(parse(ANSWERS[Path(script).stem], words)) >= 1


def test_a_command_of_a_page_is_run_and_its_table_has_a_line_for_all_that_differ_in_their_seed(
    data, benchmarks, tmp_path, monkeypatch
):
    import tables

    script = SOURCE / "autoencoder/autoencoder.py"
    flags = f"-d {data / 'letters'} --layers 1 --filters 2 --filters 3 --epochs 1 --seed 1 --seed 2"
    page = tmp_path / "page.md"
    page.write_text(f"```\npython {script} \\\n{flags} < /dev/null\n```\n\n<!-- table: few -->\n<!-- end -->\n")
    monkeypatch.setattr(tables, "HERE", tmp_path)
    monkeypatch.setattr(tables, "PAGES", [page])
    monkeypatch.setattr(sys, "argv", ["tables.py"])
    tables.main()
    assert tables.NOTHING in page.read_text()
    monkeypatch.setattr(sys, "argv", ["tables.py", "few"])
    tables.main()
    shown = page.read_text()
    assert re.findall(r"^\| (\d) \| \d+ \| 0\.\d+ ± 0\.\d+ \|.* 2 \|$", shown, re.MULTILINE) == ["2", "3"]
    assert "All rows: data letters, layers 1, kernels 3, epochs 1, batch size 16, third pooling no. On " in shown


def test_the_main_jobs_page_has_a_place_for_each_script(benchmarks):
    import common
    import main_job

    marked = common.MARKED.finditer((BENCHMARKS / "main-job.md").read_text())
    assert {found[2] for found in marked} == {*main_job.JOB, "machine"}


def test_a_time_to_a_result_is_that_of_the_last_trial_and_a_ratio_where_it_is_reached(benchmarks, monkeypatch):
    import page

    columns = ("contestant", "epochs", "validation", "seconds", "goal", "seed")
    trials = ["PyTorch 7 0.006 70", "PyTorch 8 0.004 80", "slow 8 0.005 90", "ours 2 0.003 16"]
    rows = [dict(zip(columns, [*trial.split(), "error", "1"], strict=True)) for trial in trials]
    rows[-1]["contestant"] = "this project"
    monkeypatch.setattr(page, "read_rows", lambda path: rows)
    assert page.times_table("error").splitlines()[2:] == [
        "| PyTorch: 0.004 | 8 | 80 | 5.00 | 1 |",
        "| slow: 0.005 | 8 | 90 | not reached | 1 |",
        "| this project: 0.003 | 2 | 16 | 1.00 | 1 |",
    ]


def test_ratios_are_of_the_same_round_and_two_scripts_are_summed(benchmarks, monkeypatch):
    import page

    columns = ("contestant", "round", "job", "seconds", "peak_megabytes", "cpu_seconds")
    runs = ["ours 1 a 10 500", "ours 1 b 20 700", "other 1 a 15 100", "other 1 b 30 90"]
    runs += ["ours 2 a 20 500", "ours 2 b 20 800", "other 2 a 10 100", "other 2 b 10 90", "other 3 a 1 1"]
    rows = [dict(zip(columns, [*run.split(), ""], strict=True)) for run in runs]
    monkeypatch.setattr(page, "read_rows", lambda path: rows)
    assert page.speed_table(("a", "b")).splitlines() == [
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
