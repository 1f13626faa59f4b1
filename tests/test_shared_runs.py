"""Runs that two processes touch, that move, whose disk fails for a while, and that were made elsewhere in the world."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import types
from argparse import Namespace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import numpy as np
import pytest
from conftest import (
    CHILD_TIMEOUT,
    ENDED,
    SOURCE,
    Running,
    make_images,
    make_labels,
    run_script,
    script_command,
    script_environment,
    wait_for_rows,
)

from utilities import processes, system
from utilities.data import idx
from utilities.errors import BadInput
from utilities.record import runs
from utilities.record.folder import Folder, owner_of
from utilities.record.run_list import find_run, format_runs
from utilities.record.runs import RunFolder

FOR_EVER = "1\n3\n2\n100000\n32\n"
QUICK = "1\n3\n2\n1\n32\n"
ROW = {"phase": "reconstruction", "learning_rate": 0.1, "seconds": 0.1, "val_loss": 0.5}


def make_run(parent, copied=(), **arguments):
    data = dict.fromkeys(("data", "datalabels"), "(5, 8, 8), checksum 1")
    return RunFolder.create(parent, "autoencoder", ["1"], arguments, data, copied=dict(copied))


def row(epoch):
    return ROW | {"epoch": epoch}


def epochs_in(path):
    return [line.split(",")[-1] for line in (path / "history.csv").read_text().splitlines()[1:]]


# --- two hands


def test_a_run_in_training_is_nobody_elses_until_its_process_is_gone(data, tmp_path):
    first = Running("autoencoder", ["-d", data / "letters"], FOR_EVER, tmp_path)
    wait_for_rows(tmp_path, 1, first.process)
    (run,) = tmp_path.glob("runs/*")
    owner = f"in training, by process {first.process.pid} on "
    listed = run_script("autoencoder", ["--list"], "", tmp_path)
    assert f"    {owner}" in listed.stdout
    unnamed, named = (run_script("autoencoder", ["--resume", *name], "", tmp_path) for name in ([], [run.name]))
    assert (unnamed.code, named.code) == (2, 2)
    passed, none = unnamed.stderr.splitlines()
    assert re.fullmatch(rf"runs/{run.name}: {owner}\S+; passing over this experiment", passed)
    assert none == "autoencoder.py: error: runs: no unfinished experiment of autoencoder.py"
    assert re.fullmatch(rf"autoencoder\.py: error: runs/{run.name}: {owner}\S+\n", named.stderr)
    assert first.process.poll() is None

    first.process.kill()
    first.end()
    assert "    not finished\n" in run_script("autoencoder", ["--list"], "", tmp_path).stdout
    rows = (run / "history.csv").read_text().count("\n")
    second = Running("autoencoder", ["--resume"], "", tmp_path)
    wait_for_rows(tmp_path, rows + 1, second.process)
    second.process.kill()
    assert second.end().stderr.count("passing over") == 0


def test_of_two_that_resume_at_once_one_goes_on(tmp_path):
    make_run(tmp_path).release()
    first = find_run(tmp_path, "autoencoder", "", finished=False)
    with pytest.raises(BadInput, match="no unfinished experiment"):
        find_run(tmp_path, "autoencoder", "", finished=False)
    first.finish({"finished": True} | ENDED)
    with pytest.raises(BadInput, match="finished: --open goes back to it"):
        find_run(tmp_path, "autoencoder", first.path.name, finished=False)
    assert find_run(tmp_path, "autoencoder", "", finished=True).path == first.path


def test_a_child_that_outlives_the_training_does_not_hold_its_run(tmp_path):
    program = """if True:
        import os, sys, time
        from pathlib import Path
        from utilities.record.folder import Folder
        folder = Folder(Path(sys.argv[1]))
        folder.lock()
        if os.fork() == 0:
            print("locked", flush=True)
            time.sleep(60)
        sys.stdin.read()
        os._exit(0)
    """
    command = [sys.executable, "-c", program, tmp_path]
    environment = script_environment(PYTHONPATH=str(SOURCE))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, start_new_session=True) as process:
        assert process.stdout.readline() == b"locked\n"
        assert owner_of(tmp_path).startswith(f"process {process.pid} on ")
        process.kill()
        process.wait()
        assert owner_of(tmp_path) is None
        Folder(tmp_path).lock()
        os.killpg(process.pid, 9)


def test_where_the_file_system_has_no_locks_a_file_tells_who_has_the_run(tmp_path, monkeypatch, capsys):
    def lock_nothing(file, shared=False):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(system, "lock", lock_nothing)
    run = make_run(tmp_path)
    told = "there are no locks here: remove it where its process was killed on another host"
    assert capsys.readouterr().err == f"{run.path / '.lock'}: {told}\n"
    (own,) = (run.path / ".lock").read_text().splitlines()
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid, host, is_held in ((os.getppid(), "", True), (ended.pid, "", False), (ended.pid, "elsewhere", True)):
        text = own.replace(str(os.getpid()), str(pid)) + host
        (run.path / ".lock").write_text(f"{text}\n")
        assert owner_of(run.path) == (text if is_held else None)
        if is_held:
            with pytest.raises(BadInput, match=f"in training, by {re.escape(text)}"):
                find_run(tmp_path, "autoencoder", run.path.name, finished=False)
        else:
            find_run(tmp_path, "autoencoder", run.path.name, finished=False).release()
            assert owner_of(run.path) is None


def test_a_run_is_locked_on_windows_too(tmp_path, monkeypatch):
    def locking(descriptor, mode, count):
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error

    monkeypatch.setattr(system, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK=2))
    run = make_run(tmp_path)
    assert owner_of(run.path).startswith(f"process {os.getpid()} on ")
    with pytest.raises(BadInput, match="in training, by process"):
        find_run(tmp_path, "autoencoder", run.path.name, finished=False)
    run.release()
    assert owner_of(run.path) is None


# --- moved


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with images, and a run on them in it."""
    folder = tmp_path_factory.mktemp("before") / "work"
    folder.mkdir()
    idx.write(folder / "images.gz", make_images(make_labels(40, (1, 2))))
    session = run_script("autoencoder", ["-d", "images"], QUICK, folder)
    assert (session.code, session.stderr) == (0, "")
    return folder


