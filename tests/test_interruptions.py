"""dataset.py ended at random moments, by whatever may end it, while it replaces a data set: one of the two is whole.

Each kind twice; 60 times with FUZZ=30 python3 -m pytest tests/test_interruptions.py
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import Running
from PIL import Image

KINDS = ("Ctrl-C", "SIGTERM", "a full disk", "unreadable pictures")
TIMES = int(2 * float(os.environ.get("FUZZ", "1")))
PICTURES = 480
ARGUMENTS = ["-d", "photos", "-o", "disk/out", "--sides", "64", "--grey", "--no-invert", "--test-share", "1/6"]
SECONDS = 60  # far more than any conversion here takes
OLD = {"train-images-idx3-ubyte.gz": b"an earlier", "labels.txt": b"data set"}


def write_source(folder, pictures=PICTURES):
    """Write pictures of two classes, links to two that take a while to decode."""
    for name in "ab":
        (folder / "photos" / name).mkdir(parents=True)
        noise = np.random.default_rng(ord(name)).integers(0, 256, (500, 500), np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.png")
    for number in range(pictures):
        name = "ab"[number % 2]
        os.link(folder / f"{name}.png", folder / "photos" / name / f"{number:04}.png")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def mount(disk, kilobytes):
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this user may mount no disk: {done.stderr.strip()}")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The folder of the pictures, what an undisturbed script makes of them, and in how many seconds."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_source(folder)
    begun = time.monotonic()
    session = Running("dataset", ARGUMENTS, None, folder, fresh=True).end()
    assert (session.code, session.stderr) == (0, "")
    return folder, content(folder / "disk" / "out"), time.monotonic() - begun


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").mkdir()
    yield tmp_path / "disk"
    subprocess.run(["umount", str(tmp_path / "disk")], capture_output=True, check=False)


def interrupt(kind, seed, undisturbed, disk):
    """Convert the pictures to where a data set is, and end that; check what is then there, and what was said."""
    source, new, seconds = undisturbed
    chance, folder = random.Random(f"{kind} {seed}"), disk.parent
    shutil.copytree(source / "photos", folder / "photos", copy_function=os.link)
    if kind == "a full disk":
        mount(disk, chance.randrange(16, sum(map(len, new.values())) // 1024))
    if kind == "unreadable pictures":
        for path in chance.sample(sorted(folder.glob("photos/*/*")), PICTURES // 8):
            path.unlink()
            path.write_bytes(b"")
    (disk / "out").mkdir()
    for name, text in OLD.items():
        (disk / "out" / name).write_bytes(text)
    running = Running("dataset", ARGUMENTS, None, folder, fresh=True)
    wait_for_script(running.process)
    # Half of all are ended within the first fifth of a second: the libraries are imported then.
    time.sleep(chance.random() * chance.choice((0.2, seconds)))
    if kind in ("Ctrl-C", "SIGTERM"):
        running.process.send_signal(signal.SIGINT if kind == "Ctrl-C" else signal.SIGTERM)
    session = running.end(SECONDS)
    shutil.rmtree(folder / "photos")  # a file can have only so many links
    check(kind, session, disk, new)


def wait_for_script(process):
    """Wait until Python, which has a traceback for Ctrl-C while it starts itself, runs a script that holds Ctrl-C."""
    while not held(process) and process.poll() is None:
        pass


def held(process):
    """Return the signals that a process has waiting, as the bits of a number."""
    return int(re.search(r"SigBlk:\s+(\w+)", Path(f"/proc/{process.pid}/status").read_text())[1], 16)


def check(kind, session, disk, new):
    """Check how a script has ended, and that there is a data set, the old one or, where it is told, the new one."""
    lines = session.stderr.strip().splitlines()
    found = content(disk / "out")
    told, code = {
        "Ctrl-C": ("interrupted", 130),
        "SIGTERM": (None, 143),
        "a full disk": ("disk/out: cannot be written: No space left on device", 1),
        "unreadable pictures": ("pictures cannot be read: expected at most one in ten", 2),
    }[kind]
    if session.code and (kind, session.code) != ("SIGTERM", -signal.SIGTERM):  # which is how the script begins
        assert (session.code, len(lines)) == (code, 1 if told else 0), session.stderr
        assert told is None or told in lines[0]
    assert found in (OLD, new)
    assert found == (OLD if session.code else new) or kind in ("Ctrl-C", "SIGTERM")  # after it is put in place, too
    assert [path.name for path in disk.iterdir()] == ["out"]


@pytest.mark.parametrize("seed", range(TIMES))
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_ends_a_conversion_it_ends_and_a_data_set_is_whole(undisturbed, disk, kind, seed):
    interrupt(kind, seed, undisturbed, disk)
