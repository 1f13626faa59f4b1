"""The progress of a work on many pictures."""

import math
import time

from utilities.terminal.console import REFRESH_SECONDS, can_redraw, clear_line, say, terminal_width

LINES_APART = 10  # seconds between reports in a log


class PicturesDone:
    """Tells how many of the pictures, or of what else there is, are done, and names those that cannot be read."""

    def __init__(self, count, what="pictures"):
        self.count, self.what = count, what
        self.live = can_redraw()
        self.begun = self.shown = time.monotonic()

    def __call__(self, done, left_out):
        """Tell of pictures done so far, and of lines on those left out since the last call."""
        for line in left_out:
            print(self._clear(), end="")
            say(f"left out: {line}")
        now = time.monotonic()
        if done and now - self.shown >= (REFRESH_SECONDS if self.live else LINES_APART):
            self.shown = now
            left = math.ceil((now - self.begun) / done * (self.count - done))
            text = f"{done:,} of {self.count:,} {self.what}, {left // 60}:{left % 60:02} left"
            text = self._clear() + text[: (terminal_width() or 80) - 1]
            print(text, end="" if self.live else "\n", flush=True)

    def end(self):
        """Tell how long it took."""
        print(f"{self._clear()}{self.count:,} pictures in {time.monotonic() - self.begun:.1f} s", flush=True)

    def close(self):
        """End without a word."""
        print(self._clear(), end="", flush=True)

    def _clear(self):
        return clear_line() if self.live else ""
