"""Disks of all small sizes: whichever write finds no room, what has been learnt is not lost."""

import json
import subprocess

import numpy as np
import pytest
from conftest import letters_arguments, make_hyperparameters, run_script, save_encoder

from utilities.network.encoder_reader import read_encoder
from utilities.network.networks import build_autoencoder
from utilities.session.menus import save

# From no room for the folder to room for everything.
SIZES = [4 * pages for pages in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 256)]
EPOCHS = 3


@pytest.fixture
def small_disk(tmp_path):
    """A function that gives a folder on a disk of so many kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(kilobytes):
        options = ["-t", "tmpfs", "-o", f"size={kilobytes}k,nr_inodes=100", "tmpfs", str(folder)]
        done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this user may mount no disk: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


def check_what_is_there(folder):
    """Check that every file with its final name is whole."""
    for path in folder.rglob("*"):
        if path.name == "encoder.h5":
            read_encoder(path, (8, 8, 1))
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".npz":
            with np.load(path) as state:
                assert all(state[name].size >= 0 for name in state)


def check_session(session, folder):
    lines = session.stderr.splitlines()
    refused = 'of the input, "save the encoder' in session.stderr
    assert session.code == (2 if refused else 0), session.stderr
    assert len(lines) <= 2 + refused  # going on; kept elsewhere
    assert all("No space left" in line for line in lines)
    check_what_is_there(folder)
    return bool(lines)


@pytest.mark.parametrize("kilobytes", SIZES)
def test_an_autoencoder_is_saved_elsewhere(data, tmp_path, small_disk, at_terminal, kilobytes):
    folder = small_disk(kilobytes)
    answers = f"1\n3\n4\n{EPOCHS}\n8\n2\n3\n0\n3\n{folder}/encoder.h5\n0\n"
    session = run_script("autoencoder", ["-d", data / "letters", "--runs", folder / "runs"], answers, tmp_path)
    full = check_session(session, folder)
    assert full == (kilobytes < SIZES[-1]) or kilobytes > 100
    if session.code == 0:
        read_encoder(folder / "encoder.h5", (8, 8, 1))
    else:
        encoder = build_autoencoder((8, 8, 1), make_hyperparameters(1)).encoder
        places = (folder / "encoder.h5", tmp_path / "elsewhere.h5")
        _, shown = at_terminal(lambda console: save(console, encoder), *places)
        assert "encoder.h5: cannot be written: No space left on device\n" in shown
        read_encoder(tmp_path / "elsewhere.h5", (8, 8, 1))
    if full and any(folder.glob("runs/*/checkpoint-*.npz")):
        resume_with_room(folder, tmp_path)


def resume_with_room(folder, tmp_path):
    """Give the disk room, and go on with the experiment that had none."""
    subprocess.run(["mount", "-o", "remount,size=10m", str(folder)], check=True)
    resumed = run_script("autoencoder", ["--resume", "--runs", folder / "runs"], "", tmp_path)
    assert (resumed.code, resumed.stderr) == (0, "")
    (run,) = folder.glob("runs/*")
    assert (run / "history.csv").read_text().count("\n") == 1 + EPOCHS
    read_encoder(run / "encoder.h5", (8, 8, 1))


@pytest.mark.parametrize("kilobytes", SIZES)
def test_a_classifier_is_reported_on(data, tmp_path, small_disk, kilobytes):
    folder = small_disk(kilobytes)
    arguments = [*letters_arguments(data, save_encoder(tmp_path)), "--runs", folder / "runs"]
    session = run_script("classification", arguments, f"8\n{EPOCHS}\n8\n2\n1\n0\n3\n0\n", tmp_path)
    check_session(session, folder)
    assert "test accuracy" in session.stdout