def test_a_run_that_was_moved_with_its_images_is_opened(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "after")
    hidden = trained.rename(trained.with_name("hidden"))
    try:
        session = run_script("autoencoder", ["--open"], "", tmp_path / "after")
    finally:
        hidden.rename(trained)
    assert (session.code, session.stderr) == (0, "")


def test_a_file_that_is_given_is_taken_where_its_content_is_the_runs(trained, tmp_path):
    shutil.copytree(trained / "runs", tmp_path / "runs")
    (run,) = (tmp_path / "runs").iterdir()
    kept = json.loads((run / "experiment.json").read_text())
    kept["arguments"]["data"] = "/gone/images"
    (run / "experiment.json").write_text(json.dumps(kept))
    images = idx.read(trained / "images.gz")
    idx.write(tmp_path / "the-same", images)
    idx.write(tmp_path / "others", images[::-1])
    for flags in (["--open"], ["--open", "-d", "others"]):
        session = run_script("autoencoder", flags, "", tmp_path)
        assert session.code == 2
        told = (
            "/gone/images: no such file" if len(flags) == 1 else "others: not what runs/.* was made with: expected .*"
        )
        assert re.fullmatch(rf"autoencoder\.py: error: {told}\n", session.stderr)
    session = run_script("autoencoder", ["--open", "-d", "the-same"], "", tmp_path)
    assert (session.code, session.stderr) == (0, "")


def test_a_file_of_the_project_is_found_where_the_project_was_moved(tmp_path, monkeypatch):
    project, moved = tmp_path / "project", tmp_path / "moved"
    (project / "Dataset").mkdir(parents=True)
    idx.write(project / "Dataset" / "images.gz", make_images(make_labels(5, (1, 2))))
    monkeypatch.setattr(runs, "SOURCE", project / "src")
    run = make_run(tmp_path / "far" / "away" / "runs", data=project / "Dataset" / "images", seed=1)
    project.rename(moved)
    monkeypatch.setattr(runs, "SOURCE", moved / "src")
    arguments = Namespace(data=None, seed=None, runs=Path("runs"))
    RunFolder.read(run.path).complete(arguments)
    assert arguments == Namespace(data=moved / "Dataset" / "images", seed=1, runs=run.path.parent)


