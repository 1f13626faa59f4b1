import gc
import signal
import tempfile
import weakref
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from conftest import ON_JAX, make_hyperparameters, make_images, make_labels, same_bits, tensorflow_only, without_seconds

from utilities.data.batches import Examples, take
from utilities.data.datasets import LabelledImages, split_for_validation
from utilities.network import memory
from utilities.network.hyperparameters import ClassifierHyperparameters
from utilities.network.networks import build_autoencoder, build_classifier, with_weights
from utilities.record.runs import RunFolder
from utilities.training import training
from utilities.training.schedule import LowerOnPlateau, PlateauedCosine
from utilities.training.training import engine

pytestmark = pytest.mark.backend

COUNT = 90
SPLIT = split_for_validation(COUNT, seed=0)
CLASSES = np.array([0, 6, 11])
LABELS = make_labels(COUNT, CLASSES)
IMAGES = make_images(LABELS, channels=1)
LABELLED = LabelledImages(IMAGES, np.searchsorted(CLASSES, LABELS), CLASSES, tuple(map(str, CLASSES)))


def unpadded(data):
    """Yield the inputs and targets of each batch, without its padding."""
    for (inputs, real), targets, _ in (data[number] for number in range(len(data))):
        count = int(real.sum())
        assert not real[count:].any()
        yield inputs[:count], targets[:count]


def training_batches(examples, batch_size, epochs, seed):
    """Return the inputs and targets of each batch of some epochs, in their order."""
    data = engine.training_data(examples, batch_size, range(epochs), seed)
    steps = list(unpadded(data) if ON_JAX else data.as_numpy_iterator())
    assert len(steps) == epochs * engine.steps_per_epoch(examples, batch_size)
    return steps if ON_JAX else [batch for stack in steps for batch in zip(*stack, strict=True)]


def evaluation_batches(examples, batch_size):
    data = engine.evaluation_data(examples, batch_size)
    return list(unpadded(data) if ON_JAX else data.as_numpy_iterator())


def numbered(found):
    """Return the numbers of the examples in each batch; the images of ``number_images`` carry theirs."""
    return [np.round(inputs[..., 0, 0, 0] * 255).astype(int).tolist() for inputs, _ in found]


def number_images(count):
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 2, 1))


def train_autoencoder(images=IMAGES, seed=1, **options):
    """Train an autoencoder of 2 layers; return it, and its history."""
    hyperparameters = make_hyperparameters(2, **options)
    keras.utils.set_random_seed(seed)
    autoencoder = build_autoencoder(images.shape[1:], hyperparameters)
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        training.train_autoencoder(autoencoder, images, SPLIT, hyperparameters, seed, folder)
    return autoencoder, folder.history


def train_classifier(add_row, epochs=2, layers=2, units=8):
    """Train a classifier on a new encoder, always the same; return it, what training returns, the encoder's bits."""
    keras.utils.set_random_seed(1)
    encoder = build_autoencoder(IMAGES.shape[1:], make_hyperparameters(layers)).encoder
    loaded = encoder.get_weights()
    classifier = build_classifier(encoder, units, len(CLASSES))
    hyperparameters = ClassifierHyperparameters(units, epochs, batch_size=16)
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        keep = folder.add_row
        folder.add_row = lambda row: (keep(row), add_row(row, classifier))
        ends, stopped_by = training.train_classifier(classifier, LABELLED, SPLIT, hyperparameters, 1, folder)
    return classifier, ends, stopped_by, loaded


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 50, [3]), (40, 4, [4] * 10), (41, 4, [4] * 10 + [1])],
)
def test_every_epoch_uses_every_example_once_in_its_own_order(monkeypatch, count, batch_size, sizes):
    monkeypatch.setattr(engine, "STACKED_EXAMPLES", 13, raising=not ON_JAX)
    examples = Examples(number_images(count), np.arange(count))
    found = numbered(training_batches(examples, batch_size, epochs=4, seed=3))
    orders = np.concatenate(found).reshape(4, count).tolist()
    assert [len(batch) for batch in found] == sizes * 4
    assert [sorted(order) for order in orders] == [list(range(count))] * 4
    assert len(set(map(tuple, orders))) > 1
    assert orders != [list(range(count))] * 4


