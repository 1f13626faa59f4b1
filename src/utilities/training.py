"""Training: the autoencoder, and the classifier in its two phases."""

import math
import signal
import sys
import time
from dataclasses import dataclass

import keras
import numpy as np

from utilities import batches
from utilities.batches import Examples
from utilities.networks import Classifier
from utilities.progress import Progress

EVALUATION_BATCH = 500
# The encoder's output for all images is computed once, before phase 1, where it takes no more bytes than this.
LARGEST_CODES = 2**30


@dataclass(frozen=True)
class Phase:
    """One run of the optimizer over a network.

    Attributes:
        name: what the history calls it.
        title: what the user is told.
        loss: the name of a Keras loss.
        metrics: the names of Keras metrics.
        learning_rate: of Adam, at the start.
    """

    name: str
    title: str
    loss: str
    metrics: tuple[str, ...]
    learning_rate: float


RECONSTRUCTION = Phase("reconstruction", "training the autoencoder", "mean_squared_error", (), 2e-3)
FROZEN = Phase(
    "frozen", "phase 1 of 2: dense layers, encoder frozen", "sparse_categorical_crossentropy", ("accuracy",), 1e-3
)
EVERYTHING = Phase("everything", "phase 2 of 2: everything", "sparse_categorical_crossentropy", ("accuracy",), 1e-3)


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
        min_delta: the least improvement that counts, as a share of the best loss so far: losses differ by
            orders of magnitude, and an absolute bound would fit only one of them.
    """

    def __init__(self, schedule, patience=4, min_delta=1e-3):
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

    def __init__(self, phase, add_row):
        super().__init__()
        self.phase = phase
        self.add_row = add_row

    def on_epoch_begin(self, epoch, logs=None):
        """Note the time and the learning rate that the epoch begins with."""
        self.begun = time.perf_counter()
        self.learning_rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch, logs=None):
        """Add the epoch's row."""
        self.add_row(
            {
                "phase": self.phase,
                "epoch": epoch + 1,
                "learning_rate": self.learning_rate,
                "seconds": time.perf_counter() - self.begun,
                **logs,
            }
        )


class StopOnInterrupt(keras.callbacks.Callback):
    """Within it as a context, a first Ctrl-C stops the training at the end of the batch; a second is as ever.

    Attributes:
        requested: whether Ctrl-C has been pressed.
    """

    def __init__(self):
        super().__init__()
        self.requested = False

    def __enter__(self):
        self.before = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *exception):
        signal.signal(signal.SIGINT, self.before)

    def _request(self, number, frame):
        signal.signal(signal.SIGINT, self.before)
        self.requested = True
        print("\nstopping at the end of the batch; Ctrl-C again leaves at once", file=sys.stderr)

    def on_train_batch_end(self, batch, logs=None):
        """Stop after the batch. Keras takes no heed of a stop that is asked for before it begins."""
        self.model.stop_training = self.requested

    def on_epoch_end(self, epoch, logs=None):
        """Stop after the validation, where the request came in it."""
        self.model.stop_training = self.requested


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier with what each of its two phases made of it.

    Attributes:
        classifier: the networks.Classifier, with the weights it has now.
        weights_after_phase_1: of the whole network, as Keras lists them.
        finished: whether the training ran to its end; False where Ctrl-C stopped it.
    """

    classifier: Classifier
    weights_after_phase_1: list[np.ndarray]
    finished: bool

    def predict(self, labelled):
        """Return the class probabilities of LabelledImages, (count, classes), after phase 1, and as it is now."""
        network = self.classifier.whole
        examples = Examples(labelled.images, labelled.targets, np.arange(len(labelled.images)))
        now, weights = predict(network, examples), network.get_weights()
        network.set_weights(self.weights_after_phase_1)
        after_phase_1 = predict(network, examples)
        network.set_weights(weights)
        return after_phase_1, now


def train_autoencoder(autoencoder, images, split, hyperparameters, seed, add_row):
    """Train an Autoencoder to give its input back.

    Args:
        images: uint8, (count, rows, columns).
        split: the datasets.Split of the images.
        add_row: called with each epoch's row of history, see Record.

    Returns:
        Whether the training ran to its end; False where Ctrl-C stopped it.
    """
    training, validation = _split(images, None, split)
    return _fit(RECONSTRUCTION, autoencoder.whole, training, validation, hyperparameters, seed, add_row)


def train_classifier(classifier, labelled, split, hyperparameters, seed, add_row):
    """Train a Classifier's dense layers with the encoder frozen, then everything; return the TrainedClassifier.

    The arguments are those of train_autoencoder, with LabelledImages for images.
    """
    classifier.encoder.trainable = False
    finished = _fit(FROZEN, *_frozen_network(classifier, labelled, split), hyperparameters, seed, add_row)
    classifier.encoder.trainable = True
    weights = classifier.whole.get_weights()
    if finished:
        examples = _split(labelled.images, labelled.targets, split)
        finished = _fit(EVERYTHING, classifier.whole, *examples, hyperparameters, seed, add_row)
    return TrainedClassifier(classifier, weights, finished)


def _frozen_network(classifier, labelled, split):
    """Return what phase 1 trains, and its training and validation examples.

    A frozen encoder's output for an image never changes: where the codes of all images fit in memory, they are
    computed once, and the head alone is trained on them.
    """
    network, inputs = classifier.whole, labelled.images
    code_bytes = np.float32().nbytes * math.prod(classifier.head.input_shape[1:])
    if len(inputs) * code_bytes <= LARGEST_CODES:
        everything = Examples(inputs, labelled.targets, np.arange(len(inputs)))
        network, inputs = classifier.head, predict(classifier.encoder, everything)
    return network, *_split(inputs, labelled.targets, split)


def _split(inputs, targets, split):
    """Return the training and the validation Examples."""
    return [Examples(inputs, targets, chosen) for chosen in (split.training, split.validation)]


def predict(model, examples):
    """Return the model's output for each example, float32, (examples, ...)."""
    return accelerate(model).predict(batches.ordered_batches(examples, EVALUATION_BATCH), verbose=0)


def accelerate(model):
    """Return a network that computes the same as a model, from the model's weights, as fast as the backend can."""
    if keras.backend.backend() != "tensorflow":
        return model
    from utilities.fast_network import FastNetwork

    return FastNetwork(model)


def _fit(phase, model, training, validation, hyperparameters, seed, add_row):
    """Compile a model for a phase and fit it; return whether the training ran to its end."""
    epochs, batch_size = hyperparameters.epochs, hyperparameters.batch_size
    steps = batches.steps_per_epoch(training, batch_size)
    schedule = PlateauedCosine(phase.learning_rate, epochs * steps)
    network = accelerate(model)
    network.compile(keras.optimizers.Adam(schedule), loss=phase.loss, metrics=list(phase.metrics))
    print(f"\n{phase.title}")
    with StopOnInterrupt() as interrupt:
        network.fit(
            batches.shuffled_batches(training, batch_size, epochs, seed),
            epochs=epochs,
            steps_per_epoch=steps,
            validation_data=batches.ordered_batches(validation, EVALUATION_BATCH),
            callbacks=[interrupt, Progress(epochs, steps), LowerOnPlateau(schedule), Record(phase.name, add_row)],
            verbose=0,
        )
    return not interrupt.requested
