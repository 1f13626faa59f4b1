"""Record a session of autoencoder.py, typed at a terminal of 80 columns, as pictures/session.svg.

session.py
"""

import html
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from common import HERE, SOURCE
from prepare import DATA

IMAGES = "mnist-6000"
SHOWN_AS = "digits"
ANSWERS = ("two", "4", "3", "16 32 32 1", "5", "32", "n", "0")
TABLE = re.compile(r"^layer +output.*?\n\n", re.MULTILINE | re.DOTALL)  # of the layers; too long for the picture
ROWS, COLUMNS = 24, 80
CHARACTER, LINE, MARGIN = 8.4, 18, 16
STYLE = "font: 14px 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre"
PAPER, INK, TYPED = "#0d1117", "#e6edf3", "#7ee787"


def main():
    """Run the session and draw its screen."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(DATA / IMAGES / "train-images-idx3-ubyte", Path(folder, SHOWN_AS))
        command = [sys.executable, str(SOURCE / "autoencoder" / "autoencoder.py"), "-d", SHOWN_AS]
        shown = play(command, ANSWERS, folder)
    picture = draw([f"$ python3 autoencoder.py -d {SHOWN_AS}", *screen(shown)])
    (HERE / "pictures" / "session.svg").write_text(picture, "utf-8")


def play(command, answers, folder):
    """Run a command at a terminal, type an answer at each question, and return its output."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    environment = os.environ | {"TERM": "xterm", "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    waiting, shown = list(answers), b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment):
        os.close(theirs)
        try:
            while written := os.read(ours, 65536):
                shown += written
                if shown.endswith(b"]: ") and waiting:
                    os.write(ours, f"{waiting.pop(0)}\n".encode())
        except OSError:  # on Linux, reading from a terminal whose other end is closed
            pass
    os.close(ours)
    return shown.decode()


def screen(shown):
    """Return the lines that a terminal shows at last: each progress bar is overwritten by what comes after it."""
    plain = re.sub(r"\x1b\[\?\d+[hl]", "", shown).replace("\r\n", "\n").rstrip()
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in plain.split("\n")]
    return TABLE.sub("[... a table of the layers ...]\n\n", "\n".join(lines)).split("\n")


def draw(lines):
    """Return an SVG picture of a terminal with some lines; what was typed has its own colour."""
    width, height = COLUMNS * CHARACTER + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}">',
        "<title>a session of autoencoder.py</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
        f'<g fill="{INK}" style="{STYLE}">',
    ]
    for number, line in enumerate(lines, start=1):
        asked, typed = re.fullmatch(r"(.*\]: |\$ )?(.*)", line).groups()
        text = html.escape(typed) if asked is None else f'{asked}<tspan fill="{TYPED}">{html.escape(typed)}</tspan>'
        parts.append(f'<text x="{MARGIN}" y="{number * LINE + MARGIN - 5}" xml:space="preserve">{text}</text>')
    return "\n".join([*parts, "</g>", "</svg>", ""])


if __name__ == "__main__":
    main()
