"""The processes of a job meet, and end together; what they do in between is here no training, and takes no JAX."""

import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import SOURCE, script_environment

from utilities.backend import VARIABLES

TIMEOUT = 60


def unused_address():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


def environment_of(number, count, address):
    return {"KERAS_BACKEND": "jax"} | dict(zip(VARIABLES, (address, str(count), str(number)), strict=True))


def begin_process(number, address, body, count=2, settings=""):
    """Start a process of a job that runs some lines of Python in the place of a script's main."""
    program = f"""
import time
from utilities import processes
from utilities.errors import BadInput, Fault
from utilities.terminal import program
{settings}
def main():
    print("begun", flush=True)
{textwrap.indent(body, "    ")}
program.run(main)
"""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=script_environment(**environment_of(number, count, address), PYTHONPATH=str(SOURCE)),
    )


def end_processes(processes):
    """Wait for all processes; return the standard output, standard error and exit code of each."""
    try:
        return [(*process.communicate(timeout=TIMEOUT), process.returncode) for process in processes]
    finally:
        for process in processes:
            process.kill()


def test_what_a_library_writes_to_the_standard_output_stays_away_from_it():
    address = unused_address()
    body = "import os; os.write(1, b'of a library'); print('of the script')"
    ends = end_processes([begin_process(number, address, body) for number in range(2)])
    assert ends == [("begun\nof the script\n", "", 0), ("", "", 0)]


@pytest.mark.parametrize(
    ("first", "second", "code", "fault"),
    [
        ("time.sleep(60)", "raise BadInput('no such file')", 2, "no such file"),
        ("raise Fault('disk full')", "time.sleep(60)", 1, "disk full"),
        ("raise BadInput('alike')", "raise BadInput('alike')", 2, "alike"),
        ("raise SystemExit(2)", "processes.agree('it', 1)", 2, ""),  # as a bad command line does
        ("processes.agree('it', 1)", "processes.agree('it', '1')", 2, "the processes of the job differ in it"),
    ],
)
def test_a_fault_in_one_process_ends_all_with_its_exit_code(first, second, code, fault):
    address = unused_address()
    for _, error, found in end_processes([begin_process(n, address, body) for n, body in enumerate((first, second))]):
        assert found == code
        assert error.count("\n") <= 1
        assert error.endswith(f"{fault}\n") or not fault


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("ended", [0, 2])
def test_a_signal_to_one_process_ends_all_in_one_line(number, ended):
    address = unused_address()
    # Exceptions are of no effect here, as within NumPy and JAX.
    body = "while True:\n    try: time.sleep(60)\n    except BaseException: pass"
    processes = [begin_process(n, address, body, count=3) for n in range(3)]
    processes[0].stdout.readline()
    processes[ended].send_signal(number)
    what = "lost" if number == signal.SIGKILL else f"ended by {number.name}"
    line = f"-c: error: process {ended} of 3 was {what}\n"
    ends = end_processes(processes)
    codes = [code for _, _, code in ends]
    assert codes.pop(ended) == (-9 if number == signal.SIGKILL else 128 + number)
    assert codes == [1, 1]
    assert {error for _, error, code in ends if code != -9} == {line}


@pytest.mark.parametrize("stopped", [0, 1])
def test_a_process_that_falls_silent_is_lost_and_one_that_waits_long_is_not(stopped):
    address = unused_address()
    quick = "processes.BEAT, processes.LONGEST_SILENCE = 0.1, 0.8"
    processes = [begin_process(n, address, "time.sleep(60)", settings=quick) for n in range(2)]
    processes[0].stdout.readline()
    time.sleep(1)
    assert [process.poll() for process in processes] == [None, None]
    processes[stopped].send_signal(signal.SIGSTOP)
    (end,) = end_processes([processes[1 - stopped]])
    processes[stopped].kill()
    end_processes([processes[stopped]])
    assert end[1:] == (f"-c: error: process {stopped} of 2 was lost\n", 1)


