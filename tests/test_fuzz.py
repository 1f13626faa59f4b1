"""Damaged files by the thousand, from fixed seeds. FUZZ=10 makes 100,000 IDX files and 5,000 encoders of them:

FUZZ=10 python3 -m pytest tests/test_fuzz.py
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from conftest import make_hyperparameters, script_environment
from keras import layers

from utilities.network.networks import build_autoencoder
from utilities.network.saving import save_model

SCALE = float(os.environ.get("FUZZ", "1"))
IDX_FILES = int(10_000 * SCALE)
ENCODERS = int(500 * SCALE)
FILES_PER_CHILD = 2_500
SHAPE = (8, 8, 1)
KERAS_2 = Path(__file__).parent / "data" / "keras2_encoder.h5"
CHILD = Path(__file__).with_name("fuzz.py")


def run_child(kind, folder, *bounds, numbers=None):
    """Return what a child process says of its files, {outcome: seeds}; it must not crash, hang or complain."""
    done = subprocess.run(
        [sys.executable, str(CHILD), kind, str(folder), *map(str, bounds)],
        input=numbers,
        capture_output=True,
        encoding="utf-8",
        env=script_environment(OPENBLAS_NUM_THREADS="1"),  # whose threads' memory is reserved, though not used
        timeout=600 * max(1, SCALE),
        check=False,
    )
    at = folder / f"at-{bounds[0]}" if bounds else None
    assert done.returncode == 0, (
        f"at seed {at.read_text() if at else '?'}: exit {done.returncode}: {done.stderr[-2000:]}"
    )
    return json.loads(done.stdout.splitlines()[-1])


def run_children(kind, folder, count):
    """Return {outcome: seeds} of the seeds from 0 to count."""
    outcomes = {}
    for first in range(0, count, FILES_PER_CHILD):
        for outcome, seeds in run_child(kind, folder, first, min(FILES_PER_CHILD, count - first)).items():
            outcomes.setdefault(outcome, []).extend(seeds)
    assert sum(map(len, outcomes.values())) == count
    return outcomes


def test_a_damaged_idx_file_is_read_right_or_refused_in_one_line(tmp_path):
    outcomes = run_children("idx", tmp_path, IDX_FILES)
    # A fuzz that never gets past the header, or that damages nothing, would show nothing.
    assert min(map(len, outcomes.values())) > 0.05 * IDX_FILES
    assert set(outcomes) == {"read", "refused"}


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """A folder with a good encoder of this project, a sequential one, and one of Keras 2."""
    folder = tmp_path_factory.mktemp("encoders")
    encoder = build_autoencoder(SHAPE, make_hyperparameters(2)).encoder
    save_model(encoder, folder / "good1.h5")
    chain = [layers.Conv2D(4, 3, activation="tanh"), layers.BatchNormalization(), layers.LeakyReLU()]
    save_model(keras.Sequential([keras.Input(SHAPE), *chain]), folder / "good2.h5")
    shutil.copy(KERAS_2, folder / "good3.h5")
    save_model(encoder, folder / "archive.keras")
    return folder


def test_a_damaged_encoder_is_refused_in_one_line_or_built(encoders):
    outcomes = run_children("encoder", encoders, ENCODERS)
    assert set(outcomes) == {"read", "refused"}
    assert min(map(len, outcomes.values())) > 0.02 * ENCODERS
    run_child("build", encoders, numbers=" ".join(map(str, outcomes["read"])))


@pytest.mark.parametrize("name", ["good1.h5", "good2.h5", "good3.h5", "archive.keras"])
def test_an_encoder_cut_off_anywhere_is_refused(encoders, tmp_path, name):
    shutil.copy(encoders / name, tmp_path / name)
    assert run_child("cut", tmp_path / name) == {f"{tmp_path / name}: not a Keras model in .h5 or .keras format": 64}
