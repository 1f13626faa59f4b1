"""Training: the autoencoder, and the classifier in its two phases."""

import math
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from utilities.data.batches import Examples
from utilities.network.memory import FLOAT32
from utilities.network.networks import Classifier, leaves
from utilities.processes import several_processes
from utilities.terminal.program import drop_output
from utilities.training.progress import Progress

if keras.backend.backend() == "jax":
    from utilities.training import on_jax as engine
else:
    from utilities.training import on_tensorflow as engine

# Images in a batch that nothing is learnt from; fewer where the largest feature map would take more numbers.
EVALUATION_BATCH = 100
LARGEST_EVALUATION = 2**24
# Keras' predict holds its output three times over: that of so many numbers at a time is copied out of it.
LARGEST_PREDICTION = 2**24
SHORTEST_PATIENCE = 4
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The encoder's output for all images is computed once, before phase 1, where it takes no more bytes than this.
LARGEST_CODES = 2**30


@dataclass(frozen=True)
class Phase:
    """One run of the optimizer over a network.

    Attributes:
        name: what the history calls it.
        title: what the user is told.
        loss: the name of a Keras loss.
        metrics: functions that make a Keras metric; a name would have it made while the step is traced.
        learning_rate: of Adam, at the start.
        weight_decay: share of each weight that a step takes away, times the learning rate; None for none.
    """

    name: str
    title: str
    loss: str
    metrics: tuple[Callable[[], keras.Metric], ...]
    learning_rate: float
    weight_decay: float | None = None


ACCURACY = partial(keras.metrics.CategoricalAccuracy, name="accuracy")
RECONSTRUCTION = Phase("reconstruction", "training the autoencoder", "mean_squared_error", (), 2e-3)
FROZEN = Phase(
    "frozen", "phase 1 of 2: dense layers, encoder frozen", "categorical_crossentropy", (ACCURACY,), 1e-3, 0.1
)
EVERYTHING = Phase("everything", "phase 2 of 2: everything", "categorical_crossentropy", (ACCURACY,), 6e-3, 0.1)
# Labels are smoothed as if so many more images had been seen whose class could be any, up to a largest share: a few
# labels do not warrant the certainty that a network reaches on them.
SMOOTHING_IMAGES = 100
LARGEST_SMOOTHING = 0.1


class PlateauedCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls to 0 along half a cosine, times a factor that a plateau lowers.

    Source of the cosine: Loshchilov and Hutter, "SGDR", 2017, without restarts.
    """

    def __init__(self, start, steps):
        self.start = start
        self.steps = steps
        self.factor = keras.Variable(1.0, trainable=False, name="plateau_factor")

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        share = keras.ops.cast(step, "float32") / self.steps
        return self.start * self.factor * 0.5 * (1 + keras.ops.cos(np.pi * keras.ops.minimum(share, 1.0)))


class LowerOnPlateau(keras.callbacks.Callback):
    """Halves the learning rate after ``patience`` epochs without a validation loss better by ``min_delta``.

    Args:
        patience: in epochs.
        min_delta: the least improvement that counts, as a share of the best loss so far: losses differ by
            orders of magnitude, and an absolute bound would fit only one of them.
    """

    def __init__(self, schedule, patience, min_delta=1e-3):
        super().__init__()
        self.schedule = schedule
        self.patience = patience
        self.min_delta = min_delta
        self.best = np.inf
        self.waited = 0

    def on_epoch_end(self, epoch, logs=None):
        """Compare the epoch's validation loss with the best so far."""
        if logs["val_loss"] < self.best * (1 - self.min_delta):
            self.best = logs["val_loss"]
            self.waited = 0
            return
        self.waited += 1
        if self.waited == self.patience:
            self.schedule.factor.assign(self.schedule.factor / 2)
            self.waited = 0


class Record(keras.callbacks.Callback):
    """Collects one row per epoch: phase, epoch, learning_rate, seconds, and the losses and metrics."""

    def __init__(self, phase, folder):
        super().__init__()
        self.phase = phase
        self.folder = folder

    def on_epoch_begin(self, epoch, logs=None):
        """Note the time and the learning rate that the epoch begins with."""
        self.begun = time.perf_counter()
        self.learning_rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch, logs=None):
        """Add the epoch's row."""
        self.folder.add_row(
            {
                "phase": self.phase.name,
                "epoch": epoch + 1,
                "learning_rate": self.learning_rate,
                "seconds": time.perf_counter() - self.begun,
                **logs,
            }
        )


