"""The configuration in an encoder file, Keras' JSON, read into the records of layers.py.

Read is what autoencoder.py, Keras 2 and a plain Keras script write. A setting that changes what is computed is read or
refused. What matters only to a training from the beginning (initializers, regularizers, constraints), or to Keras' own
reader (modules, identities), is ignored.
"""

import json
import re
from collections import Counter
from dataclasses import MISSING, fields
from itertools import zip_longest

from utilities.errors import BadInput
from utilities.network import layers
from utilities.network.architecture import LARGEST_KERNEL_SIDE, MOST_FILTERS

LONGEST_CONFIGURATION = 2**20
MOST_LAYERS = 200
UNREADABLE = "not an encoder: its configuration cannot be read"
NETWORKS = ("Functional", "Model", "Sequential")
RECORDS = {
    "InputLayer": None,
    "Conv2D": layers.Convolution,
    "BatchNormalization": layers.Normalization,
    "MaxPooling2D": layers.Pooling,
    "Activation": layers.Activation,
    "ReLU": layers.Rectifier,
    "LeakyReLU": layers.Rectifier,
}
KERAS_2 = {"alpha": "negative_slope"}  # what it calls a setting
STRANGERS = {"UpSampling2D": "a decoder too; give the encoder that autoencoder.py saved"}
STRANGERS |= dict.fromkeys(("Flatten", "Dense"), "dense layers; give an encoder, not a classifier")
STRANGERS |= dict.fromkeys(NETWORKS, "a network within it; give the encoder that autoencoder.py saved")


def _number(least, largest, kinds=(int, float)):
    expected = f"a {'number' if float in kinds else 'whole number'} from {least} to {largest}"
    return expected, lambda value: type(value) in kinds and least <= value <= largest  # NaN is not


def _one_of(*allowed):
    texts = [json.dumps(value) for value in allowed]  # in which true is not 1
    return " or ".join(texts), lambda value: json.dumps(value) in texts


SIDE, IS_SIDE = _number(1, LARGEST_KERNEL_SIDE, [int])
# What a setting is expected to be, in words and as a test: one of a record, one that is alike in all that are read,
# and one of which nothing is known.
RULES = {
    "filters": _number(1, MOST_FILTERS, [int]),
    **dict.fromkeys(
        ("kernel_size", "strides", "pool_size"),
        (f"twice {SIDE}", lambda value: isinstance(value, list) and [*map(IS_SIDE, value)] == [True, True]),
    ),
    **dict.fromkeys(("max_value", "negative_slope"), _number(0, 10**6)),
    "momentum": _number(0, 1),
    "epsilon": _number(1e-12, 1),
    **dict.fromkeys(("use_bias", "center", "scale"), _one_of(True, False)),
    "padding": _one_of("valid", "same"),
    # Without hard_sigmoid: Keras 2 and 3 compute different functions of that name.
    "activation": _one_of("linear", "relu", "leaky_relu", "elu", "gelu", "silu", "swish", "sigmoid", "tanh"),
}
FIXED = {
    "data_format": _one_of("channels_last"),
    "axis": _one_of(-1, 3, [3]),
    "dtype": _one_of("float32"),
    "dilation_rate": _one_of([1, 1]),
    "groups": _one_of(1),
    "threshold": _one_of(0.0, 0),
}
UNKNOWN = "no such setting", lambda value: value in (None, False, [], {}, "")
IGNORED = re.compile(
    r"name|trainable|layers|(input|output)_layers|(batch|batch_input|build_input)_shape"
    r"|renorm_(clipping|momentum)|\w+_(initializer|regularizer|constraint)"
)


def read_configuration(text, input_shape):
    """Return an encoder's layers, records of layers.py, and [(layer's name, weight's name, place, shape)] of weights.

    The place is a weight's path in a .keras file.

    Raises:
        BadInput: it is no encoder for images of the input shape, or has a setting that cannot be read.
    """
    try:
        return _read_chain(_layers_of(_decode(text)), input_shape)
    except RecursionError as error:
        raise BadInput("not an encoder: its configuration is nested too deep") from error


def _decode(text):
    try:
        if len(text) <= LONGEST_CONFIGURATION:
            return json.loads(text)
    except (TypeError, ValueError) as error:
        raise BadInput(UNREADABLE) from error
    raise BadInput(f"not an encoder: its configuration is larger than {LONGEST_CONFIGURATION} bytes")


