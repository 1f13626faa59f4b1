"""Run the README's main job, both scripts with their input.txt, and fill main-job.md with its output, time and memory.

main_job.py    run nothing else meanwhile
"""

import shutil
import sys
import tempfile
from pathlib import Path

from common import HERE, SOURCE, describe_machine, fill, run_process

JOB = {"autoencoder": [], "classification": ["-model", "encoder.h5"]}
PICTURES = {"autoencoder": ("reconstructions",), "classification": ("confusion", "examples")}


def main():
    """Run the job, and fill the page and keep its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        texts = {script: run_script(script, arguments, folder) for script, arguments in JOB.items()}
        for script, names in PICTURES.items():
            (kept,) = Path(folder, "runs").glob(f"*_{script}")
            for name in names:
                shutil.copy(kept / f"{name}.png", HERE / "pictures")
    texts["machine"] = f"On {describe_machine()}."
    fill(HERE / "main-job.md", texts.__getitem__)


def run_script(script, arguments, folder):
    """Run a script in a folder; return what it used and printed, for the page."""
    answers = (SOURCE / script / "input.txt").read_text()
    command = [sys.executable, SOURCE / script / f"{script}.py", *arguments]
    printed, used = run_process(command, folder, answers)
    return f"{used['seconds']:.0f} s in all, {used['peak_megabytes']:.0f} MB.\n\n```\n{printed.strip()}\n```"


if __name__ == "__main__":
    main()
