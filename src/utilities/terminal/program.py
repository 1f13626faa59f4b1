"""How a script runs: quiet libraries, heavy imports behind the questions, and one line for every fault."""

import builtins
import errno
import importlib
import logging
import mmap
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from utilities import crashes, system
from utilities.backend import fault_of_variables, set_matplotlib_aside
from utilities.errors import BadInput, Fault
from utilities.processes import end, leave_job, several_processes
from utilities.streams import open_closed_streams, open_output
from utilities.text import printable

INTERRUPTED = 130
RESUME = "--resume goes on after the last finished epoch"
NO_MORE_THREADS = "the system starts no more threads or processes; ulimit -u, or a container's own limit, is too low"
LONGEST_MESSAGE = 200
TRANSPORT = re.compile("gloo|nccl", re.IGNORECASE)  # JAX's, between processes
LARGE = 2**30  # bytes; what a library asks for at once is less


def run(main):
    """Run a script's ``main`` and leave with its exit code; faults are told on standard error in one line each."""
    if hasattr(builtins, "get_ipython"):  # its process would end with the script
        name = Path(sys.argv[0]).name
        print(f"{name}: error: not with %run: use !python3 {name}, with flags for the answers", file=sys.stderr)
        return
    code, fault = Fault.exit_code, None
    try:
        code, fault = _outcome_of(main)
        signal.signal(system.LOST_OUTPUT, signal.SIG_IGN)  # the loss of standard output changes nothing any more
        sys.stdout.flush()
    except MemoryError:  # to tell of a fault takes memory too
        fault = "out of memory"
    finally:
        end(code, fault)


def _outcome_of(main):
    """Run ``main``; return the exit code, and the fault that is to be told, or None."""
    try:
        with system.signals_held():  # a script that is half set up cannot tell why it ends
            _set_up()
        try:
            main()
        except SystemExit as leaving:
            if leaving.code:
                raise
        sys.stdout.flush()  # after --help too there is output
        _check_output()
        leave_job()
        return 0, None
    except SystemExit as leaving:
        return leaving.code, None
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED, None
    except Fault as fault:
        return fault.exit_code, fault
    except Exception as error:
        if not several_processes() and (fault := fault_of_variables(error)):
            return fault.exit_code, fault
        return Fault.exit_code, _describe(error)


def _set_up():
    open_closed_streams()
    set_matplotlib_aside()
    _silence_libraries()
    # A path is what was typed, whatever the encoding.
    sys.stdin.reconfigure(encoding=system.encoding_of_file(sys.stdin), errors="surrogateescape")
    # Child processes import nothing from the folder that the user is in, whoever put it there.
    os.environ["PYTHONSAFEPATH"] = "1"
    # A pipe without a reader, or a full disk, stops a training as a closed terminal does: what was learnt is kept.
    sys.stdout = open_output(1, sys.stdout, lambda: signal.raise_signal(system.LOST_OUTPUT))
    sys.stderr = open_output(os.dup(2), sys.stderr)
    crashes.watch()
    for number in system.ENDING_SIGNALS:
        if number != signal.SIGINT and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)
    try:
        Path.cwd()
    except OSError as error:
        raise BadInput(f"the working folder cannot be read: {error.strerror}; cd to another") from error


def _silence_libraries():
    """Keep what libraries say on their own away from the user; the watcher gets what they write to standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's, which where it can start no thread plays Ctrl-C
    logging.disable()
    warnings.simplefilter("ignore")
    threading.excepthook = sys.unraisablehook = lambda raised: traceback.print_exception(
        raised.exc_type, raised.exc_value, raised.exc_traceback, file=sys.__stderr__
    )


def _leave(number, frame):
    _check_output()
    raise SystemExit(128 + number)


def _check_output():
    """Leave where standard output could not be written: without a word where whoever read it is gone."""
    failure = sys.stdout.buffer.raw.failure
    if failure and system.is_lost_reader(failure):
        raise SystemExit(INTERRUPTED)
    if failure and failure.errno != errno.EIO:  # which a closed terminal gives: its signal tells
        raise Fault(f"standard output cannot be written: {failure.strerror}")


def _describe(error):
    """Return one line on an exception that is no Fault; an attribute ``advice`` of it is told of a lack of memory."""
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is not installed: python3 -m pip install -r requirements.txt"
    if _is_lack_of_memory(error):
        return "; ".join(filter(None, ("out of memory", crashes.address_space(), getattr(error, "advice", None))))
    if isinstance(error, BlockingIOError) or "can't start new thread" in str(error):
        return NO_MORE_THREADS
    if several_processes() and TRANSPORT.search(str(error)):
        return f"the job lost a process: {printable(str(error), LONGEST_MESSAGE)}; {RESUME}"
    told = f"unexpected {type(error).__name__}"
    path = crashes.keep_details("".join(traceback.format_exception(error)))
    return f"{told}, details in {path}" if path else f"{told}: {printable(str(error), LONGEST_MESSAGE)}"


def _is_lack_of_memory(error):
    """Tell whether an error, of Python, TensorFlow or JAX, is for lack of memory.

    A library that finds no room may raise anything. So it is taken for that too where there is no room now.
    """
    by_name = type(error).__name__ == "ResourceExhaustedError" or str(error).startswith("RESOURCE_EXHAUSTED")
    if by_name or isinstance(error, MemoryError):
        return True
    try:
        mmap.mmap(-1, LARGE).close()
    except OSError:
        return True
    return False


def import_in_background(module):
    """Begin to import a module while the user reads and answers; return its Future, which fails with a Fault."""

    def load():
        try:
            return importlib.import_module(module)
        except Exception as error:
            error.advice = "the libraries cannot be loaded"
            raise fault_of_variables(error) or Fault(_describe(error)) from error

    return ThreadPoolExecutor(1).submit(load)
