import errno
import json
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import ON_JAX, make_hyperparameters, script_environment

from utilities.data.batches import Examples
from utilities.errors import BadInput, Fault
from utilities.network.encoder_check import check_encoder
from utilities.network.model_files import SURROUNDINGS, _find_room, load_encoder, save_model
from utilities.network.networks import build_autoencoder, build_classifier
from utilities.training.training import engine

SHAPE = (8, 12)
KERAS_2 = Path(__file__).parent / "data" / "keras2_encoder.h5"
LOAD_AND_PREDICT = """
import sys, numpy, keras
folder, *names = sys.argv[1:]
images = numpy.load(f"{folder}/images.npy")
for name in names:
    numpy.save(f"{folder}/{name}.npy", keras.models.load_model(f"{folder}/{name}").predict(images, verbose=0))
"""


def trained_autoencoder():
    """Return an autoencoder that a step of training has given weights and statistics of its own."""
    keras.utils.set_random_seed(2)
    autoencoder = build_autoencoder(SHAPE, make_hyperparameters(2))
    examples = Examples(np.random.default_rng(0).integers(0, 256, (20, *SHAPE), np.uint8), np.arange(20))
    network = engine.network_of(autoencoder.whole, 4)
    network.compile("adam", loss="mean_squared_error", metrics=[])
    data = engine.training_data(examples, 20, range(1), seed=0)
    network.fit(data, steps_per_epoch=1, shuffle=False, verbose=0)
    return autoencoder


@pytest.fixture(scope="module")
def autoencoder():
    return trained_autoencoder()


@pytest.fixture
def encoder_file(autoencoder, tmp_path):
    save_model(autoencoder.encoder, tmp_path / "encoder.h5")
    return tmp_path / "encoder.h5"


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_new_process_loads_it_with_keras_alone_and_predicts_the_same(autoencoder, tmp_path, backend):
    pytest.importorskip(backend)
    images = np.random.default_rng(1).random((5, *SHAPE, 1), np.float32)
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
    for name, model in names.items():
        assert np.allclose(np.load(tmp_path / f"{name}.npy"), model.predict(images, verbose=0), rtol=0, atol=1e-6)


def test_what_was_saved_passes_the_check_and_loads_again(autoencoder, tmp_path):
    for name in ("encoder.h5", "encoder.keras"):
        save_model(autoencoder.encoder, tmp_path / name)
        check_encoder(tmp_path / name, SHAPE)
        loaded = load_encoder(tmp_path / name).get_weights()
        assert all(map(np.array_equal, loaded, autoencoder.encoder.get_weights()))