@pytest.mark.parametrize("channels", [1, 3])
def test_a_shifted_image_repeats_its_edges(channels):
    image = np.arange(20 * channels, dtype=np.uint8).reshape(1, 4, 5, channels)
    examples = Examples(image, np.zeros(1, int), largest_shift=2)
    for rows, columns in np.ndindex(5, 5):
        (shifted,) = take(examples, np.zeros(1, int), np.array([[rows, columns]]))
        expected = image[0][np.clip(np.arange(4) + rows - 2, 0, 3)][:, np.clip(np.arange(5) + columns - 2, 0, 4)]
        assert np.array_equal(shifted, expected)


def test_training_shifts_each_image_anew_in_each_epoch_and_validation_none():
    images = np.zeros((40, 5, 5, 1), np.uint8)
    images[:, 2, 2, 0] = np.arange(1, 41)
    examples = Examples(images, np.arange(40), np.arange(40), np.eye(40, dtype=np.float32), largest_shift=1)

    def places(found):
        """Return where each image has its one bright pixel, in the order of the images."""
        inputs, targets = (np.concatenate(part) for part in zip(*found, strict=True))
        assert np.array_equal(np.round(inputs.max((1, 2, 3)) * 255), targets.argmax(1) + 1)
        return [(*divmod(int(image.argmax()), 5),) for image in inputs[targets.argmax(1).argsort(kind="stable")]]

    first, again, other = (places(training_batches(examples, 7, 2, seed)) for seed in (1, 1, 2))
    assert set(first) == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}
    assert first[::2] != first[1::2]
    assert first == again != other
    assert set(places(evaluation_batches(examples, 7))) == {(2, 2)}


def test_only_the_chosen_examples_come_with_their_own_targets():
    chosen = np.array([1, 4, 8, 9])
    examples = Examples(number_images(10), chosen, np.arange(10), 3 * np.eye(10, dtype=np.float32))
    pairs = [
        (round(float(image[0, 0, 0] * 255)), target.tolist())
        for images, targets in training_batches(examples, 3, epochs=1, seed=0)
        for image, target in zip(images, targets, strict=True)
    ]
    assert sorted(pairs) == [(number, [3.0 * (number == place) for place in range(10)]) for number in chosen]
    assert numbered(evaluation_batches(examples, 3)) == [[1, 4, 8], [9]]


@pytest.mark.parametrize("data_of", [lambda *these: engine.training_data(*these, range(1), 0), engine.evaluation_data])
def test_examples_are_let_go_of_with_the_data_made_of_them(data_of):
    examples = Examples(number_images(10), np.arange(10))
    kept, data = weakref.ref(examples), data_of(examples, 3)
    del examples
    assert len([*unpadded(data)] if ON_JAX else [*data]) > 0
    del data
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(("batch", "at_a_time"), [(500, 1), (7, 1), (7, 5 * 64 * 7)])
def test_predictions_made_some_at_a_time_are_those_of_the_images_in_their_order(monkeypatch, batch, at_a_time):
    network = build_autoencoder(IMAGES.shape[1:], make_hyperparameters(1)).whole
    expected = network.predict(IMAGES / np.float32(255), verbose=0)
    monkeypatch.setattr(training, "EVALUATION_BATCH", batch)
    monkeypatch.setattr(training, "LARGEST_PREDICTION", at_a_time)
    assert np.allclose(training.predict(network, IMAGES), expected, atol=1e-6)


def test_the_same_seed_gives_the_same_history_and_another_seed_another():
    (first, history), (again, repeated), (_, other) = (train_autoencoder(seed=seed, epochs=3) for seed in (1, 1, 2))
    assert without_seconds(history) == without_seconds(repeated)
    assert same_bits(first.whole.get_weights(), again.whole.get_weights())
    assert [row["loss"] for row in history] != [row["loss"] for row in other]


def test_no_validation_image_is_trained_on():
    changed = IMAGES.copy()
    changed[SPLIT.validation] = 255 - changed[SPLIT.validation]
    (first, history), (second, others) = (train_autoencoder(images) for images in (IMAGES, changed))
    assert same_bits(first.whole.get_weights(), second.whole.get_weights())
    assert history[0]["loss"] == others[0]["loss"]
    assert history[0]["val_loss"] != others[0]["val_loss"]


