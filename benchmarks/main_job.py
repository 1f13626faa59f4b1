"""Run the README's main job, both scripts with their input.txt, and write its output, time and memory to main-job.md.

main_job.py    run nothing else meanwhile
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine, wait_for
from markdown_table import markdown_table
from run import HERE, SOURCE

JOB = {"autoencoder": [], "classification": ["-model", "encoder.h5"]}
PICTURES = {"autoencoder": ("reconstructions",), "classification": ("confusion", "examples")}
SHOWN = {"confusion matrix": "confusion", "predictions": "examples"}
PAGE = """# The main job

Both scripts with the answers of their `input.txt`: one run with the default seed, by
`.venv/bin/python benchmarks/main_job.py`, which made this page. The output is unedited; memory is the script's peak.

On {machine}.

At a terminal the output is the same, folded to its width, with a progress bar in each epoch and a small curve of the
validation loss at the end; where `TERM` is `dumb`, without bar and curve.

{scripts}
{pictures}
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
    pictures = markdown_table(SHOWN, [[f"![{text}](pictures/{name}.png)" for text, name in SHOWN.items()]])
    page = PAGE.format(machine=describe_machine(), scripts="\n".join(scripts), pictures=pictures)
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
        usage = wait_for(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds, megabytes = time.perf_counter() - begun, usage.ru_maxrss * 1024 / 1e6
    return SCRIPT.format(script=script, seconds=seconds, megabytes=megabytes, printed=printed)


if __name__ == "__main__":
    main()
