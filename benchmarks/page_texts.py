"""What autoencoder.md and classification.md say around their tables.

Its figures are computed from the experiments. What was measured is in the tables alone, so that a new measurement
leaves no text out of date.
"""

from math import ceil, prod
from textwrap import fill

from experiments import (
    ALL_IMAGES,
    AUTOENCODER_BASE,
    AUTOENCODER_CHANGES,
    AUTOENCODERS,
    BEST_64,
    CLASSIFIER_BASE,
    CLASSIFIER_CHANGES,
    DEFAULT,
    DEFAULT_CLASSIFIER,
    ENCODER_SEED,
    IMAGE_SHAPE,
    code_size,
)

from utilities.data.datasets import VALIDATION_SHARE
from utilities.terminal.questions import show_numbers


def steps(epochs, batch_size, images):
    """Return the number of optimizer steps in some epochs."""
    return epochs * ceil((images - round(images * VALIDATION_SHARE)) / batch_size)


def how(script):
    """Return how a script's tables are measured."""
    return fill(HOW.format(script=script), WIDTH)


WIDTH = 120
PIXELS = prod(IMAGE_SHAPE)
FEWEST_EPOCHS = min(change["epochs"] for change in AUTOENCODER_CHANGES["epochs"])
LARGEST_BATCH = max(change["batch_size"] for change in AUTOENCODER_CHANGES["batch size"])
LARGEST_CLASSIFIER_BATCH = max(change["batch_size"] for change in CLASSIFIER_CHANGES["batch size"])
SMALL_CODE_SIZE, LARGE_CODE_SIZE = (code_size(of_one.hyperparameters) for of_one in AUTOENCODERS["third pooling"])
HELD_OUT = round(CLASSIFIER_BASE.images * VALIDATION_SHARE)

