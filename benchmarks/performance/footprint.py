"""What surrounds training: reading the data, starting up, and what grows with the data. Run by measure.py."""

import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from jobs import SMALL, answer_lines, open_process, untrained_encoder
from run import SOURCE

from utilities import idx
from utilities.arguments import TRAINING_IMAGES

HERE = Path(__file__).resolve().parent
GROWN = {"12,000 images": 12_000, "48,000 images": 48_000, "240,000 images": 240_000}
STARTS = 7
EPOCH_LINE = re.compile(r"^epoch 2/2 +([\d.]+) s")
READERS = {
    "this project": """
from utilities import batches, datasets, on_tensorflow
begun = time.perf_counter()
images = datasets.read_images(path)
examples = batches.Examples(images, np.arange(len(images)))
next(iter(on_tensorflow.training_data(examples, 64, range(1), seed=1)))
""",
    "idx2numpy": """
import idx2numpy
begun = time.perf_counter()
images = idx2numpy.convert_from_file(path)[..., None] / 255.0
tf.constant(images[np.random.default_rng(1).permutation(len(images))[:64]], tf.float32)
""",
}


def measure_first_batch():
    """Return the seconds from an IDX file of 60,000 images to a first batch in TensorFlow, of each reader.

    A batch is 64 shuffled images in [0, 1]. TensorFlow is up before the clock starts.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images")
        idx.write(path, idx.read(f"{TRAINING_IMAGES}.gz"))
        return {name: {"seconds": _seconds_of(code, path)} for name, code in READERS.items()}


def _seconds_of(code, path):
    frame = f"import sys, time, numpy as np, tensorflow as tf\nsys.path.insert(0, {str(SOURCE)!r})\n"
    frame += f"path = {str(path)!r}\ntf.constant(0.0) + 1.0\n{code}print(time.perf_counter() - begun)"
    command = [sys.executable, "-c", frame]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure_start_up():
    """Return the seconds to each script's first question, to its help, and to its refusal of a file."""
    model = untrained_encoder(SMALL)
    commands = {
        "autoencoder, first question": ("autoencoder", []),
        "classification, first question": ("classification", ["-model", model]),
        "autoencoder, --help": ("autoencoder", ["--help"]),
        "classification, --help": ("classification", ["--help"]),
        "autoencoder, no such file": ("autoencoder", ["-d", "nothing"]),
        "classification, no such file": ("classification", ["-d", "nothing", "-model", model]),
    }
    return {
        name: {"seconds": float(np.median([_seconds_to_words(*command) for _ in range(STARTS)]))}
        for name, command in commands.items()
    }


def _seconds_to_words(script, arguments):
    """Return the seconds until a script asks its first question, or ends."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        command = [sys.executable, "-u", SOURCE / script / f"{script}.py", *arguments]
        with open_process(command, folder) as process:
            said = ""
            while "]: " not in said and (more := process.stdout.read(1)):
                said += more
            seconds = time.perf_counter() - begun
            process.kill()
    return seconds


def measure_growth():
    """Return the seconds of an epoch, and the most memory but for the mapped file's, for files of several sizes."""
    job = replace(SMALL, epochs=2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images")
        found = {}
        for name, count in GROWN.items():
            images = idx.read(f"{TRAINING_IMAGES}.gz")
            idx.write(path, np.resize(images, (count, *images.shape[1:])))
            found[name] = _train_on(path, job, folder)
        return found


def _train_on(path, job, folder):
    command = [sys.executable, "-u", SOURCE / "autoencoder" / "autoencoder.py", "-d", path]
    with open_process(command, folder) as process:
        memory = _Memory(process.pid)
        memory.start()
        said, _ = process.communicate(answer_lines(job))
        memory.join()
    seconds = next(float(match[1]) for line in said.splitlines() if (match := EPOCH_LINE.match(line)))
    return {"seconds": seconds, "peak_megabytes": memory.most / 1e6}


class _Memory(threading.Thread):
    """Watches a process to its end; ``most`` is the most bytes that it had but for mapped files."""

    def __init__(self, pid):
        super().__init__()
        self.status = Path(f"/proc/{pid}/status")
        self.most = 0

    def run(self):
        """Look ten times a second, until there is nothing to see."""
        while True:
            try:
                match = re.search(r"RssAnon:\s+(\d+) kB", self.status.read_text())
            except OSError:
                return
            if not match:
                return
            self.most = max(self.most, int(match[1]) * 1024)
            time.sleep(0.1)


OTHERS = {"first batch": measure_first_batch, "start-up": measure_start_up, "growth": measure_growth}
