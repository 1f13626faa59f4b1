"""The networks: the autoencoder with its two halves, and the classifier on top of an encoder."""

from dataclasses import dataclass
from math import prod

import keras
from keras import layers

from utilities.network.architecture import RECONSTRUCTION_KERNEL, NetworkSize, pooling_sizes
from utilities.text import printable

LONGEST_NAME = 30  # of a layer, in the table of them; encoders may come from strangers


@dataclass(frozen=True)
class Autoencoder:
    """An autoencoder and its halves, which share their weights.

    Attributes:
        whole: images to reconstructions, both (batch, rows, columns, 1) in [0, 1].
        encoder: images to codes, (batch, rows, columns, channels); architecture.feature_maps says which.
        decoder: codes to reconstructions.
    """

    whole: keras.Model
    encoder: keras.Model
    decoder: keras.Model


def build_autoencoder(image_shape, hyperparameters):
    """Return a new Autoencoder for images of (rows, columns)."""
    images = keras.Input((*image_shape, 1), name="images")
    encoder = keras.Model(images, _encode(images, hyperparameters), name="encoder")
    codes = keras.Input(encoder.output_shape[1:], name="codes")
    decoder = keras.Model(codes, _decode(codes, hyperparameters), name="decoder")
    return Autoencoder(keras.Model(images, decoder(encoder(images)), name="autoencoder"), encoder, decoder)


@dataclass(frozen=True)
class _Set:
    """One set of the encoder, and its mirror in the decoder; activation is None next to the code."""

    number: int
    kernel_size: tuple[int, int]
    filters: int
    pooling: int
    activation: str | None


def _sets(hyperparameters):
    """Return the sets from the image to the code.

    The sets next to the code are linear: rectified, a code could only say how much, not which way, and as few
    numbers as a code has cannot afford that.
    """
    count = len(hyperparameters.filters)
    return [
        _Set(number, kernel_size, filters, pooling, activation=None if number == count else "relu")
        for number, kernel_size, filters, pooling in zip(
            range(1, count + 1),
            hyperparameters.kernel_sizes,
            hyperparameters.filters,
            pooling_sizes(count, hyperparameters.third_pooling),
            strict=True,
        )
    ]


def _encode(features, hyperparameters):
    for part in _sets(hyperparameters):
        features = _convolve_and_normalise(features, part, "encoder")
        if part.pooling > 1:
            features = layers.MaxPooling2D(part.pooling, name=f"encoder_{part.number}_pooling")(features)
    return features


def _decode(features, hyperparameters):
    for part in reversed(_sets(hyperparameters)):
        features = _convolve_and_normalise(features, part, "decoder")
        if part.pooling > 1:
            features = layers.UpSampling2D(part.pooling, name=f"decoder_{part.number}_upsampling")(features)
    last = layers.Conv2D(1, RECONSTRUCTION_KERNEL, padding="same", activation="sigmoid", name="reconstruction")
    return last(features)


def _convolve_and_normalise(features, part, half):
    name = f"{half}_{part.number}"
    features = layers.Conv2D(
        part.filters,
        part.kernel_size,
        padding="same",
        use_bias=False,  # the normalisation takes any bias away, and has one of its own
        kernel_initializer="he_normal",
        name=f"{name}_convolution",
    )(features)
    features = layers.BatchNormalization(name=f"{name}_normalization")(features)
    if part.activation:
        features = layers.Activation(part.activation, name=f"{name}_activation")(features)
    return features


@dataclass(frozen=True)
class Classifier:
    """A classifier and its parts, which share their weights.

    Attributes:
        whole: images to class probabilities, (batch, rows, columns, 1) in [0, 1] to (batch, classes).
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
    head = keras.Model(codes, layers.Dense(classes, activation="softmax", name="probabilities")(hidden), name="head")
    images = keras.Input(encoder.input_shape[1:], name="images")
    return Classifier(keras.Model(images, head(encoder(images)), name="classifier"), encoder, head)


def size_of(network, encoder):
    """Return the NetworkSize of a network, given the encoder in it."""
    features = sum(prod(layer.output.shape[1:]) for layer in leaves(network))
    return NetworkSize(network.count_params(), features, prod(encoder.output_shape[1:]))


def describe(network):
    """Return a table of a network's layers: the feature map that each makes of an image, and its number of weights."""
    table = [("layer", "output", "weights")]
    for layer in leaves(network):
        feature_map = "x".join(map(str, layer.output.shape[1:]))
        table.append((printable(layer.name, LONGEST_NAME), feature_map, f"{layer.count_params():,}"))
    names, maps, _ = (max(map(len, column)) for column in zip(*table, strict=True))
    return "\n".join(f"{name:{names}}  {feature_map:>{maps}}  {weights:>10}" for name, feature_map, weights in table)


def leaves(network):
    """Yield the layers of a network in their order but for its input, those of nested networks in their place."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        elif not isinstance(layer, layers.InputLayer):
            yield layer
