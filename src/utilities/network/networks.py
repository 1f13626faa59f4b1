"""The networks: the autoencoder with its two halves, and the classifier on top of an encoder."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate
from math import prod

import keras
from keras import layers

from utilities.network import layers as records
from utilities.network.architecture import autoencoder_layers

# Keras' class for each record, and what it is called in the names of layers.
KINDS = {
    records.Convolution: (layers.Conv2D, "convolution"),
    records.Normalization: (layers.BatchNormalization, "normalization"),
    records.Activation: (layers.Activation, "activation"),
    records.Rectifier: (layers.ReLU, "activation"),
    records.Pooling: (layers.MaxPooling2D, "pooling"),
    records.Upsampling: (layers.UpSampling2D, "upsampling"),
}
OUTPUT_LAYERS = RECONSTRUCTION, PROBABILITIES = "reconstruction", "probabilities"


@dataclass(frozen=True)
class Autoencoder:
    """An autoencoder and its halves, which share their weights.

    Attributes:
        whole: images to reconstructions, both (batch, rows, columns, channels) in [0, 1].
        encoder: images to codes, (batch, rows, columns, channels); architecture.feature_maps says which.
        decoder: codes to reconstructions.
    """

    whole: keras.Model
    encoder: keras.Model
    decoder: keras.Model


def build_autoencoder(image_shape, hyperparameters):
    """Return a new Autoencoder for images of (rows, columns, channels)."""
    answers = hyperparameters.kernel_sizes, hyperparameters.filters, hyperparameters.third_pooling
    encoding, decoding = autoencoder_layers(image_shape[2], *answers)
    encoder = _build_chain(image_shape, encoding, "images", "encoder")
    decoder = _build_chain(encoder.output_shape[1:], decoding, "codes", "decoder")
    reconstructions = decoder(encoder(encoder.input))
    return Autoencoder(keras.Model(encoder.input, reconstructions, name="autoencoder"), encoder, decoder)


def build_encoder(encoder, is_trained=True):
    """Return the keras.Model of a records.Encoder, whose layers get the names that those of a new encoder have.

    Args:
        is_trained: whether it has the weights that were read, not new ones.
    """
    model = _build_chain(encoder.input_shape, encoder.layers, "images", "encoder")
    if is_trained:
        model.set_weights(encoder.weights)
    return model


def _build_chain(input_shape, chain, input_name, name):
    """Return a model of new layers, one for each record in a chain."""
    inputs = features = keras.Input(input_shape, name=input_name)
    for record, layer_name in zip(chain, _names(chain, name), strict=True):
        settings = asdict(record) | {"name": layer_name}
        if isinstance(record, records.Convolution) and layer_name != RECONSTRUCTION:
            settings["kernel_initializer"] = "he_normal"
        features = KINDS[type(record)][0](**settings)(features)
    return keras.Model(inputs, features, name=name)


def _names(chain, half):
    """Yield the names of layers: a convolution begins the next set, and those of a decoder count down."""
    begins = [int(isinstance(record, records.Convolution)) for record in chain]
    used = Counter()
    for record, number in zip(chain, accumulate(begins), strict=True):
        number = sum(begins) - number if half == "decoder" else max(number, 1)
        name = f"{half}_{number}_{KINDS[type(record)][1]}" if number else RECONSTRUCTION
        used[name] += 1
        yield name if used[name] == 1 else f"{name}_{used[name]}"


@dataclass(frozen=True)
class Classifier:
    """A classifier and its parts, which share their weights.

    Attributes:
        whole: images to class probabilities, (batch, rows, columns, channels) in [0, 1] to (batch, classes).
        encoder: images to codes.
        head: codes to class probabilities; the dense layers.
    """

    whole: keras.Model
    encoder: keras.Model
    head: keras.Model


def build_classifier(encoder, units, classes):
    """Return a Classifier of the given encoder, a hidden dense layer of ``units``, and ``classes`` outputs."""
    codes = keras.Input(encoder.output_shape[1:], name="codes")
    hidden = layers.Dense(units, activation="relu", name="hidden")(layers.Flatten(name="flatten")(codes))
    head = keras.Model(codes, layers.Dense(classes, activation="softmax", name=PROBABILITIES)(hidden), name="head")
    images = keras.Input(encoder.input_shape[1:], name="images")
    return Classifier(keras.Model(images, head(encoder(images)), name="classifier"), encoder, head)


def size_of(network, encoder):
    """Return the NetworkSize of a network, given the encoder in it."""
    features = sum(prod(layer.output.shape[1:]) for layer in leaves(network))
    dense = sum(layer.count_params() for layer in leaves(network) if isinstance(layer, layers.Dense))
    return records.NetworkSize(network.count_params(), features, prod(encoder.output_shape[1:]), dense)


def describe(network, width=None):
    """Return a table of a network's layers: the feature map that each makes of an image, and its number of weights.

    Args:
        width: the columns of a terminal; where they are too few, a layer takes two lines. None for no limit.
    """
    table = [("layer", "output", "weights")]
    for layer in leaves(network):
        feature_map = "x".join(map(str, layer.output.shape[1:]))
        table.append((layer.name, feature_map, f"{layer.count_params():,}"))
    names, maps, _ = (max(map(len, column)) for column in zip(*table, strict=True))
    rows = [(f"{name:{names}}  ", f"{feature_map:>{maps}}  {weights:>10}") for name, feature_map, weights in table]
    fits = width is None or len("".join(rows[0])) <= width
    return "\n".join(name + numbers if fits else f"{name.rstrip()}\n    {numbers}" for name, numbers in rows)


def leaves(network):
    """Yield the layers of a network in their order but for its input, those of nested networks in their place."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        elif not isinstance(layer, layers.InputLayer):
            yield layer


@contextmanager
def with_weights(network, weights):
    """Within it as a context, a network has other weights, in Keras' order."""
    own = network.get_weights()
    network.set_weights(weights)
    try:
        yield
    finally:
        network.set_weights(own)
