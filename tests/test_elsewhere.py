"""The scripts where what macOS or Windows lack is taken away: tests/elsewhere/sitecustomize.py does it.

Neither system is at hand. What this cannot show, README.md says.
"""

import ast
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import (
    SOURCE,
    Running,
    make_images,
    make_labels,
    run_script,
    script_environment,
    start,
    type_answers,
    wait_for_rows,
)
from elsewhere.lacking import MODULES_OF_POSIX, WINDOWS
from test_dataset import write_pictures
from test_transcripts import assert_as_kept, run_sessions

from utilities import system
from utilities.crashes import WATCHER
from utilities.data import idx
from utilities.network.child_process import run_in_child

SYSTEMS = ("macos", "windows")
EPOCHS = 60


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_sessions_of_both_scripts_are_the_same(tmp_path, name):
    assert_as_kept(run_sessions(tmp_path, "\r\n", ELSEWHERE=name))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("source", ["photos", "photos.zip"])
def test_pictures_are_converted_to_the_same_bytes(tmp_path, name, source):
    write_pictures(tmp_path / "photos", each=75)
    if source.endswith(".zip"):
        shutil.make_archive(tmp_path / "photos", "zip", tmp_path / "photos")
    for folder, environment in (("here", {}), ("elsewhere", {"ELSEWHERE": name})):
        session = run_script("dataset", ["-d", source, "-o", folder], None, tmp_path, **environment)
        assert (session.stderr, session.code) == ("", 0)
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "elsewhere").iterdir())
    for each in names:
        found, expected = ((tmp_path / folder / each).read_bytes() for folder in ("elsewhere", "here"))
        assert found.replace(b"\r\n", b"\n") == expected if each.endswith((".txt", ".json")) else found == expected


@pytest.mark.parametrize("name", SYSTEMS)
def test_ctrl_c_keeps_what_was_learnt_and_the_run_is_resumed_and_opened(tmp_path, name):
    idx.write(tmp_path / "images", make_images(make_labels(40, (1, 2))))
    script = Running("autoencoder", ["-d", "images"], f"1\n3\n2\n{EPOCHS}\n16\n0\n", tmp_path, ELSEWHERE=name)
    wait_for_rows(tmp_path, 1, script.process)
    script.process.send_signal(signal.SIGINT)
    session = script.end()
    stopped = "\nstopping at the end of the batch; Ctrl-C again leaves at once\n"
    assert (session.stderr, session.code) == (stopped, 0)
    (run,) = (tmp_path / "runs").iterdir()
    (run / "input.txt").write_bytes((run / "input.txt").read_bytes().replace(b"\n", b"\r\n"))
    resumed = run_script("autoencoder", ["--resume"], "0\n", tmp_path, ELSEWHERE=name)
    assert "input.txt: not as the experiment left it; written anew" in resumed.stderr
    assert resumed.code == 0
    assert (run / "history.csv").read_text().count("\n") == 1 + EPOCHS
    opened = run_script("autoencoder", ["--open"], "3\n~/saved\n5\nimages\n0\n", tmp_path, ELSEWHERE=name)
    assert (opened.stderr, opened.code) == ("", 0)


def test_a_session_at_a_terminal_of_windows_has_no_line_editor(tmp_path):
    idx.write(tmp_path / "images", make_images(make_labels(40, (1, 2))))
    ours, theirs = os.openpty()
    script = start("autoencoder", ["-d", "images"], tmp_path, (theirs, theirs, theirs), ELSEWHERE="windows")
    os.close(theirs)
    shown = []
    type_answers(ours, ["1", "nonsense", "3", "b", "3", "2", "2", "16", "3", "", "0"], shown)
    assert script.wait(60) == 0
    text = "".join(shown)
    assert "  expected 1 kernel size such as 3x3, found 'nonsense'" in text
    assert (tmp_path / "encoder.h5").exists()
    assert "Traceback" not in text


