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


def contained(action, seconds):
    """Return what a function returns that runs in a copy of this process: None, a text, a number or a list of them.

    The copy is quick to make, and shares nothing that it could break. Where the system cannot copy a process, the
    function runs in this one.

    Args:
        action: takes no arguments, and catches what its parts raise.
        seconds: of the processor, after which the copy is ended.

    Raises:
        Ended: it crashed, or had to be ended.
    """
    if not hasattr(os, "fork"):
        return action()
    reader, writer = os.pipe()
    copy = os.fork()
    if copy == 0:
        _act(action, writer, seconds)
    os.close(writer)
    result, code = _outcome(copy, reader)
    if code or not result:
        raise Ended("takes too long" if code == -signal.SIGPROF else f"ends in a crash ({code})")
    return json.loads(result)


def _outcome(copy, reader):
    """Wait for a copy to end; return what it wrote, and its exit code."""
    try:
        with os.fdopen(reader, "rb") as file:
            return file.read(), _exit_code_of(copy)
    except BaseException:  # Ctrl-C: a copy that hangs would stay behind
        with contextlib.suppress(ProcessLookupError):
            os.kill(copy, signal.SIGKILL)
        _exit_code_of(copy)
        raise


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
