"""What nobody foresaw: the details of an error, and a process that tells in one line why this one was ended.

It takes another process, the watcher. Python's own handlers of signals run between its steps, of which a library that
aborts takes none; faulthandler, which does run then, can write a stack, but no line of ours; and nothing runs in a
process that is killed, as the system does for lack of memory.
"""

import contextlib
import faulthandler
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from utilities import system
from utilities.text import gigabytes, printable

SOURCE = Path(__file__).resolve().parents[1]
WATCHER = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from utilities.crashes import tell_the_end; tell_the_end()"
# What this process writes among the words of libraries, as it ends by itself, and of each file that it maps.
GOODBYE = b"\0goodbye\n"
MAPPED, MAPPED_FORM = "\0mapped {} {}\0\n", re.compile(rb"\0mapped (\d+) ([^\0]+)\0\n")
LAST_WORDS = 2**16  # bytes
LONGEST_LINE = 200
# As faulthandler begins, on a signal that a library raised, or on what Windows has in its place.
CRASHED = re.compile("Fatal Python error: |Windows fatal exception: ")
LOG_PREFIX = re.compile(r"[A-Z]\d{4} \S+ +\d+ \S+\] ")
# As JAX ends a process of a job of several; what it knows of the cause follows.
LOST_PROCESS = re.compile(r"JAX distributed service.*?absl::Status: (.*?)(?:\n\n|\*\*\*|$)", re.DOTALL)
# Lines that do not tell why: the stack of a failed check, news, warnings, and errors that were recovered from.
NO_FAULT = re.compile(r"\s*(\*\*\*|@|[IWE]\d{4} |WARNING: |$)")

_watched = False


def watch():
    """Start the watcher, which reads what libraries write to descriptor 2 until this process says goodbye or is ended.

    TensorFlow's C++ parts write there, past sys.stderr, whatever their log level. sys.stderr has another descriptor.
    By faulthandler each signal that ends a process leaves a mark in a pipe of its own.

    Raises:
        OSError: the system starts no more processes.
    """
    global _watched
    (words, *readers), (writer, *marks) = zip(*(os.pipe() for _ in ("words", *system.OTHER_SIGNALS)), strict=True)
    subprocess.Popen(
        [sys.executable, "-S", "-c", WATCHER, Path(sys.argv[0]).name, *map(str, readers)],
        stdin=words,
        stdout=subprocess.DEVNULL,  # others wait for the end of the script's output
        stderr=sys.stderr.fileno(),
        pass_fds=readers,
        **system.DETACHED,
    )
    for descriptor in (words, *readers):
        os.close(descriptor)
    os.dup2(writer, 2)
    os.close(writer)
    faulthandler.enable(2)
    system.call_in_forks(faulthandler.disable)  # the crash of a child is its parent's to tell
    for number, mark in zip(system.OTHER_SIGNALS, marks, strict=True):
        system.mark(number, mark)
    _watched = True


def note_mapped(path):
    """Let the watcher know of a file that is read by mapping it: one that is cut off meanwhile ends the process."""
    if _watched:
        with contextlib.suppress(OSError):  # the watcher was killed
            os.write(2, os.fsencode(MAPPED.format(path.stat().st_mtime_ns, path)))


def tell_the_end():
    """Be the watcher: read standard input until the script says goodbye; tell on standard error if it does not.

    The arguments are the script's name, and the pipe that each of OTHER_SIGNALS leaves its mark in.
    """
    name, *readers = sys.argv[1:]
    words = b""
    while GOODBYE not in words and (more := os.read(0, LAST_WORDS)):
        words = (words + more)[-LAST_WORDS:]
    if GOODBYE in words:
        return
    pipes = zip(system.OTHER_SIGNALS, map(int, readers), strict=False)
    signals = [signal for signal, reader in pipes if os.read(reader, 1)]
    mapped = [(int(time), Path(os.fsdecode(path))) for time, path in MAPPED_FORM.findall(words)]
    changed = [path for time, path in mapped if not path.exists() or path.stat().st_mtime_ns != time]
    text = MAPPED_FORM.sub(b"", words).decode(errors="replace")
    os.write(2, f"{name}: error: {_explain(text, signals, changed)}\n".encode(errors="backslashreplace"))


def _explain(words, signals, changed):
    """Return one line on why the script ended.

    Args:
        words: what was last written to its descriptor 2.
        signals: those that left a mark.
        changed: the paths of files that it had mapped, and that have changed since.
    """
    if lost := LOST_PROCESS.search(words):
        told = printable(" ".join(lost[1].split()), LONGEST_LINE)
        return f"the job lost a process: {told}; --resume goes on after the last finished epoch"
    before, *after = CRASHED.split(words, 1)
    faults = [LOG_PREFIX.sub("", line).strip() for line in before.splitlines() if not NO_FAULT.match(line)]
    if signals:
        return f"the process was ended by {signals[0].name}"
    if not after and not faults:
        return "the process was killed, perhaps by the system for lack of memory"
    how = after[0].splitlines()[0] if after else ""
    if changed and how == "Bus error":
        return f"{printable(str(changed[0]), LONGEST_LINE)}: cut off or written over while it was read"
    parts = [f"a library ended the process{f' ({how})' if how else ', or a lack of memory'}"]
    if limit := address_space():
        parts.insert(0, f"out of memory, by the look of it: {limit}")
    if faults:
        parts.append(f"its last words: {printable(faults[-1], LONGEST_LINE)}")
    if path := keep_details(words):
        parts.append(f"details in {path}")
    return "; ".join(parts)


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
