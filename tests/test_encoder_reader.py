"""Encoders of all kinds are read to what Keras itself would load, without Keras; others are told in one line."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import ON_JAX, SOURCE, make_hyperparameters
from keras import layers

from utilities.errors import BadInput
from utilities.network import encoder_reader
from utilities.network.encoder_reader import read_encoder
from utilities.network.networks import build_autoencoder, build_encoder
from utilities.network.saving import save_model
from utilities.training.training import engine

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).random((5, *SHAPE), np.float32)
KERAS_2 = sorted((Path(__file__).parent / "data").glob("keras2_*.h5"))
SUFFIXES = (".h5", ".keras")


# --- good encoders


def sequential_encoder():
    """Return a sequential encoder of every layer that one may have."""
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(4, 3, kernel_regularizer="l2", bias_constraint="non_neg", trainable=False),
            layers.BatchNormalization(scale=False, momentum=0.9, epsilon=1e-2),
            layers.ReLU(max_value=2, negative_slope=0.25),
            layers.Conv2D(6, (1, 3), strides=(2, 1), padding="same", use_bias=False, activation="relu"),
            layers.LeakyReLU(0.05),
            layers.MaxPooling2D(2, 1, padding="same"),
            layers.BatchNormalization(center=False),
        ]
    )


def functional_encoder():
    """Return a functional encoder, compiled, of a convolution whose activation is a layer."""
    images = keras.Input(SHAPE)
    codes = layers.Conv2D(2, (2, 3), name="last", activation=layers.LeakyReLU(0.3))(images)
    encoder = keras.Model(images, layers.Activation("tanh")(codes))
    encoder.compile("adam", loss=keras.losses.MeanSquaredError())
    encoder.fit(np.zeros((2, *SHAPE)), np.zeros((2, *encoder.output_shape[1:])), verbose=0)
    return encoder


def without_an_input():
    encoder = keras.Sequential([layers.Conv2D(2, 3), layers.MaxPooling2D()])
    encoder(np.zeros((3, *SHAPE)))
    return encoder


def for_any_sides():
    images = keras.Input((None, None, 1), batch_size=5)
    return keras.Model([images], [layers.MaxPooling2D(3)(layers.Conv2D(2, 2, strides=2, name="my layer")(images))])


def as_saved_here():
    return build_autoencoder(SHAPE, make_hyperparameters(3)).encoder


MODELS = [as_saved_here, sequential_encoder, functional_encoder, without_an_input, for_any_sides]
MODELS = MODELS[:3] if ON_JAX else MODELS  # which have every kind of layer; JAX compiles for each shape anew


def give_weights(model):
    random = np.random.default_rng(1)
    for weight in model.weights:
        is_variance = "variance" in weight.name
        weight.assign(random.uniform(0.5, 2, weight.shape) if is_variance else random.normal(0, 0.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder of good encoders, and what they predict of IMAGES before they are saved, {path: codes}."""
    folder, known = tmp_path_factory.mktemp("good"), {}
    for make in MODELS:
        model = give_weights(make())
        codes = np.asarray(model(IMAGES))
        for suffix in SUFFIXES:
            model.save(folder / f"{make.__name__}{suffix}")
            known[folder / f"{make.__name__}{suffix}"] = codes
    return folder, known


def is_close(codes, known):
    """Tell whether codes are known ones within a millionth, of the largest where that is above 1."""
    return np.allclose(codes, known, rtol=0, atol=1e-6 * max(1, np.abs(known).max()))


@pytest.mark.filterwarnings("ignore:The structure of `inputs`:UserWarning")  # some take a list of one input
def test_encoders_of_all_kinds_predict_what_they_did_before_they_were_saved(good):
    for path, codes in good[1].items():
        assert np.ptp(codes) > 0.1, path.name
        assert is_close(np.asarray(build_encoder(read_encoder(path, SHAPE))(IMAGES)), codes), path.name


@pytest.mark.parametrize("path", KERAS_2, ids=lambda path: path.stem)
def test_encoders_of_keras_2_predict_what_they_did_there(path):
    known = np.load(path.with_suffix(".npz"))
    encoder = build_encoder(read_encoder(path, SHAPE))
    assert np.ptp(known["codes"]) > 0.1
    assert is_close(np.asarray(encoder(known["images"])), known["codes"])
    inputs = (known["images"], np.ones(len(known["images"]))) if ON_JAX else known["images"]
    assert np.allclose(engine.network_of(encoder, len(inputs))(inputs), known["codes"], rtol=0, atol=1e-5)


def test_a_file_is_read_without_keras():
    program = (
        f"import sys, pathlib, {encoder_reader.__name__} as reader; reader._read(pathlib.Path(sys.argv[1]), {SHAPE})"
    )
    program += "; assert 'h5py' in sys.modules and 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", program, KERAS_2[0]], cwd=SOURCE, check=True, timeout=120)


