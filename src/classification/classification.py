"""Put dense layers on a trained encoder, train them, then everything, and report on the test set."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities.backend import check_backend
from utilities.terminal import program
from utilities.terminal.arguments import parse_classification_arguments


def main():
    """Train one classifier after another, until the user leaves."""
    arguments, resumed = parse_classification_arguments(), None
    check_backend()
    from utilities.data import datasets
    from utilities.network.encoder_check import checking_encoder
    from utilities.session.menus import after_classification
    from utilities.session.questions import ask_classifier
    from utilities.terminal.console import Console, say

    if arguments.resume:
        from utilities.record.runs import RunFolder

        resumed = RunFolder.reopen(arguments.runs, "classification")
        arguments = parse_classification_arguments(resumed.command_line)
    with checking_encoder(arguments.modelpath, datasets.read_image_shape(arguments.data)) as size_of_encoder:
        training = datasets.inspect_training_set(arguments.data, arguments.datalabels)
        test = datasets.inspect_test_set(arguments.test, arguments.testlabels, training)
        description = f"{datasets.describe(training.images)}, {len(training.classes)} classes"
        encoder_size = size_of_encoder()
    imported = program.import_in_background("utilities.session.experiments")
    say(f"{description}; seed {arguments.seed}\n")

    console = Console()
    answering = Console(resumed.answers) if resumed else console
    experiments = []
    repeat = True
    while repeat:
        hyperparameters = ask_classifier(answering, encoder_size, len(training.classes))
        run_classifier = imported.result().run_classifier
        split = datasets.split_for_validation(training.images.shape[0], arguments.seed)
        labelled, to_test = training.labelled_images, test.labelled_images  # both mapped before hours of training
        classifier, experiment = run_classifier(labelled, split, hyperparameters, arguments, resumed)
        experiments.append(experiment)
        answering, resumed = console, None
        repeat = after_classification(console, classifier, experiments, to_test)


if __name__ == "__main__":
    program.run(main)
