"""The configuration in an encoder file, Keras' JSON, read into the records of layers.py.

A setting that changes what is computed is read or refused. What matters only to a training from the beginning
(initializers, regularizers, constraints), or to Keras' own reader (modules, identities), is ignored.
"""

import json
import re
from collections import Counter
from dataclasses import MISSING, fields
from itertools import accumulate, zip_longest

from utilities.errors import BadInput
from utilities.network import layers
from utilities.network.architecture import LARGEST_KERNEL_SIDE, MOST_FILTERS

LONGEST_CONFIGURATION = 2**20
DEEPEST_CONFIGURATION = 60
MOST_LAYERS = 200
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
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
STRANGERS = {
    "UpSampling2D": "a decoder too; give the encoder that autoencoder.py saved",
    "Flatten": "dense layers; give an encoder, not a classifier",
    "Dense": "dense layers; give an encoder, not a classifier",
}


def _is_whole(value, largest):
    return type(value) is int and 1 <= value <= largest


def _is_pair(value):
    return isinstance(value, list) and len(value) == 2 and all(_is_whole(side, LARGEST_KERNEL_SIDE) for side in value)


def _number(least, largest):
    expected = f"a number from {least} to {largest}"
    return expected, lambda value: type(value) in (int, float) and least <= value <= largest  # NaN is not


def _one_of(*allowed):
    texts = [json.dumps(value) for value in allowed]  # in which true is not 1
    return " or ".join(texts), lambda value: json.dumps(value) in texts


# What a setting is expected to be, in words and as a test.
COUNT = f"a whole number from 1 to {MOST_FILTERS}", lambda value: _is_whole(value, MOST_FILTERS)
PAIR = f"two whole numbers from 1 to {LARGEST_KERNEL_SIDE}", _is_pair
RULES = {
    **dict.fromkeys(("filters", "groups"), COUNT),
    **dict.fromkeys(("kernel_size", "strides", "dilation_rate", "pool_size"), PAIR),
    **dict.fromkeys(("max_value", "negative_slope", "threshold"), _number(0, 10**6)),
    "momentum": _number(0, 1),
    "epsilon": _number(1e-12, 1),
    **dict.fromkeys(("use_bias", "center", "scale"), _one_of(True, False)),
    "padding": _one_of("valid", "same"),
    # Without hard_sigmoid: Keras 2 and 3 compute different functions of that name.
    "activation": _one_of(
        *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish"),
        *("sigmoid", "tanh", "softplus", "softsign"),
    ),
    "data_format": _one_of("channels_last", None),
    "axis": _one_of(-1, 3, [-1], [3]),
    "dtype": _one_of("float32", "float64", None),  # doubles are read as float32
}
OF_ALL_LAYERS = ("data_format", "axis", "dtype")
IGNORED = re.compile(
    r"name|trainable|layers|(input|output)_layers|(batch|batch_input|build_input)_shape"
    r"|renorm_(clipping|momentum)|\w+_(initializer|regularizer|constraint)"
)


def read_configuration(text, input_shape):
    """Return an encoder's layers, records of layers.py, and [(names, place, shape)] of their weights.

    The names are those of the nested networks around a weight's layer, the layer's and the weight's own; its place is
    a path in a .keras file.

    Raises:
        BadInput: it is no encoder for images of the input shape, or has a setting that cannot be read.
    """
    records, weights, shape = [], [], input_shape
    for entry, names, group in _flatten(_decode(text)):
        match entry["config"]:  # the batch's shape, in which null is any
            case {"batch_shape": [_, *sides]} | {"batch_input_shape": [_, *sides]}:
                if [side or known for side, known in zip_longest(sides, shape)] != list(shape):
                    raise BadInput(f"the images have {_join(shape)} pixels, the encoder is for {_join(sides)}")
        for record in _read_layer(entry):
            for number, (name, weight) in enumerate(layers.weight_shapes(record, shape).items()):
                weights.append(((*names, name), f"{group}/vars/{number}", weight))
            shape = _pass(record, shape, _place(entry))
            records.append(record)
    return tuple(records), weights


def _decode(text):
    """Return the JSON in a text, str or bytes, after its length and its depth are known to be harmless."""
    try:
        text = text if isinstance(text, str) else str(text, "utf-8")
        if len(text) > LONGEST_CONFIGURATION:
            raise BadInput(f"not an encoder: its configuration is larger than {LONGEST_CONFIGURATION} bytes")
        if max(accumulate((c in "[{") - (c in "]}") for c in STRING.sub("", text)), default=0) > DEEPEST_CONFIGURATION:
            raise BadInput(f"not an encoder: its configuration is nested deeper than {DEEPEST_CONFIGURATION}")
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise BadInput(UNREADABLE) from error


