"""Several devices, and several processes on this host, train as one; the loss of a process ends them all."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import (
    ON_JAX,
    SOURCE,
    Running,
    kept,
    make_images,
    make_labels,
    run_script,
    script_environment,
    wait_for_rows,
)
from test_job import environment_of, unused_address

from utilities.data import idx

pytestmark = pytest.mark.backend

if not ON_JAX:
    pytest.skip("several processes train on JAX alone", allow_module_level=True)

# 55 images to train on in batches of 8, the last of 7: three processes share neither evenly, two the last.
COUNT = 61
ANSWERS = "1\n3\n2\n3\n8\n"
LONG = 40  # epochs
LONG_ANSWERS = f"1\n3\n2\n{LONG}\n8\n"
DEVICES_OF_WEIGHTS = """
import numpy, keras
from conftest import make_hyperparameters
from utilities.network import networks
from utilities.training import on_jax, training
from utilities.data.batches import Examples
on_jax.prepare(None)
whole = networks.build_autoencoder((8, 8, 1), make_hyperparameters(1)).whole
print(whole.count_params(), {len(weight.value.sharding.device_set) for weight in whole.weights})
(inputs, real), targets, _ = on_jax.evaluation_data(Examples(numpy.zeros((5, 8, 8, 1), "u1"), numpy.arange(5)), 5)[0]
print(inputs.shape, real.tolist())
images = numpy.random.default_rng(1).integers(0, 256, (19, 8, 8, 1), "u1")
in_one_batch = training.predict(whole, images)
training.EVALUATION_BATCH = 5
print(in_one_batch.shape, numpy.allclose(training.predict(whole, images), in_one_batch, atol=1e-6))
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    labels = make_labels(COUNT, range(4))
    idx.write(folder / "images", make_images(labels))
    idx.write(folder / "labels", labels)
    return folder


def begin_job(count, script, arguments, answers, folder, **environment):
    """Start the processes of a job, each with the answers on its standard input, or with those of its own in a list."""
    address = unused_address()
    texts = [answers] * count if isinstance(answers, str) else answers
    return [
        Running(script, arguments, text, folder, **environment_of(number, count, address), **environment)
        for number, text in enumerate(texts)
    ]


def end_job(job):
    """Wait for all processes; return the standard output, standard error and exit code of each."""
    try:
        return [(ended.stdout, ended.stderr, ended.code) for ended in (running.end() for running in job)]
    finally:
        for running in job:
            running.process.kill()


def history(run):
    with (run / "history.csv").open(newline="") as file:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def assert_same_network(run, other, name="encoder.h5"):
    weights, others = (keras.models.load_model(path / name).get_weights() for path in (run, other))
    for weight, expected in zip(weights, others, strict=True):
        assert np.allclose(weight, expected, rtol=1e-3, atol=1e-4)
    for row, expected in zip(history(run), history(other), strict=True):
        assert float(row["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-4)
        assert float(row["val_loss"]) == pytest.approx(float(expected["val_loss"]), rel=1e-3)


@pytest.fixture(scope="module")
def by_one(images, tmp_path_factory):
    """The run folder of an autoencoder trained by one process."""
    folder = tmp_path_factory.mktemp("one")
    assert run_script("autoencoder", ["-d", images / "images"], ANSWERS, folder).code == 0
    return kept(folder)


def test_several_processes_learn_what_one_does_and_the_first_alone_speaks(images, tmp_path, by_one):
    answers = f"{ANSWERS}3\nsaved.h5\n0\n"
    # A proxy that is not there, and that the processes do not need to reach each other.
    proxy = {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    first, *others = end_job(begin_job(3, "autoencoder", ["-d", images / "images"], answers, tmp_path, **proxy))
    assert first[1:] == ("", 0)
    assert "saved: saved.h5" in first[0]
    assert "Gloo" not in first[0]
    assert others == [("", "", 0)] * 2
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "saved.h5"}
    assert sorted(path.name for path in kept(tmp_path).iterdir()) == sorted(path.name for path in by_one.iterdir())
    assert_same_network(kept(tmp_path), by_one)


def test_both_phases_of_a_classifier_and_its_results_are_those_of_one_process_too(images, tmp_path, by_one):
    labelled = [images / "images", "-dl", images / "labels"]
    arguments = ["-d", *labelled, "-t", *labelled[:1], "-tl", images / "labels", "-model", by_one / "encoder.h5"]
    answers = "8\n2\n16\n3\n0\n"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert run_script("classification", arguments, answers, tmp_path / "one").code == 0
    ends = end_job(begin_job(2, "classification", arguments, answers, tmp_path / "two"))
    assert [end[1:] for end in ends] == [("", 0)] * 2
    one, two = (kept(tmp_path / name) for name in ("one", "two"))
    assert_same_network(two, one, "classifier.h5")
    assert (two / "results.txt").read_text().split()[-30:] == (one / "results.txt").read_text().split()[-30:]


def test_all_devices_of_one_process_share_the_batches(images, tmp_path, by_one):
    devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    path = f"{SOURCE}:{Path(__file__).parent}"
    environment = script_environment(**devices, PYTHONPATH=path)
    found = subprocess.run(
        [sys.executable, "-c", DEVICES_OF_WEIGHTS], env=environment, capture_output=True, text=True, check=True
    )
    weights, shape, predicted = found.stdout.splitlines()
    assert weights.endswith("{2}")
    assert shape == "(6, 8, 8, 1) [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]"
    assert predicted == "(19, 8, 8, 1) True"
    assert run_script("autoencoder", ["-d", images / "images"], ANSWERS, tmp_path, **devices).code == 0
    assert_same_network(kept(tmp_path), by_one)


def test_a_bad_answer_in_one_process_ends_all(images, tmp_path):
    answers = [ANSWERS, ANSWERS.replace("\n2\n", "\nx\n")]
    for _, error, code in end_job(begin_job(2, "autoencoder", ["-d", images / "images"], answers, tmp_path)):
        assert code == 2
        assert error.endswith('the processes of the job differ in their answers to "filters of each layer"\n')
        assert error.count("\n") == 1


@pytest.mark.parametrize(("ended", "number"), [(0, signal.SIGKILL), (1, signal.SIGKILL), (1, signal.SIGTERM)])
def test_what_ends_one_process_in_training_ends_the_job_and_one_process_goes_on_with_it(
    images, tmp_path, ended, number
):
    job = begin_job(2, "autoencoder", ["-d", images / "images"], LONG_ANSWERS, tmp_path)
    wait_for_rows(tmp_path, 3, job[ended].process)
    job[ended].process.send_signal(number)
    other = job[1 - ended].end(60)
    what = "lost" if number == signal.SIGKILL else "ended by SIGTERM"
    advice = "--resume goes on after the last finished epoch"
    assert other.stderr == f"autoencoder.py: error: process {ended} of 2 was {what}; {advice}\n"
    assert other.code == 1
    assert job[ended].end().code == (-9 if number == signal.SIGKILL else 143)

    run = kept(tmp_path)
    before = history(run)
    assert run_script("autoencoder", ["--resume"], "", tmp_path).code == 0
    assert kept(tmp_path) == run
    after = history(run)
    assert after[: len(before) - 1] == before[:-1]
    assert [int(row["epoch"]) for row in after] == list(range(1, LONG + 1))
