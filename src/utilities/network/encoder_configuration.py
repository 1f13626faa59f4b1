"""The configuration in an encoder file, judged before Keras reads it.

Keras builds whatever a configuration names: classes, functions, shapes of any size. So everything in it that Keras
would act on has to be one of the plain values that the rules here allow, and what no rule knows is refused.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from utilities.network.architecture import LARGEST_KERNEL_SIDE, MOST_FILTERS, NetworkSize
from utilities.text import printable

LONGEST_CONFIGURATION = 2**20
DEEPEST_CONFIGURATION = 60
MOST_ENTRIES = 200  # layers and nested networks, together
LARGEST_WEIGHTS = 2**31
LARGEST_NUMBER = 1e6
LARGEST_SEED = 2**63 - 1
SEQUENTIAL = "Sequential"
NETWORKS = {"Functional", "Model", SEQUENTIAL}
MODULES = {"keras", "keras.layers", "keras.models", "keras.src.models.functional", "keras.src.models.sequential"}
ACTIVATIONS = {
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish"),
    *("sigmoid", "hard_sigmoid", "tanh", "softplus", "softsign"),
}
CALL_OPTIONS = (
    *({}, {"mask": None}, {"training": None}, {"training": False}),
    *({"training": None, "mask": None}, {"training": False, "mask": None}),
)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")


class EncoderFault(Exception):
    """What is wrong with an encoder file, without its name."""


@dataclass(frozen=True)
class Part:
    """A layer, or a nested network, as its configuration describes it.

    Attributes:
        kind: its class.
        output: the shape of its output, (rows, columns, channels).
        trained: the shapes of the weights that training changes.
        statistics: the shapes of the weights that only follow the data.
        parts: those of a network, in their order; None for a layer.
        frozen: whether it, or a part of it, is not to be trained.
    """

    kind: str
    output: tuple[int, int, int]
    trained: tuple[tuple[int, ...], ...] = ()
    statistics: tuple[tuple[int, ...], ...] = ()
    parts: tuple["Part", ...] | None = None
    frozen: bool = False

    @property
    def size(self):
        """The NetworkSize of an encoder that is this part alone."""
        features = 0 if self.kind == "InputLayer" else math.prod(self.output)
        if self.parts:
            features = sum(part.size.features for part in self.parts)
        weights = sum(map(math.prod, self.trained + self.statistics))
        return NetworkSize(weights, features, math.prod(self.output))


@dataclass(frozen=True)
class Rule:
    """What a value in a configuration has to be."""

    expected: str
    holds: Callable[[Any], bool]
    required: bool = False


def read_configuration(text, image_shape):
    """Return the network that a configuration, JSON, describes, as a Part with parts.

    Args:
        text: str or bytes.
        image_shape: (rows, columns) of the images that the network must be for.

    Raises:
        EncoderFault: it is no encoder for such images, or holds something that no encoder needs.
    """
    network = _parse(text)
    try:
        entries = list(_flatten([network]))
        layers = [entry for entry in entries if entry["class_name"] not in NETWORKS]
        if network["class_name"] not in NETWORKS:
            raise EncoderFault(f"not an encoder: found a {_show(network['class_name'])}")
        _name_the_stranger({entry["class_name"]: None for entry in layers if entry["class_name"] not in LAYERS})
        _check_input(layers, [None, *image_shape, 1])
        _check_shared(network)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise EncoderFault("not an encoder: its configuration cannot be read") from error
    return _judge(network, (*image_shape, 1))


def _parse(text):
    """Return the JSON in a text, after its length and its depth are known to be harmless."""
    if not isinstance(text, str | bytes):
        raise EncoderFault("not an encoder: its configuration cannot be read")
    if len(text) > LONGEST_CONFIGURATION:
        raise EncoderFault(f"not an encoder: its configuration is longer than {LONGEST_CONFIGURATION} bytes")
    try:
        text = text.decode() if isinstance(text, bytes) else text
        steps = ((c in "[{") - (c in "]}") for c in STRING.sub("", text))
        if max(accumulate(steps), default=0) > DEEPEST_CONFIGURATION:
            raise EncoderFault(f"not an encoder: its configuration is nested deeper than {DEEPEST_CONFIGURATION}")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EncoderFault("not an encoder: its configuration cannot be read") from error


def _flatten(entries):
    """Yield networks and layers in their order, those of nested networks behind the network."""
    count = 0
    waiting = list(reversed(entries))
    while waiting:
        entry = waiting.pop()
        count += 1
        if count > MOST_ENTRIES:
            raise EncoderFault(f"not an encoder: it has more than {MOST_ENTRIES} layers")
        yield entry
        if entry["class_name"] in NETWORKS:
            waiting.extend(reversed(entry["config"]["layers"]))


def _check_shared(value):
    """Check that objects of one identity are the same: Keras makes the first, and takes it for the others."""
    known = {}
    waiting = [value]
    while waiting:
        value = waiting.pop()
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        if isinstance(value, dict) and "shared_object_id" in value:
            content = json.dumps([value.get("class_name"), value.get("config")])
            if known.setdefault(json.dumps(value["shared_object_id"]), content) != content:
                raise EncoderFault("not an encoder: two different objects in it have the same identity")


def _name_the_stranger(foreign):
    if "UpSampling2D" in foreign:
        raise EncoderFault("not an encoder: it has a decoder too; give the encoder that autoencoder.py saved")
    if "Dense" in foreign:
        raise EncoderFault("not an encoder: it has dense layers; give an encoder, not a classifier")
    if foreign:
        raise EncoderFault(f"not an encoder: it has a layer of the kind {_show(next(iter(foreign)))}")


def _check_input(layers, expected):
    """Check the network's input shape, from the first layer that tells; Keras 2 and 3 name it differently."""
    shapes = (layer["config"].get("batch_shape", layer["config"].get("batch_input_shape")) for layer in layers)
    found = next((shape for shape in shapes if shape), None)
    if found != expected:
        raise EncoderFault(f"the images have {_sides(expected)} pixels, the encoder is for {_sides(found)}")