def test_a_job_of_several_processes_is_refused_on_windows_in_one_line(tmp_path):
    job = {"JOB_ADDRESSES": "127.0.0.1:9", "NUM_PROCESSES": "2", "PROCESS_ID": "0"}
    variables = {f"KERAS_DISTRIBUTION_{variable}": value for variable, value in job.items()}
    session = run_script("autoencoder", [], None, tmp_path, ELSEWHERE="windows", **variables)
    told = "autoencoder.py: error: KERAS_DISTRIBUTION_NUM_PROCESSES: a job of several processes needs Linux or macOS\n"
    assert (session.stdout, session.stderr, session.code) == ("", told, 2)


def test_paths_of_windows_are_taken_as_they_are(tmp_path):
    name = r"C:\Users\..\images:1"
    idx.write(tmp_path / name, make_images(make_labels(40, (1, 2))))
    session = run_script("autoencoder", ["-d", name], f"1\n3\n2\n1\n16\n3\n{name}.h5\n0\n", tmp_path)
    assert (session.stderr, session.code) == ("", 0)
    assert (tmp_path / f"{name}.h5").exists()


def test_where_the_system_limits_no_time_the_parent_ends_a_child(monkeypatch):
    monkeypatch.setattr(system, "LIMITS_PROCESSOR_TIME", False)
    begun, others = time.monotonic(), set(multiprocessing.active_children())
    with pytest.raises(ChildProcessError, match="takes too long"):
        run_in_child(lambda: sum(iter(int, 1)), seconds=0.2)
    assert time.monotonic() - begun < 5
    assert run_in_child(abs, -1, seconds=10) == 1
    assert set(multiprocessing.active_children()) <= others


def test_where_no_room_can_be_taken_free_room_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    (tmp_path / "file").touch()
    free = shutil.disk_usage(tmp_path).free
    system.find_room(tmp_path / "file", free // 2)
    with pytest.raises(OSError, match="No space left"):
        system.find_room(tmp_path / "file", 2 * free)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (b"", "the process was killed, perhaps by the system for lack of memory"),
        (b"Windows fatal exception: access violation\n\n  File 1", "a library ended the process (access violation)"),
    ],
)
def test_the_watcher_tells_of_an_end_where_the_modules_of_posix_are_not(tmp_path, words, told):
    for name in ("resource", "fcntl"):
        (tmp_path / f"{name}.py").write_text("raise ImportError")
    command = [sys.executable, "-S", "-c", WATCHER, "script.py"]
    environment = script_environment(PYTHONPATH=str(tmp_path), TMPDIR=str(tmp_path))
    done = subprocess.run(command, input=words, env=environment, capture_output=True, timeout=60, check=True)
    assert done.stderr.decode().startswith(f"script.py: error: {told}")


def test_commands_are_as_each_systems_shell_takes_them(monkeypatch):
    lines = ["python", "auto encoder.py"], ["-d", "it's"]
    assert system.command_lines(*lines) == "python 'auto encoder.py' \\\n    -d 'it'\"'\"'s'"
    monkeypatch.setattr(system, "resource", None)
    assert system.command_lines(*lines) == 'python "auto encoder.py" -d it\'s'


# --- one module for all that


def test_one_module_alone_depends_on_the_system():
    # processes.py has what jobs of several processes need, which are refused where it is not.
    for path in {*SOURCE.rglob("*.py")} - {SOURCE / "utilities" / name for name in ("system.py", "processes.py")}:
        assert list(dependences(ast.parse(path.read_text()))) == [], path


def dependences(tree):
    """Yield what in a module's code not every system has, or asks which system it is."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name("os" | "signal" as module), name) if name in WINDOWS[module]:
                yield f"{module}.{name}"
            case ast.Attribute(ast.Name("sys"), "platform") | ast.Attribute(ast.Name("os"), "name"):
                yield ast.unparse(node)
            case ast.Call(ast.Name("hasattr"), [ast.Name("os" | "signal"), *_]):
                yield ast.unparse(node)
            case ast.ImportFrom("os" | "signal" | "platform" | "sys" as module, names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Attribute(ast.Name("platform"), "system"):
                yield ast.unparse(node)
            case ast.ImportFrom(module) if module in MODULES_OF_POSIX:
                yield module
            case ast.Import(names) if lacking := {alias.name for alias in names} & {*MODULES_OF_POSIX, "ctypes"}:
                yield str(lacking)
