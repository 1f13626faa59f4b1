"""What autoencoder.md and classification.md say around their tables.

Its figures are computed from the experiments. What was measured is in the tables alone, so that a new measurement
leaves no text out of date.
"""

from math import ceil, prod

from choices import AUTOENCODER, CLASSIFIER
from experiments import (
    ALL_IMAGES,
    AUTOENCODER_BASE,
    AUTOENCODER_CHANGES,
    AUTOENCODER_IMAGES,
    AUTOENCODERS,
    BEST_64,
    CLASSIFIER_BASE,
    CLASSIFIER_IMAGES,
    DEFAULT,
    ENCODER_SEED,
    IMAGE_SHAPE,
    code_size,
)

from utilities.data.datasets import VALIDATION_SHARE
from utilities.network.hyperparameters import show_numbers
from utilities.terminal.arguments import DEFAULT_SEED


def steps(epochs, batch_size, images):
    """Return the number of optimizer steps in some epochs."""
    return epochs * ceil((images - round(images * VALIDATION_SHARE)) / batch_size)


PIXELS = prod(IMAGE_SHAPE)
FEWEST_EPOCHS = min(change["epochs"] for change in AUTOENCODER_CHANGES["epochs"])
LARGEST_BATCH = max(change["batch_size"] for change in AUTOENCODER_CHANGES["batch size"])
SMALL_CODE_SIZE, LARGE_CODE_SIZE = (code_size(of_one.hyperparameters) for of_one in AUTOENCODERS["third pooling"])
HELD_OUT = round(CLASSIFIER_IMAGES * VALIDATION_SHARE)

