"""Several devices, and several processes on this host, train as one; what ends one process ends all."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import (
    ON_JAX,
    SOURCE,
    Running,
    history_of,
    kept,
    make_images,
    make_labels,
    run_script,
    script_environment,
    start,
    type_answers,
    wait_for_rows,
)

from utilities.data import idx
from utilities.processes import VARIABLES

pytestmark = pytest.mark.backend

if not ON_JAX:
    pytest.skip("several processes train on JAX alone", allow_module_level=True)

# 55 images to train on in batches of 8, the last of 7: three processes share neither evenly, two the last.
COUNT = 61
ANSWERS = "1\n3\n2\n3\n8\n"
LONG = 40  # epochs
LONG_ANSWERS = f"1\n3\n2\n{LONG}\n8\n"
QUICK = """
import sys, time
from utilities import backend, processes
from utilities.terminal import program
processes.LONGEST_WAIT, processes.LONGEST_QUIET = int(sys.argv[1]), 0.1
def main():
    backend.check_backend()
    processes.join_job()
    number = processes.broadcast("a number", lambda: time.sleep(1) or 7)
    raise SystemExit(processes.check_alike("it", number))
program.run(main)
"""
NOT_ALL = r"process \d of 3: not all 3 came to 127.0.0.1:\d+ in time"
DEVICES_OF_WEIGHTS = """
import numpy, keras
from conftest import make_hyperparameters
from utilities.network import networks
from utilities.training import on_jax, training
from utilities.data.batches import Examples
on_jax.prepare()
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


def unused_address():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


def job_of(count, **changes):
    """Return the environment of each process of a job."""
    address = unused_address()
    jobs = [dict(zip(VARIABLES, (address, str(count), str(number)), strict=True)) for number in range(count)]
    return [{"KERAS_BACKEND": "jax"} | job | changes for job in jobs]


def begin_job(arguments, answers, folder, environments=None, script="autoencoder"):
    """Start the processes of a job; the first has the answers on its standard input, the others nothing."""
    return [
        Running(script, arguments, None if number else answers, folder, **environment)
        for number, environment in enumerate(environments or job_of(2))
    ]


def end_job(job):
    """Wait for all processes; return the standard output, standard error and exit code of each."""
    try:
        return [(ended.stdout, ended.stderr, ended.code) for ended in [running.end() for running in job]]
    finally:
        for running in job:
            running.process.kill()