def _sides(shape):
    return printable(" x ".join(map(str, shape[1:]))) if isinstance(shape, list) else "an unknown size"


def _show(value):
    return printable(value if isinstance(value, str) else json.dumps(value))


def _judge(entry, shape):
    """Return the Part that an entry describes, given the shape of its input, (rows, columns, channels)."""
    kind, settings = entry["class_name"], entry["config"]
    if not isinstance(settings, dict):
        raise EncoderFault(f"not an encoder: a {kind} has no configuration")
    place = f"not an encoder: {kind} {_show(settings.get('name'))}"
    _apply({key: value for key, value in entry.items() if key != "config"}, _entry_rules(kind, settings, shape), place)
    if kind in NETWORKS:
        return _judge_network(kind, settings, shape, place)
    _apply(settings, {**LAYERS[kind], **_rules_here(entry, shape)}, place)
    part = PARTS.get(kind, _same)(settings, shape)
    if min(part.output) < 1:
        raise EncoderFault(f"{place}: nothing is left of its input of {_sides([None, *shape])}")
    return part


def _judge_network(kind, settings, shape, place):
    rules = _sequential_rules(shape) if kind == SEQUENTIAL else FUNCTIONAL
    _apply(settings, rules, place)
    entries = settings["layers"]
    if kind != SEQUENTIAL:
        _check_chain(entries, settings, place)
    parts = []
    for number, entry in enumerate(entries):
        if (entry["class_name"] == "InputLayer" and number > 0) or (number == 0 and not _may_begin(kind, entry)):
            raise EncoderFault(f"{place}: its input must come first, and once")
        if kind != SEQUENTIAL:
            _check_connection(entry, entries[number - 1] if number else None, shape)
        parts.append(_judge(entry, shape))
        shape = parts[-1].output
    trained = sum((part.trained for part in parts), ())
    statistics = sum((part.statistics for part in parts), ())
    if sum(4 * math.prod(weight) for weight in trained + statistics) > LARGEST_WEIGHTS:
        raise EncoderFault(f"{place}: its weights take more than {LARGEST_WEIGHTS} bytes")
    frozen = settings.get("trainable") is False or any(part.frozen for part in parts)
    return Part(kind, shape, trained, statistics, tuple(parts), frozen)


