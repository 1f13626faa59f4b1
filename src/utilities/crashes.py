"""What nobody foresaw: the details of an error, and a process that tells when this one is ended by a library."""

import contextlib
import faulthandler
import os
import re
import resource
import sys
import tempfile
from pathlib import Path

from utilities.text import printable

GOODBYE = b"\0goodbye\n"
LAST_WORDS = 2**16  # bytes
LONGEST_LINE = 200
HIGHEST_DESCRIPTOR = 2**16
CRASHED = "Fatal Python error: "  # as faulthandler begins, on a signal that a library raised
LOG_PREFIX = re.compile(r"[A-Z]\d{4} \S+ +\d+ \S+\] ")
# Lines that do not tell why: the stack of a failed check, news, warnings, and errors that were recovered from.
NO_FAULT = re.compile(r"\s*(\*\*\*|@|[IWE]\d{4} |WARNING: |$)")


def watch():
    """Fork a process that reads what libraries write to descriptor 2, and tells why if this process is ended.

    TensorFlow's C++ parts write there, past sys.stderr, whatever their log level. sys.stderr has another descriptor.

    Raises:
        BlockingIOError: the system starts no more processes.
    """
    reader, writer = os.pipe()
    os.dup2(writer, 2)
    os.close(writer)
    if os.fork() == 0:
        try:
            _watch(reader)
        finally:
            os._exit(0)
    os.close(reader)
    faulthandler.enable(2)
    os.register_at_fork(after_in_child=faulthandler.disable)  # the crash of a child is its parent's to tell


def say_goodbye():
    """Tell the watcher that this process now ends by itself."""
    with contextlib.suppress(OSError):  # the watcher was killed
        os.write(2, GOODBYE)


def _watch(reader):
    os.setsid()  # away from Ctrl-C, and from a terminal that closes
    os.dup2(reader, 0)
    os.dup2(sys.stderr.fileno(), 2)
    os.close(1)  # others wait for the end of the script's output
    os.closerange(3, HIGHEST_DESCRIPTOR)
    words = b""
    while GOODBYE not in words and (more := os.read(0, LAST_WORDS)):
        words = (words + more)[-LAST_WORDS:]
    if GOODBYE not in words:
        fault = _explain(words.decode(errors="replace"))
        os.write(2, f"{Path(sys.argv[0]).name}: error: {fault}\n".encode())


def _explain(words):
    """Return one line on why the process ended, from what was last written to its descriptor 2."""
    before, crashed, after = words.partition(CRASHED)
    faults = [LOG_PREFIX.sub("", line).strip() for line in before.splitlines() if not NO_FAULT.match(line)]
    if not crashed and not faults:
        return "the process was killed, perhaps by the system for lack of memory"
    signalled = f" ({after.splitlines()[0]})" if crashed else ", or a lack of memory"
    parts = [f"a library ended the process{signalled}"]
    if limit := address_space():
        parts.insert(0, f"out of memory, by the look of it: {limit}")
    if faults:
        parts.append(f"its last words: {printable(faults[-1], LONGEST_LINE)}")
    if path := keep_details(words):
        parts.append(f"details in {path}")
    return "; ".join(parts)


def address_space():
    """Return in words how much memory ``ulimit -v`` allows, or None where it sets no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else f"ulimit -v allows {limit / 1e9:.1f} GB"


def keep_details(text):
    """Write a text to a new temporary file; return its path, or None where no folder can be written."""
    try:
        descriptor, path = tempfile.mkstemp(".txt", "error-")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path
    except OSError:
        return None
