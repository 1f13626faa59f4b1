import errno
import os
import resource
import stat
import subprocess
import sys
from importlib.machinery import PathFinder

import keras
import numpy as np
import pytest
from conftest import make_hyperparameters, script_environment

from utilities import system
from utilities.data.batches import Examples
from utilities.errors import Fault
from utilities.files import replacing
from utilities.network.networks import build_autoencoder, build_classifier
from utilities.network.saving import SURROUNDINGS, save_model
from utilities.training.training import engine

SHAPE = (8, 12, 3)
LOAD_AND_PREDICT = """
import sys, numpy, keras
folder, *names = sys.argv[1:]
images = numpy.load(f"{folder}/images.npy")
for name in names:
    numpy.save(f"{folder}/{name}.npy", keras.models.load_model(f"{folder}/{name}").predict(images, verbose=0))
"""


@pytest.fixture(scope="module")
def autoencoder():
    """An autoencoder that a step of training has given weights and statistics of its own."""
    keras.utils.set_random_seed(2)
    autoencoder = build_autoencoder(SHAPE, make_hyperparameters(2))
    examples = Examples(np.random.default_rng(0).integers(0, 256, (20, *SHAPE), np.uint8), np.arange(20))
    network = engine.network_of(autoencoder.whole, 4)
    network.compile("adam", loss="mean_squared_error", metrics=[])
    data = engine.training_data(examples, 20, range(1), seed=0)
    network.fit(data, steps_per_epoch=1, shuffle=False, verbose=0)
    return autoencoder


@pytest.fixture
def encoder_file(autoencoder, tmp_path):
    save_model(autoencoder.encoder, tmp_path / "encoder.h5")
    return tmp_path / "encoder.h5"


@pytest.mark.parametrize("backend", [pytest.param("tensorflow", marks=pytest.mark.backend), "jax"])
def test_a_new_process_loads_it_with_keras_alone_and_predicts_the_same(autoencoder, tmp_path, backend):
    if PathFinder.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    images = np.random.default_rng(1).random((5, *SHAPE), np.float32)
    np.save(tmp_path / "images.npy", images)
    models = {"encoder": autoencoder.encoder, "classifier": build_classifier(autoencoder.encoder, 4, 3).whole}
    names = {f"{name}{suffix}": model for name, model in models.items() for suffix in (".h5", ".keras")}
    for name, model in names.items():
        save_model(model, tmp_path / name)
    subprocess.run(
        [sys.executable, "-c", LOAD_AND_PREDICT, tmp_path, *names],
        env=script_environment(PYTHONPATH="", KERAS_BACKEND=backend),
        check=True,
        capture_output=True,
        timeout=120,
    )
    for name, model in models.items():
        expected = model.predict(images, verbose=0)
        for suffix in (".h5", ".keras"):
            assert np.allclose(np.load(tmp_path / f"{name}{suffix}.npy"), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["encoder.h5", "encoder.keras"])
def test_a_save_that_fails_keeps_the_old_file_and_leaves_nothing_else(autoencoder, tmp_path, monkeypatch, name):
    def full_disk(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save_model(autoencoder.encoder, tmp_path / name)
    before = (tmp_path / name).read_bytes()
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(Fault, match=f"{name}: cannot be written: No space left"):
        save_model(autoencoder.decoder, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("name", ["encoder.h5", "encoder.keras"])
def test_a_file_for_which_there_is_no_room_is_not_begun(autoencoder, tmp_path, name):
    save_model(autoencoder.encoder, tmp_path / name)
    before = (tmp_path / name).read_bytes()
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, bounds[1]))
    try:
        with pytest.raises(Fault, match=f"{name}: cannot be written: File too large"):
            save_model(autoencoder.decoder, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


def test_room_is_looked_for_as_much_as_a_model_takes(autoencoder, tmp_path, monkeypatch):
    rooms, find_room = [], system.find_room
    monkeypatch.setattr(system, "find_room", lambda path, size: rooms.append(size) or find_room(path, size))
    large = build_autoencoder((28, 28, 1), make_hyperparameters(20)).whole
    for model in (autoencoder.encoder, large, build_classifier(autoencoder.encoder, 4, 3).whole):
        for suffix in (".h5", ".keras"):
            save_model(model, tmp_path / f"saved{suffix}")
            size = (tmp_path / f"saved{suffix}").stat().st_size
            assert size <= rooms[-1] <= 2 * size + SURROUNDINGS


def test_a_save_replaces_the_old_file(autoencoder, encoder_file):
    save_model(autoencoder.decoder, encoder_file)
    assert keras.models.load_model(encoder_file).output_shape == (None, *SHAPE)
    assert [path.name for path in encoder_file.parent.iterdir()] == [encoder_file.name]


@pytest.mark.parametrize("target", ["models/first", "models/first.h5", "there yet/first.h5"])
def test_a_save_onto_a_link_writes_what_the_link_names(autoencoder, tmp_path, target):
    (tmp_path / "models").mkdir()
    (tmp_path / "there yet").mkdir()
    (tmp_path / "models" / "first").write_text("old")
    (tmp_path / "models" / "first.h5").write_text("old")
    (tmp_path / "encoder.h5").symlink_to(target)
    save_model(autoencoder.encoder, tmp_path / "encoder.h5")
    assert os.readlink(tmp_path / "encoder.h5") == target  # noqa: PTH115
    assert keras.models.load_model(tmp_path / "encoder.h5").output_shape == autoencoder.encoder.output_shape
    assert len(list(tmp_path.rglob("*"))) == 5 + target.startswith("there")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode_and_owner(tmp_path, mode):
    path, owner = tmp_path / "file", (12345, 54321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    path.write_text("old")
    os.chown(path, *owner)
    path.chmod(mode)
    with replacing(path) as beside:
        beside.write_text("new")
    found = path.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, *owner)
    assert path.read_text() == "new"


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="not a regular file"), replacing(tmp_path / name) as beside:
            beside.write_text("new")
    assert stat.S_ISFIFO((tmp_path / "link").stat().st_mode)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("place", ["missing/encoder", "file/encoder", "directory", "n\0l", "n" * 300])
def test_a_place_that_cannot_be_written_is_a_fault_that_names_it(autoencoder, tmp_path, place, suffix):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / f"directory{suffix}").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Fault, match=place.split("/")[0].split("\0")[0]):
        save_model(autoencoder.encoder, f"{tmp_path}/{place}{suffix}")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["encoder", "encoder.txt", "encoder.h5.bak", "encoder.hdf5", ".h5"])
def test_a_foreign_suffix_is_a_fault_that_tells_those_known(autoencoder, tmp_path, name):
    with pytest.raises(Fault, match=r"must end in \.h5 or \.keras"):
        save_model(autoencoder.encoder, tmp_path / name)
    assert not list(tmp_path.iterdir())