def test_an_encoder_saved_by_keras_2_predicts_what_it_did_there():
    known = np.load(KERAS_2.with_suffix(".npz"))
    check_encoder(KERAS_2, (8, 8))
    encoder = load_encoder(KERAS_2)
    assert np.ptp(known["codes"]) > 0.1
    assert np.allclose(encoder.predict(known["images"], verbose=0), known["codes"], rtol=0, atol=1e-6)
    inputs = (known["images"], np.ones(len(known["images"]))) if ON_JAX else known["images"]
    assert np.allclose(engine.network_of(encoder, len(inputs))(inputs), known["codes"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["encoder.h5", "encoder.keras"])
def test_a_save_that_fails_keeps_the_old_file_and_leaves_nothing_else(autoencoder, tmp_path, monkeypatch, name):
    def full_disk(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save_model(autoencoder.encoder, tmp_path / name)
    before = (tmp_path / name).read_bytes()
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(Fault, match=f"{name}: cannot be written: No space left"):
        save_model(trained_autoencoder().decoder, tmp_path / name)
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
            save_model(trained_autoencoder().encoder, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


def test_room_is_looked_for_as_much_as_a_model_takes(autoencoder, tmp_path):
    large = build_autoencoder((28, 28), make_hyperparameters(20)).whole
    for model in (autoencoder.encoder, large, build_classifier(autoencoder.encoder, 4, 3).whole):
        for suffix in (".h5", ".keras"):
            save_model(model, tmp_path / f"saved{suffix}")
            (tmp_path / "room").touch()
            _find_room(tmp_path / "room", model)
            size, room = (tmp_path / f"saved{suffix}").stat().st_size, (tmp_path / "room").stat().st_size
            assert size <= room <= 2 * size + SURROUNDINGS
            (tmp_path / "room").unlink()


def test_a_save_replaces_the_old_file(autoencoder, encoder_file):
    save_model(autoencoder.decoder, encoder_file)
    assert keras.models.load_model(encoder_file).output_shape == (None, *SHAPE, 1)
    assert [path.name for path in encoder_file.parent.iterdir()] == [encoder_file.name]


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


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_directory_is_a_fault(autoencoder, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(Fault, match="Permission denied"):
        save_model(autoencoder.encoder, tmp_path / "encoder.h5")
    tmp_path.chmod(0o700)


def test_encoders_of_all_architectures_pass_the_check(tmp_path):
    for layers, third_pooling in [(1, None), (3, True), (5, False)]:
        encoder = build_autoencoder((56, 28), make_hyperparameters(layers, third_pooling=third_pooling)).encoder
        save_model(encoder, tmp_path / "encoder.h5")
        check_encoder(tmp_path / "encoder.h5", (56, 28))


def assert_refused(path, complaint):
    with pytest.raises(BadInput) as caught:
        check_encoder(path, SHAPE)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_model_that_is_no_encoder_for_these_images_is_told(autoencoder, tmp_path, suffix):
    images = keras.Input((*SHAPE, 1))
    models = {
        "it has a decoder too": autoencoder.whole,
        "it has dense layers": build_classifier(autoencoder.encoder, 4, 3).whole,
        "kind Lambda": keras.Model(images, keras.layers.Lambda(lambda x: x)(images)),
        "the encoder is for 4 x 20": build_autoencoder((4, 20), make_hyperparameters(1)).encoder,
        "the encoder is for 12 x 8": build_autoencoder(SHAPE[::-1], make_hyperparameters(1)).encoder,
    }
    for complaint, model in models.items():
        save_model(model, tmp_path / f"model{suffix}")
        assert_refused(tmp_path / f"model{suffix}", complaint)


def test_a_file_of_weights_only_is_told(autoencoder, tmp_path):
    autoencoder.encoder.save_weights(tmp_path / "encoder.weights.h5")
    assert_refused(tmp_path / "encoder.weights.h5", "only weights")


def test_missing_files_and_directories_are_told(tmp_path):
    assert_refused(tmp_path / "missing.h5", "no such file")
    assert_refused(tmp_path, "not a regular file")


@pytest.mark.parametrize(
    "content", [b"", b"an encoder, but in words", bytes(1000), b"\x89HDF\r\n\x1a\n", b"PK\x03\x04" + bytes(100)]
)
def test_a_file_that_is_no_model_is_told(tmp_path, content):
    (tmp_path / "encoder.h5").write_bytes(content)
    assert_refused(tmp_path / "encoder.h5", "not a Keras model")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_file_that_is_cut_off_is_told(autoencoder, tmp_path, share, suffix):
    path = tmp_path / f"encoder{suffix}"
    save_model(autoencoder.encoder, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert_refused(path, "not a Keras model")


CONFIGURATIONS = {
    "no JSON": "{",
    "deep": "[" * 200_000,
    "deep layers": '{"class_name":"Functional","config":{"layers":[' * 10_000,
    "number": "3",
    "null": "null",
    "list": "[]",
    "text": '"Functional"',
    "empty": "{}",
    "list for a network": '{"class_name": "Functional", "config": []}',
    "number for layers": '{"class_name": "Functional", "config": {"layers": 3}}',
    "number for a layer": '{"class_name": "Functional", "config": {"layers": [3]}}',
    "list for a name": '{"class_name": [], "config": {}}',
    "list for a layer's name": '{"class_name": "Functional", "config": {"layers": [{"class_name": [], "config": {}}]}}',
    "no layers": '{"class_name": "Functional", "config": {"layers": []}}',
    "other object": '{"class_name": "Adam", "config": {}}',
    "huge": json.dumps({"class_name": "Functional", "config": {"layers": [], "name": " " * 2**24}}),
    "not unicode": b"\xff\xfe",
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_that_is_not_an_encoders_is_told(autoencoder, tmp_path, name):
    save_model(autoencoder.encoder, tmp_path / "good.keras")
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "encoder.keras", "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for part in good.namelist():
            archive.writestr(part, CONFIGURATIONS[name] if part == "config.json" else good.read(part))
    assert_refused(tmp_path / "encoder.keras", "unknown size" if name == "no layers" else "not an encoder: ")


@pytest.mark.parametrize("value", ["[]", "{}", 3, [1.5, 2.5], b"\xff", np.zeros((2, 2))], ids=str)
def test_an_hdf5_attribute_that_is_no_configuration_is_told(encoder_file, value):
    with h5py.File(encoder_file, "r+") as file:
        file.attrs["model_config"] = value
    assert_refused(encoder_file, "not an encoder: ")


@pytest.mark.parametrize("value", ["text", h5py.Empty("f4"), [b"a", b"b"]], ids=str)
def test_weights_that_are_no_numbers_are_told(encoder_file, value):
    with h5py.File(encoder_file, "r+") as file:
        file["model_weights/encoder_1_normalization/other"] = value
    assert_refused(encoder_file, "")


def test_an_archive_without_a_configuration_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "encoder.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
    assert_refused(tmp_path / "encoder.keras", "not a Keras model")


def test_an_archive_with_changed_bits_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "encoder.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(list(range(1000))))
    content = bytearray((tmp_path / "encoder.keras").read_bytes())
    content[60:80] = bytes(20)
    (tmp_path / "encoder.keras").write_bytes(content)
    assert_refused(tmp_path / "encoder.keras", "not a Keras model")


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_weights_that_are_not_finite_are_told(tmp_path, number, suffix):
    encoder = build_autoencoder(SHAPE, make_hyperparameters(1)).encoder
    encoder.set_weights([np.full(weight.shape, number) for weight in encoder.get_weights()])
    path = tmp_path / f"encoder{suffix}"
    save_model(encoder, path)
    assert_refused(path, "not finite")


def test_weights_that_are_missing_are_told_in_one_line(encoder_file):
    with h5py.File(encoder_file, "r+") as file:
        del file["model_weights/encoder_1_normalization"]
    with pytest.raises(BadInput, match=r"encoder\.h5: ") as caught:
        load_encoder(encoder_file)
    assert "\n" not in str(caught.value)


def test_weights_of_other_shapes_are_told(autoencoder, encoder_file, tmp_path):
    other = tmp_path / "other.h5"
    save_model(build_autoencoder(SHAPE, make_hyperparameters(3)).encoder, other)
    with h5py.File(encoder_file) as source, h5py.File(other, "r+") as target:
        target.attrs["model_config"] = source.attrs["model_config"]
    with pytest.raises(BadInput, match=r"other\.h5: "):
        load_encoder(other)