def assert_same_network(run, other, name="encoder.h5"):
    weights, others = (keras.models.load_model(path / name).get_weights() for path in (run, other))
    for weight, expected in zip(weights, others, strict=True):
        assert np.allclose(weight, expected, rtol=1e-3, atol=1e-4)
    for row, expected in zip(history_of(run), history_of(other), strict=True):
        assert float(row["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-4)
        assert float(row["val_loss"]) == pytest.approx(float(expected["val_loss"]), rel=1e-3)


@pytest.fixture(scope="module")
def by_one(images, tmp_path_factory):
    """The run folder of an autoencoder trained by one process."""
    folder = tmp_path_factory.mktemp("one")
    assert run_script("autoencoder", ["-d", images / "images"], ANSWERS, folder).code == 0
    return kept(folder)


def test_several_processes_learn_what_one_does_and_the_first_alone_reads_and_speaks(images, tmp_path, by_one):
    # A proxy that is not there, and that the processes do not need to reach each other.
    job = job_of(3, http_proxy="http://127.0.0.1:1", https_proxy="http://127.0.0.1:1")
    first, *others = end_job(begin_job(["-d", images / "images"], f"{ANSWERS}3\nsaved.h5\n0\n", tmp_path, job))
    assert first[1:] == ("", 0)
    assert "saved: saved.h5" in first[0]
    assert "Gloo" not in first[0]
    assert others == [("", "", 0)] * 2
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "saved.h5"}
    assert sorted(path.name for path in kept(tmp_path).iterdir()) == sorted(path.name for path in by_one.iterdir())
    assert_same_network(kept(tmp_path), by_one)


def test_both_phases_of_a_classifier_and_its_results_are_those_of_one_process_under_slurm_too(images, tmp_path, by_one):
    labelled = [images / "images", "-dl", images / "labels"]
    arguments = ["-d", *labelled, "-t", *labelled[:1], "-tl", images / "labels", "-model", by_one / "encoder.h5"]
    answers = "8\n2\n16\n3\n0\n"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert run_script("classification", arguments, answers, tmp_path / "one").code == 0
    step = {"KERAS_BACKEND": "jax", "SLURM_JOB_ID": str(os.getpid()), "SLURM_NTASKS": "2"}
    step["SLURM_STEP_NODELIST"] = "localhost"
    job = [step | {"SLURM_PROCID": number, "SLURM_LOCALID": number} for number in "01"]
    ends = end_job(begin_job(arguments, answers, tmp_path / "two", job, "classification"))
    assert [end[1:] for end in ends] == [("", 0)] * 2
    one, two = (kept(tmp_path / name) for name in ("one", "two"))
    assert_same_network(two, one, "classifier.h5")
    assert (two / "results.txt").read_text().split()[-30:] == (one / "results.txt").read_text().split()[-30:]


def test_at_a_terminal_the_first_process_asks_for_all_again(images, tmp_path):
    ours, theirs = pty.openpty()
    job = job_of(2)
    (tmp_path / "saved.h5").touch()
    with (tmp_path / "errors").open("w") as errors:
        first = start("autoencoder", ["-d", images / "images"], tmp_path, (theirs, theirs, errors), **job[0])
        other = Running("autoencoder", ["-d", images / "images"], None, tmp_path, **job[1])
    os.close(theirs)
    answers = ["1", "x", "3", "b", "3", "2", "1", "", "3", "saved", "n", "3", f"{tmp_path}/no/", "saved", "y", "0"]
    shown = []
    type_answers(ours, answers, shown)
    assert (first.wait(240), other.end().code) == (0, 0)
    assert "expected 1 kernel size such as 3x3, found 'x'" in "".join(shown)
    assert (tmp_path / "errors").read_text() == ""
    assert (tmp_path / "saved.h5").stat().st_size


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


@pytest.mark.parametrize(
    ("first", "second", "answers", "codes", "fault"),
    [
        ([], [], "1\n3\nx\n", (2, None), 'line 3 of the input, "filters of each layer": expected 1 number'),
        ([], ["-d", "nowhere"], ANSWERS, (None, 2), "nowhere: no such file"),
        (["-d", "nowhere"], [], ANSWERS, (2, None), "nowhere: no such file"),
        ([], ["-d", "other"], ANSWERS, (None, 2), "other: expected (61, 8, 8), checksum"),
        (
            [],
            ["--seed", "2"],
            ANSWERS,
            (None, 2),
            "the flags: expected [({}, 1)], as process 0 has it, found [({}, 2)]",
        ),
        (["--open", "x"], ["--open", "x"], ANSWERS, (2, 2), "no experiment"),
    ],
)
def test_a_fault_of_one_process_ends_all(images, tmp_path, first, second, answers, codes, fault):
    idx.write(tmp_path / "other", make_images(make_labels(COUNT, range(4)))[::-1])
    job = [
        Running("autoencoder", ["-d", images / "images", *own], text, tmp_path, **environment)
        for own, text, environment in zip((first, second), (answers, None), job_of(2), strict=True)
    ]
    ends = end_job(job)
    for (_, error, code), expected in zip(ends, codes, strict=True):
        assert code == expected if expected else code != 0
        assert error.startswith("autoencoder.py: error: ")
    assert fault in ends[codes[0] is None][1]


@pytest.mark.parametrize(
    ("ended", "number", "code"),
    [(0, signal.SIGINT, 130), (1, signal.SIGTERM, 143), (1, signal.SIGSTOP, None)],
)
def test_a_signal_to_a_process_that_waits_for_an_answer_ends_all(images, tmp_path, ended, number, code):
    reader, writer = os.pipe()
    with os.fdopen(writer, "w"):
        job = begin_job(["-d", images / "images"], os.fdopen(reader), tmp_path)
        while os.pread(job[0].output[0].fileno(), 10_000, 0)[-3:] != b"]: ":
            assert job[0].process.poll() is None
            time.sleep(0.02)
        job[ended].process.send_signal(number)
        ((_, error, other),) = end_job([job[1 - ended]])
    assert other != 0
    assert re.match("autoencoder.py: error: (process . of 2: )?the job lost a process: ", error)
    if code:
        ((_, error, found),) = end_job([job[ended]])
        assert found == code
        assert f"process {ended} of 2: exit code {code}" in error
    job[ended].process.kill()


def answers_as_jax_does(host, port):
    try:
        with socket.create_connection((host, port)) as connection:
            return connection.recv(1) == b"\0"
    except OSError:
        return False


@pytest.mark.parametrize("number", [0, 1])
def test_a_process_waits_at_the_jobs_address_alone_for_others_to_come_and_a_signal_ends_it(images, tmp_path, number):
    environment = job_of(2)[number]
    host, port = environment[VARIABLES[0]].split(":")
    server = socket.create_server((host, int(port))) if number else contextlib.nullcontext()
    with server:
        (process,) = begin_job(["-d", images / "images"], "", tmp_path, [environment])
        if number:
            server.accept()
        while not number and not answers_as_jax_does(host, port):
            assert process.process.poll() is None
        assert not answers_as_jax_does("127.0.0.2", port)
        process.process.send_signal(signal.SIGTERM)
        line = f"autoencoder.py: error: process {number} of 2: exit code 143\n"
        assert end_job([process]) == [("", line, 143)]


@pytest.mark.parametrize("numbers", [[0, 1, 2], [0], [1], [0, 0], [0, 1, 1]])
def test_processes_that_make_a_job_wait_for_an_answer_and_others_all_end_in_time(numbers):
    environments = [script_environment(**environment, PYTHONPATH=str(SOURCE)) for environment in job_of(3)]
    is_whole = numbers == [0, 1, 2]
    command = [sys.executable, "-c", QUICK, "60" if is_whole else "5"]
    job = [subprocess.Popen(command, env=environments[number], stderr=subprocess.PIPE, text=True) for number in numbers]
    for process in job:
        _, error = process.communicate(timeout=240)
        assert (process.returncode == 0) == is_whole
        assert re.fullmatch("" if is_whole else f"-c: error: ({NOT_ALL}|.* ALREADY_EXISTS: .*)\n", error)


@pytest.mark.parametrize(("ended", "number"), [(0, signal.SIGKILL), (1, signal.SIGTERM)])
def test_what_ends_one_process_in_training_ends_the_job_and_one_or_two_go_on_with_it(images, tmp_path, ended, number):
    job = begin_job(["-d", images / "images"], LONG_ANSWERS, tmp_path)
    wait_for_rows(tmp_path, 3, job[ended].process)
    job[ended].process.send_signal(number)
    other = job[1 - ended].end()
    assert other.stderr.startswith("autoencoder.py: error: ")
    assert "the job lost a process" in other.stderr
    assert other.stderr.endswith("; --resume goes on after the last finished epoch\n")
    assert other.code != 0
    assert job[ended].end().code == (-9 if number == signal.SIGKILL else 143)

    run = kept(tmp_path)
    before = history_of(run)
    if ended == 0:
        assert run_script("autoencoder", ["--resume"], "", tmp_path).code == 0
    else:
        assert [process.end().code for process in begin_job(["--resume"], "", tmp_path)] == [0, 0]
    assert kept(tmp_path) == run
    after = history_of(run)
    assert after[: len(before) - 1] == before[:-1]
    assert [int(row["epoch"]) for row in after] == list(range(1, LONG + 1))
