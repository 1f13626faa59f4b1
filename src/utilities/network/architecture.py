"""The architecture of the networks, in numbers: feature maps, weights, and what the images' sides must divide by.

The encoder is a sequence of sets, each a convolution and a batch normalisation. Sets 1 and 2 end in max-pooling by 2,
set 3 in max-pooling by 7 if asked for; later sets have none. The decoder is the mirror. The shape of an image is
(rows, columns, channels), as that of any feature map.
"""

import itertools
from dataclasses import replace
from math import prod

from utilities.network import layers as records

HALVING = 2
THIRD_POOLING = 7
RECONSTRUCTION_KERNEL = (5, 5)
LARGEST_KERNEL_SIDE = 99
MOST_FILTERS = 4096
COMPRESSING = 20  # numbers of the image for one of a code that is worth its name


def pooling_sizes(layers, third_pooling):
    """Return the side of each set's max-pooling, 1 for none, (layers,)."""
    third = THIRD_POOLING if third_pooling else 1
    return ((HALVING, HALVING, third) + (1,) * layers)[:layers]


def pooling_fault(image_shape, layers):
    """Return why images of a shape cannot be pooled by 2 in a network of ``layers`` layers, or None."""
    divisor = prod(pooling_sizes(layers, third_pooling=False))
    rows, columns, _ = image_shape
    if rows % divisor == columns % divisor == 0:
        return None
    poolings = "1 layer pools by 2" if layers == 1 else f"{layers} layers pool by 2 twice"
    return f"{poolings}: the sides must divide by {divisor}, and the images have {rows} x {columns} pixels"


def may_pool_third(image_shape, layers):
    """Tell whether a third pooling is possible: 3 layers or more, and sides that divide by 28."""
    return layers >= 3 and all(side % prod(pooling_sizes(3, third_pooling=True)) == 0 for side in image_shape[:2])


def feature_maps(image_shape, filters, third_pooling):
    """Return the feature maps of an image, all of them, and the image, (rows, columns, channels).

    Returns:
        The encoder's, image to code, (layers + 1,), and the decoder's, code to image, (layers + 2,).
    """
    encoded = [image_shape]
    for pooling, channels in zip(pooling_sizes(len(filters), third_pooling), filters, strict=True):
        rows, columns, _ = encoded[-1]
        encoded.append((rows // pooling, columns // pooling, channels))
    mirrored = [(*before[:2], after[2]) for before, after in itertools.pairwise(encoded)]
    return encoded, [encoded[-1], *reversed(mirrored), encoded[0]]


def autoencoder_layers(image_channels, kernel_sizes, filters, third_pooling):
    """Return the layers of an encoder and of its decoder, records of layers.py."""
    reconstruction = records.Convolution(image_channels, RECONSTRUCTION_KERNEL, padding="same", activation="sigmoid")
    encoder, decoder = [], [reconstruction]
    for number, (kernel_size, channels, pooling) in enumerate(
        zip(kernel_sizes, filters, pooling_sizes(len(filters), third_pooling), strict=True), start=1
    ):
        # No bias: the normalisation takes any away, and has one of its own.
        layers = [records.Convolution(channels, kernel_size, padding="same", use_bias=False), records.Normalization()]
        # The sets next to the code are linear: rectified, a code could only say how much, not which way, and as few
        # numbers as a code has cannot afford that.
        layers += [records.Activation("relu")] if number < len(filters) else []
        side = (pooling, pooling)
        encoder = [*encoder, *layers, *([records.Pooling(side)] if pooling > 1 else [])]
        decoder = [*layers, *([records.Upsampling(side)] if pooling > 1 else []), *decoder]
    return encoder, decoder


def autoencoder_size(image_shape, kernel_sizes, filters, third_pooling):
    """Return the NetworkSize of an autoencoder of images of a shape."""
    encoder, decoder = autoencoder_layers(image_shape[2], kernel_sizes, filters, third_pooling)
    whole = records.size_of_layers([*encoder, *decoder], image_shape)
    return replace(whole, code=records.size_of_layers(encoder, image_shape).code)


def classifier_size(encoder, units, classes):
    """Return the NetworkSize of a classifier on an encoder of a NetworkSize."""
    dense = (encoder.code + 1) * units + (units + 1) * classes
    features = encoder.features + encoder.code + units + classes
    return records.NetworkSize(encoder.weights + dense, features, encoder.code, dense)


def describe(image_shape, filters, third_pooling):
    """Return the feature maps and the code size of an autoencoder, in three lines."""
    encoded, decoded = feature_maps(image_shape, filters, third_pooling)
    of_image, numbers = prod(image_shape), prod(encoded[-1])
    saves = f"{of_image / numbers:.3g} times fewer" if numbers < of_image else _advise(of_image, encoded[-1])
    code = f"{numbers} numbers for an image of {of_image} {'pixels' if image_shape[2] == 1 else 'numbers'}: {saves}"
    return f"encoder  {_chain(encoded)}\ndecoder  {_chain(decoded)}\ncode     {code}"


def _advise(of_image, code_shape):
    """Return how a code that is larger than the image, of so many numbers, can be smaller."""
    rows, columns, _ = code_shape
    filters = max(1, of_image // (rows * columns * COMPRESSING))
    give = "1 gives" if filters == 1 else f"{filters} give"
    return f"nothing is compressed; the last layer's filters decide: {give} {rows * columns * filters}"


def _chain(maps):
    return " -> ".join("x".join(map(str, sides)) for sides in maps)