@pytest.mark.parametrize("number", [0, 1])
def test_a_process_that_waits_tells_for_whom_and_ends_at_a_signal_or_after_long(number):
    address = unused_address()
    waiting = f"waiting for process {1 - number} of 2 at {address}\n"
    process = begin_process(number, address, "pass", settings="processes.TOLD_WAIT = 0.1")
    assert process.stderr.readline() == waiting
    process.send_signal(signal.SIGTERM)
    assert end_processes([process]) == [("", f"-c: error: process {number} of 2 was ended by SIGTERM\n", 143)]
    quick = "processes.TOLD_WAIT, processes.LONGEST_WAIT = 0.1, 0.5"
    (end,) = end_processes([begin_process(number, address, "pass", settings=quick)])
    assert end == ("", f"{waiting}-c: error: process {1 - number} of 2 never came to {address}\n", 1)


def test_of_several_missing_processes_each_is_told_of():
    address = unused_address()
    settings = "processes.TOLD_WAIT, processes.LONGEST_WAIT = 0.1, 60"
    first = begin_process(0, address, "pass", 3, settings)
    assert first.stderr.readline() == f"waiting for processes 1, 2 of 3 at {address}\n"
    others = [begin_process(1, address, "pass", 3)]
    assert first.stderr.readline() == f"waiting for process 2 of 3 at {address}\n"
    others.append(begin_process(2, address, "pass", 3))
    assert [end[2] for end in end_processes([first, *others])] == [0, 0, 0]


@pytest.mark.parametrize("greeting", [None, b"HTTP/1.1 400 Bad Request\r\n"])
def test_a_port_that_another_program_has_is_told_by_all(greeting):
    quick = "processes.LONGEST_ANSWER = 0.5"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        jobs = [begin_process(number, f"127.0.0.1:{port}", "pass", settings=quick) for number in range(2)]
        if greeting:
            for _ in jobs:
                connection, _ = server.accept()
                with connection:
                    connection.sendall(greeting)
        first, second = end_processes(jobs)
    variable = "-c: error: KERAS_DISTRIBUTION_JOB_ADDRESSES"
    assert first == ("", f"{variable}: cannot listen on port {port}: Address already in use\n", 2)
    answers = f"what answers at 127.0.0.1:{port} is not process 0 of a job that waits for process 1"
    assert second == ("", f"{variable}: {answers}\n", 2)


@pytest.mark.parametrize(
    ("numbers", "counts", "fault"),
    [
        ([0, 1, 1], [3, 3, 3], "expected a number of its own in each process, found 1 twice\n"),
        ([0, 0], [2, 2], ""),  # the port is in use, or the number is there twice: who comes first tells
        ([0, 1], [2, 3], "expected the same in all processes of the job, found 2 and 3\n"),
    ],
)
def test_processes_that_do_not_make_a_job_end_at_once(numbers, counts, fault):
    address = unused_address()
    for _, error, code in end_processes(
        [begin_process(n, address, "pass", c) for n, c in zip(numbers, counts, strict=True)]
    ):
        assert code == 2
        assert error.endswith(fault)
        assert error.count("\n") == 1


def test_whoever_else_comes_to_a_job_leaves_it_alone():
    address = unused_address()
    host, port = address.split(":")
    job = [
        begin_process(
            0, address, "time.sleep(60)", settings="processes.TOLD_WAIT = 0; processes.LONGEST_GREETING = 0.3"
        )
    ]
    assert job[0].stderr.readline() == f"waiting for process 1 of 2 at {address}\n"
    with socket.create_connection((host, port)), socket.create_connection((host, port)) as web:
        web.sendall(b"GET / HTTP/1.1\r\n\r\n")
        job.append(begin_process(1, address, "time.sleep(60)"))
        assert job[0].stdout.readline() == "begun\n"
    late = begin_process(1, address, "pass", settings="processes.LONGEST_ANSWER = 0.3")
    ((_, error, code),) = end_processes([late])
    assert code == 2
    assert error.endswith(f"what answers at {address} is not process 0 of a job that waits for process 1\n")
    assert [process.poll() for process in job] == [None, None]
    job[0].send_signal(signal.SIGTERM)
    assert [code for _, _, code in end_processes(job)] == [143, 1]


def test_the_answers_to_a_menu_are_compared_too():
    address = unused_address()
    body = "from utilities.terminal.console import Console\nConsole({!r}).choose('next?', {{0: 'a', 3: 'b'}})"
    bodies = [body.format(answer) for answer in ("3\n", "0\n")]
    for _, error, code in end_processes([begin_process(number, address, body) for number, body in enumerate(bodies)]):
        assert code == 2
        assert error.endswith('the processes of the job differ in their answers to "choice"\n')
