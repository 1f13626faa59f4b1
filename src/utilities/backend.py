"""What Keras computes with, and in how many processes, as its own environment variables say."""

import os
import sys
from importlib.util import find_spec

from utilities.errors import BadInput

BACKENDS = ("tensorflow", "jax")
ADDRESSES, COUNT, NUMBER = VARIABLES = tuple(
    f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)
# What a user who sets nothing wants of the libraries; one who does is heeded.
SETTINGS = {
    # Of the devices' memory, only what is used: others may want the rest.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    # TensorFlow takes oneDNN's operations by itself on the newest processors alone. On the others they make a training
    # more than twice as fast.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}
# To split an operation of a small network between two cores takes longer than it saves. Two whole operations at a time
# keep two cores as busy, and training has two to do: the gradients of a convolution's input and of its kernel.
ON_TWO_CORES = {"TF_NUM_INTRAOP_THREADS": "1"}


def check_backend():
    """Check the backend, and the job that this process is one of; of a job, let the first process alone speak.

    Raises:
        BadInput: another backend than TensorFlow or JAX, one that is not installed, or a job that cannot be.
    """
    name = os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or BACKENDS[0]
    if name not in BACKENDS:
        raise BadInput(f"KERAS_BACKEND: expected {' or '.join(BACKENDS)}, found {name!r}")
    if name == "jax" and find_spec("jax") is None:
        raise BadInput("KERAS_BACKEND=jax: not installed: python3 -m pip install -r requirements-jax.txt")
    settings = SETTINGS | (ON_TWO_CORES if _cores() == 2 else {})
    for variable, value in settings.items():
        os.environ.setdefault(variable, value)
    if any(variable in os.environ for variable in VARIABLES):
        _check_job(name)
    if not speaks():
        os.environ["MPLBACKEND"] = "Agg"  # no windows either
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _cores():
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _check_job(backend):
    missing = [variable for variable in VARIABLES if not os.environ.get(variable)]
    if missing:
        raise BadInput(f"{missing[0]}: not set; a job of several processes needs {', '.join(VARIABLES)}")
    for variable in (COUNT, NUMBER):
        if not (os.environ[variable].isascii() and os.environ[variable].isdigit()):
            raise BadInput(f"{variable}: expected a whole number, found {os.environ[variable]!r}")
    count, number = int(os.environ[COUNT]), int(os.environ[NUMBER])
    if number >= count:
        raise BadInput(f"{NUMBER}: expected a number below {COUNT}, {count}, found {number}")
    addresses = os.environ[ADDRESSES].split(",")
    if len(addresses) not in (1, count) or not all(address.rpartition(":")[2].isdigit() for address in addresses):
        raise BadInput(f"{ADDRESSES}: expected HOST:PORT of process 0, or of each, found {os.environ[ADDRESSES]!r}")
    if backend != "jax":
        raise BadInput(f"{COUNT}: several processes train on JAX alone; set KERAS_BACKEND=jax")
    if sys.stdin.isatty():
        raise BadInput(f"{COUNT}: several processes need the same answers: redirect a file to standard input")


def several_processes():
    """Tell whether this process is one of a job of several."""
    return int(os.environ.get(COUNT, 1)) > 1


def speaks():
    """Tell whether this process prints and writes files: of several, the first does."""
    return int(os.environ.get(NUMBER, 0)) == 0


def leave_job():
    """Wait for the other processes of the job, if it has begun: to them, one that ends earlier would be lost."""
    distributed = sys.modules.get("jax.distributed")
    if distributed and several_processes():
        distributed.shutdown()
