"""What Keras computes with, as its own environment variables say."""

import os
import sys
import traceback
from importlib.util import find_spec

from utilities.errors import BadInput
from utilities.text import printable

BACKENDS = ("tensorflow", "jax")
# Defaults for the libraries; settings of the user win.
SETTINGS = {
    # Of the devices' memory, only what is used: others may want the rest.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    # TensorFlow takes oneDNN's operations by itself on the newest processors alone. On the others they make a training
    # more than twice as fast.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}
# What Keras and TensorFlow import where it is installed, and the scripts have no use for: of the backends, the other.
UNUSED_PACKAGES = (*BACKENDS, "sklearn", "pandas")
# Keras' own, which would train less than the answers ask for, or in another way.
UNWANTED = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")
# Where JAX reads its own variables, and finds the devices that they name.
READ_BY_JAX = ("jax._src.config", "jax._src.xla_bridge")
LONGEST_FAULT = 300
# What MPLBACKEND says, under a name that matplotlib does not know.
WINDOW_BACKEND = "PICTURES_MPLBACKEND"


def set_matplotlib_aside():
    """Take what a user has set for matplotlib out of its sight: importing it, as Keras does, fails on what is wrong.

    pictures.py chooses the backend later, where a fault can be told. The user's file of settings is not read: it may
    want LaTeX that is not installed, or turn images upside down.
    """
    os.environ["MATPLOTLIBRC"] = os.devnull
    os.environ[WINDOW_BACKEND] = os.environ.pop("MPLBACKEND", "")


def check_backend():
    """Check the backend, and set what the user has not.

    Raises:
        BadInput: another backend than TensorFlow or JAX, or one that is not installed.
    """
    name = os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or BACKENDS[0]
    if name not in BACKENDS:
        raise BadInput(f"KERAS_BACKEND: expected {' or '.join(BACKENDS)}, found {name!r}")
    if name == "jax" and find_spec("jax") is None:
        raise BadInput("KERAS_BACKEND=jax: not installed: python3 -m pip install -r requirements-jax.txt")
    for package in {*UNUSED_PACKAGES} - {name}:
        sys.modules.setdefault(package, None)  # to an import, not installed: it spares seconds, and up to 0.5 GB
    for variable, value in SETTINGS.items():
        os.environ.setdefault(variable, value)
    for variable in UNWANTED:
        os.environ.pop(variable, None)
    # Keras reads the user's keras.json in this folder, and writes one where there is none. In a device it finds no file
    # and can write none: its defaults hold, channels_last and float32.
    os.environ["KERAS_HOME"] = os.devnull


def fault_of_variables(error):
    """Return a BadInput that names those of JAX's own variables which led to an error of JAX; None where none did."""
    given = [name for name in os.environ if name.startswith("JAX_")]
    raised_in = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    if not given or raised_in not in READ_BY_JAX:
        return None
    named = [name for name in given if name.lower() in str(error).lower()] or given
    told = ", ".join(f"{name}={os.environ[name]}" for name in named)
    return BadInput(printable(f"{told}: {error}", LONGEST_FAULT))
