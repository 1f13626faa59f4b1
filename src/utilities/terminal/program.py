"""How a script runs: quiet libraries, heavy imports behind the questions, and one line for every fault."""

import errno
import importlib
import logging
import mmap
import os
import signal
import sys
import threading
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor

from utilities import crashes
from utilities.errors import Fault
from utilities.processes import await_loss, end, join_job, leave_job
from utilities.streams import open_closed_streams, open_output
from utilities.text import printable

INTERRUPTED = 130
SMALLER = "fewer filters or a smaller batch take less, and --resume goes on with what was interrupted"
NO_MORE_THREADS = "the system starts no more threads or processes; ulimit -u, or a container's own limit, is too low"
LONGEST_MESSAGE = 200
LARGE = 2**30  # bytes; what a library asks for at once is less


def run(main):
    """Run a script's ``main`` and leave with its exit code; faults are told on standard error in one line each."""
    code, fault = Fault.exit_code, None
    try:
        code, fault = _outcome_of(main)
        sys.stdout.flush()
    except MemoryError:  # to tell of a fault takes memory too
        fault = "out of memory"
    finally:
        end(code, fault)


def _outcome_of(main):
    """Run ``main``; return the exit code, and the fault that is to be told, or None."""
    try:
        try:
            _set_up()
            join_job()
            _act(main)
            leave_job()
            return 0, None
        finally:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the loss of standard output changes nothing any more
    except SystemExit as leaving:
        return leaving.code, None
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED, None
    except Fault as fault:
        return fault.exit_code, fault
    except Exception as error:
        await_loss()
        return Fault.exit_code, _describe(error)


def _set_up():
    open_closed_streams()
    _silence_libraries()
    sys.stdin.reconfigure(errors="surrogateescape")  # a path is what was typed, whatever the encoding
    # A pipe without a reader, or a full disk, stops a training as a closed terminal does: what was learnt is kept.
    sys.stdout = open_output(1, sys.stdout, lambda: signal.raise_signal(signal.SIGHUP))
    sys.stderr = open_output(os.dup(2), sys.stderr)
    crashes.watch()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)


def _silence_libraries():
    """Keep what libraries say on their own away from the user; the watcher gets what they write to standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's, which where it can start no thread plays Ctrl-C
    logging.disable()
    warnings.simplefilter("ignore")
    threading.excepthook = sys.unraisablehook = lambda raised: traceback.print_exception(
        raised.exc_type, raised.exc_value, raised.exc_traceback, file=sys.__stderr__
    )


def _act(main):
    """Call ``main``, and check that its output is written."""
    try:
        main()
    except SystemExit as leaving:  # after --help too there is output
        if leaving.code:
            raise
    sys.stdout.flush()
    _check_output()


def _leave(number, frame):
    _check_output()
    raise SystemExit(128 + number)


def _check_output():
    """Leave where standard output could not be written.

    Raises:
        SystemExit: whoever read it is gone.
        Fault: it could not be for another reason.
    """
    failure = sys.stdout.buffer.raw.failure
    if isinstance(failure, BrokenPipeError):
        raise SystemExit(INTERRUPTED)
    if failure and failure.errno != errno.EIO:  # which a closed terminal gives: its signal tells
        raise Fault(f"standard output cannot be written: {failure.strerror}")


def _describe(error):
    """Return one line on an exception that is no Fault."""
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is not installed: python3 -m pip install -r requirements.txt"
    if isinstance(error, BlockingIOError) or "can't start new thread" in str(error):
        return NO_MORE_THREADS
    if _is_lack_of_memory(error):
        return _out_of_memory(SMALLER)
    told = f"unexpected {type(error).__name__}"
    path = crashes.keep_details("".join(traceback.format_exception(error)))
    return f"{told}, details in {path}" if path else f"{told}: {printable(str(error), LONGEST_MESSAGE)}"


def _is_lack_of_memory(error):
    """Tell whether an error, of Python, TensorFlow or JAX, is for lack of memory.

    A library that finds no room may raise anything. So it is taken for that too where there is no room now.
    """
    by_name = type(error).__name__ == "ResourceExhaustedError" or str(error).startswith("RESOURCE_EXHAUSTED")
    return by_name or isinstance(error, MemoryError) or not _has_room(LARGE)


def _has_room(size):
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True


def _out_of_memory(advice):
    return "; ".join(filter(None, ("out of memory", crashes.address_space(), advice)))


def import_in_background(module):
    """Begin to import a module while the user reads and answers; return its Future, which fails as the import does."""
    return ThreadPoolExecutor(1).submit(_import, module)


def _import(module):
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise
    except Exception as error:
        if _is_lack_of_memory(error):
            raise Fault(_out_of_memory("the libraries cannot be loaded")) from error
        raise
