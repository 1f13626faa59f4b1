"""Principal components of images: the best linear encoder, which a network is measured against."""

import numpy as np

from utilities.data.batches import WHITE

# Within these bounds it takes about a second on two cores, and 0.1 GB of memory: numbers of the images that components
# are fitted to, and of those they are measured on; and numbers of an image, or else components, which are sketched.
MOST_NUMBERS = 2**23
LARGEST_IMAGE = 1024
MOST_SKETCHED = 256
OVERSAMPLING, POWER_ITERATIONS = 10, 2  # of the sketch: as its source suggests
LEAST_VARIANCE = 1e-6  # of a component, as a share of the first one's: below it there is rounding alone


def reconstruction_errors(training, validation, count=None, seed=0):
    """Return the mean squared errors, of pixels in [0, 1], of reconstructions from 0 to ``count`` principal components.

    A reconstruction from none is the mean image.

    Args:
        training: the images that the components are of, uint8, (images, rows, columns, channels).
        validation: the images that are reconstructed, of the same form.
        count, seed: as of principal_components.

    Returns:
        (components + 1,); there are fewer than ``count`` where the images have fewer.
    """
    points, others = _pixels(training), _pixels(validation)
    mean = points.mean(axis=0)
    points -= mean
    others -= mean
    components = principal_components(points, count, seed)
    # Components are orthogonal: each one reduces the squared error by its own coefficients' squares.
    explained = np.cumsum(np.square(others @ components).sum(axis=0, dtype=np.float64))
    return np.maximum(0, np.vdot(others, others) - np.append(0, explained)) / others.size


def sampled_errors(images, split, count, seed):
    """Return reconstruction_errors of some of a datasets.Split's images, drawn by the seed.

    Where ``count`` components would take too long, or need more images than are drawn, it is the mean image's alone.
    """
    random, most = np.random.default_rng(seed), max(2, MOST_NUMBERS // images[0].size)
    parts = split.training, split.validation
    training, validation = (np.sort(random.choice(part, min(most, len(part)), replace=False)) for part in parts)
    are_enough = len(training) >= min(2 * count, len(split.training))
    is_fast = images[0].size <= LARGEST_IMAGE or min(count, len(training)) <= MOST_SKETCHED
    return reconstruction_errors(images[training], images[validation], count if are_enough and is_fast else 0, seed)


def principal_components(centred, count=None, seed=0):
    """Return the principal components of points around 0, in descending order of variance, (numbers, components).

    Where there are many points of many numbers, the first ones are found by a random sketch of them. Source: Halko et
    al., "Finding structure with randomness", 2011, algorithms 4.4 and 5.1.

    Args:
        centred: float32, (points, numbers).
        count: the most components to return; None for all.
        seed: of the sketch.
    """
    points, numbers = centred.shape
    if count is None or numbers <= LARGEST_IMAGE:
        basis = np.eye(numbers, dtype=np.float32)
    elif count + OVERSAMPLING >= points:
        basis = np.linalg.qr(centred.T).Q
    else:
        sketch = np.random.default_rng(seed).standard_normal((points, count + OVERSAMPLING), np.float32)
        basis = np.linalg.qr(centred.T @ sketch).Q
        for _ in range(POWER_ITERATIONS):
            basis = np.linalg.qr(centred.T @ (centred @ basis)).Q
    within = centred @ basis
    variances, rotation = np.linalg.eigh(within.T @ within)  # in ascending order
    several = np.count_nonzero(variances > LEAST_VARIANCE * variances[-1])
    return basis @ rotation[:, ::-1][:, : several if count is None else min(several, count)]


def _pixels(images):
    return images.reshape(len(images), -1) / np.float32(WHITE)