HOW = """The command above each table measures it again, on a machine like the one named at the end in so many minutes,
divided by its cores: it runs `{script}.py` with redirected answers and writes to
[results/{script}.csv](results/{script}.csv), from which `.venv/bin/python benchmarks/pages.py` makes this page. Both
run from the project's root, in the environment that the README makes. Groups share what they have in common, which a
command runs again. *Processor seconds* are those of the whole script on one core, the mean of the seeds; with more
cores, a training alone takes less of a clock's and more of the processor's."""
ON_FEW_SEEDS = """Where a row has a single seed, compare its distance from the others with the spread of the row that
has more."""
AUTOENCODER_PAGE = f"""# The autoencoder

Mean squared errors of pixels between 0 and 1, on {VALIDATION_SHARE:.0%} of the training images, held out for
validation. The test set is not used. Each row is the mean over its seeds, with the standard deviation where there is
more than one; a seed also chooses the held-out images and, where not all images are trained on, these. *Components* is
the error of as many principal components as the code has numbers, computed from the same training images, on the same
held-out ones: the error of the best linear code.

{how("autoencoder")}"""
CLASSIFIER_PAGE = f"""# The classifier

Cross-entropies and accuracies: on {VALIDATION_SHARE:.0%} of the training images, held out for validation, by which
everything was chosen; and on the images of the test set, by which nothing was chosen. Each row is the mean over its
seeds, with the standard deviation where there is more than one; a seed also chooses the held-out images and, where not
all images are trained on, these. The encoder's weights are

- *pre-trained*: of an autoencoder trained on all training images, without labels, once, with seed {ENCODER_SEED};
- *random*: the initial weights of such an encoder, others for each seed;
- *principal components*: as many of the training images' as the code has numbers, or all {PIXELS} where it has more; in
  phase 2 they are trained like any weights;
- *of the same images*: of an autoencoder trained on the classifier's own images alone, with the same seed.

All else is the same for all: dense layers, epochs, batch size. *Frozen* is after phase 1; the rest is of the phase that
ended with the lower validation loss, which the script keeps.

So the spread of pre-trained classifiers is that of their own seeds alone. An encoder that is trained again may differ,
because sums may be taken in another order: with few images or labels, a row may then differ from the one here by more
than its spread.

{how("classification")}"""
EARLIER_WORK = "The last row is earlier work on networks of this family, as its authors report it."
ON_CLASSIFIER_SWEEP = f"On {CLASSIFIER_BASE.images:,} of the images. {ON_FEW_SEEDS}"
# The title of each group of experiments, what it is about, and what explains its results.
AUTOENCODER_GROUPS = {
    "best": (
        "The best found",
        f"""On all {ALL_IMAGES:,} images: the default network, for {BEST_64.epochs} epochs, and a larger one, limited by
what two cores train in less than an hour; further below, kernels and filters are varied on
{AUTOENCODER_BASE.images:,} images. Principal components describe every image as a
weighted sum of the same few pictures; the network, with as many numbers, is not bound to sums. {EARLIER_WORK}""",
    ),
    "default": (
        "Enter at every question",
        f"""On all {ALL_IMAGES:,} images: {DEFAULT.epochs} epochs, where the best found have {BEST_64.epochs}.""",
    ),
    "small sets": (
        "Small sets of images",
        """Enter at every question again: with few images it takes more epochs, and smaller batches. Each of few
images is shifted anew in every epoch, by a pixel at most. Principal components need few images to be
computed; a network has to find out from them what digits have in common. *Mean image* is the error of answering with
the mean of the training images, whatever the image: a network that is no better has learnt nothing.""",
    ),
    "layers": (
        "Number of layers",
        f"""Each of the first three sets pools, and what pooling discards, the decoder cannot draw: *code* is how
many numbers are left of an image's {PIXELS} pixels. A fourth set has nothing to pool, and its feature maps are 1 x 1:
its kernel is 1 here, so that the depth alone changes. It compresses no further, and is more to learn in the same
number of steps. {ON_FEW_SEEDS}""",
    ),
    "kernels": (
        "Kernel sizes",
        f"""The second kernel is the one to look at. The third pooling leaves one number for each filter, from which
the decoder's upsampling by 7 makes a map of 7 x 7 equal numbers. The convolution after it has the second layer's
kernel, and can tell the positions of that map apart only by how much of the zero padding its kernel covers at each.
A kernel of 3 covers none at the inner 5 x 5 positions, and gives the same value at all of them; one of 5 gives the
same value at the inner 3 x 3; from 7 on no two positions are the same, and one of 13 covers the whole map from
every position. The first kernel draws the strokes, on a map whose positions already differ. The third sees the map
of 7 x 7 that is pooled into the code: a kernel of 3 sees less of it at once. {ON_FEW_SEEDS}""",
    ),
    "filters": (
        "Filters",
        f"""The last layer's filters are the numbers of the code. Those of the other two are what the decoder draws
with, and cost most of the time. {ON_FEW_SEEDS}""",
    ),
    "epochs": (
        "Epochs",
        f"""The learning rate falls to 0 over all epochs, however many there are: a short training is not the
beginning of a long one. {FEWEST_EPOCHS} epochs are
{steps(FEWEST_EPOCHS, AUTOENCODER_BASE.hyperparameters.batch_size, AUTOENCODER_BASE.images)} steps here, and as many of
all {ALL_IMAGES:,} images {steps(FEWEST_EPOCHS, AUTOENCODER_BASE.hyperparameters.batch_size, ALL_IMAGES):,}.
{ON_FEW_SEEDS}""",
    ),
    "batch size": (
        "Batch size",
        f"""With the epochs fixed, a batch twice as large means half as many steps, and with so few images steps are
few: {LARGEST_BATCH} leaves
{steps(AUTOENCODER_BASE.hyperparameters.epochs, LARGEST_BATCH, AUTOENCODER_BASE.images)} of them. All
{ALL_IMAGES:,} images make {ALL_IMAGES / AUTOENCODER_BASE.images:.0f} times as many. A smaller batch spends a larger
share of its time on what each step costs whatever its size. The learning rate is the same for all. {ON_FEW_SEEDS}""",
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
        f"""On all {ALL_IMAGES:,} images; with the third pooling, the answers that Enter takes in both scripts. What
the autoencoder's training is worth shows most while the encoder is frozen; with so many labels, phase 2 can teach
random weights too. Principal components are a single linear layer, and remain one in phase 2. {EARLIER_WORK}""",
    ),
    "few labels": (
        "Few labels",
        """What pre-training is for: images are many, and labels few. Test error in %, of the same network with the
same training for each kind of weights; epochs and batch size are those that Enter takes for so many images. There are
as many labels of each class, others for each seed. With all labels, random weights have one seed; components have fewer
everywhere, being told apart without. Principal components, a linear code, can be separated while the encoder is frozen,
but have little more to learn in phase 2. *Pre-trained / random* is the ratio of the mean errors. Masci et al. are
"Stacked Convolutional Auto-Encoders", 2011.""",
    ),
    "small sets": (
        "Small sets of images",
        """Few images, all of them labelled, and none besides: Enter at every question of both scripts, the
autoencoder trained on the same images as the classifier, and beside it the classifier on random weights. In phase 2
every image is shifted anew in each epoch: few are seen at many places.""",
    ),
    "encoder": (
        "Encoder",
        f"""{ON_CLASSIFIER_SWEEP} Codes of several sizes: a smaller one has features of larger parts of the image; a
larger one keeps more of the image itself. The pre-trained ones have had the epochs that the table gives with each.""",
    ),
    "units": (
        "Units of the hidden dense layer",
        f"""{ON_CLASSIFIER_SWEEP} In phase 1 the dense layers alone learn, from a code that does not change. In
phase 2 the encoder learns too, and can put into the code what fewer units need.""",
    ),
    "epochs": (
        "Epochs",
        f"""{ON_CLASSIFIER_SWEEP} Each phase runs so many, and the learning rate falls to 0 in each, however long it
is.""",
    ),
    "batch size": (
        "Batch size",
        f"""{ON_CLASSIFIER_SWEEP} Smaller batches make more steps in the same number of epochs:
{LARGEST_CLASSIFIER_BATCH} leaves
{steps(CLASSIFIER_BASE.hyperparameters.epochs, LARGEST_CLASSIFIER_BATCH, CLASSIFIER_BASE.images)} in each phase. Enter
takes {DEFAULT_CLASSIFIER.batch_size} for all {ALL_IMAGES:,} images, where {DEFAULT_CLASSIFIER.epochs} epochs are
{steps(DEFAULT_CLASSIFIER.epochs, DEFAULT_CLASSIFIER.batch_size, ALL_IMAGES):,} steps, and smaller ones for few.""",
    ),
}
CHOICES = {
    "autoencoder": f"""Each row changes one thing alone, of the row *nothing* above it with the same images, epochs and
batch size, in a network of filters {show_numbers(AUTOENCODER_BASE.hyperparameters.filters)}. Moving statistics are
those of batch normalisation, by which validation normalises: the fewer the steps, the fewer of them they average over,
so that they are not behind the weights at the end. Only small sets are shifted; the one here has the epochs that Enter
takes for it. A difference no larger than the spread says nothing.""",
    "classification": f"""Each row changes one thing alone. On {CLASSIFIER_BASE.images:,} of the images, pre-trained.
*Frozen* is the validation accuracy after phase 1; the rest is of the phase that is kept. Weight decay and smoothing
keep the network from being too sure: without them the loss may be lower, with no more answers right. One of the
{HELD_OUT} images held out is {1 / HELD_OUT:.2%}: smaller differences say nothing.""",
}
