"""The standard streams of a script, which may be closed from the start or lost later."""

import io
import os
import sys
import time

SECONDS_BETWEEN_TRIALS = 0.01


class Output(io.RawIOBase):
    """A standard stream to write to; what can no longer be written is dropped, and ``on_failure`` called.

    Attributes:
        failure: the OSError that ended the stream; None while it can be written.
    """

    def __init__(self, descriptor, on_failure):
        super().__init__()
        self.failure = None
        self._raw = os.fdopen(descriptor, "wb", buffering=0, closefd=False)  # on Windows a terminal's is a special one
        self._on_failure = on_failure
        self.fileno, self.isatty = self._raw.fileno, self._raw.isatty

    def writable(self):
        """Tell that it can be written."""
        return True

    def write(self, data):
        """Write bytes, and wait where the stream is a full pipe that does not wait by itself."""
        try:
            while self.failure is None:
                written = self._raw.write(data)
                if written is not None:
                    return written
                time.sleep(SECONDS_BETWEEN_TRIALS)
        except OSError as error:
            self.failure = error
        self._on_failure()
        return len(data)


def open_output(descriptor, like, on_failure=lambda: None):
    """Return a text stream on an Output, of the encoding of another text stream, and as prompt as that."""
    return io.TextIOWrapper(
        io.BufferedWriter(Output(descriptor, on_failure)),
        encoding=like.encoding,
        errors="backslashreplace",
        line_buffering=like.line_buffering or like.write_through,
    )


def open_closed_streams():
    """Open the standard streams that the script was started without: nothing comes out of them, nothing is kept."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, which is the closed stream's
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False))
