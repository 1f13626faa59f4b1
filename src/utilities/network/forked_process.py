"""Runs a function in a forked child process, for what may crash or hang the library that reads it."""

import contextlib
import os
import resource
import signal
import traceback

from utilities.errors import BadInput

# What the child writes first: a result follows, or the text of what is raised here.
RESULT, RAISED = b"=", {b"!": BadInput, b"m": MemoryError, b"?": RuntimeError}


class Died(Exception):
    """The child process ended without a result; the message says how."""


def run_forked(function, *arguments, seconds):
    """Return what a function returns, an iterable of bytes or arrays, as bytes.

    Args:
        seconds: of the processor, after which the child is ended.

    Raises:
        Died: the child crashed, or had to be ended.
        BadInput, MemoryError: the function raised it.
        RuntimeError: the function raised something else; the message is its traceback.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _work(function, arguments, seconds, writer)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb", buffering=0) as pipe:
            outcome, content = pipe.read(1), pipe.read()
    except BaseException:  # Ctrl-C, above all
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        raise
    finally:
        code = 0
        # Where this process was started with SIGCHLD ignored, the system keeps no exit code.
        with contextlib.suppress(ChildProcessError):
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code or not outcome:
        raise Died("takes too long" if code == -signal.SIGPROF else f"ends in a crash ({code})")
    if outcome in RAISED:
        raise RAISED[outcome](content.decode(errors="surrogatepass"))
    return content


def _work(function, arguments, seconds, writer):
    """Write what a function returns or raises, and end this process."""
    code = 1
    with contextlib.suppress(BaseException):
        for number in (signal.SIGPROF, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)  # which ends a process even within a call of a library
        signal.setitimer(signal.ITIMER_PROF, seconds)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            written = [RESULT, *function(*arguments)]
        except BadInput as fault:
            written = [b"!", str(fault).encode(errors="surrogatepass")]
        except MemoryError:
            written = [b"m"]
        except Exception:
            written = [b"?", traceback.format_exc().encode(errors="surrogatepass")]
        with os.fdopen(writer, "wb") as pipe:
            pipe.writelines(written)
        code = 0
    os._exit(code)
