"""The configuration in an encoder file, Keras' JSON, read into the records of layers.py.

A setting that changes what is computed is read or refused. What matters only to a training from the beginning
(initializers, regularizers, constraints), or to Keras' own reader (modules, identities), is ignored.
"""

import json
import re
from collections import Counter
from dataclasses import MISSING, fields
from itertools import accumulate

from utilities.errors import BadInput
from utilities.network import layers
from utilities.network.architecture import LARGEST_KERNEL_SIDE, MOST_FILTERS
from utilities.text import printable

LONGEST_CONFIGURATION = 2**20
DEEPEST_CONFIGURATION = 60
MOST_LAYERS = 200
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
    "Dense": "dense layers; give an encoder, not a classifier",
}
# Without hard_sigmoid: Keras 2 and 3 compute different functions of that name.
ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish"),
    *("sigmoid", "tanh", "softplus", "softsign"),
)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
UNREADABLE = "not an encoder: its configuration cannot be read"


def read_configuration(text, input_shape):
    """Return the layers of the encoder that a configuration describes, and where a file has their weights.

    Args:
        text: JSON, str or bytes.
        input_shape: (rows, columns, channels) that the encoder must be for.

    Returns:
        Records of layers.py; and of each weight (names, path, shape): the names of the nested networks around its
        layer, the layer's and its own; its path in a .keras file.

    Raises:
        BadInput: it is no encoder for such images, or has a setting that cannot be read.
    """
    records, weights, shape = [], [], input_shape
    entries = _flatten(_decode(text))
    _check_kinds([_kind(entry) for entry, *_ in entries])
    for entry, names, group in entries:
        _check_input(entry["config"], shape)
        for record in _read_layer(entry):
            for number, (name, weight) in enumerate(layers.weight_shapes(record, shape).items()):
                weights.append(((*names, name), f"{group}/vars/{number}", weight))
            shape = _pass(record, shape, _place(entry))
            records.append(record)
    return records, weights


def _decode(text):
    """Return the JSON in a text, after its length and its depth are known to be harmless."""
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
    """Return [(entry, names, group)] of the layers of a network, in the order in which an image passes them.

    An entry is a layer's JSON, its names are the layer's and those of the nested networks around it, and its group is
    where a .keras file has it.
    """
    match network:
        case {"class_name": kind, "config": {"layers": [_, *_] as inner} as settings} if kind in NETWORKS:
            found, counts = [], Counter()
        case _:
            raise BadInput(UNREADABLE)
    for entry in inner:
        match entry:
            case {"class_name": str(name), "config": dict(config)}:
                path = (*names, str(config.get("name")))
            case _:
                raise BadInput(UNREADABLE)
        counted = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
        place = f"{group}layers/{counted}_{counts[counted]}".removesuffix("_0")
        counts[counted] += 1
        found += _flatten(entry, path, f"{place}/") if name in NETWORKS else [(entry, path, place)]
    if len(found) > MOST_LAYERS:
        raise BadInput(f"not an encoder: it has more than {MOST_LAYERS} layers")
    if kind != "Sequential":
        _check_chain(inner, settings.get("output_layers"))
    _read_settings(network, {})
    return found


def _check_chain(entries, output):
    """Check that each layer of a functional network takes the output of the one before it, and nothing else."""
    before = None
    for entry in entries:
        match entry.get("inbound_nodes"):
            case []:
                source = None
            case [{"args": [{"config": {"keras_history": [str(source), *_]}}], "kwargs": dict(options)}] | [
                [[str(source), _, _, dict(options)]]  # as Keras 2 writes it
            ] if not any(options.values()):
                pass
            case _:
                source = False
        if source != before:
            raise BadInput(f"not an encoder: {_show(entry.get('name'))} is not connected to the layer before it alone")
        before = str(entry.get("name"))
    match output:
        case [str(name), *_] | [[str(name), *_]] if name == before:
            return
    raise BadInput(f"not an encoder: output_layers: expected {_show(before)}, found {_show(output)}")


def _check_kinds(kinds):
    for kind in [*(stranger for stranger in STRANGERS if stranger in kinds), *kinds]:
        if kind not in RECORDS:
            raise BadInput(f"not an encoder: it has {STRANGERS.get(kind) or f'a layer of the kind {_show(kind)}'}")


def _check_input(settings, shape):
    """Check the input that a layer says it is for, [batch, rows, columns, channels], in which null is any."""
    told = settings.get("batch_shape") or settings.get("batch_input_shape") or [None, *shape]
    sides = told[1:] if isinstance(told, list) else []
    if len(sides) != len(shape) or any(a not in (None, b) for a, b in zip(sides, shape, strict=True)):
        raise BadInput(f"the images have {_join(shape)} pixels, the encoder is for {_join(sides) or 'an unknown size'}")


