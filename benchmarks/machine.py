"""The machine and the versions that the benchmarks run on, for their pages, and what their processes used."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

PACKAGES = {"TensorFlow": "tensorflow", "Keras": "keras", "NumPy": "numpy"}


def describe_machine():
    """Return this machine's cores and processor, and the installed versions, as a text."""
    versions = ", ".join(f"{name} {version(package)}" for name, package in PACKAGES.items())
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {describe_processor()}; Python {platform.python_version()}, {versions}"


def wait_for(process):
    """Wait until a subprocess.Popen has ended, set its return code, and return what it used, as os.wait4 does."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def describe_processor():
    """Return the processor's name, family and model, and its widest vector instructions, as a text."""
    fields = dict(re.findall(r"^(.+?)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    widest = next((name for name in ("avx512f", "avx2") if name in fields["flags"].split()), "neither AVX2 nor AVX-512")
    return f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']}), with {widest}"
