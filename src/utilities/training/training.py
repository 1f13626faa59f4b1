"""Training: the autoencoder, and the classifier in its two phases."""

import math
from functools import lru_cache

import keras
import numpy as np

from utilities.data.batches import Examples
from utilities.network.memory import bytes_of_codes
from utilities.network.networks import leaves
from utilities.training.callbacks import Record, StopOnSignal, arrays_of, is_at
from utilities.training.phases import EVERYTHING, FROZEN, RECONSTRUCTION, label_smoothing
from utilities.training.progress import Progress
from utilities.training.schedule import LowerOnPlateau, PlateauedCosine, moving_momentum

if keras.backend.backend() == "jax":
    from utilities.training import on_jax as engine
else:
    from utilities.training import on_tensorflow as engine

EVALUATION_BATCH = 100  # images in a batch of validation or prediction
LARGEST_EVALUATION = 2**24  # numbers in the largest feature map of such a batch
# Numbers that Keras' predict returns at a time: it holds its output three times.
LARGEST_PREDICTION = 2**24
SHORTEST_PATIENCE = 4


def train_autoencoder(autoencoder, images, split, hyperparameters, seed, folder):
    """Train an Autoencoder to reproduce its input.

    Args:
        images: uint8, (count, rows, columns, channels).
        split: the datasets.Split of the images.
        folder: the runs.RunFolder that keeps history and checkpoints, and whose checkpoint training resumes from.

    Returns:
        The signal that stopped the training, or None where it ran to its end.
    """
    print(f"\n{RECONSTRUCTION.title}")
    largest_shift = RECONSTRUCTION.largest_shift(images.shape[1:], len(split.training))
    training = Examples(images, split.training, largest_shift=largest_shift)
    validation = Examples(images, split.validation)
    return _fit(RECONSTRUCTION, autoencoder.whole, training, validation, hyperparameters, seed, folder)


def train_classifier(classifier, labelled, split, hyperparameters, seed, folder, after_phase_1=()):
    """Train a Classifier's dense layers with the encoder frozen, then everything.

    The arguments are those of train_autoencoder, with LabelledImages for images.

    Args:
        after_phase_1: the weights that an earlier training had then: phase 1 is not trained again. Empty for a new one.

    Returns:
        {name of a phase: weights of the whole network after it, in Keras' order}, and the signal that stopped the
        training, or None. The network has those of the phase that ``folder.outcome`` is of.
    """
    stopped_by = None
    if not after_phase_1 and not is_at(EVERYTHING, folder):
        print(f"\n{FROZEN.title}", flush=True)
        classifier.encoder.trainable = False
        stopped_by = _fit(FROZEN, *_frozen_network(classifier, labelled, split), hyperparameters, seed, folder)
    classifier.encoder.trainable = True
    ends = {FROZEN.name: arrays_of(folder.checkpoint, "earlier") or after_phase_1 or classifier.whole.get_weights()}
    if stopped_by is None:
        print(f"\n{EVERYTHING.title}")
        largest_shift = EVERYTHING.largest_shift(labelled.images.shape[1:], len(split.training))
        examples = _split(labelled.images, labelled, split, largest_shift)
        before = ends[FROZEN.name]
        stopped_by = _fit(EVERYTHING, classifier.whole, *examples, hyperparameters, seed, folder, before)
        ends[EVERYTHING.name] = classifier.whole.get_weights()
        classifier.whole.set_weights(ends[folder.outcome["phase"]])
    return ends, stopped_by


def _frozen_network(classifier, labelled, split):
    """Return the network that phase 1 trains, and its training and validation examples.

    A frozen encoder's codes never change: where those of all images fit in memory, they are computed once, and the
    head alone is trained on them.
    """
    network, inputs = classifier.whole, labelled.images
    if bytes_of_codes(math.prod(classifier.head.input_shape[1:]), len(inputs)):
        network, inputs = classifier.head, predict(classifier.encoder, inputs)
    return network, *_split(inputs, labelled, split)


