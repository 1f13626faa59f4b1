"""The progress of a work on many pictures."""

import math
import time

from utilities.terminal.console import CLEAR_LINE, REFRESH_SECONDS, can_redraw, say, terminal_width

LINES_APART = 10  # seconds between reports in a log


class PicturesDone:
    """Tells how many of the pictures are done, and names those that cannot be read."""

    def __init__(self, count):
        self.count = count
        self.clear = CLEAR_LINE if can_redraw() else ""
        self.begun = self.shown = time.monotonic()

    def __call__(self, done, left_out):
        """Tell of pictures done so far, and of lines on those left out since the last call."""
        for line in left_out:
            print(self.clear, end="")
            say(f"left out: {line}")
        now = time.monotonic()
        if done and now - self.shown >= (REFRESH_SECONDS if self.clear else LINES_APART):
            self.shown = now
            left = math.ceil((now - self.begun) / done * (self.count - done))
            text = f"{done:,} of {self.count:,} pictures, {left // 60}:{left % 60:02} left"
            print(f"{self.clear}{text[: (terminal_width() or 80) - 1]}", end="" if self.clear else "\n", flush=True)

    def end(self):
        """Tell how long it took."""
        print(f"{self.clear}{self.count:,} pictures in {time.monotonic() - self.begun:.1f} s", flush=True)
