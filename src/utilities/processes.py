"""The job of several processes that this process may be one of, as Keras' own environment variables say."""

import os
import sys

from utilities.errors import BadInput

ADDRESSES, COUNT, NUMBER = VARIABLES = tuple(
    f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)
# Between processes, as they call themselves in the errors that JAX raises when one has broken.
CONNECTIONS = ("Gloo", "NCCL", "coordination service")
LOST = "another process of the job was lost, or never came; --resume goes on after the last finished epoch"


def check_job(backend):
    """Check the job that the environment says this process is one of, if it does.

    Raises:
        BadInput: the job cannot be.
    """
    if not any(variable in os.environ for variable in VARIABLES):
        return
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


def is_first_process():
    """Tell whether this process prints and writes files: of several, the first does."""
    return int(os.environ.get(NUMBER, 0)) == 0


def leave_job():
    """Wait for the other processes of the job, if it has begun: to them, one that ends earlier would be lost."""
    distributed = sys.modules.get("jax.distributed")
    if distributed and several_processes():
        distributed.shutdown()
