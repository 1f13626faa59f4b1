"""The watcher, a process that crashes.watch starts: reads what libraries write, and tells why one ended the script.

watcher.py NAME   of the script, which is told on standard error
"""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities.crashes import GOODBYE, address_space, keep_details
from utilities.text import printable

LAST_WORDS = 2**16  # bytes
LONGEST_LINE = 200
# As faulthandler begins, on a signal that a library raised, or on what Windows has in its place.
CRASHED = re.compile("Fatal Python error: |Windows fatal exception: ")
LOG_PREFIX = re.compile(r"[A-Z]\d{4} \S+ +\d+ \S+\] ")
# As JAX ends a process of a job of several; what it knows of the cause follows.
LOST_PROCESS = re.compile(r"JAX distributed service.*?absl::Status: (.*?)(?:\n\n|\*\*\*|$)", re.DOTALL)
# Lines that do not tell why: the stack of a failed check, news, warnings, and errors that were recovered from.
NO_FAULT = re.compile(r"\s*(\*\*\*|@|[IWE]\d{4} |WARNING: |$)")


def main():
    """Read standard input until the script says goodbye, or ends without."""
    words = b""
    while GOODBYE not in words and (more := os.read(0, LAST_WORDS)):
        words = (words + more)[-LAST_WORDS:]
    if GOODBYE not in words:
        os.write(2, f"{sys.argv[1]}: error: {_explain(words.decode(errors='replace'))}\n".encode())


def _explain(words):
    """Return one line on why the script ended, from what was last written to its descriptor 2."""
    if lost := LOST_PROCESS.search(words):
        told = printable(" ".join(lost[1].split()), LONGEST_LINE)
        return f"the job lost a process: {told}; --resume goes on after the last finished epoch"
    before, *after = CRASHED.split(words, 1)
    faults = [LOG_PREFIX.sub("", line).strip() for line in before.splitlines() if not NO_FAULT.match(line)]
    if not after and not faults:
        return "the process was killed, perhaps by the system for lack of memory"
    signalled = f" ({after[0].splitlines()[0]})" if after else ", or a lack of memory"
    parts = [f"a library ended the process{signalled}"]
    if limit := address_space():
        parts.insert(0, f"out of memory, by the look of it: {limit}")
    if faults:
        parts.append(f"its last words: {printable(faults[-1], LONGEST_LINE)}")
    if path := keep_details(words):
        parts.append(f"details in {path}")
    return "; ".join(parts)


if __name__ == "__main__":
    main()
