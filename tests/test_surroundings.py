"""The scripts where a user has no home, no name, no display, or nowhere to write."""

import os
from pathlib import Path

import pytest
from conftest import OF_USER, letters_arguments, make_images, make_labels, run_script, save_encoder

from utilities.data import idx

NAMELESS = """
import os, pwd
def nobody(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")
pwd.getpwuid = nobody
os.getuid = os.geteuid = lambda: 54321
"""
UNWRITABLE = Path("/proc")  # to root too
ANSWERS = "1\n3\n2\n1\n16\n2\n1\n0\n3\n{}\n0\n"


@pytest.fixture
def images(tmp_path):
    idx.write(tmp_path / "images", make_images(make_labels(40, (1, 2))))
    return tmp_path / "images"


@pytest.fixture
def one_core():
    """Let this process, and what it starts, have one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


def test_a_user_without_name_or_home_on_one_core_of_a_dumb_terminal(images, tmp_path, monkeypatch, one_core):
    (tmp_path / "sitecustomize.py").write_text(NAMELESS)
    monkeypatch.delitem(OF_USER, "HOME", raising=False)
    lacking = {"PYTHONPATH": str(tmp_path), "LANG": "C", "LC_ALL": "C", "TERM": "dumb", "MPLBACKEND": "lacking.backend"}
    session = run_script("autoencoder", ["-d", images], ANSWERS.format("enc"), tmp_path, **lacking)
    assert (session.stderr, session.code) == ("", 0)
    assert "device   processor, 1 core\n" in session.stdout
    assert "no windows (MPLBACKEND=lacking.backend): " in session.stdout
    assert (tmp_path / "enc.h5").exists()
    assert list(session.runs[0].glob("*.png"))


def test_a_user_whose_home_and_folder_cannot_be_written_and_whose_display_is_gone(images, tmp_path):
    lacking = {"HOME": str(UNWRITABLE / "home"), "DISPLAY": ":77"}
    arguments = ["-d", images, "--runs", tmp_path / "runs"]
    session = run_script("autoencoder", arguments, ANSWERS.format(tmp_path / "enc"), UNWRITABLE, **lacking)
    assert (session.stderr, session.code) == ("", 0)
    assert (tmp_path / "enc.h5").exists()
    assert list(session.runs[0].glob("*.png"))


@pytest.mark.parametrize("elsewhere", [{}, {"ELSEWHERE": "windows"}], ids=["here", "windows"])
def test_nothing_is_imported_from_the_folder_that_a_user_is_in(data, tmp_path, elsewhere):
    canary = f"open({str(tmp_path / 'canary')!r}, 'w')"
    for name in ("re", "socket", "tempfile", "pickle", "h5py", "keras", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(canary)
    (tmp_path / "utilities").mkdir()
    (tmp_path / "utilities" / "__init__.py").write_text(canary)
    files = letters_arguments(data, save_encoder(tmp_path))
    session = run_script("classification", files, "bad", tmp_path, fresh=True, **elsewhere)
    assert "line 1 of the input" in session.stderr
    assert not (tmp_path / "canary").exists()


COUNT_THREADS = """
import os, pathlib
def count():
    with open({path!r}, "a") as file:
        print(len(os.listdir("/proc/self/task")), file=file)
os.register_at_fork(before=count)
"""


def test_the_script_forks_before_it_has_threads_of_which_a_fork_would_lack(data, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(COUNT_THREADS.format(path=str(tmp_path / "threads")))
    files = letters_arguments(data, save_encoder(tmp_path))
    session = run_script("classification", files, "bad", tmp_path, fresh=True, PYTHONPATH=str(tmp_path))
    assert "line 1 of the input" in session.stderr
    assert (tmp_path / "threads").read_text() == "1\n"  # of the child that reads the encoder