def test_its_layers_have_the_names_of_a_new_encoder_whatever_those_in_the_file(good):
    names = [layer.name for layer in build_encoder(read_encoder(good[0] / "sequential_encoder.h5", SHAPE)).layers]
    assert names == [
        *("images", "encoder_1_convolution", "encoder_1_normalization", "encoder_1_activation"),
        *("encoder_2_convolution", "encoder_2_activation", "encoder_2_pooling", "encoder_2_normalization"),
    ]


def test_what_is_read_outlasts_the_file_and_is_named_by_its_content(good, tmp_path):
    folder, _ = good
    read = []
    for name in ("as_saved_here.h5", "sequential_encoder.h5", "as_saved_here.h5"):
        shutil.copy(folder / name, tmp_path / "encoder.h5")
        read.append(read_encoder(tmp_path / "encoder.h5", SHAPE))
    (tmp_path / "encoder.h5").unlink()
    names = [encoder.name for encoder in read]
    assert all(name.startswith("encoder.h5 ") for name in names)
    assert names[0] == names[2] != names[1]
    assert build_encoder(read[0]).count_params() == read[0].size.weights


# --- what is no encoder, or cannot be read


def assert_refused(path, complaint, shape=SHAPE):
    with pytest.raises(BadInput) as caught:
        read_encoder(path, shape)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert complaint in message
    assert message.isprintable()
    assert len(message) < len(str(path)) + 300


@pytest.fixture
def encoder_file(good, tmp_path):
    shutil.copy(good[0] / "as_saved_here.h5", tmp_path / "encoder.h5")
    return tmp_path / "encoder.h5"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_model_that_is_no_encoder_for_these_images_is_told(tmp_path, suffix):
    images = keras.Input(SHAPE)
    autoencoder = build_autoencoder(SHAPE, make_hyperparameters(2))
    models = {
        "it has a network within it; give the encoder that autoencoder.py saved": autoencoder.whole,
        "it has a decoder too": keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3), layers.UpSampling2D()]),
        "it has dense layers": keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(3)]),
        "the images have 8 x 8 x 1 pixels, the encoder is for 4 x 8 x 3": keras.Sequential(
            [keras.Input((4, 8, 3)), layers.Conv2D(2, 3)]
        ),
        "twice is not connected to the layer before it alone": keras.Model(
            images, layers.add([images, layers.Conv2D(1, 1)(images)], name="twice")
        ),
    }
    for complaint, model in models.items():
        save_model(model, tmp_path / f"model{suffix}")
        assert_refused(tmp_path / f"model{suffix}", complaint)


def test_what_is_no_model_is_told(tmp_path):
    as_saved_here().save_weights(tmp_path / "encoder.weights.h5")
    assert_refused(tmp_path / "encoder.weights.h5", "holds no model, only weights")
    assert_refused(tmp_path / "missing.h5", "no such file")
    assert_refused(tmp_path, "not a regular file")
    for content in (b"", b"an encoder in words", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04" + bytes(100)):
        (tmp_path / "encoder.h5").write_bytes(content)
        assert_refused(tmp_path / "encoder.h5", "not a Keras model")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(encoder_file):
    encoder_file.chmod(0)
    assert_refused(encoder_file, "encoder.h5: Permission denied")


def test_a_file_that_another_program_writes_is_told(encoder_file):
    with h5py.File(encoder_file):
        read_encoder(encoder_file, SHAPE)
    writing = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print(flush=True); input()"
    writer = subprocess.Popen([sys.executable, "-c", writing, encoder_file], stdin=-1, stdout=-1)
    writer.stdout.readline()
    assert_refused(encoder_file, "unable to lock file")
    writer.communicate(b"\n")


def test_a_fault_of_this_project_is_not_told_as_one_of_the_file(encoder_file, monkeypatch):
    monkeypatch.setattr(encoder_reader, "read_configuration", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read_encoder(encoder_file, SHAPE)


LAYERS = ("3", "[]", "[3]", '[{"class_name": [], "config": {}}]')
NETWORKS = [f'{{"class_name": "Functional", "config": {{"layers": {entries}}}}}' for entries in LAYERS]
CONFIGURATIONS = ["{", "3", "{}", "[" * 200_000, b"\xff\xfe", '{"class_name": "Adam", "config": {}}', *NETWORKS]


def test_a_configuration_that_is_not_an_encoders_is_told(tmp_path):
    for text in CONFIGURATIONS:
        with zipfile.ZipFile(tmp_path / "encoder.keras", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", text)
        assert_refused(tmp_path / "encoder.keras", "not an encoder: its configuration ")


def test_an_archive_without_a_configuration_or_with_changed_bits_is_told(tmp_path):
    for name in ("metadata.json", "config.json"):
        with zipfile.ZipFile(tmp_path / "encoder.keras", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, json.dumps(list(range(1000))))
        content = bytearray((tmp_path / "encoder.keras").read_bytes())
        content[60:80] = bytes(20)
        (tmp_path / "encoder.keras").write_bytes(content)
        assert_refused(tmp_path / "encoder.keras", "not a Keras model")