def _may_begin(kind, entry):
    """Tell whether a network of a kind may begin with a layer; only a sequential one need not with its input."""
    return kind == SEQUENTIAL or entry["class_name"] == "InputLayer"


def _check_chain(entries, settings, place):
    """Check that a functional network's layers have different names, and that it goes from the first to the last."""
    names = [entry.get("name") for entry in entries]
    if not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        raise EncoderFault(f"{place}: two layers have the same name, or one has none")
    for key, entry in (("input_layers", entries[0]), ("output_layers", entries[-1])):
        if not _one_of(_history(entry), [_history(entry)]).holds(settings[key]):
            raise EncoderFault(f"{place}: {key}: expected {_show(entry['name'])}, found {_show(settings[key])}")


def _check_connection(entry, previous, shape):
    """Check that a layer of a functional network takes the output of the one before it, and nothing else."""
    expected = [[]]
    if previous is not None:
        history = _history(previous)
        tensor = {"shape": [None, *shape], "dtype": "float32", "keras_history": history}
        node = {"args": [{"class_name": "__keras_tensor__", "config": tensor}]}
        expected = [[{**node, "kwargs": options}] for options in CALL_OPTIONS]
        expected.append([[[*history, {}]]])  # Keras 2
    if not _one_of(*expected).holds(entry.get("inbound_nodes")):
        raise EncoderFault(f"not an encoder: {_show(entry['name'])} is not connected to the layer before it alone")


def _history(entry):
    """Return what a network calls the output of one of its layers; a functional network has one of its own before."""
    return [entry["name"], 1 if entry["class_name"] in NETWORKS - {SEQUENTIAL} else 0, 0]


def _apply(settings, rules, place):
    """Check that settings, a dictionary, keep to the rules of their keys, {key: Rule}."""
    for key, value in settings.items():
        if key not in rules:
            raise EncoderFault(f"{place}: unknown setting {_show(key)}")
        if not rules[key].holds(value):
            raise EncoderFault(f"{place}: {key}: expected {rules[key].expected}, found {_show(value)}")
    missing = [key for key, rule in rules.items() if rule.required and key not in settings]
    if missing:
        raise EncoderFault(f"{place}: {missing[0]} is missing")


def _whole(smallest, largest, required=False):
    return Rule(
        f"a whole number from {smallest} to {largest}", lambda value: _is_whole(value, smallest, largest), required
    )


def _is_whole(value, smallest, largest):
    return type(value) is int and smallest <= value <= largest


def _number(smallest, largest):
    return Rule(f"a number from {smallest} to {largest}", lambda value: _is_number(value, smallest, largest))


def _is_number(value, smallest=-LARGEST_NUMBER, largest=LARGEST_NUMBER):
    return type(value) in (int, float) and smallest <= value <= largest  # NaN is not


def _sides_up_to(largest, required=False):
    def holds(value):
        sides = value if isinstance(value, list) and len(value) == 2 else [value]
        return all(_is_whole(side, 1, largest) for side in sides)

    return Rule(f"one or two whole numbers from 1 to {largest}", holds, required)


def _one_of(*values, required=False):
    # By their JSON, in which True is not 1 and a list may be looked for.
    texts = [json.dumps(value) for value in values]
    return Rule(" or ".join(texts), lambda value: json.dumps(value) in texts, required)


def _or_null(rule):
    return Rule(f"{rule.expected} or null", lambda value: value is None or rule.holds(value), rule.required)


def _built_in(module, kinds):
    """Return the rule of null, or a Keras built-in as a dictionary; kinds is {class: rules of its configuration}."""

    def holds(value):
        if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
            return value is None
        kind = value["class_name"]
        if kind not in kinds:
            return False
        rules = {
            "class_name": _one_of(kind),
            "config": Rule("its settings", lambda settings: isinstance(settings, dict), required=True),
            "module": _one_of(module),
            "registered_name": _one_of(None, kind),
            "shared_object_id": _whole(0, LARGEST_SEED),
        }
        try:
            _apply(value, rules, "")
            _apply(value["config"], kinds[kind], "")
        except EncoderFault:
            return False
        return True

    return Rule(f"a plain one of {module}, or null", holds)


