"""Ask for hyperparameters, train a convolutional autoencoder on IDX images, and save its encoder."""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities.terminal import program


def main():
    """Train one autoencoder after another, until the user leaves."""
    # Imported here, where a package that is missing is told in one line.
    from utilities.data.checksum import check_files
    from utilities.data.datasets import describe, read_images, split_for_validation
    from utilities.network.hyperparameters import AutoencoderHyperparameters, TrainingData
    from utilities.network.memory import bytes_in_memory
    from utilities.session.loop import begin, repeat_experiments
    from utilities.terminal.arguments import parse_autoencoder_arguments
    from utilities.terminal.console import say

    arguments, folder = begin("autoencoder", partial(parse_autoencoder_arguments, AutoencoderHyperparameters))
    images = read_images(arguments.data)
    check_files({arguments.data: images})
    data_bytes = bytes_in_memory(images)
    split = split_for_validation(len(images), arguments.seed)
    imported = program.import_in_background("utilities.session.autoencoder")
    say(f"{describe(images, split)}; seed {arguments.seed}\n")

    repeat_experiments(
        partial(AutoencoderHyperparameters.questions, TrainingData(images.shape[1:], len(split.training), data_bytes)),
        lambda: imported.result().AutoencoderTask(arguments, split, data_bytes, images),
        arguments.answers,
        folder,
    )


if __name__ == "__main__":
    program.run(main)