HOW = """The command above each table measures it again: it runs `{script}.py` with redirected answers and writes to
[results/{script}.csv](results/{script}.csv), from which `.venv/bin/python benchmarks/pages.py` makes this page.
Both run from the project's root, in the environment that the README makes. Seconds are those of all epochs of the
fastest seed. Other work on the machine makes them longer: take them as upper bounds."""
AUTOENCODER_PAGE = f"""# The autoencoder

Mean squared errors of pixels between 0 and 1, on {VALIDATION_SHARE:.0%} of the training images, held out for
validation. The test set is not used. Each row is the mean over its seeds, with the standard deviation where there is
more than one; a seed also chooses the held-out images. *Components* is the error of as many principal components as the
code has numbers, computed from the same training images, on the images that seed {DEFAULT_SEED} holds out: the error of
the best linear code.

{HOW.format(script="autoencoder")}"""
CLASSIFIER_PAGE = f"""# The classifier

Cross-entropies and accuracies: on {VALIDATION_SHARE:.0%} of the training images, held out for validation, by which
everything was chosen; and on the images of the test set, by which nothing was chosen. Each row is the mean over its
seeds, with the standard deviation. The encoder's weights are

- *pre-trained*: of an autoencoder trained on all training images, without labels, once, with seed {ENCODER_SEED};
- *random*: the initial weights of such an encoder, others for each seed;
- *principal components*: as many of the training images' as the code has numbers, or all {PIXELS} where it has more; in
  phase 2 they are trained like any weights.

All else is the same for the three: dense layers, epochs, batch size. *Frozen* is after phase 1.

So the spread of pre-trained classifiers is that of their own seeds alone. An encoder that is trained again may differ,
because sums may be taken in another order: with few images or labels, a row may then differ from the one here by more
than its spread.

{HOW.format(script="classification")}"""
EARLIER_WORK = "The last row is earlier work on networks of this family, as its authors report it."
ON_AUTOENCODER_SWEEP = f"on {AUTOENCODER_IMAGES:,} images"
ON_CLASSIFIER_SWEEP = f"On {CLASSIFIER_IMAGES:,} of the images"
# The title of each group of experiments, what it is about, and what explains its results.
AUTOENCODER_GROUPS = {
    "best": (
        "The best found",
        f"""On all {ALL_IMAGES:,} images. Kernels and filters are limited by what two cores train in minutes. More
epochs and a larger second kernel lower the error further (both below, {ON_AUTOENCODER_SWEEP}). Principal components
describe every image as a weighted sum of the same few pictures; the network, with as many numbers, is not bound to
sums. {EARLIER_WORK}""",
    ),
    "default": (
        "Enter at every question",
        f"""On all {ALL_IMAGES:,} images: {DEFAULT.epochs} epochs, where the best found has {BEST_64.epochs}.""",
    ),
    "layers": (
        "Number of layers",
        f"""Each of the first three sets pools, and what pooling discards, the decoder cannot draw: *code* is how
many numbers are left of an image's {PIXELS} pixels. A fourth and a fifth set have nothing to pool, and their
feature maps are 1 x 1: their kernels are 1 here, so that the depth alone changes. They compress no further, and are
more to learn in the same number of steps.""",
    ),
    "kernels": (
        "Kernel sizes",
        """The second kernel matters most. The third pooling leaves one number for each filter, from which the
decoder's upsampling by 7 makes a map of 7 x 7 equal numbers. The convolution after it has the second layer's
kernel, and can tell the positions of that map apart only by how much of the zero padding its kernel covers at each.
A kernel of 3 covers none at the inner 5 x 5 positions, and gives the same value at all of them; one of 5 gives the
same value at the inner 3 x 3; from 7 on no two positions are the same, and one of 13 covers the whole map from
every position. The first kernel draws the strokes, on a map whose positions already differ. The third sees the map
of 7 x 7 that is pooled into the code: a kernel of 3 sees less of it at once.""",
    ),
    "filters": (
        "Filters",
        """The last layer's filters are the numbers of the code. Those of the other two are what the decoder draws
with, and cost most of the time.""",
    ),
    "epochs": (
        "Epochs",
        f"""The learning-rate schedule covers all epochs, however many there are: a short training is not the
beginning of a long one. {FEWEST_EPOCHS} epochs are
{steps(FEWEST_EPOCHS, AUTOENCODER_BASE.batch_size, AUTOENCODER_IMAGES)} steps, few to learn in, and few for the
moving statistics of batch normalisation, which follow the weights with a delay.""",
    ),
    "batch size": (
        "Batch size",
        f"""With the epochs fixed, a batch twice as large means half as many steps, and with so few images steps are
few: {LARGEST_BATCH} leaves {steps(AUTOENCODER_BASE.epochs, LARGEST_BATCH, AUTOENCODER_IMAGES)} of them. All
{ALL_IMAGES:,} images make {ALL_IMAGES / AUTOENCODER_IMAGES:.0f} times as many. A smaller batch spends a larger
share of its time on what each step costs whatever its size.""",
    ),
    "third pooling": (
        "Third max-pooling",
        f"""Without it the code has {LARGE_CODE_SIZE / SMALL_CODE_SIZE:.0f} times as many numbers,
{LARGE_CODE_SIZE / PIXELS:.0f} times those of the image itself: nothing is compressed, and a lower error is that of
an easier task, not of a better network.""",
    ),
}
CLASSIFIER_GROUPS = {
    "best": (
        "The best found",
        f"""On all {ALL_IMAGES:,} images. With so many labels, phase 2 teaches random weights nearly all that
pre-trained ones know; what the autoencoder's training is worth shows while the encoder is frozen. Principal
components are a single linear layer, and remain one in phase 2. {EARLIER_WORK}""",
    ),
    "few labels": (
        "Few labels",
        """What pre-training is for. Test error in %, of the same network with the same training for each kind of
weights; there are as many labels of each class, others for each seed. The fewer the labels, the more the classifier
owes to what the encoder learnt without any. Principal components, a linear code, can be separated while the encoder
is frozen, but have little more to learn in phase 2. Masci et al. are "Stacked Convolutional Auto-Encoders", 2011.""",
    ),
    "encoder": (
        "Encoder",
        f"""{ON_CLASSIFIER_SWEEP}. A smaller code has features of larger parts of the image; a larger one keeps more
of the image itself. Results of random weights are to be read with care: the moving statistics of their batch
normalisation begin at 0 and 1 and follow the weights with a delay. In the
{steps(CLASSIFIER_BASE.epochs, CLASSIFIER_BASE.batch_size, CLASSIFIER_IMAGES)} steps of phase 2 they may not catch
up, and validation and test compute with them. Those of a pre-trained encoder begin close to what they should be.""",
    ),
    "units": (
        "Units of the hidden dense layer",
        f"""{ON_CLASSIFIER_SWEEP}. In phase 1 the dense layers alone learn: there, more units help. In phase 2 the
encoder learns too. Where more units make random weights worse, the probable reason is that the weights move faster,
and the moving statistics lag further behind them at the end of so few steps. Principal components have no batch
normalisation.""",
    ),
    "epochs": (
        "Epochs",
        f"""{ON_CLASSIFIER_SWEEP}. Each phase runs so many. Where random weights are worse after more epochs, the
probable reason is again moving statistics that lag behind the weights; after enough steps they have caught up.""",
    ),
    "batch size": (
        "Batch size",
        f"""{ON_CLASSIFIER_SWEEP}. Smaller batches make more steps in the same number of epochs. The default of
{CLASSIFIER_BASE.batch_size} is meant for all {ALL_IMAGES:,} images, where {CLASSIFIER_BASE.epochs} epochs are
{steps(CLASSIFIER_BASE.epochs, CLASSIFIER_BASE.batch_size, ALL_IMAGES):,} steps.""",
    ),
}
CHOICES = {
    "autoencoder": f"""Each row changes one thing alone, in a network of filters
{show_numbers(AUTOENCODER.hyperparameters.filters)} on {AUTOENCODER.images:,} images, as in the sections above.
Where the learning rate falls to 0, the weights settle in the last epochs; where it is low throughout, they do not
come far enough in so few. A difference no larger than the spread says nothing.""",
    "classification": f"""Each row changes one thing alone. {ON_CLASSIFIER_SWEEP}, pre-trained, in batches of
{CLASSIFIER.hyperparameters.batch_size}. The second phase needs a learning rate high enough to change the encoder,
and one that falls, to settle. Weight decay and smoothing keep the network from being too sure: without them the
loss may be lower, with no more answers right. One of the {HELD_OUT} images held out is {1 / HELD_OUT:.2%}: smaller
differences say nothing.""",
}
