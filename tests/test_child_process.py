import gc
import os
import signal
import time
import traceback
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import children_of

from utilities.errors import BadInput
from utilities.network.child_process import run_in_child


def run(function, *arguments):
    return run_in_child(function, *arguments, seconds=10)


def children():
    """Return the numbers of this process's children, dead ones too; the server of forks may be one of them."""
    return children_of(SimpleNamespace(pid=os.getpid()))


def test_what_the_function_returns_is_handed_back():
    array = np.arange(100_000, dtype="<f4").reshape(10, -1)
    line, found = run(lambda line, array: (line, array + 1), b"line\n", array)
    assert line == b"line\n"
    assert np.array_equal(found, array + 1)
    assert run(lambda: None) is None


def test_bad_input_in_the_child_is_raised_with_its_message():
    def refuse():
        raise BadInput("a name that is no text: \udcff")

    with pytest.raises(BadInput, match="a name that is no text: \udcff"):
        run(refuse)


def test_a_lack_of_memory_in_the_child_is_raised_as_such():
    with pytest.raises(MemoryError):
        run(lambda: bytes(2**60))


def test_another_error_in_the_child_is_raised_with_its_traceback():
    def divide():
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        run(divide)
    assert "in divide" in "".join(traceback.format_exception(caught.value))


def test_work_without_end_is_ended():
    begun = time.perf_counter()
    with pytest.raises(ChildProcessError, match="takes too long"):
        run_in_child(lambda: sum(iter(int, 1)), seconds=0.2)  # within one call: no step of Python in between
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_crash_is_told_and_goes_no_further(number):
    with pytest.raises(ChildProcessError, match=f"crash .-{number:d}."):
        run(lambda: os.kill(os.getpid(), number))


def test_no_child_and_no_open_file_is_left_behind():
    gc.collect()  # of earlier tests
    others, before = children(), os.dup(0)
    os.close(before)
    for _ in range(20):
        run(lambda: b"done")
    after = os.dup(0)
    os.close(after)
    assert after == before  # the system gives the lowest number that is free
    assert children() == others


def test_ctrl_c_ends_the_child_too():
    others, before = children(), signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(lambda: time.sleep(60))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert children() == others


def test_it_works_in_a_process_that_ignores_its_children():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert run(lambda: b"result") == b"result"
        with pytest.raises(ChildProcessError):
            run(lambda: os._exit(1))
    finally:
        signal.signal(signal.SIGCHLD, before)