TRUTH = _one_of(True, False)
NEVER = _one_of(False)
NAMED = Rule("a plain name", lambda value: isinstance(value, str) and NAME.fullmatch(value) is not None, required=True)
NOTHING = _one_of(None)
ANY_NUMBER = _number(-LARGEST_NUMBER, LARGEST_NUMBER)
NOT_NEGATIVE = _number(0, LARGEST_NUMBER)
_policy = _built_in("keras", {"DTypePolicy": {"name": _one_of("float32", required=True)}})
DTYPE = Rule("float32", lambda value: value == "float32" or (value is not None and _policy.holds(value)))
ACTIVATION = Rule(
    "the name of a plain activation", lambda value: isinstance(value, str) and value in ACTIVATIONS, required=True
)
PADDING = _one_of("valid", "same")
CHANNELS_LAST = _one_of("channels_last", None)

_seed = {"seed": _or_null(_whole(0, LARGEST_SEED))}
_fans = {**_seed, "input_axes": NOTHING, "output_axes": NOTHING}
_spread = {"mean": ANY_NUMBER, "stddev": NOT_NEGATIVE, **_seed}
INITIALIZER = _built_in(
    "keras.initializers",
    {
        **{"Zeros": {}, "Ones": {}, "RandomNormal": _spread, "TruncatedNormal": _spread},
        "RandomUniform": {"minval": _number(-LARGEST_NUMBER, 0), "maxval": NOT_NEGATIVE, **_seed},
        **{f"{author}{kind}": _fans for author in ("Glorot", "He", "Lecun") for kind in ("Normal", "Uniform")},
    },
)
_strength = {"l1": NOT_NEGATIVE, "l2": NOT_NEGATIVE}
REGULARIZER = _built_in(
    "keras.regularizers", {"L1": {"l1": NOT_NEGATIVE}, "L2": {"l2": NOT_NEGATIVE}, "L1L2": _strength}
)
CONSTRAINT = _built_in("keras.constraints", {"NonNeg": {}})

_layer = {"name": NAMED, "trainable": TRUTH, "dtype": DTYPE}
_pooling_side = _sides_up_to(LARGEST_KERNEL_SIDE)
LAYERS = {
    "InputLayer": {"name": NAMED, "dtype": DTYPE, "sparse": NEVER, "ragged": NEVER, "optional": NEVER},
    "Conv2D": {
        **_layer,
        "filters": _whole(1, MOST_FILTERS, required=True),
        "kernel_size": _sides_up_to(LARGEST_KERNEL_SIDE, required=True),
        "strides": _pooling_side,
        "dilation_rate": _pooling_side,
        "groups": _whole(1, MOST_FILTERS),
        "padding": PADDING,
        "data_format": CHANNELS_LAST,
        "activation": _or_null(ACTIVATION),
        "use_bias": TRUTH,
        **{f"{weight}_initializer": INITIALIZER for weight in ("kernel", "bias")},
        **{f"{weight}_regularizer": REGULARIZER for weight in ("kernel", "bias", "activity")},
        **{f"{weight}_constraint": CONSTRAINT for weight in ("kernel", "bias")},
    },
    "BatchNormalization": {
        **_layer,
        "momentum": _number(0, 1),
        "epsilon": _number(1e-12, 1),
        "center": TRUTH,
        "scale": TRUTH,
        "synchronized": NEVER,
        "renorm": NEVER,
        "renorm_clipping": NOTHING,
        "renorm_momentum": _number(0, 1),
        **{f"{weight}_initializer": INITIALIZER for weight in ("beta", "gamma", "moving_mean", "moving_variance")},
        **{f"{weight}_regularizer": REGULARIZER for weight in ("beta", "gamma")},
        **{f"{weight}_constraint": CONSTRAINT for weight in ("beta", "gamma")},
    },
    "MaxPooling2D": {
        **_layer,
        "pool_size": _pooling_side,
        "strides": _or_null(_pooling_side),
        "padding": PADDING,
        "data_format": CHANNELS_LAST,
    },
    "Activation": {**_layer, "activation": ACTIVATION},
    "ReLU": {
        **_layer,
        "max_value": _or_null(NOT_NEGATIVE),
        "negative_slope": _or_null(NOT_NEGATIVE),
        "threshold": _or_null(NOT_NEGATIVE),
    },
}
_layers = Rule("layers", lambda value: isinstance(value, list) and len(value) > 0, required=True)
_checked_beside = Rule("a list", lambda value: isinstance(value, list), required=True)  # _check_chain
FUNCTIONAL = {
    "name": NAMED,
    "trainable": TRUTH,
    "layers": _layers,
    "input_layers": _checked_beside,
    "output_layers": _checked_beside,
}


