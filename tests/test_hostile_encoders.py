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


def assert_refused(path, canary, complaint=""):
    with pytest.raises(BadInput) as caught:
        read_encoder(path, SHAPE)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < len(str(path)) + 300
    assert complaint in message
    assert complaint or "not a Keras model" not in message  # a rule has refused it, not an accident
    assert not canary.exists()


def assert_read(path, canary, good, tolerance=0):
    """Check that what is read is the good encoder."""
    found, expected = read_encoder(path, SHAPE), read_good(good)
    assert found.layers == expected.layers
    for weight, other in zip(found.weights, expected.weights, strict=True):
        assert weight.dtype == np.float32
        assert np.allclose(weight, other, rtol=0, atol=tolerance)
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


def replace_activation(network, kind, config, **changes):
    layer(network, "Activation").update(class_name=kind, config={"name": "encoder_1_activation", **config}, **changes)


def marshalled(canary):
    return {"class_name": "__lambda__", "config": {"code": touching(canary), "defaults": None, "closure": None}}


def builtin(name):
    return {"class_name": "function", "config": name, "module": "builtins", "registered_name": name}


def custom(kind, module="os", registered="stranger>Custom"):
    return {"module": module, "class_name": kind, "config": {}, "registered_name": registered}


def hide(network, canary):
    inner = {"class_name": "Lambda", "module": "keras.layers", "config": {"function": marshalled(canary)}}
    sequential = {"class_name": "Sequential", "module": "keras", "config": {"name": "inner", "layers": [inner]}}
    replace_activation(network, "Functional", {"layers": [sequential], "input_layers": [], "output_layers": []})


def set_in(kind, **settings):
    return lambda network, canary: layer(network, kind)["config"].update(settings)


def set_beside(kind, **settings):
    return lambda network, canary: layer(network, kind).update(settings)


def deep(depth):
    return lambda network, canary: json.dumps(network)[:-1] + ', "name": ' + "[" * depth + "]" * depth + "}"


LAYER_BOMB = [{"class_name": "ReLU", "config": {"name": f"r{number}"}} for number in range(1000)]

