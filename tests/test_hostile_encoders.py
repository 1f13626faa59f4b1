"""Encoder files from a stranger: each is refused in one line, or what is strange in it is never looked at."""

import base64
import functools
import json
import marshal
import shutil
import types
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import make_hyperparameters, run_script

from utilities.errors import BadInput
from utilities.network import encoder_reader
from utilities.network.encoder_reader import read_encoder
from utilities.network.networks import build_autoencoder
from utilities.network.saving import save_model

SHAPE = (8, 8, 1)
KERAS_2 = Path(__file__).parent / "data" / "keras2_encoder.h5"
SUFFIXES = (".h5", ".keras")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with a good ``encoder.h5`` and ``encoder.keras``."""
    folder = tmp_path_factory.mktemp("good")
    encoder = build_autoencoder(SHAPE, make_hyperparameters(2)).encoder
    for suffix in SUFFIXES:
        save_model(encoder, folder / f"encoder{suffix}")
    return folder


@functools.cache
def read_good(folder):
    return read_encoder(folder / "encoder.h5", SHAPE)


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


def judge(path, canary, good, expected):
    """Check that a file is refused in one line that holds what is expected, or, for None, read as the good one is."""
    if expected:
        with pytest.raises(BadInput) as caught:
            read_encoder(path, SHAPE)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert message.isprintable()
        assert len(message) < len(str(path)) + 300
        assert expected in message
    else:
        found, known = read_encoder(path, SHAPE), read_good(good)
        assert found.layers == known.layers
        assert all(map(np.array_equal, found.weights, known.weights))
        assert all(weight.dtype == np.float32 for weight in found.weights)
    assert not canary.exists()


# --- hostile configurations


def changed(good, path, change):
    """Write the good encoder with its configuration changed: ``change`` gets it as a dictionary, or returns a text."""

    def apply(text):
        network = json.loads(text)
        return change(network) or json.dumps(network)

    source = good / f"encoder{path.suffix}"
    if path.suffix == ".keras":
        with zipfile.ZipFile(source) as archive:
            rewrite_archive(source, path, {"config.json": apply(archive.read("config.json"))})
        return
    shutil.copy(source, path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = apply(file.attrs["model_config"])


def rewrite_archive(source, path, members, compression=zipfile.ZIP_STORED):
    """Copy a .keras file with members added or replaced."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w", compression) as target:
        for name in archive.namelist():
            if name not in members:
                target.writestr(name, archive.read(name))
        for name, content in members.items():
            target.writestr(name, content)


