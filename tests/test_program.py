"""How a script ends: lost streams, libraries that end the process, and faults that nobody foresaw."""

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import (
    SOURCE,
    children_of,
    containing,
    is_running,
    kept,
    make_hyperparameters,
    make_images,
    make_labels,
    run_script,
    script_command,
    script_environment,
    start,
    wait_for_rows,
)

from utilities import system
from utilities.data import idx
from utilities.data.datasets import split_for_validation
from utilities.network.networks import build_autoencoder
from utilities.record.runs import RunFolder
from utilities.session.experiments import Task
from utilities.streams import open_output
from utilities.terminal.console import say
from utilities.text import printable
from utilities.training import training
from utilities.training.progress import Progress

NUMBERS = signal.Signals.__members__
LONG_ANSWERS = "1\n3\n2\n90000\n8\n3\nsaved.h5\n0\n"
DISK_IS_FULL = "standard output cannot be written: No space left on device"


@pytest.fixture
def run_with_keras(data, tmp_path):
    """Return a function that runs autoencoder.py where a text stands for the code of Keras."""

    def run(code, **limits):
        (tmp_path / "keras.py").write_text(code)
        return subprocess.run(
            script_command("autoencoder", ["-d", data / "letters"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=script_environment(PYTHONPATH=str(tmp_path)),
            preexec_fn=lambda: [
                resource.setrlimit(getattr(resource, name), (value, value)) for name, value in limits.items()
            ],
            timeout=60,
            check=False,
        )

    return run


def run_main(code, **options):
    """Run ``program.run`` with the code of a function ``main``."""
    text = "import os, resource, signal, sys\nfrom utilities.terminal import program\n"
    return subprocess.run(
        [sys.executable, "-c", f"{text}{code}\nprogram.run(main)"],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        text=True,
        env=script_environment(PYTHONPATH=str(SOURCE), PYTHONUNBUFFERED=""),
        timeout=60,
        check=False,
    )


def is_null(path):
    return os.readlink(path) == os.devnull  # noqa: PTH115


def take_details(line):
    """Return what the file of details that a line names holds, and remove it."""
    path = Path(line.split()[-1])
    try:
        return path.read_text()
    finally:
        path.unlink()


# --- a library that ends the process

FAILED_CHECK = """
import os
os.write(2, b'''I0000 00:00:1795623083.937293 6614 port.cc:153] news
F0000 00:00:1795623088.625933 6604 env.cc:84] Check failed: no thread
*** Check failure stack trace: ***
    @     0x7f598691d314  absl::LogMessage
''')
"""


@pytest.mark.parametrize(
    ("ending", "code", "told"),
    [
        ("os.abort()", -signal.SIGABRT, "a library ended the process (Aborted)"),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV, "a library ended the process (Segmentation fault)"),
        ("os._exit(3)", 3, "a library ended the process, or a lack of memory"),
    ],
)
def test_a_library_that_ends_the_process_is_told_with_its_last_words(run_with_keras, ending, code, told):
    done = run_with_keras(FAILED_CHECK + ending)
    line = re.escape(f"autoencoder.py: error: {told}; its last words: Check failed: no thread; details in ")
    assert re.fullmatch(rf"{line}\S+\n", done.stderr)
    assert done.returncode == code
    details = take_details(done.stderr)
    assert details.startswith("I0000 ")
    assert ("keras.py" in details) == (code < 0)  # the line of Python that was at work


def test_a_crash_where_memory_is_limited_is_told_as_lack_of_memory(run_with_keras):
    done = run_with_keras("import os\nos.abort()", RLIMIT_AS=6 * 10**9)
    told = "out of memory, by the look of it: ulimit -v allows 6.0 GB; a library ended the process (Aborted); details"
    assert done.stderr.startswith(f"autoencoder.py: error: {told}")
    take_details(done.stderr)


KILLED = "the process was killed, perhaps by the system for lack of memory"
KILL = "os.kill(os.getpid(), signal.{})".format
IGNORED = f"signal.signal(3, 1)\n    {KILL('SIGQUIT')}\n    "
CHILD = "child = os.fork()\n    child or os.abort()\n    os.waitpid(child, 0)\n    "
UNKNOWN = "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n    raise ValueError('what\\nis wrong')"
LARGE = "raise type('Large', (Exception,), {'__str__': lambda self: bytes(2**60)})"
SLOW = f"raise type('Slow', (program.Fault,), {{'exit_code': 2, '__str__': lambda self: {KILL('SIGINT')}}})"
ENDING = ("SIGQUIT", "SIGALRM", "SIGTRAP", "SIGSYS")
LEAVING = ("SIGTERM", "SIGUSR1", "SIGUSR2", "SIGXCPU")
# By what they show: the end of ``main``, the exit code, and the line.
ENDS = {
    **{name: (KILL(name), -NUMBERS[name], f"the process was ended by {name}") for name in ENDING},
    **{name: (f"{KILL(name)}\n    os.abort()", 128 + NUMBERS[name], "") for name in LEAVING},
    "an ignored signal is not named": (IGNORED + KILL("SIGKILL"), -9, KILLED),
    "a child's crash is not the script's": (CHILD + KILL("SIGKILL"), -9, KILLED),
    "an error without room for details is told": (UNKNOWN, 1, "unexpected ValueError: what\\nis wrong"),
    "a lack of memory while an error is described": (LARGE, 1, "out of memory"),
    "Ctrl-C while a fault is told": (SLOW, 2, ""),
}


@pytest.mark.parametrize(("code", "exit_code", "told"), ENDS.values(), ids=ENDS)
def test_each_end_has_its_exit_code_and_line(code, exit_code, told):
    done = run_main(f"def main():\n    {code}")
    expected = told and f"-c: error: {told}\n"
    assert (done.returncode, done.stdout, done.stderr) == (exit_code, "", expected)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_watcher_holds_no_output_hears_no_signal_and_leaves_with_the_script(tmp_path, number):
    code = "import signal, sys, time\nfrom utilities.terminal import program\n"
    code += "def main():\n    print(flush=True)\n    time.sleep(60)\nprogram.run(main)"
    script = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=script_environment(PYTHONPATH=str(SOURCE)),
        start_new_session=True,
    )
    script.stdout.readline()
    (watcher,) = children_of(script)
    deadline = time.monotonic() + 10
    descriptors = Path(f"/proc/{watcher}/fd")
    pipes = len(system.OTHER_SIGNALS)
    while len(list(descriptors.iterdir())) != 3 + pipes or not is_null(descriptors / "1"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert os.getsid(int(watcher)) == int(watcher)  # no terminal's signals
    os.killpg(script.pid, number)
    _, errors = script.communicate(timeout=60)
    assert script.returncode == 128 + number
    assert errors == (b"\ninterrupted\n" if number == signal.SIGINT else b"")
    while is_running(watcher):
        assert time.monotonic() < deadline + 60
        time.sleep(0.01)


@pytest.mark.parametrize("cut", ["os.truncate(path, 100)", "open(path, 'w').close(); os.rename(path, path + '2')"])
def test_a_data_file_that_is_cut_off_while_it_is_mapped_is_named(tmp_path, cut):
    paths = [str(tmp_path / f"{name} images\n") for name in ("other", "cut")]
    for path in paths:
        idx.write(path, np.zeros((100, 28, 28), np.uint8))
    code = f"from utilities.data import idx\ndef main():\n    mapped = [idx.read(path) for path in {paths}]\n"
    done = run_main(f"{code}    path = {paths[1]!r}\n    {cut}\n    mapped[1].sum()")
    told = f"{printable(paths[1], 200)}: cut off or written over while it was read"
    assert done.stderr == f"-c: error: {told}\n"
    assert done.returncode == -signal.SIGBUS


def test_a_bus_error_without_such_a_file_is_a_librarys(tmp_path):
    idx.write(tmp_path / "images", np.zeros((100, 28, 28), np.uint8))
    code = f"from utilities.data import idx\ndef main():\n    mapped = idx.read({str(tmp_path / 'images')!r})\n"
    done = run_main(f"{code}    os.kill(os.getpid(), signal.SIGBUS)")
    assert done.stderr.startswith("-c: error: a library ended the process (Bus error); details in ")
    assert "mapped" not in take_details(done.stderr)


# --- faults that nobody foresaw

THREADS = r"the system starts no more threads [^\n]*ulimit -u[^\n]*"
NO_LIBRARIES = "out of memory; the libraries cannot be loaded"


@pytest.mark.parametrize(
    ("code", "code_of_exit", "told"),
    [
        ("import os\nos.kill(os.getpid(), 9)", -9, KILLED),
        ("raise RuntimeError('RESOURCE_EXHAUSTED: so')", 1, NO_LIBRARIES),
        ("raise type('ResourceExhaustedError', (Exception,), {})", 1, NO_LIBRARIES),
        ('raise RuntimeError("can\'t start new thread")', 1, THREADS),
        ("raise BlockingIOError(11, 'Resource temporarily unavailable')", 1, THREADS),
        # What Python, or a library, only prints reaches no user.
        ("import threading\nthread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()", 1, ""),
        ("class Broken:\n    def __del__(self):\n        1 / 0\nBroken()", 1, ""),
        ("import logging\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('so')", 1, ""),
        ("import warnings\nwarnings.warn('so')", 1, ""),
    ],
)
def test_what_goes_wrong_in_a_library_is_told_in_one_line(run_with_keras, code, code_of_exit, told):
    done = run_with_keras(code if told else f"{code}\nraise MemoryError")
    assert re.fullmatch(f"autoencoder.py: error: {told or NO_LIBRARIES}\n", done.stderr)
    assert done.returncode == code_of_exit


def test_a_lack_of_memory_is_told_with_advice_on_a_run_where_there_is_one(tmp_path):
    class Failing(Task):
        def train(self, *_):
            raise MemoryError

    folder = RunFolder.create(tmp_path, "autoencoder", [], {}, {})
    with pytest.raises(MemoryError) as raised:
        Failing(None, None, 0, {})._train(None, None, folder, {})
    advice = raised.value.advice
    assert advice == "fewer filters or a smaller batch take less, and --resume RUN tries the same again"
    error = "    error = MemoryError()\n"
    for given, told in (("", ""), (f"    error.advice = {advice!r}\n", f"; {advice}")):
        done = run_main(f"def main():\n{error}{given}    raise error")
        assert (done.returncode, done.stderr) == (1, f"-c: error: out of memory{told}\n")


def test_any_error_of_an_import_without_room_is_told_as_lack_of_memory(run_with_keras):
    done = run_with_keras("raise AttributeError('partially initialized module')", RLIMIT_AS=10**9)
    assert done.stderr == (
        "autoencoder.py: error: out of memory; ulimit -v allows 1.0 GB; the libraries cannot be loaded\n"
    )
    assert done.returncode == 1


# --- standard output or error lost


@pytest.fixture
def broken_pipe():
    """The end to write to of a pipe whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


PRINT = "def main():\n    print('a line', flush={})\n"


@pytest.mark.parametrize("flush", [True, False])
def test_a_pipe_without_reader_ends_the_script_without_a_word(broken_pipe, flush):
    done = run_main(PRINT.format(flush), stdout=broken_pipe)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("flush", [True, False])
@pytest.mark.parametrize("end", ["", "    raise SystemExit(0)", "    raise program.Fault('another')"])
def test_a_full_disk_under_standard_output_is_told_in_one_line(flush, end):
    with Path("/dev/full").open("w") as full:
        done = run_main(PRINT.format(flush) + end, stdout=full)
    expected = "another" if "another" in end and not flush else DISK_IS_FULL
    assert (done.returncode, done.stderr) == (1, f"-c: error: {expected}\n")


def test_under_nohup_the_loss_of_standard_output_is_told_at_the_end():
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with Path("/dev/full").open("w") as full:
        done = run_main(f"{ignore}{PRINT.format(True)}    print('to the end', file=sys.stderr)", stdout=full)
    assert (done.returncode, done.stderr) == (1, f"to the end\n-c: error: {DISK_IS_FULL}\n")


def test_the_loss_of_standard_error_ends_nothing(broken_pipe):
    code = "def main():\n    print('lost', file=sys.stderr)\n    print('a line')"
    done = run_main(code, stderr=broken_pipe)
    assert (done.returncode, done.stdout) == (0, "a line\n")


def test_a_full_pipe_that_does_not_wait_is_waited_for():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    count = 200_000
    code = f"import sys\nfrom utilities.streams import open_output\nopen_output(1, sys.stdout).write({count} * 'x')"
    environment = script_environment(PYTHONPATH=str(SOURCE))
    with subprocess.Popen([sys.executable, "-c", code], stdout=writer, env=environment) as script:
        os.close(writer)
        time.sleep(0.2)
        with os.fdopen(reader) as read:
            assert read.read() == count * "x"
    assert script.returncode == 0


LABELS = make_labels(40, range(4))
IMAGES = make_images(LABELS, channels=1)


@pytest.mark.parametrize("broken", [True, False], ids=["pipe", "full disk"])
def test_training_without_output_stops_at_the_end_of_the_batch_with_what_was_learnt(
    monkeypatch, tmp_path, broken_pipe, broken
):
    if not broken:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, broken_pipe)
        os.close(full)
    hung_up = []
    before = signal.signal(signal.SIGHUP, lambda *_: hung_up.append(True))
    monkeypatch.setattr(
        sys, "stdout", open_output(broken_pipe, sys.__stdout__, lambda: signal.raise_signal(signal.SIGHUP))
    )
    hyperparameters, folder = make_hyperparameters(1, epochs=50, batch_size=8), RunFolder(tmp_path)
    autoencoder = build_autoencoder(IMAGES.shape[1:], hyperparameters)
    try:
        stopped_by = training.train_autoencoder(
            autoencoder, IMAGES, split_for_validation(len(IMAGES), 1), hyperparameters, 1, folder
        )
        say("")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert stopped_by == signal.SIGHUP
    assert 1 <= len(folder.history) <= 3
    assert hung_up  # at the next line after the training


def test_ctrl_c_that_ends_the_reader_first_keeps_what_was_learnt(data, tmp_path):
    reader, writer = os.pipe()
    with containing(LONG_ANSWERS) as stdin, tempfile.TemporaryFile("w+") as stderr:
        script = start("autoencoder", ["-d", data / "letters"], tmp_path, (stdin, writer, stderr))
        os.close(writer)
        wait_for_rows(tmp_path, 1, script)
        os.close(reader)
        script.send_signal(signal.SIGINT)
        assert script.wait(60) == 130
        stderr.seek(0)
        assert stderr.read() == "\nstopping at the end of the batch; Ctrl-C again leaves at once\n"
    assert (kept(tmp_path) / "encoder.h5").exists()
    assert list(kept(tmp_path).glob("checkpoint-*.npz"))
    assert not (tmp_path / "saved.h5").exists()  # the menu, which nobody sees, is not shown


def test_a_bar_on_a_terminal_that_closes_does_not_end_the_training(monkeypatch):
    ours, theirs = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", open_output(theirs, sys.__stdout__))
    progress = Progress(0, 2, 100)
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    progress.on_train_batch_end(0, {"loss": 1.0})
    time.sleep(0.2)
    progress.on_train_batch_end(1, {"loss": 1.0})
    assert b"epoch 1/2" in os.read(ours, 1000)
    os.close(ours)
    time.sleep(0.2)
    progress.on_train_batch_end(2, {"loss": 1.0})
    os.close(theirs)


# --- a user's keras.json


def test_neither_a_users_keras_json_nor_keras_variables_change_what_is_trained(data, tmp_path):
    settings = '{"floatx": "float99", "image_data_format": "channels_first", "backend": "torch", "epsilon": 1}'
    (tmp_path / "keras.json").write_text(settings)
    variables = {"KERAS_HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "few"}
    session = run_script("autoencoder", ["-d", data / "letters"], "1\n3\n2\n2\n32\n", tmp_path, **variables)
    assert (session.code, session.stderr) == (0, "")
    (run,) = session.runs
    assert (run / "history.csv").read_text().count("\n") == 1 + 2
    encoder = keras.models.load_model(run / "encoder.h5", compile=False)
    assert encoder.output_shape == (None, 4, 4, 2)
    assert {layer.data_format for layer in encoder.layers if hasattr(layer, "data_format")} == {"channels_last"}
    assert {weight.dtype for weight in encoder.weights} == {"float32"}
    assert (tmp_path / "keras.json").read_text() == settings