def test_a_data_set_that_moved_is_found_whole_by_its_images(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    labels = make_labels(5, (1, 2))
    idx.write(here / "images", make_images(labels))
    idx.write(here / "labels.gz", labels)
    run = make_run(tmp_path / "far" / "away" / "runs", data=here / "images", datalabels=here / "labels", seed=1)
    here.rename(there)
    arguments = Namespace(data=there / "images", datalabels=None, seed=None, runs=Path("runs"))
    RunFolder.read(run.path).complete(arguments)
    assert arguments.datalabels == there / "labels"


@pytest.mark.parametrize("number", [0, 1])
def test_of_several_processes_the_first_alone_writes_a_run(tmp_path, monkeypatch, number):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, "_number", number)
    monkeypatch.setattr(processes, "_count", 2)
    folder = make_run(tmp_path / "runs")
    (tmp_path / "runs" / folder.path.name).mkdir(parents=True, exist_ok=True)
    checkpoint = folder.path / "checkpoint-000001.npz"
    checkpoint.touch()
    folder.finish(ENDED | {"finished": True})
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert checkpoint.exists() == (number == 1)


# --- a brief failure


def test_a_folder_that_is_away_for_a_while_has_all_when_it_is_back(tmp_path, capsys):
    run = make_run(tmp_path / "runs")
    away = tmp_path / "away"
    for epoch in (1, 2, 3, 4):
        if epoch == 2:
            run.path.rename(away)
            run.keep_summary({"failed": "for a while"})
            for content in (b"first", b"second"):
                run.keep_next("predictions", ".csv", content)
        if epoch == 4:
            away.rename(run.path)
        run.add_row(row(epoch))
        run.keep_checkpoint({"weight": np.full(3, epoch)})
    assert RunFolder.read(run.path).summary.failed == "for a while"
    run.keep_summary({"failed": None})
    (told,) = capsys.readouterr().err.splitlines()
    assert told == f"{run.path}: cannot be written: No such file or directory; going on, and trying again"
    assert epochs_in(run.path) == ["1", "2", "3", "4"]
    assert [(run.path / f"predictions-{number}.csv").read_bytes() for number in (1, 2)] == [b"first", b"second"]
    run.release()
    resumed = find_run(tmp_path / "runs", "autoencoder", "", finished=False).resume()
    assert (len(resumed.history), resumed.checkpoint["weight"].tolist()) == (4, [4, 4, 4])
    assert capsys.readouterr().err == ""


def test_what_would_be_something_else_later_is_not_tried_again(tmp_path):
    run = make_run(tmp_path)
    (run.path / "classifier.h5").mkdir()  # in the way
    assert run.keep_bytes("classifier.h5", b"") is None
    assert not run.is_kept
    run.forget("classifier.h5")
    (run.path / "classifier.h5").rmdir()
    run.keep_summary({})
    assert run.is_kept
    assert not (run.path / "classifier.h5").exists()


