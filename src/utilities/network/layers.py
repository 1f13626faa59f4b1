"""The layers of a network as plain records, whose fields are the arguments of Keras' layers, and their sizes.

Feature maps have the shape (rows, columns, channels); the sizes of kernels, windows and steps are (rows, columns).
"""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class NetworkSize:
    """How large a network is.

    Attributes:
        weights: how many numbers it has.
        features: how many all its layers make of an image.
        code: how many its encoder makes of an image.
        dense: how many of its weights are those of dense layers.
    """

    weights: int
    features: int
    code: int
    dense: int = 0


@dataclass(frozen=True)
class Convolution:
    """Keras' Conv2D."""

    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    activation: str | None = None
    use_bias: bool = True


@dataclass(frozen=True)
class Normalization:
    """Keras' BatchNormalization, of each channel."""

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True


@dataclass(frozen=True)
class Activation:
    """Keras' Activation."""

    activation: str


@dataclass(frozen=True)
class Rectifier:
    """Keras' ReLU, which with a slope is its LeakyReLU."""

    negative_slope: float
    max_value: float | None = None


@dataclass(frozen=True)
class Pooling:
    """Keras' MaxPooling2D."""

    pool_size: tuple[int, int]
    strides: tuple[int, int] | None = None
    padding: str = "valid"


@dataclass(frozen=True)
class Upsampling:
    """Keras' UpSampling2D."""

    size: tuple[int, int]


def output_shape(layer, shape):
    """Return the shape of what a layer makes of a feature map; a side is below 1 where nothing is left of it."""
    match layer:
        case Convolution():
            return (*_slide(shape, layer.kernel_size, layer.strides, layer.padding), layer.filters)
        case Pooling():
            return (*_slide(shape, layer.pool_size, layer.strides or layer.pool_size, layer.padding), shape[-1])
        case Upsampling():
            return (shape[0] * layer.size[0], shape[1] * layer.size[1], shape[-1])
    return shape


def _slide(shape, window, strides, padding):
    """Return how often a window fits into (rows, columns)."""
    window = (1, 1) if padding == "same" else window
    return [(side - reach) // step + 1 for side, reach, step in zip(shape[:2], window, strides, strict=True)]


def weight_shapes(layer, shape):
    """Return the shapes of a layer's weights for such feature maps, {name: shape}, in Keras' order."""
    match layer:
        case Convolution():
            kernel = {"kernel": (*layer.kernel_size, shape[-1], layer.filters)}
            return kernel | ({"bias": (layer.filters,)} if layer.use_bias else {})
        case Normalization():
            trained = ["gamma"] * layer.scale + ["beta"] * layer.center
            return dict.fromkeys([*trained, "moving_mean", "moving_variance"], shape[-1:])
    return {}


def size_of_layers(layers, shape):
    """Return the NetworkSize of an encoder, given its layers and the shape of an image."""
    weights = features = 0
    for layer in layers:
        weights += sum(map(prod, weight_shapes(layer, shape).values()))
        shape = output_shape(layer, shape)
        features += prod(shape)
    return NetworkSize(weights, features, prod(shape))


@dataclass(frozen=True)
class Encoder:
    """An encoder as read from a file.

    Attributes:
        input_shape: an image's.
        layers: records, each layer taking the output of the one before.
        weights: float32 arrays, of one layer after the other, each in Keras' order.
        name: of the file, and what tells its content from others'.
    """

    input_shape: tuple[int, int, int]
    layers: tuple
    weights: tuple
    name: str

    @property
    def size(self):
        """Its NetworkSize."""
        return size_of_layers(self.layers, self.input_shape)