def touching(canary):
    """Return code that makes the canary file, marshalled as Keras keeps that of a Lambda."""
    code = compile(f"lambda x, *_: (open({str(canary)!r}, 'w').close(), x)[1]", "", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


def test_the_canary_would_be_touched_by_the_code_in_the_files(canary):
    types.FunctionType(marshal.loads(base64.b64decode(touching(canary))), {"open": open})(None)
    assert canary.exists()


def layer(network, kind):
    return next(entry for entry in network["config"]["layers"] if entry["class_name"] == kind)


def activation(kind, config, **changes):
    """Return a change: another layer in the place of the activation."""
    changes = {"class_name": kind, "config": {"name": "encoder_1_activation", **config}, **changes}
    return lambda network: layer(network, "Activation").update(changes)


def marshalled(code):
    return {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}


def custom(kind):
    return {"module": "os", "class_name": kind, "config": {}, "registered_name": "stranger>Custom"}


def set_in(kind, **settings):
    return lambda network: layer(network, kind)["config"].update(settings)


def set_beside(kind, **settings):
    return lambda network: layer(network, kind).update(settings)


def instead(kind, layers):
    """Return a change: a network of these layers instead of the good one."""
    return lambda network: json.dumps({"class_name": kind, "config": {"name": "n", "layers": layers}})


def configurations(code):
    """Return {name: (a change of a configuration, what the refusal says, None if it is harmless)}."""
    hidden = {"class_name": "Lambda", "module": "keras.layers", "config": {"function": marshalled(code)}}
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [hidden]}}
    relus = [{"class_name": "ReLU", "config": {"name": f"r{n}", "negative_slope": 0.0}} for n in range(201)]
    chain = "is not connected to the layer before it alone"
    return {
        "nothing": (lambda network: None, None),
        # Code.
        "Lambda with bytecode": (activation("Lambda", {"function": marshalled(code)}), "kind Lambda"),
        "Lambda in a nested network": (instead("Sequential", [inner]), "it has a network within it"),
        "TFSMLayer": (activation("TFSMLayer", {"filepath": "/tmp"}), "kind TFSMLayer"),
        "custom class": (activation("Custom", {}, registered_name="stranger>Custom"), "kind stranger>Custom"),
        "registered name": (set_beside("Conv2D", registered_name="stranger>Conv2D"), "kind stranger>Conv2D"),
        "activation of an object": (set_in("Activation", activation=custom("system")), "activation: expected"),
        "activation with bytecode": (set_in("Conv2D", activation=marshalled(code)), "activation: expected"),
        "dtype of an object": (set_in("Conv2D", dtype=custom("system")), 'dtype: expected "float32"'),
        "code in what is ignored": (set_in("Conv2D", kernel_initializer=marshalled(code)), None),
        "compiled with code": (set_beside("Conv2D", compile_config={"loss": marshalled(code)}), None),
        # Bombs.
        "filters": (
            set_in("Conv2D", filters=10**9),
            "Conv2D encoder_1_convolution: filters: expected a whole number from 1 to 4096, found 1000000000",
        ),
        "kernel": (
            set_in("Conv2D", kernel_size=[10**5, 10**5]),
            "kernel_size: expected twice a whole number from 1 to",
        ),
        "layers": (instead("Sequential", relus), "more than 200 layers"),
        "very deep JSON": (lambda network: "[" * 100_000, "nested too deep"),
        "huge JSON": (lambda network: network["config"].update(name=" " * 2**21), "larger than 1048576 bytes"),
        "pooling that leaves nothing": (set_in("MaxPooling2D", pool_size=[99, 99], strides=None), "leaves nothing"),
        # Settings.
        "unknown setting": (set_in("Conv2D", lora_rank=4), "Conv2D encoder_1_convolution: lora_rank: expected no such"),
        "unset setting of a newer Keras": (set_in("Conv2D", quantization_config=None, adapters=[], note=""), None),
        "doubles": (set_in("Conv2D", dtype="float64"), "dtype: expected"),
        "negative integer": (set_in("Conv2D", strides=[-1, 1]), "strides: expected"),
        "zero": (set_in("MaxPooling2D", pool_size=[0, 2]), "pool_size: expected"),
        "truth for an integer": (set_in("Conv2D", groups=True), "groups: expected 1, found True"),
        "not a number": (set_in("BatchNormalization", momentum=float("nan")), "momentum: expected"),
        "groups": (set_in("Conv2D", groups=2), "groups: expected 1"),
        "dilation": (set_in("Conv2D", dilation_rate=[2, 2]), "dilation_rate: expected [1, 1]"),
        "channels first": (set_in("Conv2D", data_format="channels_first"), "data_format: expected"),
        "padding of its own": (set_in("Conv2D", padding="causal"), 'padding: expected "valid" or "same"'),
        "axis of its own": (set_in("BatchNormalization", axis=1), "axis: expected"),
        "sparse input": (set_in("InputLayer", sparse=True), "sparse: expected"),
        "ReLU with a threshold": (activation("ReLU", {"negative_slope": 0, "threshold": 1.0}), "threshold: expected"),
        # Connections, names.
        "layer used twice": (lambda network: layer(network, "Conv2D")["inbound_nodes"].append([]), chain),
        "circle": (set_beside("Conv2D", inbound_nodes=[[["encoder_2_pooling", 0, 0, {}]]]), chain),
        "trained while predicting": (
            set_beside("BatchNormalization", inbound_nodes=[[["encoder_1_convolution", 0, 0, {"training": True}]]]),
            chain,
        ),
        "two inputs": (lambda network: layer(network, "Conv2D")["inbound_nodes"][0]["args"].append({}), chain),
        "output of another layer": (
            lambda network: network["config"].update(output_layers=["images", 0, 0]),
            "its output is not that of its last layer alone",
        ),
        "control characters for a name": (set_in("InputLayer", name="\x1b[2J\n\r"), chain),
        "object for a name": (set_in("Conv2D", name=custom("system")), chain),
    }


