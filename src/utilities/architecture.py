"""The rules of the autoencoder's architecture, before any network is built.

The encoder is a row of sets, each a convolution and a batch normalisation. Sets 1 and 2 end in a max-pooling by 2,
set 3 in one by 7 if asked for; later sets have none. The decoder is the mirror.
"""

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


def code_shape(image_shape, filters, third_pooling):
    """Return (rows, columns, channels) of the code of an image of (rows, columns)."""
    divisor = prod(pooling_sizes(len(filters), third_pooling))
    return (*(side // divisor for side in image_shape), filters[-1])
