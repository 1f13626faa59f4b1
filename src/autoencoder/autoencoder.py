"""Ask for hyperparameters, train a convolutional autoencoder on IDX images, and save its encoder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities.backend import check_backend
from utilities.terminal import program
from utilities.terminal.arguments import parse_autoencoder_arguments


def main():
    """Train one autoencoder after another, until the user leaves."""
    arguments, resumed = parse_autoencoder_arguments(), None
    check_backend()
    from utilities.data import datasets
    from utilities.session.menus import after_autoencoder
    from utilities.session.questions import ask_autoencoder
    from utilities.terminal.console import Console, say

    if arguments.resume:
        from utilities.record.runs import RunFolder

        resumed = RunFolder.reopen(arguments.runs, "autoencoder")
        arguments = parse_autoencoder_arguments(resumed.command_line)
    images = datasets.inspect_images(arguments.data)
    description = datasets.describe(images)
    imported = program.import_in_background("utilities.session.experiments")
    say(f"{description}; seed {arguments.seed}\n")

    console = Console()
    answering = Console(resumed.answers) if resumed else console
    experiments = []
    repeat = True
    while repeat:
        hyperparameters = ask_autoencoder(answering, images.shape[1:])
        run_autoencoder = imported.result().run_autoencoder
        split = datasets.split_for_validation(images.shape[0], arguments.seed)
        autoencoder, experiment = run_autoencoder(images.array, split, hyperparameters, arguments, resumed)
        experiments.append(experiment)
        answering, resumed = console, None
        repeat = after_autoencoder(console, autoencoder, experiments, images.array, split.validation)


if __name__ == "__main__":
    program.run(main)
