"""Put dense layers on a trained encoder, train them, then everything, and report on the test set."""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities.terminal import program


def main():
    """Train one classifier after another, until the user leaves."""
    # Imported here, where a package that is missing is told in one line.
    from utilities.data.datasets import describe, few_of, split_for_validation
    from utilities.network.hyperparameters import ClassifierHyperparameters, TrainingData
    from utilities.session.loop import begin, repeat_experiments
    from utilities.session.reading import read_for_classification
    from utilities.terminal.arguments import parse_classification_arguments, seeds_of
    from utilities.terminal.console import say

    settings, folder = begin("classification", partial(parse_classification_arguments, ClassifierHyperparameters))
    training, test, encoders, memory = read_for_classification(settings)
    imported = program.import_in_background("utilities.session.classification")
    taken = few_of(training, settings[0].labels, settings[0].seed)
    split = split_for_validation(len(taken.images), settings[0].seed, taken.targets)
    classes = len(training.classes)
    say(f"{describe(taken.images, split)}, {classes} classes; {seeds_of(settings)}\n")

    largest = max((encoder.size for encoder in encoders.values()), key=lambda size: size.weights)
    data = TrainingData(taken.images.shape[1:], len(split.training), memory, largest, classes)
    questions = partial(ClassifierHyperparameters.questions, data)
    repeat_experiments(
        questions, lambda: imported.result().tasks_of(training, test, encoders, memory), settings, folder
    )


if __name__ == "__main__":
    program.run(main)