def _split(inputs, labelled, split, largest_shift=0):
    """Return the training Examples, their one-hot targets smoothed, and the validation Examples."""
    smoothing = label_smoothing(len(split.training))
    one_hot = np.eye(len(labelled.classes), dtype=np.float32)
    smoothed = ((1 - smoothing) * np.eye(len(one_hot)) + smoothing / len(one_hot)).astype(np.float32)
    training = Examples(inputs, split.training, labelled.targets, smoothed, largest_shift)
    return training, Examples(inputs, split.validation, labelled.targets, one_hot)


class Predictor:
    """What a model makes of images: it may be asked again and again, and is traced once."""

    def __init__(self, model):
        self.output_shape = model.output_shape[1:]
        self.batch_size = _evaluation_batch(model)
        self.network = engine.network_of(model, self.batch_size)

    def __call__(self, images):
        """Return the output, float32 in (count, ...), for images, uint8 in (count, rows, columns, channels)."""
        outputs, start = np.empty((len(images), *self.output_shape), np.float32), 0
        for part in self.parts(images):
            outputs[start : start + len(part)] = part
            start += len(part)
        return outputs

    def parts(self, images):
        """Yield the same, some images at a time."""
        at_a_time = max(self.batch_size, LARGEST_PREDICTION // math.prod(self.output_shape))
        for start in range(0, len(images), at_a_time):
            some = Examples(images, np.arange(start, min(start + at_a_time, len(images))))
            yield self.network.predict(engine.evaluation_data(some, self.batch_size), verbose=0)[: len(some)]


def predict(model, images):
    """Return a model's output for images, as a Predictor does."""
    return Predictor(model)(images)


def _evaluation_batch(model):
    largest = max(math.prod(layer.output.shape[1:]) for layer in leaves(model))
    return max(1, min(EVALUATION_BATCH, LARGEST_EVALUATION // largest))


@lru_cache(maxsize=2)  # a classifier's two phases
def compiled_network(phase, model, batch_size, momentum):
    """Return the engine's network of a model, compiled for a phase, and its PlateauedCosine.

    Asked for again it is the same network, whose step is traced and compiled already. The last two are kept alive until
    ``cache_clear`` is called.

    Args:
        momentum: the one that the model's batch normalisations have now; what is traced has it for a constant.
    """
    network = engine.network_of(model, batch_size)
    schedule = PlateauedCosine(phase.learning_rate)
    optimizer = phase.optimizer(schedule, weight_decay=phase.weight_decay)
    schedule.join(optimizer)
    optimizer.build(model.trainable_variables)  # before the step is traced: making variables in it costs a second trace
    # By its name Keras would make a metric while it traces the step.
    metrics = [keras.metrics.CategoricalAccuracy(name="accuracy")] if phase.measures_accuracy else []
    network.compile(optimizer, loss=phase.loss, metrics=metrics)
    return network, schedule


def _fit(phase, model, training, validation, hyperparameters, seed, folder, earlier_weights=()):
    """Fit a model in a phase; return the signal that stopped the training, or None.

    Args:
        earlier_weights: those that the phase before ended with, kept in the checkpoint.
    """
    epochs, batch_size = hyperparameters.epochs, hyperparameters.batch_size
    steps = epochs * math.ceil(len(training) / batch_size)
    momentum = moving_momentum(steps)
    for layer in leaves(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    network, schedule = compiled_network(phase, model, batch_size, momentum)
    optimizer = network.optimizer
    for variable in optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    schedule.begin(steps)
    plateau = LowerOnPlateau(schedule, patience=max(SHORTEST_PATIENCE, epochs // 4))
    record = Record(phase, model, plateau, earlier_weights, folder)
    first = record.go_on(optimizer)
    if first == epochs:
        return None
    network.trained_steps.assign(optimizer.iterations)
    steps_per_epoch = engine.steps_per_epoch(training, batch_size)
    image_shape = training.inputs.shape[1:] if training.inputs.dtype == np.uint8 else None
    with StopOnSignal() as stop:
        network.fit(
            engine.training_data(training, batch_size, range(first, epochs), seed),
            initial_epoch=first,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,
            validation_data=engine.evaluation_data(validation, _evaluation_batch(model)),
            callbacks=[stop, Progress(first, epochs, steps_per_epoch, image_shape), plateau, record],
            verbose=0,
        )
    return stop.number