def test_training_takes_every_training_image_once_an_epoch_that_of_the_last_batch_too():
    taken = []

    class Watched(np.ndarray):
        def __getitem__(self, key):
            if isinstance(key, np.ndarray):
                taken.append(key)
            return np.asarray(super().__getitem__(key))

    count = len(SPLIT.training)
    options = {"epochs": 3, "batch_size": count - 1}
    autoencoder, _ = train_autoencoder(IMAGES.view(Watched), **options)
    rows = [batch.tolist() for stack in taken for batch in np.atleast_2d(stack)]
    batches_taken = [batch for batch in rows if set(batch) <= set(SPLIT.training)]
    if ON_JAX:  # Keras looks at the first batch before it trains
        assert batches_taken.pop(0) == batches_taken[0]
    assert [len(batch) for batch in batches_taken] == [count - 1, 1] * 3
    orders = [batches_taken[i] + batches_taken[i + 1] for i in (0, 2, 4)]
    assert [sorted(order) for order in orders] == [SPLIT.training.tolist()] * 3
    assert len(set(map(tuple, orders))) == 3
    changed = IMAGES.copy()
    changed[batches_taken[-1]] = 255
    other, _ = train_autoencoder(changed, **options)
    assert not same_bits(autoencoder.whole.get_weights(), other.whole.get_weights())


def test_the_autoencoder_learns():
    autoencoder, history = train_autoencoder(epochs=12)
    images = IMAGES[SPLIT.validation] / 255
    reconstructions = autoencoder.whole.predict(images, verbose=0)
    assert history[-1]["val_loss"] == pytest.approx(np.mean((reconstructions - images) ** 2), rel=1e-4)
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]


@pytest.fixture(scope="module", params=["codes computed once", "through the encoder"])
def two_phases(request):
    """A classifier trained in both phases, and what its encoder and head were after each epoch."""
    epochs = []

    def add_row(row, classifier):
        epochs.append((row, classifier.encoder.get_weights(), classifier.head.get_weights()))

    with pytest.MonkeyPatch.context() as patch:
        if request.param == "through the encoder":
            patch.setattr(memory, "LARGEST_CODES", 0)
        classifier, ends, stopped_by, loaded = train_classifier(add_row)
    return SimpleNamespace(classifier=classifier, ends=ends, stopped_by=stopped_by, loaded=loaded, epochs=epochs)


def test_each_phase_runs_the_epochs_asked_for(two_phases):
    rows = [row for row, _, _ in two_phases.epochs]
    assert [(row["phase"], row["epoch"]) for row in rows] == [
        ("frozen", 1),
        ("frozen", 2),
        ("everything", 1),
        ("everything", 2),
    ]
    assert all(set(row) > {"loss", "val_loss", "accuracy", "val_accuracy"} for row in rows)
    assert two_phases.stopped_by is None


def test_phase_1_changes_no_bit_of_the_encoder_and_trains_the_dense_layers(two_phases):
    frozen = [epoch for epoch in two_phases.epochs if epoch[0]["phase"] == "frozen"]
    assert all(same_bits(encoder, two_phases.loaded) for _, encoder, _ in frozen)
    (_, _, first), (_, _, second) = frozen
    assert not any(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("phase", "last"), [("frozen", 1), ("everything", 3)])
def test_the_weights_kept_of_a_phase_are_those_that_it_ended_with(two_phases, phase, last):
    classifier = two_phases.classifier
    with with_weights(classifier.whole, two_phases.ends[phase]):
        encoder, head = classifier.encoder.get_weights(), classifier.head.get_weights()
    assert same_bits(encoder, two_phases.epochs[last][1])
    assert same_bits(head, two_phases.epochs[last][2])


def test_phase_2_changes_every_weight_and_every_statistic_of_the_encoder(two_phases):
    encoder = two_phases.classifier.encoder
    _, ended, _ = two_phases.epochs[-1]
    changed = [
        weight.name
        for weight, before, after in zip(encoder.weights, two_phases.loaded, ended, strict=True)
        if not np.array_equal(before, after)
    ]
    expected = {"kernel", "gamma", "beta", "moving_mean", "moving_variance"}
    assert set(changed) >= expected
    assert [name for name in changed if name in expected] == [w.name for w in encoder.weights if w.name in expected]