class StopOnSignal(keras.callbacks.Callback):
    """Within it as a context, a signal stops the training at the end of the batch; a second Ctrl-C is as ever.

    Attributes:
        number: the last signal, or None.
    """

    def __init__(self):
        super().__init__()
        self.number = None

    def __enter__(self):
        # Of several processes, one that stopped alone would leave the others waiting for its part of the next batch.
        numbers = () if several_processes() else STOPPING_SIGNALS
        heeded = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
        self.before = {number: signal.signal(number, self._request) for number in heeded}
        return self

    def __exit__(self, *exception):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _request(self, number, frame):
        self.number = number
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, self.before[signal.SIGINT])
            print("\nstopping at the end of the batch; Ctrl-C again leaves at once", file=sys.stderr)
        elif number == signal.SIGHUP:
            drop_output()

    def on_train_batch_end(self, batch, logs=None):
        """Stop after the batch. Keras takes no heed of a stop that is asked for before it begins."""
        self.model.stop_training = self.number is not None

    def on_epoch_end(self, epoch, logs=None):
        """Stop after the validation, where the signal came in it."""
        self.model.stop_training = self.number is not None


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier with what each of its two phases made of it.

    Attributes:
        classifier: the networks.Classifier, with the weights it has now.
        weights_after_phase_1: of the whole network, as Keras lists them.
        stopped_by: the signal that stopped the training, or None.
    """

    classifier: Classifier
    weights_after_phase_1: list[np.ndarray]
    stopped_by: int | None

    def predict(self, labelled):
        """Return the class probabilities of LabelledImages, (count, classes), after phase 1, and as it is now."""
        network = self.classifier.whole
        now, weights = predict(network, labelled.images), network.get_weights()
        network.set_weights(self.weights_after_phase_1)
        after_phase_1 = predict(network, labelled.images)
        network.set_weights(weights)
        return after_phase_1, now


def train_autoencoder(autoencoder, images, split, hyperparameters, seed, folder):
    """Train an Autoencoder to give its input back.

    Args:
        images: uint8, (count, rows, columns).
        split: the datasets.Split of the images.
        folder: the runs.RunFolder that gets each epoch's row of history and state, and whose state is gone on from.

    Returns:
        The signal that stopped the training, or None where it ran to its end.
    """
    print(f"\n{RECONSTRUCTION.title}")
    training, validation = (Examples(images, chosen) for chosen in (split.training, split.validation))
    return _fit(RECONSTRUCTION, autoencoder.whole, training, validation, hyperparameters, seed, folder)


def train_classifier(classifier, labelled, split, hyperparameters, seed, folder):
    """Train a Classifier's dense layers with the encoder frozen, then everything; return the TrainedClassifier.

    The arguments are those of train_autoencoder, with LabelledImages for images.
    """
    stopped_by = None
    if not _is_at(EVERYTHING, folder):
        print(f"\n{FROZEN.title}", flush=True)
        classifier.encoder.trainable = False
        stopped_by = _fit(FROZEN, *_frozen_network(classifier, labelled, split), hyperparameters, seed, folder)
    classifier.encoder.trainable = True
    weights = _arrays(folder.state, "earlier") or classifier.whole.get_weights()
    if stopped_by is None:
        print(f"\n{EVERYTHING.title}")
        examples = _split(labelled.images, labelled, split)
        stopped_by = _fit(EVERYTHING, classifier.whole, *examples, hyperparameters, seed, folder, weights)
    return TrainedClassifier(classifier, weights, stopped_by)


def _frozen_network(classifier, labelled, split):
    """Return what phase 1 trains, and its training and validation examples.

    A frozen encoder's output for an image never changes: where the codes of all images fit in memory, they are
    computed once, and the head alone is trained on them.
    """
    network, inputs = classifier.whole, labelled.images
    code_bytes = FLOAT32 * math.prod(classifier.head.input_shape[1:])
    if len(inputs) * code_bytes <= LARGEST_CODES:
        network, inputs = classifier.head, predict(classifier.encoder, inputs)
    return network, *_split(inputs, labelled, split)


def _split(inputs, labelled, split):
    """Return the training Examples, their labels smoothed, and the validation Examples."""
    smoothing = min(LARGEST_SMOOTHING, SMOOTHING_IMAGES / len(split.training))
    return [
        Examples(inputs, chosen, labelled.targets, class_distributions(len(labelled.classes), share))
        for chosen, share in ((split.training, smoothing), (split.validation, 0))
    ]


def class_distributions(classes, smoothing):
    """Return what each class is learnt as: 1 for itself, or a share less, spread over all classes, (classes, classes).

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016.
    """
    return ((1 - smoothing) * np.eye(classes) + smoothing / classes).astype(np.float32)


def predict(model, images):
    """Return the model's output for each image, uint8 in (count, rows, columns); float32, (count, ...)."""
    batch_size = _evaluation_batch(model)
    network = engine.network_of(model, batch_size)
    outputs = np.empty((len(images), *model.output_shape[1:]), np.float32)
    at_a_time = max(batch_size, LARGEST_PREDICTION // math.prod(model.output_shape[1:]))
    for start in range(0, len(images), at_a_time):
        some = Examples(images, np.arange(start, min(start + at_a_time, len(images))))
        outputs[some.chosen] = network.predict(engine.evaluation_data(some, batch_size), verbose=0)[: len(some)]
    return outputs


def _evaluation_batch(model):
    largest = max(math.prod(layer.output.shape[1:]) for layer in leaves(model))
    return max(1, min(EVALUATION_BATCH, LARGEST_EVALUATION // largest))


def _fit(phase, model, training, validation, hyperparameters, seed, folder, earlier_weights=()):
    """Compile a model for a phase and fit it; return the signal that stopped the training, or None.

    Args:
        earlier_weights: what the phase before left, to be kept with the state.
    """
    epochs, batch_size = hyperparameters.epochs, hyperparameters.batch_size
    schedule = PlateauedCosine(phase.learning_rate, epochs * math.ceil(len(training) / batch_size))
    plateau = LowerOnPlateau(schedule, patience=max(SHORTEST_PATIENCE, epochs // 4))
    network = engine.network_of(model, batch_size)
    optimizer = keras.optimizers.Adam(schedule, weight_decay=phase.weight_decay)
    optimizer.plateau_factor = schedule.factor  # among its variables: JAX takes all others for constants
    optimizer.build(model.trainable_variables)  # before the step is traced: making variables takes a second trace
    network.compile(optimizer, loss=phase.loss, metrics=[make() for make in phase.metrics])
    keeper = KeepState(phase, model, plateau, earlier_weights, folder)
    first = keeper.go_on(optimizer)
    if first == epochs:
        return None
    steps = engine.steps_per_epoch(training, batch_size)
    with StopOnSignal() as stop:
        network.fit(
            engine.training_data(training, batch_size, range(first, epochs), seed),
            initial_epoch=first,
            epochs=epochs,
            steps_per_epoch=steps,
            shuffle=False,
            validation_data=engine.evaluation_data(validation, _evaluation_batch(model)),
            callbacks=[stop, Progress(first, epochs, steps), plateau, Record(phase, folder), keeper],
            verbose=0,
        )
    return stop.number


class KeepState(keras.callbacks.Callback):
    """Keeps, after each whole epoch, all that training needs to go on as if it had never stopped.

    Args:
        model: what is trained; its weights are kept, and the optimizer's.
        plateau: the LowerOnPlateau whose patience is kept.
        earlier_weights: what the phase before left.
    """

    def __init__(self, phase, model, plateau, earlier_weights, folder):
        super().__init__()
        self.phase = phase
        self.trained = model
        self.plateau = plateau
        self.earlier_weights = earlier_weights
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        """Keep the state, unless the epoch was cut short: it is trained again then, from its beginning."""
        if self.model.stop_training:
            return
        self.folder.keep_state(
            {
                "phase": np.array(self.phase.name),
                "epochs": np.array(epoch + 1),
                "plateau": np.array([self.plateau.best, self.plateau.waited]),
                **_named_arrays("weight", self.trained.get_weights()),
                **_named_arrays("optimizer", [variable.numpy() for variable in self.model.optimizer.variables]),
                **_named_arrays("earlier", self.earlier_weights),
            }
        )

    def go_on(self, optimizer):
        """Put back the folder's state, if it is of this phase; return the number of epochs trained already."""
        if not _is_at(self.phase, self.folder):
            return 0
        state = self.folder.state
        for variable, value in zip(optimizer.variables, _arrays(state, "optimizer"), strict=True):
            variable.assign(value)
        self.trained.set_weights(_arrays(state, "weight"))
        self.plateau.best, self.plateau.waited = state["plateau"]
        return int(state["epochs"])


def _is_at(phase, folder):
    return folder.state.get("phase") == phase.name


def _named_arrays(name, arrays):
    """Return {name and number: array}, as the state keeps a list."""
    return {f"{name}_{number:04}": array for number, array in enumerate(arrays)}


def _arrays(state, name):
    """Return the list that _named_arrays made part of a state."""
    return [state[key] for key in sorted(state) if key.startswith(f"{name}_")]
