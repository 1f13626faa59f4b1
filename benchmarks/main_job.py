"""Run the README's main job, both scripts with their input.txt, and write main-job.md: what it printed, took and drew.

main_job.py    leave the machine alone meanwhile
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine
from run import HERE, SOURCE

JOB = {"autoencoder": [], "classification": ["-model", "encoder.h5"]}
PICTURES = {"autoencoder": ("reconstructions",), "classification": ("confusion", "examples")}
PAGE = """# The main job

Both scripts with the answers of their `input.txt`, as `.venv/bin/python benchmarks/main_job.py` ran and wrote it down:
one run with the default seed. Printed lines are as they were, the memory is the most that a process held.

On {machine}.

At a terminal it reads the same, folded to the width, with a live bar in each epoch and a small curve of the validation
loss at the end; where `TERM` is `dumb`, without these two.

{scripts}
| what it drew | |
| --- | --- |
| ![confusion matrix](pictures/confusion.png) | ![predictions](pictures/examples.png) |
"""
SCRIPT = """## {script}.py

{seconds:.0f} s in all, {megabytes:.0f} MB.

```
{printed}
```
"""


def main():
    """Run the job, and write the page and its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        scripts = [run_script(script, arguments, Path(folder)) for script, arguments in JOB.items()]
        for script, names in PICTURES.items():
            (kept,) = Path(folder, "runs").glob(f"*_{script}")
            for name in names:
                shutil.copy(kept / f"{name}.png", HERE / "pictures")
    page = PAGE.format(machine=describe_machine(), scripts="\n".join(scripts))
    (HERE / "main-job.md").write_text(page)


def run_script(script, arguments, folder):
    """Run a script in a folder; return its part of the page."""
    command = [sys.executable, SOURCE / script / f"{script}.py", *arguments]
    begun = time.perf_counter()
    with (
        (SOURCE / script / "input.txt").open() as answers,
        subprocess.Popen(command, stdin=answers, stdout=subprocess.PIPE, text=True, cwd=folder) as process,
    ):
        printed = process.stdout.read().strip()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds, megabytes = time.perf_counter() - begun, usage.ru_maxrss * 1024 / 1e6
    return SCRIPT.format(script=script, seconds=seconds, megabytes=megabytes, printed=printed)


if __name__ == "__main__":
    main()
