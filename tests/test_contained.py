import os
import signal
import time

import pytest

from utilities.network.contained import Contained, Ended

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot copy a process")


@pytest.mark.parametrize(
    "value", [None, "text\n\u00e9\ud800", 3, ["a", None], "x" * 2**20], ids=lambda value: type(value).__name__
)
def test_the_result_is_handed_back(value):
    assert contained(lambda: value, 10) == value


def contained(action, seconds):
    with Contained(action, seconds) as copy:
        return copy.result()


def test_what_happens_in_the_copy_stays_there():
    changed = []
    contained(lambda: changed.append(1), 10)
    assert not changed


def test_work_without_end_is_ended():
    begun = time.perf_counter()
    with pytest.raises(Ended, match="takes too long"):
        contained(lambda: sum(iter(int, 1)), 0.2)  # within one call: no step of Python in between
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_crash_is_told_and_goes_no_further(number):
    with pytest.raises(Ended, match=f"crash .-{number:d}."):
        contained(lambda: os.kill(os.getpid(), number), 10)


def test_an_error_in_the_copy_is_told():
    with pytest.raises(Ended, match="crash"):
        contained(lambda: 1 / 0, 10)


def test_no_copy_and_no_open_file_is_left_behind():
    contained(lambda: None, 10)
    before = os.pipe()
    for _ in range(20):
        contained(lambda: None, 10)
    assert os.dup(before[0]) == max(before) + 1  # the system gives the lowest number that is free
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_copy_works_while_this_process_does_and_does_not_outlast_the_context(tmp_path):
    def act():
        (tmp_path / "begun").touch()
        time.sleep(60)

    with Contained(act, 10):
        deadline = time.monotonic() + 10
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_ctrl_c_ends_the_copy_too():
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            contained(lambda: time.sleep(60), 10)
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_it_works_in_a_process_that_ignores_its_own():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert contained(lambda: "result", 10) == "result"
        with pytest.raises(Ended):
            contained(lambda: os._exit(1), 10)
    finally:
        signal.signal(signal.SIGCHLD, before)
