"""Scripts killed at random while they train, and resumed, twenty times each."""

import json
import random

import h5py
import pytest
from conftest import Running, history_of, kept, letters_arguments, run_script, save_encoder, wait_for_rows

KILLS = 20
EPOCHS = 20
# The rows of history that an undisturbed experiment has, and its product.
SCRIPTS = {"autoencoder": (EPOCHS, "encoder.h5"), "classification": (2 * EPOCHS, "classifier.h5")}


@pytest.fixture(scope="module")
def commands(data, tmp_path_factory):
    """The arguments and the answers of each script, {script: (arguments, answers)}."""
    arguments = letters_arguments(data, save_encoder(tmp_path_factory.mktemp("encoder")))
    return {
        "autoencoder": (arguments[:2], f"1\n3\n4\n{EPOCHS}\n8\n"),
        "classification": (arguments, f"8\n{EPOCHS}\n8\n"),
    }


@pytest.fixture(scope="module")
def undisturbed(commands, tmp_path_factory):
    """What each script leaves undisturbed, {script: (history, weights)}."""
    found = {}
    for script, (arguments, answers) in commands.items():
        folder = tmp_path_factory.mktemp(script)
        assert run_script(script, arguments, answers, folder).code == 0
        found[script] = outcome(script, folder)
    return found


def outcome(script, folder):
    """Return the history of the only experiment below a folder, and the bytes of its network's weights."""
    run = kept(folder)
    arrays = {}
    with h5py.File(run / SCRIPTS[script][1]) as file:
        file.visititems(lambda name, item: arrays.update({name: item[()].tobytes()} if hasattr(item, "shape") else {}))
    return history_of(run), arrays


@pytest.mark.parametrize("seed", range(KILLS))
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_killed_script_is_resumed_to_the_same_history_and_weights(commands, undisturbed, tmp_path, script, seed):
    generator = random.Random(seed)
    arguments, answers = commands[script]
    running = Running(script, arguments, answers, tmp_path)
    rows, _ = SCRIPTS[script]
    wait_for_rows(tmp_path, generator.randrange(rows - 1), running.process)
    with pytest.raises(Exception, match="timed out"):
        running.process.wait(generator.random() * 0.05)  # anywhere within an epoch, its end or the keeping of its state
    running.process.kill()
    running.end()
    assert not json.loads((kept(tmp_path) / "experiment.json").read_text())["finished"]

    resumed = run_script(script, ["--resume"], "", tmp_path)
    assert (resumed.code, resumed.stderr) == (0, "")
    history, weights = outcome(script, tmp_path)
    assert len(history) == rows
    assert (history, weights) == undisturbed[script]