def _layers_of(network):
    """Yield of each layer in a network's JSON its own, its name, and its group in a .keras file."""
    match network:
        case {"class_name": str(kind), "config": {"layers": [_, *_] as entries}} if kind in NETWORKS:
            if not all(map(_is_layer, entries)):
                raise BadInput(UNREADABLE)
        case _:
            raise BadInput(UNREADABLE)
    _read_settings(network, {})
    if len(entries) > MOST_LAYERS:
        raise BadInput(f"not an encoder: it has more than {MOST_LAYERS} layers")
    before, counts, is_graph = None, Counter(), kind != "Sequential"
    for entry in entries:
        if is_graph and _source(entry.get("inbound_nodes")) != before:
            raise BadInput(f"{_place(entry)} is not connected to the layer before it alone")
        before = str(entry["config"].get("name"))
        counted = re.sub("([a-z])([A-Z])", r"\1_\2", entry["class_name"]).lower()
        yield entry, before, f"layers/{counted}_{counts[counted]}".removesuffix("_0")
        counts[counted] += 1
    if is_graph and _source(network["config"].get("output_layers")) != before:
        raise BadInput("not an encoder: its output is not that of its last layer alone")


def _is_layer(entry):
    match entry:
        case {"class_name": str(), "config": dict()}:
            return True
    return False


def _source(nodes):
    """Return the name of the layer whose output alone a layer takes; None of an input, False of anything else."""
    match nodes:
        case []:
            return None
        case [{"args": [{"config": {"keras_history": [str(name), *_]}}], "kwargs": dict(options)}] | [
            [[str(name), _, _, dict(options)]]  # as Keras 2 writes it
        ] if not any(options.values()):
            return name
        case [str(name), *_] | [[str(name), *_]]:  # of a network's output
            return name
    return False


def _read_chain(chain, shape):
    """Return what read_configuration does, of what _layers_of yields and the shape of an image."""
    records, weights = [], []
    for entry, name, group in chain:
        match entry["config"]:  # the batch's shape, in which null is any
            case {"batch_shape": [_, *sides]} | {"batch_input_shape": [_, *sides]}:
                if [side or known for side, known in zip_longest(sides, shape)] != list(shape):
                    raise BadInput(f"the images have {_join(shape)} pixels, the encoder is for {_join(sides)}")
        for record in _read_layer(entry):
            shapes = layers.weight_shapes(record, shape)
            weights += [(name, weight, f"{group}/vars/{n}", shapes[weight]) for n, weight in enumerate(shapes)]
            before, shape = shape, layers.output_shape(record, shape)
            if min(shape) < 1:
                raise BadInput(f"{_place(entry)}: it leaves nothing of its input of {_join(before)}")
            records.append(record)
    return tuple(records), weights


def _read_layer(entry):
    """Return the records of a layer: none of an input, two where its activation is a layer itself."""
    kind, settings = str(entry.get("registered_name") or entry["class_name"]), entry["config"]
    if kind not in RECORDS:
        raise BadInput(f"not an encoder: it has {STRANGERS.get(kind) or f'a layer of the kind {kind}'}")
    match settings.get("activation"):
        case {"class_name": "ReLU" | "LeakyReLU", "config": dict()} as activation:
            return [*_read_layer(entry | {"config": settings | {"activation": "linear"}}), *_read_layer(activation)]
    record = RECORDS[kind]
    found = _read_settings(entry, {field.name: field.default for field in fields(record)} if record else {})
    return [record(**found)] if record else []


def _read_settings(entry, wanted):
    """Return the wanted settings of a layer or network, {name: default}; refuse others that change what it computes."""
    required = [key for key, default in wanted.items() if default is MISSING]
    given = {KERAS_2.get(key, key): value for key, value in entry["config"].items() if not IGNORED.fullmatch(key)}
    found = dict(wanted)
    for key, value in (dict.fromkeys(required) | given).items():
        match key, value:
            case "dtype", {"class_name": "DTypePolicy", "config": {"name": policy}}:
                value = policy
        expected, holds = RULES[key] if key in wanted else FIXED.get(key, UNKNOWN)
        if not holds(value) and not (value is None and wanted.get(key, 0) is None):
            raise BadInput(f"{_place(entry)}: {key}: expected {expected}, found {value}")
        found[key] = tuple(value) if isinstance(value, list) else value
    return {key: found[key] for key in wanted}


def _place(entry):
    return f"not an encoder: {entry['class_name']} {entry['config'].get('name')}"


def _join(sides):
    return " x ".join(map(str, sides))
