"""Work on data that may crash or hang the library that reads it, in a process of its own."""

import contextlib
import json
import os
import signal

try:
    import resource
except ImportError:  # not on Windows
    resource = None


class Ended(Exception):
    """The process ended without a result; the message says what became of it."""


class Contained:
    """A function at work in a copy of this process: None, a text, a number or a list of them is what it may return.

    The copy is quick to make, shares nothing that it could break, and does not outlast the context that this is. Where
    the system cannot copy a process, the function runs in this one, when its result is asked for.

    Args:
        action: takes no arguments, and catches what its parts raise.
        seconds: of the processor, after which the copy is ended.
    """

    def __init__(self, action, seconds):
        self._action = action
        self._copy = None
        if not hasattr(os, "fork"):
            return
        reader, writer = os.pipe()
        self._copy = os.fork()
        if self._copy == 0:
            _act(action, writer, seconds)
        os.close(writer)
        self._written = os.fdopen(reader, "rb")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._copy:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._copy, signal.SIGKILL)
            self._wait()

    def _wait(self):
        """Wait for the copy to end; return its exit code."""
        code = _exit_code_of(self._copy)
        self._copy = None
        self._written.close()
        return code

    def result(self):
        """Return what the function returned, when the copy has ended.

        Raises:
            Ended: it crashed, or had to be ended.
        """
        if self._copy is None:
            return self._action()
        result = self._written.read()
        code = self._wait()
        if code or not result:
            raise Ended("takes too long" if code == -signal.SIGPROF else f"ends in a crash ({code})")
        return json.loads(result)


def _exit_code_of(copy):
    """Wait for a process to end; return its exit code, less than 0 for a signal."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
    except ChildProcessError:  # whoever started this process has it ignore its own: the system keeps no exit code
        return 0


def _act(action, writer, seconds):
    """Write an action's result as JSON, and end this process; a signal's default is to end it even within a library."""
    code = 1
    with contextlib.suppress(BaseException):
        for number in (signal.SIGPROF, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        if resource:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(writer, "wb") as file:
            file.write(json.dumps(action()).encode())
        code = 0
    os._exit(code)
