"""What the benchmarks share: processes and what they use, CSV files, Markdown tables, and the machine's description."""

import csv
import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

MARKED = re.compile(r"(<!-- table: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src"
sys.path.insert(0, str(SOURCE))
PACKAGES = {"TensorFlow": "tensorflow", "Keras": "keras", "NumPy": "numpy"}


def run_process(command, folder, answers="", environment=None):
    """Run a command in a folder with answers on its standard input.

    Returns:
        What it printed, and what the whole process used: {"seconds", "cpu_seconds", "peak_megabytes"}. The peak is not
        less than this process's own, which the system counts from.

    Raises:
        CalledProcessError: it failed.
    """
    command, begun = list(map(str, command)), time.perf_counter()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, env=environment, **pipes) as process:
        process.stdin.write(answers)
        process.stdin.close()
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    cpu_seconds, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6
    return printed, {"seconds": time.perf_counter() - begun, "cpu_seconds": cpu_seconds, "peak_megabytes": peak}


def answer_lines(hyperparameters):
    """Return the answers to a script's questions, as its standard input takes them."""
    return "".join(f"{answer}\n" for answer in hyperparameters.answers())


def read_rows(path):
    """Return the rows of a CSV file, [{column: text}]; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path, rows):
    """Write rows, {column: value}, to a CSV file."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def markdown_table(heads, rows):
    """Return a Markdown table of texts, with a cell in each row for each heading."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fill(page, text_of):
    """Put what a function returns for NAME between each <!-- table: NAME --> and <!-- end --> of a page."""
    page.write_text(MARKED.sub(lambda found: f"{found[1]}\n{text_of(found[2])}\n\n{found[3]}", page.read_text()))


def describe_machine(cores=None):
    """Return this machine's processor, how many of its cores are used, and the installed versions, as a text."""
    fields = dict(re.findall(r"^(.+?)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    widest = next((name for name in ("avx512f", "avx2") if name in fields["flags"].split()), "neither AVX2 nor AVX-512")
    processor = f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']}), with {widest}"
    versions = ", ".join(f"{name} {version(package)}" for name, package in PACKAGES.items())
    cores = cores or len(os.sched_getaffinity(0))
    return f"{cores} core{'s' * (cores > 1)} of {processor}; Python {platform.python_version()}, {versions}"
