"""How a script runs: quiet libraries, heavy imports behind the questions, and one line for every fault."""

import contextlib
import importlib
import logging
import os
import signal
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from utilities.errors import BadInput, Fault
from utilities.processes import CONNECTIONS, LOST, leave_job, several_processes

INTERRUPTED = 130
OUT_OF_MEMORY = (
    "out of memory; fewer filters or a smaller batch take less, and --resume goes on with what was interrupted"
)


def run(main):
    """Run a script's ``main`` and leave with its exit code; faults are told on standard error in one line each."""
    _open_closed_streams()
    _silence_libraries()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)
    sys.stdin.reconfigure(errors="replace")
    sys.stdout.reconfigure(errors="backslashreplace")
    code = _exit_code_of(main)
    _flush()
    if code in (0, BadInput.exit_code):  # as they do in all processes of a job at once
        leave_job()
    # Not sys.exit: an import may still be under way in the background, and would be torn down half done.
    os._exit(code)


def _exit_code_of(main):
    try:
        main()
        return 0
    except SystemExit as leaving:
        return leaving.code
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except Fault as fault:
        _tell(fault)
        return fault.exit_code
    except BrokenPipeError:
        return Fault.exit_code
    except ModuleNotFoundError as error:
        _tell(f"the package {error.name} is not installed: python3 -m pip install -r requirements.txt")
        return Fault.exit_code
    except Exception as error:
        if several_processes() and any(word in str(error) for word in CONNECTIONS):
            _tell(LOST)
            return Fault.exit_code
        _tell(OUT_OF_MEMORY if _is_lack_of_memory(error) else _describe_unexpected(error))
        return Fault.exit_code


def _is_lack_of_memory(error):
    """Tell whether an error, of Python, TensorFlow or JAX, is for lack of memory."""
    by_name = type(error).__name__ == "ResourceExhaustedError" or str(error).startswith("RESOURCE_EXHAUSTED")
    return by_name or isinstance(error, MemoryError)


def _tell(fault):
    _flush()
    print(f"{Path(sys.argv[0]).name}: error: {fault}", file=sys.stderr)


def _flush():
    with contextlib.suppress(BrokenPipeError):  # whoever read the output is gone
        sys.stdout.flush()


def _describe_unexpected(error):
    """Return a line on an error that nobody foresaw; its details go into a file."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="error-", suffix=".txt", delete=False) as file:
        traceback.print_exc(file=file)
    return f"unexpected {type(error).__name__}, details in {file.name}"


def _leave(number, frame):
    if number == signal.SIGHUP:
        drop_output()
    raise SystemExit(128 + number)


def drop_output():
    """Let all further output lead nowhere: the terminal is gone, and writing to it would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _open_closed_streams():
    """Open the standard streams that the script was started without: nothing comes out of them, nothing is kept."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, which is the closed stream's
            setattr(sys, name, os.fdopen(descriptor, mode))


def tell_of_loss():
    """Say that a process of the job was lost, and leave at once."""
    _tell(LOST)
    os._exit(Fault.exit_code)


def _silence_libraries():
    """Keep what libraries say on their own to standard error away from the user.

    TensorFlow's C++ parts write past sys.stderr, whatever their log level. So sys.stderr gets a descriptor of its
    own, and the one that they write to leads nowhere.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for library in ("absl", "jax", "tensorflow", "matplotlib"):
        logging.getLogger(library).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def import_in_background(module):
    """Begin to import a module while the user reads and answers; return its Future, which fails as the import does."""
    return ThreadPoolExecutor(1).submit(importlib.import_module, module)
