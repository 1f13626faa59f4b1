"""Put dense layers on a trained encoder, train them, then everything, and report on the test set."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities import program
from utilities.arguments import parse_classification_arguments
from utilities.backend import check_backend


def main():
    """Train one classifier after another, until the user leaves."""
    arguments, resumed = parse_classification_arguments(), None
    check_backend()
    from utilities import datasets
    from utilities.console import Console, say
    from utilities.encoder_check import checking_encoder
    from utilities.hyperparameters import ask_classifier
    from utilities.menus import after_classification
    from utilities.runs import RunFolder

    if arguments.resume:
        resumed = RunFolder.reopen(arguments.runs, "classification")
        arguments = parse_classification_arguments(resumed.command_line)
    with checking_encoder(arguments.modelpath, datasets.read_image_shape(arguments.data)) as size_of_encoder:
        training = datasets.read_training_set(arguments.data, arguments.datalabels)
        test = datasets.read_test_set(arguments.test, arguments.testlabels, training)
        split = datasets.split_for_validation(len(training.images), arguments.seed)
        encoder_size = size_of_encoder()
    imported = program.import_in_background("utilities.experiments")
    say(f"{datasets.describe(training.images, split)}, {len(training.classes)} classes; seed {arguments.seed}\n")

    console = Console()
    answering = Console(resumed.answers) if resumed else console
    experiments = []
    repeat = True
    while repeat:
        hyperparameters = ask_classifier(answering, encoder_size, len(training.classes))
        run_classifier = imported.result().run_classifier
        classifier, experiment = run_classifier(training, split, hyperparameters, arguments, resumed)
        experiments.append(experiment)
        answering, resumed = console, None
        repeat = after_classification(console, classifier, experiments, test)


if __name__ == "__main__":
    program.run(main)
