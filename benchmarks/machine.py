"""What the benchmarks run on, for their pages."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

PACKAGES = {"TensorFlow": "tensorflow", "Keras": "keras", "NumPy": "numpy"}


def describe_machine():
    """Return this machine's cores and processor, and the versions that are installed, as a text."""
    told = dict(re.findall(r"^(.+?)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    processor = f"{told['model name']} (family {told['cpu family']}, model {told['model']})"
    widest = next((name for name in ("avx512f", "avx2") if name in told["flags"].split()), "neither AVX2 nor AVX-512")
    versions = ", ".join(f"{name} {version(package)}" for name, package in PACKAGES.items())
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {processor}, with {widest}; Python {platform.python_version()}, {versions}"