def _flatten(network, names=(), group=""):
    """Return [(a layer's JSON, its name after those of the nested networks around it, its group in a .keras file)]."""
    found, counts = [], Counter()
    for entry in _entries(network):
        kind, path = entry["class_name"], (*names, str(entry["config"].get("name")))
        counted = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        place = f"{group}layers/{counted}_{counts[counted]}".removesuffix("_0")
        counts[counted] += 1
        found += _flatten(entry, path, f"{place}/") if kind in NETWORKS else [(entry, path, place)]
    if len(found) > MOST_LAYERS:
        raise BadInput(f"not an encoder: it has more than {MOST_LAYERS} layers")
    if network["class_name"] != "Sequential":
        _check_chain(network["config"])
    _read_settings(network, {})
    return found


def _entries(network):
    """Return the JSON of the layers and networks in a network's."""
    match network:
        case {"class_name": kind, "config": {"layers": [_, *_] as entries}} if kind in NETWORKS:
            for entry in entries:
                match entry:
                    case {"class_name": str(), "config": dict()}:
                        continue
                raise BadInput(UNREADABLE)
            return entries
    raise BadInput(UNREADABLE)


def _check_chain(settings):
    """Check that each layer of a functional network takes the output of the one before it, and nothing else."""
    before = None
    for entry in settings["layers"]:
        if _source(entry.get("inbound_nodes")) != before:
            raise BadInput(f"not an encoder: {entry.get('name')} is not connected to the layer before it alone")
        before = str(entry.get("name"))
    if _source(settings.get("output_layers")) != before:
        raise BadInput("not an encoder: its output is not that of its last layer alone")


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


def _pass(record, shape, place):
    """Return the shape of what a layer makes of a feature map, which has to pass it."""
    output = layers.output_shape(record, shape)
    fits = min(output) > 0
    if isinstance(record, layers.Convolution):
        divides = shape[-1] % record.groups == record.filters % record.groups == 0
        fits = fits and divides and 1 in (max(record.strides), max(record.dilation_rate))
    if not fits:
        raise BadInput(f"{place}: its settings do not fit each other, or its input of {_join(shape)}")
    return output


def _read_layer(entry):
    """Return the records of a layer: none of an input, two where its activation is a layer itself."""
    kind, settings = str(entry.get("registered_name") or entry["class_name"]), entry["config"]
    if kind not in RECORDS:
        raise BadInput(f"not an encoder: it has {STRANGERS.get(kind) or f'a layer of the kind {kind}'}")
    match settings.get("activation"):
        case {"class_name": "ReLU" | "LeakyReLU", "config": dict()} as activation:
            return [*_read_layer(entry | {"config": settings | {"activation": "linear"}}), *_read_layer(activation)]
    record = RECORDS[kind]
    wanted = {field.name: field.default for field in fields(record)} if record else {}
    if kind == "LeakyReLU":
        wanted["negative_slope"] = 0.3  # Keras' default
    found = _read_settings(entry, wanted)
    return [record(**found)] if record else []


def _read_settings(entry, wanted):
    """Return the wanted settings of a layer or network, {name: default}; refuse others that change what it computes."""
    required = [key for key, default in wanted.items() if default is MISSING]
    found = dict(wanted)
    for key, value in (dict.fromkeys(required) | entry["config"]).items():
        match key, value:
            case "alpha", _:
                key = "negative_slope"  # as Keras 2 calls it
            case "dtype", {"class_name": "DTypePolicy" | "Policy", "config": {"name": policy}}:
                value = policy
        if key in wanted or key in OF_ALL_LAYERS:
            expected, holds = RULES[key]
            if not holds(value) and not (value is None and wanted.get(key, 0) is None):
                raise BadInput(f"{_place(entry)}: {key}: expected {expected}, found {value}")
            found[key] = tuple(value) if isinstance(value, list) else value
        elif not IGNORED.fullmatch(key) and value not in (None, False, [], {}, ""):
            raise BadInput(f"{_place(entry)}: unknown setting {key}")
    return {key: found[key] for key in wanted}


def _place(entry):
    return f"not an encoder: {entry['class_name']} {entry['config'].get('name')}"


def _join(sides):
    return " x ".join(map(str, sides))