def _sequential_rules(shape):
    return {**_layer, "layers": _layers, "build_input_shape": _one_of(None, [None, *shape])}


def _entry_rules(kind, settings, shape):
    """Return the rules of what stands beside a layer's configuration."""
    given = [None, {}, {"input_shape": None}, {"input_shape": [None, *shape]}]
    shared = {"shared_object_id": _whole(0, LARGEST_SEED)} if kind == "InputLayer" else {}
    return {
        **shared,
        "class_name": _one_of(kind, required=True),
        "name": _one_of(settings.get("name")),
        "module": _one_of(*sorted(MODULES)),
        "registered_name": _one_of(None, kind),
        "build_config": _one_of(*given),
        "compile_config": _one_of(None, {}),
        "inbound_nodes": Rule("a list", lambda value: isinstance(value, list)),  # _check_connection
    }


def _rules_here(entry, shape):
    """Return the rules of what depends on the place: the input shape, and how the file writes an axis."""
    shapes = _one_of([None, *shape])
    if entry["class_name"] == "BatchNormalization":
        # Keras 2 writes a list, which Keras 3 reads where nothing tells the layer's module.
        axes = (-1, 3) if "module" in entry else (-1, 3, [-1], [3])
        return {"axis": _one_of(*axes), "batch_input_shape": shapes}
    if entry["class_name"] == "InputLayer":
        return {"batch_shape": shapes, "batch_input_shape": shapes}
    return {"batch_input_shape": shapes}


def _begin(settings, shape):
    return Part("InputLayer", shape)


def _same(settings, shape):
    return Part("", shape, frozen=settings.get("trainable") is False)


def _convolve(settings, shape):
    kernel, strides, dilation = (_pair(settings.get(key, 1)) for key in ("kernel_size", "strides", "dilation_rate"))
    filters, groups = settings["filters"], settings.get("groups", 1)
    place = f"not an encoder: Conv2D {settings['name']}"
    if shape[-1] % groups or filters % groups:
        raise EncoderFault(f"{place}: {groups} groups divide neither {shape[-1]} channels nor {filters} filters evenly")
    if max(strides) > 1 and max(dilation) > 1:
        raise EncoderFault(f"{place}: strides and dilation cannot both be larger than 1")
    reach = [(side - 1) * step + 1 for side, step in zip(kernel, dilation, strict=True)]
    trained = ((*kernel, shape[-1] // groups, filters), (filters,))[: 1 + settings.get("use_bias", True)]
    output = (*_slide(settings, shape, reach, strides), filters)
    return Part("Conv2D", output, trained, frozen=settings.get("trainable") is False)


def _normalise(settings, shape):
    channels = (shape[-1],)
    trained = (channels,) * (settings.get("center", True) + settings.get("scale", True))
    return Part("BatchNormalization", shape, trained, (channels,) * 2, frozen=settings.get("trainable") is False)


def _pool(settings, shape):
    window = _pair(settings.get("pool_size", 2))
    strides = _pair(settings.get("strides") or window)
    return replace(_same(settings, shape), output=(*_slide(settings, shape, window, strides), shape[-1]))


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _slide(settings, shape, window, strides):
    """Return how often a window fits in (rows, columns), each at least once with padding "same"."""
    same = settings.get("padding") == "same"
    return [
        -(-side // stride) if same else (side - reach) // stride + 1
        for side, reach, stride in zip(shape[:2], window, strides, strict=True)
    ]


PARTS = {"InputLayer": _begin, "Conv2D": _convolve, "BatchNormalization": _normalise, "MaxPooling2D": _pool}
