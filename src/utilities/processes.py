"""A job of several processes, on JAX's own coordination.

Process 0 has JAX's coordination service, which aborts the others where one is lost: so whatever ends one ends all.
"""

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

from utilities import crashes, system
from utilities.backend import WINDOW_BACKEND
from utilities.errors import BadInput
from utilities.streams import open_output

# Keras' own variables, and what they must be.
VARIABLES = tuple(f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID"))
JOB = re.compile(r"([^\s,]+):([1-9][0-9]{,4})(,\S+)* ([1-9][0-9]{,4}) ([0-9]{1,5})")
EXPECTED = "HOST:PORT of process 0, how many processes there are, and which of them this is, from 0"
# Those of launchers whose jobs JAX finds by itself: the last two say how many processes there are, and which this is.
OPEN_MPI = "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"
SLURM = "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID"
LONGEST_TEXT, LONGEST_MESSAGE = 1000, 2**15  # characters that are compared, bytes that are sent
# In seconds: until all have come, until a silent process is lost, until a signal has been handled, between messages.
LONGEST_WAIT, LONGEST_SILENCE, LONGEST_HANDLING, LONGEST_QUIET = 300, 20, 3, 600

# This process, and how many there are in the job that it is one of, for as long as it runs.
_number, _count = 0, 1


def several_processes():
    """Tell whether this process is one of a job of several."""
    return _count > 1


def is_first_process():
    """Tell whether this process reads answers, prints and writes files: of several, the first does."""
    return _number == 0


def tell(line):
    """Tell something on standard error; of several processes, the first does."""
    if is_first_process():
        print(line, file=sys.stderr, flush=True)


def join_job():
    """Wait for the other processes of the job, where the environment says that this process is one of several.

    Raises:
        BadInput: the job cannot be.
    """
    global _number, _count
    address, count, number = _find_job()
    if count == 1:
        return
    if address:
        place = os.environ.setdefault("JAX_COORDINATOR_BIND_ADDRESS", address)  # JAX's own default is all interfaces
        _check_address(address if number else place, listens=number == 0)
    _number, _count = number, count
    _silence_output()
    _end_on_signals()
    late = threading.Timer(LONGEST_WAIT, end, (1, f"not all {count} came to {address or 'the job'} in time"))
    late.daemon = True
    late.start()
    # JAX would ask the proxy that http_proxy names for process 0.
    os.environ["grpc_proxy"] = ""  # noqa: SIM112
    import jax

    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM for itself
    seconds = {"initialization_timeout": 2 * LONGEST_WAIT, "heartbeat_timeout_seconds": LONGEST_SILENCE}
    try:
        jax.distributed.initialize(*((address, count, number) if address else ()), **seconds)
    except (RuntimeError, ValueError) as error:
        raise BadInput(f"JAX does not find its job, {error}: set {', '.join(VARIABLES)}") from error
    late.cancel()


def _find_job():
    """Return the address of process 0, None where JAX finds it, how many processes there are, and which this is."""
    values = [os.environ.get(variable, "") for variable in VARIABLES]
    if any(values):
        found = JOB.fullmatch(" ".join(values))
        if not found or int(found[2]) >= 2**16 or int(found[5]) >= int(found[4]):
            raise BadInput(f"{', '.join(VARIABLES)}: expected {EXPECTED}, found {', '.join(map(repr, values))}")
        if not system.JOINS_JOBS:
            raise BadInput(f"{VARIABLES[1]}: a job of several processes needs Linux or macOS")
        if os.environ["KERAS_BACKEND"] != "jax":
            raise BadInput(f"{VARIABLES[1]}: several processes train on JAX alone; set KERAS_BACKEND=jax")
        return f"{found[1]}:{found[2]}", int(found[4]), int(found[5])
    for mark, *numbers in (OPEN_MPI, SLURM) if os.environ["KERAS_BACKEND"] == "jax" else ():
        if all(name in os.environ for name in (mark, *numbers)):
            return None, *(int(os.environ[name]) for name in numbers)
    return None, 1, 0


def _check_address(address, listens):
    """Look up a host; where ``listens``, listen there for a moment: where that cannot be done, JAX would crash."""
    import asyncio  # takes as long as all that a process alone needs of this module

    host, _, port = address.rpartition(":")

    async def check():
        loop = asyncio.get_running_loop()
        await loop.getaddrinfo(host.strip("[]"), port)
        if listens:
            (await loop.create_server(asyncio.Protocol, host.strip("[]"), int(port))).close()

    try:
        asyncio.run(check())
    except (OSError, UnicodeError) as error:
        raise BadInput(f"{VARIABLES[0]}: {address}: {getattr(error, 'strerror', None) or error}") from error


def _silence_output():
    """Let standard output be the first process's alone, and keep away from it what Gloo, JAX's transport, writes."""
    if is_first_process():
        sys.stdout = sys.__stdout__ = open_output(os.dup(1), sys.stdout)
    else:
        os.environ[WINDOW_BACKEND] = "Agg"
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _end_on_signals():
    """End this process soon after a signal whose handler does not run, as the main thread waits within JAX."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)

    def wait():
        code = 128 + os.read(reader, 1)[0]
        time.sleep(LONGEST_HANDLING)
        end(code)

    threading.Thread(target=wait, daemon=True).start()


def broadcast(what, function, *arguments):
    """Return what a function returns, a value of JSON, in process 0, which alone calls it; all processes wait for it.

    Args:
        what: is asked for, in words, by which processes see that they have gone apart.

    Raises:
        BadInput: process 0 asks for something else.
    """
    if not several_processes():
        return function(*arguments)
    sent, what = None, what[:LONGEST_TEXT]
    if is_first_process():
        found = threading.Event()
        waiting = threading.Thread(target=_keep_waiting, args=(found,), daemon=True)
        waiting.start()
        sent = [what, function(*arguments)]
        found.set()
        waiting.join()
    while (received := _send(sent)) is None:
        pass
    if received[0] != what:
        raise BadInput(f"their files or flags differ: process 0 has come to {received[0]!r}, this one to {what!r}")
    return received[1]


def _keep_waiting(found):
    """Send nothing now and then, while a person thinks about an answer: Gloo gives up after half an hour."""
    while not found.wait(LONGEST_QUIET):
        _send(None)


def _send(content):
    """Return what process 0 calls this with, a value of JSON."""
    import numpy as np
    from jax.experimental import multihost_utils

    message = np.frombuffer(json.dumps(content).encode().ljust(LONGEST_MESSAGE), np.uint8)
    return json.loads(multihost_utils.broadcast_one_to_all(message).tobytes())


def check_alike(name, value):
    """Compare a value, by its text, with that of process 0 of the job.

    Raises:
        BadInput: they differ; the value's name, a file's path or a flag, is told.
    """
    text = str(value)[:LONGEST_TEXT]
    expected = broadcast("a comparison", str, text)
    if expected != text:
        raise BadInput(f"{name}: expected {expected}, as process 0 has it, found {text}")


def leave_job():
    """Wait at the end for the other processes of the job: JAX would take one that ends earlier for lost."""
    if several_processes():
        sys.modules["jax"].distributed.shutdown()


def end(code, fault=None):
    """End this process; tell a fault, and in a job whatever ends it, in one line on standard error."""
    try:
        with contextlib.suppress(OSError):  # the watcher was killed
            os.write(2, crashes.GOODBYE)  # this process ends by itself
        if code and several_processes():
            fault = f"process {_number} of {_count}: {fault or f'exit code {code}'}"
        if fault:
            print(f"{Path(sys.argv[0]).name}: error: {fault}", file=sys.stderr)
    finally:  # even on Ctrl-C
        # Not sys.exit: an import may still be under way in the background, and would be torn down half done.
        os._exit(code)
