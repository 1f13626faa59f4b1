"""How much memory it takes to train a network, about, and how much there is."""

import os
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None

FLOAT32 = 4  # bytes
# Of each weight: itself, its gradient, the optimizer's two averages, and a copy on the way.
COPIES_OF_WEIGHTS = 5
# What the libraries take before there is any network, as measured.
LIBRARIES = 650 * 2**20
# Where a container's bound stands on Linux, by the version of control groups.
CONTAINER_BOUNDS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def training_memory(size, batch_size):
    """Return about how many bytes it takes to train a network of an architecture.NetworkSize."""
    return LIBRARIES + FLOAT32 * (COPIES_OF_WEIGHTS * size.weights + batch_size * size.features)


def available_memory():
    """Return the least number of bytes that the machine, a container or this process's limits allow, or infinity."""
    bounds = [float("inf")]
    if resource:
        limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
        bounds += [limit for limit in limits if limit != resource.RLIM_INFINITY]
    if hasattr(os, "sysconf"):  # not on Windows
        bounds.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    bounds += [int(text) for path in CONTAINER_BOUNDS if path.exists() and (text := path.read_text().strip()).isdigit()]
    return min(bounds)


def check_memory(size, batch_size):
    """Check that a network of an architecture.NetworkSize can be trained in the memory that there is.

    Raises:
        ValueError: it cannot; the message says how much there is.
    """
    needed, available = training_memory(size, batch_size), available_memory()
    if needed > available:
        raise ValueError(
            f"too large: training takes about {_gigabytes(needed)} of memory in batches of {batch_size}, "
            f"and there are {_gigabytes(available)}"
        )


def describe(size, batch_size):
    """Return what an architecture.NetworkSize means for its training, as a text."""
    return f"{size.weights:,} weights; takes about {_gigabytes(training_memory(size, batch_size))} to train"


def _gigabytes(count):
    return f"{count / 1e9:,.1f} GB"