def test_a_row_that_was_written_in_part_is_written_once(tmp_path, monkeypatch, capsys):
    run = make_run(tmp_path)
    run.add_row(row(1))

    def no_room(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        run.add_row(row(2))
    run.add_row(row(3))
    assert epochs_in(run.path) == ["1", "2", "3"]
    assert "No space left on device; going on, and trying again" in capsys.readouterr().err


def test_what_can_be_kept_nowhere_in_the_runs_folder_is_kept_in_the_working_folder(data, tmp_path):
    session = run_script("autoencoder", ["-d", data / "letters", "--runs", "/proc/runs"], QUICK, tmp_path)
    assert session.code == 0
    begun, ended = session.stderr.splitlines()
    place = r"/proc/runs/\S+_autoencoder: cannot be written: No such file or directory; "
    assert re.fullmatch(rf"{place}going on, and trying again", begun)
    assert re.fullmatch(rf"{place}all of it is kept in \S+_autoencoder", ended)
    (run,) = session.runs
    assert run.parent == tmp_path
    assert {"input.txt", "history.csv", "weights.npz", "encoder.h5"} <= {path.name for path in run.iterdir()}
    opened = run_script("autoencoder", ["--open", run.name], "3\n\n0\n", tmp_path)
    assert (opened.code, opened.stderr) == (0, "")


@pytest.mark.parametrize("has_temporary_folder", [True, False])
def test_what_can_be_kept_in_neither_is_kept_with_temporary_files_or_told_with_exit_code_1(
    data, tmp_path, has_temporary_folder
):
    temporary = tmp_path / "temporary" if has_temporary_folder else "/proc"
    if has_temporary_folder:
        temporary.mkdir()
    (tmp_path / "sitecustomize.py").write_text(f"import tempfile\ntempfile.tempdir = {str(temporary)!r}\n")
    arguments = ["-d", data / "letters", "--runs", "/proc/runs"]
    session = run_script("autoencoder", arguments, QUICK, "/proc", PYTHONPATH=str(tmp_path))
    *_, last = session.stderr.splitlines()
    assert (session.code, len(session.runs)) == ((0, 1) if has_temporary_folder else (1, 0))
    if has_temporary_folder:
        assert (session.runs[0].parent, last.split()[-1]) == (temporary, str(session.runs[0]))
    else:
        assert re.fullmatch(
            r"autoencoder\.py: error: /proc/runs/\S+: cannot be written, nor any other place: not all of it is kept",
            last,
        )


@pytest.mark.parametrize(("parent", "other"), [("runs", "."), (".", "temporary")])
def test_what_lacks_something_in_its_place_is_not_finished_there(tmp_path, monkeypatch, parent, other):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    run = make_run(parent)
    place = run.path
    run.add_row(row(1))
    (place / "weights.npz").mkdir()  # in the way
    (place / "input.txt").write_text("another")
    run.keep_arrays("weights.npz", {"weight": np.full(3, 1.0)})
    run.finish({"finished": True} | ENDED)
    assert not RunFolder.read(place).summary.finished
    moved = RunFolder.read(tmp_path / other / place.name)
    assert (moved.summary.finished, (moved.path / "input.txt").read_text()) == (True, "1\n")
    assert moved.read_weights()["weight"].tolist() == [1.0] * 3
    assert moved.history == [row(1)]


def test_what_is_kept_elsewhere_goes_on_there_with_what_an_earlier_session_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "runs", {"data": b"images"}, data=Path("/gone/images")).release()
    run = find_run(tmp_path / "runs", "autoencoder", "", finished=False).resume()
    run.add_row(row(1))
    run.keep_checkpoint({"weight": np.full(3, 1.0)})
    (run.path / "weights.npz").mkdir()  # in the way
    run.keep_arrays("weights.npz", {"weight": np.full(3, 1.0)})
    run.finish(ENDED)
    run.release()
    moved = find_run(tmp_path, "autoencoder", run.path.name, finished=False).resume()
    arguments = Namespace(data=None)
    moved.complete(arguments)
    assert arguments.data.read_bytes() == b"images"
    assert (moved.path.parent, moved.checkpoint["weight"].tolist()) == (tmp_path, [1.0] * 3)


# --- folders that cannot be


@pytest.mark.parametrize("script", ["autoencoder", "classification", "dataset"])
def test_a_working_folder_that_is_gone_is_told_in_one_line(tmp_path, script):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = ["sh", "-c", 'rmdir "$0" && exec "$@"', str(gone), *script_command(script, ["-d", "images"])]
    done = subprocess.run(
        command, cwd=gone, env=script_environment(), capture_output=True, text=True, timeout=CHILD_TIMEOUT, check=False
    )
    told = f"{script}.py: error: the working folder cannot be read: No such file or directory; cd to another\n"
    assert (done.stderr, done.returncode) == (told, 2)


@pytest.mark.parametrize("flags", [[], ["--list"], ["--open"], ["--resume"]])
@pytest.mark.parametrize(
    ("name", "fault"), [("loop", "Too many levels of symbolic links"), ("file", "Not a directory")]
)
def test_a_folder_of_runs_that_cannot_be_is_told_in_one_line(tmp_path, flags, name, fault):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    session = run_script("autoencoder", ["--runs", name, *flags], "", tmp_path)
    assert (session.code, session.stdout) == (2, "")
    assert session.stderr == f"autoencoder.py: error: --runs: {name}: {fault}\n"


# --- the last


def test_the_last_is_the_one_that_was_begun_last_wherever_the_clock_was(tmp_path, monkeypatch):
    folders = []
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        folders.append(make_run(tmp_path))
        folders[-1].keep_summary(ENDED)
        folders[-1].release()
    monkeypatch.undo()
    time.tzset()
    tokyo, los_angeles = (folder.path for folder in folders)
    assert tokyo.name > los_angeles.name
    assert find_run(tmp_path, "autoencoder", "", finished=False).path == los_angeles
    assert re.findall(r"^  (2.*)$", format_runs(tmp_path, "autoencoder"), re.MULTILINE) == [
        tokyo.name,
        los_angeles.name,
    ]
