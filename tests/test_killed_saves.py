"""Saving is killed before any of its steps, in a process of its own that forks a copy for each kill.

PYTHONPATH=src python3 tests/test_killed_saves.py KIND FOLDER   kills 120 savers; prints what is then found, as JSON
"""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import SOURCE, make_hyperparameters, script_environment

KILLS = 120
# Calls from Python before the file is put in place, and from then on, at most: each is killed.
BEFORE, AFTER = 40, 20
KINDS = ("encoder.h5", "encoder.keras", "checkpoint-000000.npz")


@pytest.mark.parametrize("kind", KINDS)
def test_a_save_killed_at_any_step_leaves_the_old_file_or_the_new_one(tmp_path, kind):
    done = subprocess.run(
        [sys.executable, __file__, kind, tmp_path],
        env=script_environment(PYTHONPATH=str(SOURCE)),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == KILLS
    assert set(found) == {"old", "new"}
    # The old one until it is replaced, and never again after.
    assert found == sorted(found, reverse=True)
    assert "new" in found[-AFTER - 1 :]


def main(kind, folder):
    """Print what is found at a path after each kill: "old", "new", or what else."""
    path = Path(folder, kind)
    save_old, save_new = savers(kind)
    save_new(path)
    new = content(path)
    in_place, calls = min(calls_of(lambda: save_new(path)) for _ in range(3))  # the first fill the caches too
    first = in_place - BEFORE
    places = [*range(0, first, -(-first // (KILLS - BEFORE - AFTER))), *range(first, min(in_place + AFTER, calls))]
    places += [places[-1]] * (KILLS - len(places))
    outcomes = []
    for place in places:
        save_old(path)
        old = content(path)
        killed(lambda: save_new(path), place)
        outcomes.append({str(old): "old", str(new): "new"}.get(str(content(path)), f"a mix, at step {place}"))
    print(json.dumps(outcomes))


def savers(kind):
    """Return two functions of a path, each of which saves something else there."""
    if kind == "checkpoint-000000.npz":
        from utilities.record.runs import RunFolder

        def save_checkpoint(value):
            def save(path):
                RunFolder(path.parent).keep_checkpoint({"weights": np.full((300, 300), value)})

            return save

        return save_checkpoint(1.0), save_checkpoint(2.0)

    from utilities.network.networks import build_autoencoder
    from utilities.network.saving import save_model

    encoders = [build_autoencoder((8, 8, 1), make_hyperparameters(2)).encoder for _ in range(2)]
    return [lambda path, encoder=encoder: save_model(encoder, path) for encoder in encoders]


def content(path):
    """Return what a file holds, {part: bytes}, all of it read; without the date that Keras puts in an archive."""
    if path.suffix == ".h5":
        return {"": path.read_bytes()}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "metadata.json"}


def calls_of(action):
    """Return how many calls to functions in C an action makes before its only os.replace, and in all."""
    names = []

    def step(frame, event, argument):
        if event == "c_call":
            names.append(argument.__qualname__)

    sys.setprofile(step)
    action()
    sys.setprofile(None)
    (place,) = (place for place, name in enumerate(names) if name == "replace")
    return place, len(names)


def killed(action, place):
    """Begin an action in a copy of this process, which is killed before the call of a number."""
    copy = os.fork()
    if copy:
        assert os.waitpid(copy, 0)[1] == signal.SIGKILL
        return
    count = 0

    def step(frame, event, argument):
        nonlocal count
        if event == "c_call":
            if count == place:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    sys.setprofile(step)
    action()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
