"""Ask for hyperparameters, train a convolutional autoencoder on IDX images, and save its encoder."""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities.terminal import program


def main():
    """Train one autoencoder after another, until the user leaves."""
    # Imported here, where a package that is missing is told in one line.
    from utilities.data.datasets import describe, split_for_validation
    from utilities.network.hyperparameters import AutoencoderHyperparameters, TrainingData
    from utilities.session.loop import begin, repeat_experiments
    from utilities.session.reading import read_for_autoencoder
    from utilities.terminal.arguments import parse_autoencoder_arguments, seeds_of
    from utilities.terminal.console import say

    settings, folder = begin("autoencoder", partial(parse_autoencoder_arguments, AutoencoderHyperparameters))
    images, memory = read_for_autoencoder(settings)
    imported = program.import_in_background("utilities.session.autoencoder")
    split = split_for_validation(len(images), settings[0].seed)
    say(f"{describe(images, split)}; {seeds_of(settings)}\n")

    data = TrainingData(images.shape[1:], len(split.training), memory)
    questions = partial(AutoencoderHyperparameters.questions, data)
    repeat_experiments(questions, lambda: imported.result().tasks_of(images, memory), settings, folder)


if __name__ == "__main__":
    program.run(main)
