"""What depends on the length of a training: the learning-rate schedule, and how far moving statistics look back."""

import keras
import numpy as np

# Steps that batch normalisation's moving statistics average over: a share of the training's, between two bounds. Over
# more they lag behind the weights, over fewer they are noise. On MNIST, with the default network, the validation error
# was least with 5 steps of 20, with 10 to 20 of 290, and with 50 to 100 of 1,350.
STATISTICS_SHARE = 1 / 20
FEWEST_AVERAGED, MOST_AVERAGED = 5, 100
LEAST_IMPROVEMENT = 1e-3  # that counts, as a share of the best loss so far: losses differ by orders of magnitude


def moving_momentum(steps):
    """Return the momentum of batch normalisation's moving statistics for a training of so many steps."""
    return 1 - 1 / min(max(FEWEST_AVERAGED, STATISTICS_SHARE * steps), MOST_AVERAGED)


class PlateauedCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A cosine from ``start`` to 0 over the steps of a training, times a factor that a plateau lowers.

    Source: Loshchilov and Hutter, "SGDR", 2017, without restarts.

    Attributes:
        variables: what changes from training to training; a step that is traced once serves them all.
    """

    def __init__(self, start):
        self.start = start
        self.per_step = keras.Variable(1.0, trainable=False, name="per_step")
        self.factor = keras.Variable(1.0, trainable=False, name="plateau_factor")
        self.variables = [self.per_step, self.factor]

    def join(self, optimizer):
        """Have an optimizer keep the variables among its own: in a step, JAX takes any others for constants."""
        optimizer.schedule_variables = self.variables  # Keras tracks what is an attribute

    def begin(self, steps):
        """Begin a training of so many steps."""
        self.per_step.assign(1 / steps)
        self.factor.assign(1)

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        share = keras.ops.cast(step, "float32") * self.per_step
        return self.start * self.factor * 0.5 * (1 + keras.ops.cos(np.pi * keras.ops.minimum(share, 1.0)))


class LowerOnPlateau(keras.callbacks.Callback):
    """Halves the learning rate after ``patience`` epochs without a validation loss better by LEAST_IMPROVEMENT."""

    def __init__(self, schedule, patience):
        super().__init__()
        self.schedule = schedule
        self.patience = patience
        self.best = np.inf
        self.waited = 0

    def on_epoch_end(self, epoch, logs=None):
        """Compare the epoch's validation loss with the best so far."""
        if logs["val_loss"] < self.best * (1 - LEAST_IMPROVEMENT):
            self.best = logs["val_loss"]
            self.waited = 0
            return
        self.waited += 1
        if self.waited == self.patience:
            self.schedule.factor.assign(self.schedule.factor / 2)
            self.waited = 0