CONFIGURATIONS = configurations("")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_hostile_configuration_is_refused_or_not_looked_at(good, tmp_path, canary, name, suffix):
    change, expected = configurations(touching(canary))[name]
    changed(good, tmp_path / f"hostile{suffix}", change)
    judge(tmp_path / f"hostile{suffix}", canary, good, expected)


# --- hostile weights


def first_weight(file):
    return file.visititems(lambda name, item: name if isinstance(item, h5py.Dataset) else None)


def stored(options):
    """Return a change: the first weight put back in another way, as the options that it leads to have it."""

    def change(file, folder):
        name = first_weight(file)
        data = file[name][()]
        del file[name]
        file.create_dataset(name, **options(data))

    return change


def ending_in(number):
    return stored(lambda data: {"data": np.append(data.ravel()[:-1], np.float32(number)).reshape(data.shape)})


def of_type(dtype):
    return stored(lambda data: {"data": data.astype(dtype)})


def external_link(file, folder):
    name = first_weight(file)
    with h5py.File(folder / "other.h5", "w") as other:
        other["weight"] = file[name][()]
    del file[name]
    file[name] = h5py.ExternalLink(str(folder / "other.h5"), "weight")


def virtual(file, folder):
    name = first_weight(file)
    layout = h5py.VirtualLayout(file[name].shape, "f4")
    with h5py.File(folder / "other.h5", "w") as other:
        other["weight"] = file[name][()]
        layout[...] = h5py.VirtualSource(other["weight"])
    del file[name]
    file.create_virtual_dataset(name, layout)


BOMB = {"shape": (2**20, 2**20), "dtype": "f4"}
BOMB_IN_CHUNKS = BOMB | {"chunks": (64, 64), "compression": "gzip", "fillvalue": 1}
ELSEWHERE = {"dtype": "f4", "external": [("/dev/zero", 0, 1000)]}
# {name: (a change of an HDF5 file, what the refusal says, None if it is harmless)}
WEIGHTS = {
    "missing": (lambda file, folder: file.pop(first_weight(file)), "is missing"),
    "external link": (external_link, "is missing"),
    "external storage": (stored(lambda data: ELSEWHERE | {"shape": data.shape}), "is not in the file"),
    "virtual dataset": (virtual, "is not in the file"),
    "shape bomb": (stored(lambda data: BOMB), "is not in the file"),
    "shape bomb in chunks": (stored(lambda data: BOMB_IN_CHUNKS), "is not in the file"),
    "shape without content": (stored(lambda data: {"shape": data.shape, "dtype": "f4"}), "is not in the file"),
    "NaN": (ending_in(np.nan), "is not finite"),
    "infinity": (ending_in(-np.inf), "is not finite"),
    "another shape": (stored(lambda data: {"data": data[..., np.newaxis]}), "has the shape"),
    "integers": (of_type("i4"), "is of int32, expected float32"),
    "complex numbers": (of_type("c8"), "is of complex64, expected float32"),
    "doubles": (of_type("f8"), "is of float64, expected float32"),
    "other order of bytes": (of_type(">f4"), "is of >f4, expected float32"),
    "texts": (of_type("S9"), "is of |S9, expected float32"),
    "groups in a circle": (lambda file, folder: file.update({f"{next(iter(file))}/again": file["/"]}), None),
    "gzip": (stored(lambda data: {"data": data, "compression": "gzip", "chunks": True}), None),
    "superfluous": (lambda file, folder: file.update({f"{next(iter(file))}/more": np.zeros(10, "f4")}), None),
}


