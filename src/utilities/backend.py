"""What Keras computes with, and in how many processes, as its own environment variables say."""

import os
import sys
from importlib.util import find_spec

from utilities.errors import BadInput
from utilities.processes import check_job, is_first_process

BACKENDS = ("tensorflow", "jax")
# What a user who sets nothing wants of the libraries; one who does is heeded.
SETTINGS = {
    # Of the devices' memory, only what is used: others may want the rest.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    # TensorFlow takes oneDNN's operations by itself on the newest processors alone. On the others they make a training
    # more than twice as fast.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


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
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)
    check_job(name)
    if not is_first_process():
        os.environ["MPLBACKEND"] = "Agg"  # no windows either
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
