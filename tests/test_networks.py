import keras
import numpy as np
import pytest
from conftest import make_hyperparameters

from utilities.network.architecture import feature_maps
from utilities.network.networks import build_autoencoder, build_classifier, describe
from utilities.terminal import console
from utilities.terminal.console import say

CASES = [
    ((8, 8, 1), 1, None),
    ((8, 12, 2), 2, None),
    ((8, 8, 1), 3, None),
    ((8, 8, 1), 5, None),
    ((28, 28, 3), 3, False),
    ((28, 28, 1), 3, True),
    ((56, 28, 4), 5, True),
    ((56, 28, 1), 5, False),
]


def poolings(layers, third_pooling):
    """Return what the contract says each set ends in, written out."""
    return ([2, 2, 7 if third_pooling else None] + [None] * layers)[:layers]


def kind(layer):
    return type(layer).__name__


def flat(network):
    """Return the layers of a network in order, those of nested networks in their place."""
    layers = []
    for layer in network.layers:
        layers += flat(layer) if isinstance(layer, keras.Model) else [layer]
    return [layer for layer in layers if kind(layer) != "InputLayer"]


def sets(network):
    """Return each set of a half: its convolution, and what it pools or upsamples by or None."""
    found = []
    normalised = 0
    for layer in flat(network):
        if kind(layer) == "Conv2D":
            found.append([layer, None])
        elif kind(layer) == "BatchNormalization":
            normalised += 1
            assert normalised == len(found)
        elif kind(layer) in ("MaxPooling2D", "UpSampling2D"):
            factor = layer.pool_size if kind(layer) == "MaxPooling2D" else layer.size
            assert factor[0] == factor[1]
            assert found[-1][1] is None
            assert normalised == len(found)
            found[-1][1] = factor[0]
    assert normalised == len(found)
    return found


def halves(network):
    """Return the sets of the encoder, those of the decoder, and the last convolution."""
    decoder = flat(network.decoder)
    last = next(layer for layer in reversed(decoder) if kind(layer) == "Conv2D")
    inner = keras.Model(network.decoder.input, decoder[decoder.index(last) - 1].output)
    return sets(network.encoder), sets(inner), last


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    """The shape of images, hyperparameters and an Autoencoder of them, whose weights stay as they are."""
    shape, layers, third_pooling = request.param
    hyperparameters = make_hyperparameters(layers, third_pooling=third_pooling)
    return shape, hyperparameters, build_autoencoder(shape, hyperparameters)


def test_the_encoder_is_built_as_asked(case):
    shape, hyperparameters, network = case
    encoder, _, _ = halves(network)
    code = feature_maps(shape, hyperparameters.filters, hyperparameters.third_pooling)[0][-1]
    assert (network.encoder.input_shape, network.encoder.output_shape) == ((None, *shape), (None, *code))
    assert {layer.padding for layer in flat(network.whole) if kind(layer) == "Conv2D"} == {"same"}
    assert tuple(convolution.filters for convolution, _ in encoder) == hyperparameters.filters
    assert tuple(convolution.kernel_size for convolution, _ in encoder) == hyperparameters.kernel_sizes
    assert [factor for _, factor in encoder] == poolings(len(encoder), hyperparameters.third_pooling)


def test_the_decoder_is_its_mirror(case):
    shape, hyperparameters, network = case
    _, decoder, last = halves(network)
    assert network.decoder.input_shape == network.encoder.output_shape
    assert network.whole.output_shape == (None, *shape)
    assert tuple(convolution.filters for convolution, _ in decoder) == hyperparameters.filters[::-1]
    assert tuple(convolution.kernel_size for convolution, _ in decoder) == hyperparameters.kernel_sizes[::-1]
    assert [factor for _, factor in decoder] == poolings(len(decoder), hyperparameters.third_pooling)[::-1]
    assert last.filters == shape[2]
    assert flat(network.decoder)[-1] is last or kind(flat(network.decoder)[-1]) == "Activation"


def test_reconstructions_stay_in_range_whatever_the_weights(case):
    shape, hyperparameters, _ = case
    network = build_autoencoder(shape, hyperparameters)
    random = np.random.default_rng(0)
    for layer in flat(network.whole):
        if kind(layer) == "Conv2D":
            layer.set_weights([100 * random.standard_normal(weight.shape) for weight in layer.get_weights()])
    output = np.asarray(network.whole(random.random((3, *shape))))
    assert output.min() >= 0
    assert output.max() <= 1
    assert output.max() - output.min() > 0.5


def test_the_whole_is_decoder_after_encoder(case):
    shape, _, network = case
    images = np.random.default_rng(0).random((2, *shape))
    expected = np.asarray(network.decoder(network.encoder(images)))
    assert np.allclose(np.asarray(network.whole(images)), expected, atol=1e-6)
    assert {id(weight) for weight in network.encoder.weights} < {id(weight) for weight in network.whole.weights}


def test_layer_names_are_unique_and_the_same_whenever_built(case):
    shape, hyperparameters, network = case
    names = [layer.name for layer in flat(network.whole)]
    again = build_autoencoder(shape, hyperparameters)
    assert len(set(names)) == len(names)
    assert [layer.name for layer in flat(again.whole)] == names
    assert [network.encoder.name, network.decoder.name] == [again.encoder.name, again.decoder.name]


@pytest.mark.parametrize("classes", [2, 10, 26])
def test_the_classifier_is_the_encoder_flattened_and_two_dense_layers(classes):
    encoder = build_autoencoder((8, 12, 2), make_hyperparameters(2)).encoder
    encoder_layers = flat(encoder)
    classifier = build_classifier(encoder, 17, classes)
    layers = flat(classifier.whole)
    assert layers[: len(encoder_layers)] == encoder_layers
    flatten, hidden, output = layers[len(encoder_layers) :]
    assert [kind(layer) for layer in (flatten, hidden, output)] == ["Flatten", "Dense", "Dense"]
    assert (hidden.units, output.units) == (17, classes)
    images = np.random.default_rng(0).random((5, 8, 12, 2))
    probabilities = np.asarray(classifier.whole(images))
    assert probabilities.shape == (5, classes)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(np.asarray(classifier.head(classifier.encoder(images))), probabilities, atol=1e-6)


@pytest.mark.parametrize("width", [None, 44, 43, 40])
def test_the_table_of_layers_fits_a_terminal(monkeypatch, capsys, width):
    network = build_autoencoder((28, 28, 1), make_hyperparameters(3, third_pooling=True)).whole
    monkeypatch.setattr(console, "terminal_width", lambda: width)
    say(describe(network, width))
    lines = capsys.readouterr().out.splitlines()
    rows = [("layer", "output", "weights")]
    rows += [
        (layer.name, "x".join(map(str, layer.output.shape[1:])), f"{layer.count_params():,}") for layer in flat(network)
    ]
    assert " ".join(lines).split() == [word for row in rows for word in row]
    assert len(lines) == len(rows) * (1 if width in (None, 44) else 2)
    assert len({len(line) for line in lines if not line[0].isalpha() or len(lines) == len(rows)}) == 1
    assert max(map(len, lines)) <= (width or 44)
