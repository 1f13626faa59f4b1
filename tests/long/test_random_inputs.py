"""A thousand random files redirected to the scripts: each session ends, with exit code 0 or 2 and no traceback.

PYTHONPATH=src python3 tests/long/test_random_inputs.py SCRIPT FOLDER FIRST COUNT ARGUMENTS...

imports the script once, and forks a copy for each file; prints how many ended with which exit code, as JSON.
"""

import collections
import importlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCE, make_hyperparameters, script_environment

FILES = 500  # for each of the two scripts
FILES_IN_A_PROCESS = 100
LONGEST_SESSION = 120  # seconds; an answer too many makes the batch size of a good input the epochs, so they are few
GOOD = {
    "autoencoder": (("1", "3", "2", "1", "8"), ("2", "3x3, 3", "2; 2", "2", "16"), ("2", "[2, 3]", "3", "1", "99")),
    "classification": (("4", "1", "16"), ("1", "2", "9"), ("8", "1", "200")),
}
CHOICES = (
    *("0", "1", "2", "3", "2\n0", "2\n1", "2\n2", "2\n3", "2\n4", "2\n5", "3\nencoder.h5", "3\nnew/place", "3\n-"),
    *("3\n~/encoder.h5", "3\n/proc/no.h5", "9", ""),
)
STRANGE = (
    *("0", "-1", "1e3", "999999999999", "9" * 300, "1.5", "\x00", "\x1b[2J", "\t", "ü", "٣", "NaN", "y", "n", "()"),
    *("(3, 3)", "3,3", "3 3 3 3", "3 x 3", "(((((", "99 99", "100", "100001", "a" * 5000, "\r", "../.."),
    *("2 # layers", "b", "-"),
)


def input_of(script, seed):
    """Return the input of a seed, bytes: answers good and bad, choices, noise, and an end anywhere."""
    generator = random.Random(seed)
    lines = list(generator.choice(GOOD[script]))
    for _ in range(generator.choice((0, 0, 1, 3))):
        lines.insert(generator.randrange(len(lines) + 1), generator.choice(STRANGE))
    lines += generator.choices(CHOICES, k=generator.randrange(4))
    encoding = generator.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16"))
    content = (generator.choice(("\n", "\r\n")).join(lines) + generator.choice(("", "\n"))).encode(encoding)
    form = generator.randrange(8)
    if form == 0:
        return generator.randbytes(generator.choice((1, 50, 5000)))
    if form == 1:
        return content[: generator.randrange(len(content))]
    if form == 2:
        place = generator.randrange(len(content))
        return content[:place] + generator.randbytes(4) + content[place:]
    return content


@pytest.mark.parametrize("first", range(0, FILES, FILES_IN_A_PROCESS))
@pytest.mark.parametrize("script", GOOD)
def test_random_input_ends_with_exit_code_0_or_2_and_no_traceback(data, tmp_path, script, first):
    from utilities.network.networks import build_autoencoder
    from utilities.network.saving import save_model

    arguments = ["-d", data / "letters"]
    if script == "classification":
        save_model(build_autoencoder((8, 8, 1), make_hyperparameters(1)).encoder, tmp_path / "encoder.h5")
        arguments += ["-dl", data / "letters-labels", "-t", data / "letters-test", "-tl", data / "letters-test-labels"]
        arguments += ["-model", tmp_path / "encoder.h5"]
    done = subprocess.run(
        [sys.executable, __file__, script, tmp_path, str(first), str(FILES_IN_A_PROCESS), *map(str, arguments)],
        env=script_environment(PYTHONPATH=f"{SOURCE}:{SOURCE / script}:{Path(__file__).parents[1]}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    codes = json.loads(done.stdout.splitlines()[-1])
    assert set(codes) == {"0", "2"}
    assert min(codes.values()) > FILES_IN_A_PROCESS / 10


def main(script, folder, first, count, *arguments):
    """Run sessions of a script; print {exit code: sessions}. A session that ends otherwise ends this process."""
    module = importlib.import_module(script)
    importlib.import_module(f"utilities.session.{script}")
    codes = collections.Counter()
    for seed in range(int(first), int(first) + int(count)):
        session = Path(folder, f"session-{seed}")
        session.mkdir()
        (session / "input").write_bytes(input_of(script, seed))
        os.environ["HOME"] = str(session)
        code = in_a_copy(lambda session=session: run(module, session, arguments))
        output = (session / "output").read_text(errors="replace")
        assert code in (0, 2), f"seed {seed}: exit code {code}: {output[-500:]}"
        assert "Traceback" not in output, f"seed {seed}"
        codes[code] += 1
    print(json.dumps(codes))


def in_a_copy(action):
    """Return the exit code of a copy of this process that acts, less than 0 for a signal."""
    copy = os.fork()
    if copy == 0:
        signal.alarm(LONGEST_SESSION)
        action()
    return os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])


def run(module, folder, arguments):
    """Run a script as if started in a folder with its input redirected; does not return."""
    from utilities.terminal import program

    os.chdir(folder)
    os.dup2(os.open("input", os.O_RDONLY), 0)
    output = os.open("output", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = [module.__file__, *arguments]
    program.run(module.main)


if __name__ == "__main__":
    main(*sys.argv[1:])
