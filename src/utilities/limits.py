"""How much memory this process may use."""

from pathlib import Path

from utilities import system

# What Python and the libraries take before there is any network, in bytes, as measured.
LIBRARIES = 650 * 2**20
# On Linux: which control groups this process is in, and where each group's bound is found.
OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def available_memory():
    """Return how many bytes the machine, this process's limits and its control groups allow: the least of these."""
    limits = filter(None, map(system.limit, ("RLIMIT_AS", "RLIMIT_DATA")))
    return min([system.memory(), *limits, *_group_bounds()])


def _group_bounds():
    """Return the bounds of this process's control groups, and of the groups around them, in bytes.

    A container is such a group, and so is a service or a user's session.
    """
    files = []
    for line in _read(OWN_GROUPS).splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:  # version 2
            files.append(GROUPS / group.lstrip("/") / "memory.max")
        elif "memory" in controllers.split(","):  # version 1
            files.append(GROUPS / "memory" / group.lstrip("/") / "memory.limit_in_bytes")
    bounds = (folder / file.name for file in files for folder in file.parents)
    texts = [_read(bound).strip() for bound in bounds]
    return [int(text) for text in texts if text.isdigit()]  # "max" is no bound


def _read(path):
    """Return the text of a file, an empty one where it cannot be read: a container may hide it."""
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
