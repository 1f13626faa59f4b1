"""What nobody foresaw: the details of an error, and a process that tells when this one is ended by a library."""

import faulthandler
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from utilities import system
from utilities.text import gigabytes

WATCHER = Path(__file__).resolve().with_name("watcher.py")
GOODBYE = b"\0goodbye\n"


def watch():
    """Start a process that reads what libraries write to descriptor 2, and tells why if this process is ended.

    TensorFlow's C++ parts write there, past sys.stderr, whatever their log level. sys.stderr has another descriptor.

    Raises:
        OSError: the system starts no more processes.
    """
    reader, writer = os.pipe()
    subprocess.Popen(
        [sys.executable, "-S", WATCHER, Path(sys.argv[0]).name],
        stdin=reader,
        stdout=subprocess.DEVNULL,  # others wait for the end of the script's output
        stderr=sys.stderr.fileno(),
        **system.DETACHED,
    )
    os.close(reader)
    os.dup2(writer, 2)
    os.close(writer)
    faulthandler.enable(2)
    system.call_in_forks(faulthandler.disable)  # the crash of a child is its parent's to tell


def address_space():
    """Return in words how much memory ``ulimit -v`` allows, or None where it sets no limit."""
    limit = system.limit("RLIMIT_AS")
    return limit and f"ulimit -v allows {gigabytes(limit)}"


def keep_details(text):
    """Write a text to a new temporary file; return its path, or None where no folder can be written."""
    try:
        descriptor, path = tempfile.mkstemp(".txt", "error-")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path
    except OSError:
        return None
