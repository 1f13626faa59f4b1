"""Data larger than memory: mapped, shuffled in windows, never in memory as a whole."""

import resource
import struct
import subprocess
import sys

import numpy as np
import pytest
from conftest import CHILD_TIMEOUT, ON_JAX, SOURCE, run_script, script_environment

from utilities import limits
from utilities.data import batches, idx
from utilities.data.batches import Examples, epoch_order

# Bytes that a script may have but for mapped files; with no data to speak of it takes 0.7 GB.
LIMIT = 1_000_000_000
SIDE, CHANNELS = 128, 4  # of a single channel as many numbers take twice the time
COUNT = 17_200  # 1.13 GB, of which 1.01 GB are trained on
READ_AN_EPOCH = """
import sys
from utilities.data import datasets
from utilities.data.batches import Examples
from utilities.training.training import engine
images = datasets.read_images(sys.argv[1])
examples = Examples(images, datasets.split_for_validation(len(images), 1).training)
for batch in engine.training_data(examples, 8, range(1), seed=1):
    pass
print(len(examples))
"""


def examples_of(count, chosen=None):
    """Return examples of 4 bytes each."""
    return Examples(np.zeros((count, 2, 2, 1), np.uint8), np.arange(count) if chosen is None else chosen)


@pytest.fixture
def small_window(monkeypatch):
    """Windows of 40 examples of 4 bytes, from 5 runs of 8."""
    monkeypatch.setattr(batches, "WINDOW_BYTES", 160)
    monkeypatch.setattr(batches, "RUNS_IN_WINDOW", 5)


def test_data_no_larger_than_a_window_is_shuffled_as_one(small_window):
    chosen = np.arange(0, 80, 2)
    expected = np.random.default_rng((3, 1, batches.ORDER)).permutation(chosen)
    assert epoch_order(examples_of(80, chosen), 1, 3).tolist() == expected.tolist()


@pytest.mark.parametrize("count", [41, 403, 800])
def test_larger_data_is_shuffled_in_windows_of_a_few_runs_of_neighbours(small_window, count):
    chosen = 3 * np.arange(count)
    order, again, other = (epoch_order(examples_of(3 * count, chosen), epoch, 3) for epoch in (0, 0, 1))
    assert sorted(order) == chosen.tolist()
    assert order.tolist() == again.tolist()
    assert order.tolist() != other.tolist()
    for start in range(0, count, 40):
        window = order[start : start + 40]
        assert len(set(window // 24)) <= 5 + 2  # a window may begin and end within a run
        assert len(window) < 8 or window.tolist() != sorted(window)
    # The runs of a window come from all over the data, not from its beginning.
    assert count < 400 or np.ptp(order[:40]) > count


@pytest.fixture
def large_file(tmp_path):
    """A file of more bytes than LIMIT, with that limit on what a child of this process may have beside mapped files."""
    with (tmp_path / "images").open("wb") as file:
        file.write(struct.pack(">BBBBIIII", 0, 0, 8, 4, COUNT, SIDE, SIDE, CHANNELS))
        file.truncate(file.tell() + COUNT * SIDE * SIDE * CHANNELS)  # a sparse file: it takes no place on the disk
        file.seek(1000)
        file.write(b"\1")  # images all alike would be refused
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, before[1]))
    yield tmp_path / "images"
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.backend
@pytest.mark.skipif(not ON_JAX, reason="on TensorFlow such a file is trained on")
def test_an_epoch_of_a_file_larger_than_the_memory_allowed_comes_in_batches(large_file):
    environment = script_environment(PYTHONPATH=str(SOURCE))
    command = [sys.executable, "-c", READ_AN_EPOCH, large_file]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CHILD_TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * SIDE * SIDE * CHANNELS > LIMIT  # what it read


@pytest.mark.skipif(ON_JAX, reason="on processors XLA takes minutes for convolutions of few channels")
def test_a_file_larger_than_the_memory_allowed_is_trained_on(large_file):
    session = run_script("autoencoder", ["-d", "images"], "1\n1\n1\n1\n32\n0\n", large_file.parent, fresh=True)
    assert (session.stderr, session.code) == ("", 0)
    assert "epoch 1/1" in session.stdout


def test_decompressed_images_count_in_what_training_takes(tmp_path):
    images = np.zeros((100_000, 28, 28), np.uint8)
    images[1] = 1
    idx.write(tmp_path / "images.gz", images)
    (tmp_path / "keras.py").write_text("raise ImportError")  # nothing trains, and nothing that could is imported
    before = resource.getrlimit(resource.RLIMIT_DATA)
    # Without the images, the default network would fit in all sizes of batches.
    resource.setrlimit(resource.RLIMIT_DATA, (limits.LIBRARIES + images.nbytes + 2_000_000, before[1]))
    try:
        session = run_script("autoencoder", ["-d", "images"], None, tmp_path, PYTHONPATH=str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    assert session.code == 2
    assert "too large: training takes about 0.8 GB of memory in batches of 1, 0.1 GB of it for images" in session.stderr