def with_changed_weights(good, folder, change, suffix):
    """Return the path of a good encoder whose HDF5 file is changed."""
    path, source = folder / f"changed{suffix}", good / f"encoder{suffix}"
    if suffix == ".h5":
        shutil.copy(source, path)
        with h5py.File(path, "r+") as file:
            change(file, folder)
    else:
        with zipfile.ZipFile(source) as archive:
            content = BytesIO(archive.read("model.weights.h5"))
        with h5py.File(content, "r+") as file:
            change(file, folder)
        rewrite_archive(source, path, {"model.weights.h5": content.getvalue()})
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", WEIGHTS)
def test_hostile_weights_are_refused_or_what_is_strange_does_no_harm(good, tmp_path, canary, name, suffix):
    change, expected = WEIGHTS[name]
    judge(with_changed_weights(good, tmp_path, change, suffix), canary, good, expected)


def test_attributes_are_text_or_not_looked_at(good, tmp_path, canary):
    training = {"training_config": json.dumps({"optimizer_config": custom("system")}), "keras_version": 3}
    path = with_changed_weights(good, tmp_path, lambda file, folder: file.attrs.update(training), ".h5")
    judge(path, canary, good, None)
    for value in (3, b"\xff", np.zeros((2, 2))):
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = value
        judge(path, canary, good, "configuration cannot be read")


# --- hostile archives


def test_other_members_of_an_archive_are_not_looked_at(good, tmp_path, canary):
    names = (
        "../canary",
        str(canary),
        "assets/canary",
        "canary.py",
        "line\nline",
        "config.json/",
        *map(str, range(999)),
    )
    path = tmp_path / "more.keras"
    rewrite_archive(good / "encoder.keras", path, dict.fromkeys(names, b"content"), zipfile.ZIP_DEFLATED)
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", archive.read("config.json"))
    judge(path, canary, good, None)


@pytest.mark.parametrize(("name", "size"), [("config.json", 2**26), ("model.weights.h5", 2**28)])
def test_a_zip_bomb_is_refused(good, tmp_path, canary, name, size):
    members = {name: bytes(size), "metadata.json": bytes(size)}
    rewrite_archive(good / "encoder.keras", tmp_path / "bomb.keras", members, zipfile.ZIP_DEFLATED)
    assert (tmp_path / "bomb.keras").stat().st_size < size / 100
    judge(tmp_path / "bomb.keras", canary, good, f"its {name} is larger than ")


# --- files on which HDF5's library does not end


def test_a_file_that_hdf5_would_read_for_ever_is_refused(good, tmp_path, canary, monkeypatch):
    monkeypatch.setattr(encoder_reader, "LONGEST_READING", 0.5)
    content = KERAS_2.read_bytes()
    assert content[3002:3022] == b"activity_regularizer"  # in the configuration, in the heap of the file's texts
    path = tmp_path / "endless.h5"
    path.write_bytes(content[:3018] + b"S" + content[3018:])
    judge(path, canary, good, "not a Keras model in .h5 or .keras format: reading it takes too long")


# --- as the user meets them


def test_classification_refuses_it_before_any_question(good, data, tmp_path, canary):
    path = tmp_path / "hostile.h5"
    changed(good, path, configurations(touching(canary))["Lambda with bytecode"][0])
    files = {"-d": "letters", "-dl": "letters-labels", "-t": "letters-test", "-tl": "letters-test-labels"}
    arguments = [part for flag, file in files.items() for part in (flag, data / file)]
    session = run_script("classification", [*arguments, "-model", path], "8\n1\n16\n", tmp_path)
    assert (session.code, session.stdout) == (2, "")
    assert session.stderr.startswith(f"classification.py: error: {path}: ")
    assert session.stderr.count("\n") == 1
    assert not canary.exists()
