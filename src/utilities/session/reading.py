"""What each script reads before it asks: all that its tasks are made of."""

from utilities.data.checksum import check_files
from utilities.data.datasets import read_images, read_test_set, read_training_set
from utilities.network.encoder_reader import read_encoder
from utilities.network.memory import bytes_in_memory, bytes_of_codes, bytes_of_encoder


def read_for_autoencoder(settings):
    """Return the images, and the bytes that they take in memory, of arguments of experiments.

    Raises:
        BadInput: a file is bad.
    """
    images = read_images(settings[0].data)
    check_files({settings[0].data: images})
    return images, bytes_in_memory(images)


def read_for_classification(settings):
    """Return the LabelledImages to train and to test on, {path: layers.Encoder}, and the bytes that all take in memory.

    Raises:
        BadInput: a file is bad.
    """
    arguments = settings[0]
    training = read_training_set(arguments.data, arguments.datalabels)
    test = read_test_set(arguments.test, arguments.testlabels, training)
    check_files({arguments.data: training.images, arguments.datalabels: training.targets})
    check_files({arguments.test: test.images, arguments.testlabels: test.targets})
    paths = dict.fromkeys(each.modelpath for each in settings)
    encoders = {path: read_encoder(path, training.images.shape[1:]) for path in paths}
    sizes = [encoder.size for encoder in encoders.values()]
    memory = bytes_in_memory(training.images, test.images) + bytes_of_encoder(max(size.weights for size in sizes))
    memory += bytes_of_codes(max(size.code for size in sizes), arguments.labels or len(training.images))
    return training, test, encoders, memory