HOSTILE_CONFIGURATIONS = {
    "Lambda with bytecode": lambda network, canary: replace_activation(
        network, "Lambda", {"function": marshalled(canary)}
    ),
    "Lambda with bytecode, as Keras 2 has it": lambda network, canary: replace_activation(
        network, "Lambda", {"function": [touching(canary), None, None], "function_type": "lambda"}
    ),
    "Lambda of a built-in": lambda network, canary: replace_activation(
        network, "Lambda", {"function": builtin("eval")}
    ),
    "TFSMLayer": lambda network, canary: replace_activation(
        network, "TFSMLayer", {"filepath": str(canary.parent), "call_endpoint": "serve"}
    ),
    "TorchModuleWrapper": lambda network, canary: replace_activation(
        network, "TorchModuleWrapper", {"module": touching(canary)}
    ),
    "custom class": lambda network, canary: replace_activation(
        network, "Custom", {}, module="stranger", registered_name="stranger>Custom"
    ),
    "nested networks that hide a Lambda": hide,
    "foreign registered name": set_beside("Conv2D", module="keras.layers", registered_name="stranger>Conv2D"),
    "unknown setting": set_in("Conv2D", lora_rank=10**9),
    "activation of a custom object": set_in("Activation", activation=custom("system")),
    "activation of a built-in": set_in("Activation", activation=builtin("eval")),
    "activation with bytecode": lambda network, canary: set_in("Conv2D", activation=marshalled(canary))(
        network, canary
    ),
    "activation with a registered name": set_in("Conv2D", activation="stranger>activation"),
    "dtype of a custom object": set_in("Conv2D", dtype=custom("system")),
    "dtype with quantization": set_in("Conv2D", dtype="int8_from_float32"),
    "shape bomb": set_in("Conv2D", filters=2**31 - 1),
    "kernel bomb": set_in("Conv2D", kernel_size=[10**5, 10**5]),
    "integer past 64 bits": set_in("Conv2D", filters=2**70),
    "integer of ten thousand digits": lambda network, canary: json.dumps(network).replace(
        '"filters": 2', f'"filters": {"9" * 10_000}'
    ),
    "negative integer": set_in("Conv2D", strides=[-1, 1]),
    "zero": set_in("MaxPooling2D", pool_size=[0, 2]),
    "truth for an integer": set_in("Conv2D", groups=True),
    "fraction for an integer": set_in("Conv2D", filters=2.0),
    "text for an integer": set_in("Conv2D", filters="2"),
    "not a number": set_in("BatchNormalization", momentum=float("nan")),
    "infinity": set_in("BatchNormalization", epsilon=float("inf")),
    "pooling that leaves nothing": set_in("MaxPooling2D", pool_size=[99, 99], strides=None),
    "groups that divide nothing": set_in("Conv2D", groups=3),
    "channels first": set_in("Conv2D", data_format="channels_first"),
    "padding of its own": set_in("Conv2D", padding="causal"),
    "axis of its own": set_in("BatchNormalization", axis=1),
    "layer bomb": lambda network, canary: network["config"]["layers"].extend(LAYER_BOMB),
    "nesting bomb": lambda network, canary: network.update(
        json.loads('{"class_name":"Sequential","config":{"name":"n","layers":[' * 100 + "]}}" * 100)
    ),
    "deep JSON": deep(500),
    "very deep JSON": deep(100_000),
    "huge JSON": lambda network, canary: network["config"].update(name=" " * 2**21),
    "layer used twice": lambda network, canary: layer(network, "Conv2D")["inbound_nodes"].append([]),
    "layers in a circle": lambda network, canary: layer(network, "Conv2D").update(
        inbound_nodes=[[["encoder_2_pooling", 0, 0, {}]]]
    ),
    "tensor bomb between layers": lambda network, canary: layer(network, "Conv2D")["inbound_nodes"][0]["args"].append(
        {"class_name": "__numpy__", "config": {"value": [0], "dtype": "float64"}}
    ),
    "two layers of one name": lambda network, canary: network["config"]["layers"].append(layer(network, "Conv2D")),
    "output of another layer": lambda network, canary: network["config"].update(output_layers=["images", 0, 0]),
    "input twice": lambda network, canary: network["config"]["layers"].insert(0, layer(network, "InputLayer")),
    "sparse input": set_in("InputLayer", sparse=True),
}
# What nothing looks at.
HARMLESS_CONFIGURATIONS = {
    "a newer Keras' settings that are not set": set_in("Conv2D", quantization_config=None, adapters=[], note=""),
    "foreign module": set_beside("Conv2D", module="os"),
    "module of Keras with code in it": set_beside("Conv2D", module="keras.src.utils.python_utils"),
    "settings to build with": set_beside("Conv2D", build_config={"input_shape": [None, 10**6, 10**6, 10**6]}),
    "settings to compile with": set_beside("Conv2D", compile_config={"loss": marshalled(Path("canary"))}),
    "shared object": set_beside("Conv2D", shared_object_id=1),
    "one identity for two objects": set_in(
        "Conv2D",
        dtype={"class_name": "DTypePolicy", "config": {"name": "float32"}, "shared_object_id": 1},
        kernel_initializer={"class_name": "Zeros", "config": {}, "shared_object_id": 1},
    ),
    "unknown setting beside": set_beside("Conv2D", code="import os"),
    "initializer of a custom object": set_in("Conv2D", kernel_initializer=custom("system")),
    "initializer with a foreign module": set_in("Conv2D", kernel_initializer=custom("Zeros", "os", None)),
    "initializer with a registered name": set_in("Conv2D", kernel_initializer=custom("Zeros", "keras.initializers")),
    "initializer with bytecode": lambda network, canary: set_in("Conv2D", kernel_initializer=marshalled(canary))(
        network, canary
    ),
    "regularizer of a custom object": set_in("Conv2D", kernel_regularizer=custom("system")),
    "constraint of a custom object": set_in("BatchNormalization", gamma_constraint=custom("system")),
    "tensor in the settings": set_in("Conv2D", bias_initializer={"class_name": "__tensor__", "config": {"value": 1}}),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_made_as_the_hostile_ones_are_is_good_without_a_change(good, tmp_path, canary, suffix):
    changed(good, tmp_path / f"same{suffix}", lambda network: None)
    assert_read(tmp_path / f"same{suffix}", canary, good)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", HOSTILE_CONFIGURATIONS)
def test_a_hostile_configuration_is_refused(good, tmp_path, canary, name, suffix):
    path = tmp_path / f"hostile{suffix}"
    changed(good, path, lambda network: HOSTILE_CONFIGURATIONS[name](network, canary))
    assert_refused(path, canary)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", HARMLESS_CONFIGURATIONS)
def test_what_nothing_looks_at_in_a_configuration_does_no_harm(good, tmp_path, canary, name, suffix):
    path = tmp_path / f"harmless{suffix}"
    changed(good, path, lambda network: HARMLESS_CONFIGURATIONS[name](network, canary))
    assert_read(path, canary, good)


@pytest.mark.parametrize("name", ["../../canary", "\x1b[2J\n\r", 3, None, ["canary"]], ids=str)
def test_a_name_is_only_looked_up_in_the_file(good, tmp_path, canary, name):
    for suffix in SUFFIXES:
        changed(good, tmp_path / f"named{suffix}", lambda network: set_in("Conv2D", name=name)(network, canary))
    assert_read(tmp_path / "named.keras", canary, good)
    assert_refused(tmp_path / "named.h5", canary, "is missing")


@pytest.mark.parametrize(
    ("name", "complaint"),
    {
        "deep JSON": "nested deeper than 60",
        "very deep JSON": "nested deeper than 60",
        "huge JSON": "larger than 1048576 bytes",
        "layer bomb": "more than 200 layers",
        "nesting bomb": "nested deeper than 60",
        "shape bomb": "filters: expected a whole number from 1 to 4096",
        "kernel bomb": "kernel_size: expected two whole numbers from 1 to 99",
        "negative integer": "strides: expected two whole numbers",
        "zero": "pool_size: expected two whole numbers",
        "layers in a circle": "not connected to the layer before it alone",
        "unknown setting": "Conv2D encoder_1_convolution: unknown setting lora_rank",
        "foreign registered name": "kind stranger>Conv2D",
    }.items(),
)
def test_a_bomb_is_refused_by_the_rule_against_it(good, tmp_path, canary, name, complaint):
    changed(good, tmp_path / "bomb.keras", lambda network: HOSTILE_CONFIGURATIONS[name](network, canary))
    assert_refused(tmp_path / "bomb.keras", canary, complaint)


def test_the_message_names_the_layer_the_setting_and_what_was_found(good, tmp_path, canary):
    changed(good, tmp_path / "a.h5", lambda network: set_in("Conv2D", filters=10**9)(network, canary))
    assert_refused(
        tmp_path / "a.h5",
        canary,
        "Conv2D encoder_1_convolution: filters: expected a whole number from 1 to 4096, found 1000000000",
    )


# --- hostile weights


def first_weight(file):
    return file.visititems(lambda name, item: name if isinstance(item, h5py.Dataset) else None)


def store(file, **options):
    """Put the file's first weight back in another way."""
    name = first_weight(file)
    data = file[name][()]
    del file[name]
    file.create_dataset(name, **{"data": data} | options)


def missing(file, folder):
    del file[first_weight(file)]


def soft_link(file, folder):
    name = first_weight(file)
    file.move(name, "elsewhere")
    file[name] = h5py.SoftLink("/elsewhere")


def external_link(file, folder):
    name = first_weight(file)
    with h5py.File(folder / "other.h5", "w") as other:
        other["weight"] = file[name][()]
    del file[name]
    file[name] = h5py.ExternalLink(str(folder / "other.h5"), "weight")


def group_by_external_link(file, folder):
    name = next(iter(file))
    with h5py.File(folder / "other.h5", "w") as other:
        file.copy(name, other)
    del file[name]
    file[name] = h5py.ExternalLink(str(folder / "other.h5"), name)


def external_storage(file, folder):
    (folder / "secret").write_bytes(bytes(1000))
    data = file[first_weight(file)]
    store(file, data=None, shape=data.shape, dtype="f4", external=[(str(folder / "secret"), 0, 1000)])


def virtual(file, folder):
    name = first_weight(file)
    layout = h5py.VirtualLayout(file[name].shape, "f4")
    with h5py.File(folder / "other.h5", "w") as other:
        other["weight"] = file[name][()]
        layout[...] = h5py.VirtualSource(other["weight"])
    del file[name]
    file.create_virtual_dataset(name, layout)


def shape_bomb(file, folder):
    store(file, data=None, shape=(2**20, 2**20), dtype="f4")


def shape_bomb_in_chunks(file, folder):
    store(file, data=None, shape=(2**20, 2**20), dtype="f4", chunks=(64, 64), compression="gzip", fillvalue=1)


def circle(file, folder):
    group = file[next(iter(file))]
    group["again"] = group


def another_name(file, folder):
    name = first_weight(file)
    file[f"{name}_again"] = file[name]


def not_finite(number):
    def change(file, folder):
        weight = file[first_weight(file)]
        weight[(-1,) * weight.ndim] = number

    return change


def infinite_in_single_precision(file, folder):
    store(file, data=np.full(file[first_weight(file)].shape, 1e300))


def unwritten(file, folder):
    store(file, data=None, shape=file[first_weight(file)].shape, dtype="f4")


def stored(**options):
    return lambda file, folder: store(file, **options)


def reshaped(file, folder):
    store(file, data=file[first_weight(file)][()][..., np.newaxis])


def of_type(dtype):
    return lambda file, folder: store(file, data=file[first_weight(file)][()].astype(dtype))


def typed_by_attribute(file, folder):
    file[first_weight(file)].attrs["dtype"] = "bfloat16"


def superfluous(file, folder):
    file[f"{next(iter(file))}/more"] = np.zeros(10, "f4")


def many_groups(file, folder):
    for number in range(6000):
        file.create_group(f"{next(iter(file))}/{number}")


def named_type(file, folder):
    file["type"] = np.dtype("f4")


HOSTILE_WEIGHTS = {
    "missing": missing,
    "soft link": soft_link,
    "external link": external_link,
    "group by an external link": group_by_external_link,
    "external storage": external_storage,
    "virtual dataset": virtual,
    "shape bomb": shape_bomb,
    "shape bomb in chunks": shape_bomb_in_chunks,
    "NaN": not_finite(np.nan),
    "infinity": not_finite(-np.inf),
    "infinity in single precision": infinite_in_single_precision,
    "shape without content": unwritten,
    "another shape": reshaped,
    "integers": of_type("i4"),
    "complex numbers": of_type("c8"),
    "texts": stored(data=[b"a", b"b"]),
    "records": stored(data=np.zeros(2, [("a", "f4")])),
    "type in an attribute": typed_by_attribute,
}
HARMLESS_WEIGHTS = {
    "groups in a circle": circle,
    "weight under two names": another_name,
    "chunks": stored(chunks=True),
    "gzip": stored(compression="gzip", chunks=True),
    "szip or lzf": stored(compression="lzf", chunks=True),
    "scale and offset": stored(scaleoffset=3, chunks=True),
    "double precision": of_type("f8"),
    "half precision": of_type("f2"),
    "big-endian": of_type(">f4"),
    "superfluous": superfluous,
    "many groups": many_groups,
    "type with a name": named_type,
}
TOLERANCES = {"scale and offset": 1e-3, "half precision": 1e-3}


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
@pytest.mark.parametrize("name", HOSTILE_WEIGHTS)
def test_hostile_weights_are_refused(good, tmp_path, canary, name, suffix):
    assert_refused(with_changed_weights(good, tmp_path, HOSTILE_WEIGHTS[name], suffix), canary)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", HARMLESS_WEIGHTS)
def test_weights_stored_in_another_way_and_what_lies_beside_them_do_no_harm(good, tmp_path, canary, name, suffix):
    path = with_changed_weights(good, tmp_path, HARMLESS_WEIGHTS[name], suffix)
    assert_read(path, canary, good, TOLERANCES.get(name, 0))


def change_names(name, value):
    def change(file, folder):
        group = file["model_weights/encoder_1_normalization"] if name == "weight_names" else file["model_weights"]
        del group.attrs[name]
        if value is not None:
            group.attrs[name] = value

    return change


HARMLESS_ATTRIBUTES = {
    "training configuration": lambda file, folder: file.attrs.update(
        training_config=json.dumps({"loss": marshalled(Path("canary")), "optimizer_config": custom("system")})
    ),
    "optimizer weights": lambda file, folder: file.create_dataset("optimizer_weights/a", data=np.zeros(3, "f4")),
    "no names of layers": change_names("layer_names", None),
    "numbers for names of layers": change_names("layer_names", [1, 2]),
    "names of layers elsewhere": change_names("layer_names", ["../model_weights", "/"]),
    "one weight for all": change_names("weight_names", ["encoder_1_normalization/gamma"] * 4),
    "no text for the version": change_names("keras_version", 3),
    "large attribute beside": lambda file, folder: file["model_weights"].attrs.create("a", np.zeros(2**13, "u1")),
}
HOSTILE_ATTRIBUTES = {
    "large attribute": lambda file: file.attrs.create("model_config", np.zeros(2**21, "u1")),
    "array of configurations": lambda file: file.attrs.create("model_config", [file.attrs["model_config"]] * 2),
}


@pytest.mark.parametrize("name", HARMLESS_ATTRIBUTES)
def test_attributes_that_nothing_looks_at_do_no_harm(good, tmp_path, canary, name):
    assert_read(with_changed_weights(good, tmp_path, HARMLESS_ATTRIBUTES[name], ".h5"), canary, good)


@pytest.mark.parametrize("name", HOSTILE_ATTRIBUTES)
def test_hostile_attributes_are_refused(good, tmp_path, canary, name):
    path = tmp_path / "hostile.h5"
    with h5py.File(good / "encoder.h5") as source, h5py.File(path, "w", libver="latest") as file:
        file.attrs.update(source.attrs)
        source.copy("model_weights", file)
    assert_read(path, canary, good)
    with h5py.File(path, "r+", libver="latest") as file:
        HOSTILE_ATTRIBUTES[name](file)
    assert_refused(path, canary, "configuration")


# --- hostile archives


@pytest.mark.parametrize(
    "name",
    ["../canary", "/tmp/canary", "assets/canary", "canary.py", "member{}", "line\nline", "config.json/"],
)
def test_other_members_of_an_archive_are_not_looked_at(good, tmp_path, canary, name):
    rewrite_archive(good / "encoder.keras", tmp_path / "more.keras", {name.format(n): b"content" for n in range(1000)})
    assert_read(tmp_path / "more.keras", canary, good)


def test_a_member_that_is_there_twice_is_read_once(good, tmp_path, canary):
    shutil.copy(good / "encoder.keras", tmp_path / "twice.keras")
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(tmp_path / "twice.keras", "a") as archive:
        archive.writestr("config.json", archive.read("config.json"))
    assert_read(tmp_path / "twice.keras", canary, good)


@pytest.mark.parametrize(("name", "size"), [("config.json", 2**26), ("model.weights.h5", 2**28)])
def test_a_zip_bomb_is_refused(good, tmp_path, canary, name, size):
    members = {name: bytes(size), "metadata.json": bytes(size)}
    rewrite_archive(good / "encoder.keras", tmp_path / "bomb.keras", members, zipfile.ZIP_DEFLATED)
    assert (tmp_path / "bomb.keras").stat().st_size < size / 100
    assert_refused(tmp_path / "bomb.keras", canary, f"its {name} is larger than ")


def test_a_good_archive_may_be_compressed(good, tmp_path, canary):
    rewrite_archive(good / "encoder.keras", tmp_path / "small.keras", {}, zipfile.ZIP_DEFLATED)
    assert_read(tmp_path / "small.keras", canary, good)


# --- files on which HDF5's library does not end


def test_a_file_that_hdf5_would_read_for_ever_is_refused(tmp_path, canary, monkeypatch):
    monkeypatch.setattr(encoder_reader, "LONGEST_READING", 0.5)
    content = KERAS_2.read_bytes()
    assert content[3002:3022] == b"activity_regularizer"  # in the configuration, in the heap of the file's texts
    path = tmp_path / "endless.h5"
    path.write_bytes(content[:3018] + b"S" + content[3018:])
    assert_refused(path, canary, "not a Keras model")


# --- as the user meets them


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["Lambda with bytecode", "shape bomb", "soft link"])
def test_classification_refuses_it_before_any_question(good, data, tmp_path, canary, name, suffix):
    path = tmp_path / f"hostile{suffix}"
    if name in HOSTILE_CONFIGURATIONS:
        changed(good, path, lambda network: HOSTILE_CONFIGURATIONS[name](network, canary))
    else:
        path = with_changed_weights(good, tmp_path, HOSTILE_WEIGHTS[name], suffix)
    files = {"-d": "letters", "-dl": "letters-labels", "-t": "letters-test", "-tl": "letters-test-labels"}
    arguments = [part for flag, file in files.items() for part in (flag, data / file)]
    session = run_script("classification", [*arguments, "-model", path], "8\n1\n16\n", tmp_path)
    assert session.code == 2
    assert session.stdout == ""
    assert session.stderr.startswith(f"classification.py: error: {path}: ")
    assert session.stderr.count("\n") == 1
    assert not canary.exists()