def test_codes_computed_once_train_the_dense_layers_like_the_encoder_does(monkeypatch):
    _, once, *_ = train_classifier(lambda row, classifier: None, epochs=1)
    monkeypatch.setattr(memory, "LARGEST_CODES", 0)
    _, through, *_ = train_classifier(lambda row, classifier: None, epochs=1)
    for a, b in zip(once["frozen"], through["frozen"], strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_the_classifier_learns():
    history = []
    classifier, *_ = train_classifier(lambda row, classifier: history.append(row), epochs=20, layers=1, units=32)
    assert [row["phase"] for row in history] == ["frozen"] * 20 + ["everything"] * 20
    assert history[19]["val_loss"] < 0.5 * history[0]["val_loss"]
    assert history[-1]["loss"] < 0.5 * history[20]["loss"]  # of images that are shifted anew each time
    assert history[-1]["val_accuracy"] >= history[19]["val_accuracy"] > 0.9
    probabilities = classifier.whole.predict(IMAGES[SPLIT.validation] / 255, verbose=0)
    expected = LABELLED.targets[SPLIT.validation]
    assert history[-1]["val_accuracy"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == expected))


def test_interrupt_in_phase_1_stops_there_and_keeps_what_was_learnt(capsys):
    history = []

    def add_row(row, classifier):
        history.append(row)
        if row["epoch"] == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    classifier, _, stopped_by, loaded = train_classifier(add_row, epochs=50)
    assert stopped_by == signal.SIGINT
    assert {row["phase"] for row in history} == {"frozen"}
    assert 2 <= len(history) <= 3
    assert same_bits(classifier.encoder.get_weights(), loaded)
    assert signal.getsignal(signal.SIGINT) is before
    assert "stopping" in capsys.readouterr().err


def test_a_second_interrupt_leaves_at_once():
    def add_row(row, classifier):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train_classifier(add_row, epochs=50)


@pytest.mark.parametrize("scale", [1e-4, 1.0])
@pytest.mark.parametrize(
    ("losses", "factors"),
    [
        ([1] * 8, [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
        ([1, 1.1, 1.1, 1.1], [1, 1, 1, 0.5]),
        ([1 - 1e-6 * epoch for epoch in range(4)], [1, 1, 1, 0.5]),  # an improvement too small to count
        ([0.95**epoch for epoch in range(12)], [1] * 12),
        ([1, 1, 1, 0.9, 0.9, 0.9, 0.8], [1] * 7),
    ],
)
def test_a_plateau_halves_the_learning_rate_after_patience(losses, factors, scale):
    schedule, found = SimpleNamespace(factor=keras.Variable(1.0)), []
    callback = LowerOnPlateau(schedule, patience=3)
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": scale * loss})
        found.append(float(schedule.factor))
    assert found == factors


def test_a_lowered_learning_rate_reaches_the_steps_of_a_network_in_training():
    schedule = PlateauedCosine(0.1)
    schedule.begin(10**9)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(schedule)
    schedule.join(optimizer)
    model.compile(optimizer, loss=lambda target, output: output)
    places = [model.get_weights()[0].item()]
    for factor in (1, 1, 0.5):
        schedule.factor.assign(factor)
        model.fit(np.ones((1, 1)), np.ones((1, 1)), verbose=0)
        places.append(model.get_weights()[0].item())
    assert np.diff(places) == pytest.approx([-0.1, -0.1, -0.05], rel=1e-3)


def test_the_learning_rate_falls_from_its_start_towards_0():
    schedule = PlateauedCosine(0.1)
    schedule.begin(100)
    rates = [float(schedule(step)) for step in (0, 25, 50, 75, 100, 200)]
    assert rates[0] == pytest.approx(0.1)
    assert rates == sorted(rates, reverse=True)
    assert rates[-2:] == pytest.approx([0, 0], abs=1e-8)


@tensorflow_only
def test_a_stack_of_batches_trains_as_the_batches_one_by_one(monkeypatch):
    trained = []
    for size in (64, 1):
        monkeypatch.setattr(engine, "STACKED_EXAMPLES", size)
        trained.append(train_autoencoder(epochs=2, batch_size=16))
    (stacked, history), (apart, others) = trained
    assert [row["loss"] for row in history] == pytest.approx([row["loss"] for row in others], rel=1e-5)
    for a, b in zip(stacked.whole.get_weights(), apart.whole.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_few_labels_are_smoothed_in_training_and_none_in_validation():
    few, many = (training._split(np.zeros((n, 2, 2)), LABELLED, split_for_validation(n, 0)) for n in (90, 60_000))
    assert few[0].distributions.sum(axis=1) == pytest.approx([1, 1, 1])
    assert few[0].distributions[1] == pytest.approx([0.1 / 3, 1 - 0.2 / 3, 0.1 / 3])
    assert many[0].distributions[1, 0] == pytest.approx(100 / 54_000 / 3)
    assert np.array_equal(few[1].distributions, np.eye(3))
