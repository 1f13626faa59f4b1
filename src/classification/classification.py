"""Put dense layers on a trained encoder, train them, then everything, and report on the test set."""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities.terminal import program


def main():
    """Train one classifier after another, until the user leaves."""
    # Imported here, where a package that is missing is told in one line.
    from utilities.data.checksum import check_files
    from utilities.data.datasets import describe, read_test_set, read_training_set, split_for_validation
    from utilities.network.encoder_reader import read_encoder
    from utilities.network.hyperparameters import ClassifierHyperparameters, TrainingData
    from utilities.network.memory import bytes_in_memory, bytes_of_codes, bytes_of_encoder
    from utilities.session.loop import begin, repeat_experiments
    from utilities.terminal.arguments import parse_classification_arguments
    from utilities.terminal.console import say

    arguments, folder = begin("classification", partial(parse_classification_arguments, ClassifierHyperparameters))
    training = read_training_set(arguments.data, arguments.datalabels)
    test = read_test_set(arguments.test, arguments.testlabels, training)
    check_files({arguments.data: training.images, arguments.datalabels: training.targets})
    check_files({arguments.test: test.images, arguments.testlabels: test.targets})
    encoder = read_encoder(arguments.modelpath, training.images.shape[1:])
    memory = bytes_in_memory(training.images, test.images) + bytes_of_encoder(encoder.size.weights)
    memory += bytes_of_codes(encoder.size.code, len(training.images))
    split = split_for_validation(len(training.images), arguments.seed, training.targets)
    classes = len(training.classes)
    data = TrainingData(training.images.shape[1:], len(split.training), memory, encoder.size, classes)
    imported = program.import_in_background("utilities.session.classification")
    say(f"{describe(training.images, split)}, {classes} classes; seed {arguments.seed}\n")

    repeat_experiments(
        partial(ClassifierHyperparameters.questions, data),
        lambda: imported.result().ClassifierTask(arguments, split, memory, training, test, encoder),
        arguments.answers,
        folder,
    )


if __name__ == "__main__":
    program.run(main)