def _pass(record, shape, place):
    """Return the shape that a layer makes of a feature map's, which has to pass it."""
    if isinstance(record, layers.Convolution):
        divides = shape[-1] % record.groups == record.filters % record.groups == 0
        if not divides or (max(record.strides) > 1 and max(record.dilation_rate) > 1):
            raise BadInput(f"{place}: groups that divide no channels or filters evenly, or strides with dilation")
    output = layers.output_shape(record, shape)
    if min(output) < 1:
        raise BadInput(f"{place}: nothing is left of its input of {_join(shape)}")
    return output


def _read_layer(entry):
    """Return the records of a layer: none of an input, two where its activation is a layer itself."""
    record, settings = RECORDS[entry["class_name"]], entry["config"]
    match settings.get("activation"):
        case {"class_name": "ReLU" | "LeakyReLU" as kind, "config": dict()} as activation if _kind(activation) == kind:
            return [*_read_layer(entry | {"config": settings | {"activation": "linear"}}), *_read_layer(activation)]
    found = _read_settings(entry, {field.name: field.default for field in fields(record)} if record else {})
    return [record(**found)] if record else []


def _read_settings(entry, wanted):
    """Return the wanted settings of a layer or network, {name: default}; refuse others that change what it computes."""
    found = dict(wanted)
    for key, value in entry["config"].items():
        key = "negative_slope" if key == "alpha" else key  # as Keras 2 calls it
        if key in wanted or key in FIXED:
            expected, holds = (RULES if key in wanted else FIXED)[key]
            if not holds(value) and not (value is None and wanted.get(key, 0) is None):
                raise BadInput(f"{_place(entry)}: {key}: expected {expected}, found {_show(value)}")
            found[key] = tuple(value) if isinstance(value, list) else value
        elif not IGNORED.fullmatch(key) and value not in (None, [], {}, ""):
            raise BadInput(f"{_place(entry)}: unknown setting {_show(key)}")
    missing = [key for key, value in found.items() if value is MISSING]
    if missing:
        raise BadInput(f"{_place(entry)}: {missing[0]} is missing")
    return {key: found[key] for key in wanted}


def _kind(entry):
    return str(entry.get("registered_name") or entry["class_name"])


def _place(entry):
    return f"not an encoder: {entry['class_name']} {_show(entry['config'].get('name'))}"


def _join(sides):
    return printable(" x ".join(map(str, sides)))


def _show(value):
    return printable(value if isinstance(value, str) else json.dumps(value))


def _whole(largest):
    return f"a whole number from 1 to {largest}", lambda value: type(value) is int and 1 <= value <= largest


def _pair(largest):
    holds = _whole(largest)[1]
    expected = f"two whole numbers from 1 to {largest}"
    return expected, lambda value: isinstance(value, list) and len(value) == 2 and all(map(holds, value))


def _number(smallest, largest):
    expected = f"a number from {smallest} to {largest}"
    return expected, lambda value: type(value) in (int, float) and smallest <= value <= largest  # NaN is not


def _one_of(*allowed):
    texts = [json.dumps(value) for value in allowed]  # in which true is not 1
    return " or ".join(texts), lambda value: json.dumps(value) in texts


def _is_float32(policy):
    match policy:
        case {"class_name": "DTypePolicy" | "Policy", "config": {"name": name}}:
            policy = name
    return policy in (None, "float32", "float64")  # doubles are read as float32


# What each setting is expected to be, in words and as a test.
RULES = {
    **dict.fromkeys(("filters", "groups"), _whole(MOST_FILTERS)),
    **dict.fromkeys(("kernel_size", "strides", "dilation_rate", "pool_size"), _pair(LARGEST_KERNEL_SIDE)),
    **dict.fromkeys(("use_bias", "center", "scale"), _one_of(True, False)),
    **dict.fromkeys(("max_value", "negative_slope", "threshold"), _number(0, 1_000_000)),
    "padding": _one_of("valid", "same"),
    "momentum": _number(0, 1),
    "epsilon": _number(1e-12, 1),
    "activation": ("the name of a plain activation", lambda value: value in ACTIVATIONS),
}
# The same of settings that have one meaning in an encoder.
FIXED = {
    **dict.fromkeys(("synchronized", "renorm", "sparse", "ragged", "optional"), _one_of(False, None)),
    "data_format": _one_of("channels_last", None),
    "axis": _one_of(-1, 3, [-1], [3]),
    "dtype": ("float32", _is_float32),
}
IGNORED = re.compile(
    r"name|trainable|layers|(input|output)_layers|(batch|batch_input|build_input)_shape"
    r"|renorm_(clipping|momentum)|\w+_(initializer|regularizer|constraint)"
)
