"""The rules of the autoencoder's architecture, before any network is built.

The encoder is a row of sets, each a convolution and a batch normalisation. Sets 1 and 2 end in a max-pooling by 2,
set 3 in one by 7 if asked for; later sets have none. The decoder is the mirror.
"""

import itertools
import textwrap
from math import prod

HALVING = 2
THIRD_POOLING = 7


def pooling_sizes(layers, third_pooling):
    """Return the side of each set's max-pooling, 1 where a set has none, (layers,)."""
    third = THIRD_POOLING if third_pooling else 1
    return ((HALVING, HALVING, third) + (1,) * layers)[:layers]


def pooling_fault(image_shape, layers):
    """Return why images of (rows, columns) cannot pass the first two poolings of so many layers, or None."""
    divisor = prod(pooling_sizes(layers, third_pooling=False))
    if all(side % divisor == 0 for side in image_shape):
        return None
    rows, columns = image_shape
    poolings = "1 layer pools by 2" if layers == 1 else f"{layers} layers pool by 2 twice"
    return f"{poolings}: the sides must divide by {divisor}, and the images have {rows} x {columns} pixels"


def may_pool_third(image_shape, layers):
    """Tell whether a third pooling is possible: 3 layers or more, and sides that divide by 28."""
    return layers >= 3 and all(side % prod(pooling_sizes(3, third_pooling=True)) == 0 for side in image_shape)


def feature_maps(image_shape, filters, third_pooling):
    """Return the (rows, columns, channels) of an image of (rows, columns), after each set of the encoder, and back.

    Returns:
        From the image to the code, (layers + 1,); from the code to the image, both among them, (layers + 2,).
    """
    encoded = [(*image_shape, 1)]
    for pooling, channels in zip(pooling_sizes(len(filters), third_pooling), filters, strict=True):
        rows, columns, _ = encoded[-1]
        encoded.append((rows // pooling, columns // pooling, channels))
    mirrored = [(*before[:2], after[2]) for before, after in itertools.pairwise(encoded)]
    return encoded, [encoded[-1], *reversed(mirrored), encoded[0]]


def describe(image_shape, filters, third_pooling, width):
    """Return the feature maps of an autoencoder, and what its code saves, in lines no longer than ``width``."""
    encoded, decoded = feature_maps(image_shape, filters, third_pooling)
    pixels, numbers = prod(image_shape), prod(encoded[-1])
    saves = f"{pixels / numbers:.3g} times fewer" if numbers < pixels else "nothing is compressed"
    lines = {
        "encoder": _chain(encoded),
        "decoder": _chain(decoded),
        "code": f"{numbers} numbers for an image of {pixels} pixels: {saves}",
    }
    return "\n".join(
        textwrap.fill(text, width, initial_indent=f"{name:9}", subsequent_indent=" " * 9, break_on_hyphens=False)
        for name, text in lines.items()
    )


def _chain(maps):
    return " -> ".join("x".join(map(str, sides)) for sides in maps)
