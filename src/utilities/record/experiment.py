"""What is remembered of an experiment when its network is gone."""

import math
from dataclasses import dataclass

from utilities.network.hyperparameters import show_value
from utilities.record.runs import DAMAGED, RunFolder
from utilities.terminal.console import LONGEST_ANSWER
from utilities.text import printable


@dataclass(frozen=True)
class Experiment:
    """An experiment's answers, and what came of it.

    Attributes:
        hyperparameters: the answers it was made with, {name: value} as texts.
        conditions: what else tells it from others, {name: value} as texts: code size, seed, encoder.
        trained_on: its images and labels, {file: shape and checksum}; it is compared with others on the same.
        folder: where it is kept.
        validation_loss: after the last epoch.
        accuracy: on the validation images, 0 to 1; None of an autoencoder.
        test_accuracy: None where it was not measured.
        seconds: that its epochs took.
        components: the validation loss of as many principal components; None where it was not measured.
    """

    hyperparameters: dict[str, str]
    conditions: dict[str, str]
    trained_on: dict[str, str]
    folder: RunFolder
    validation_loss: float
    accuracy: float | None
    test_accuracy: float | None
    seconds: float
    components: float | None

    @classmethod
    def of(cls, folder):
        """Return the Experiment that a run folder's summary tells of, its texts made printable.

        Raises:
            One of runs.DAMAGED: there is something else in the summary.
        """
        texts = [
            {name: printable(show_value(value), LONGEST_ANSWER) for name, value in folder.summary[kind].items()}
            for kind in ("hyperparameters", "conditions", "trained_on")
        ]
        validation, test = folder.summary["validation"], folder.summary.get("test", {})
        measured = validation.get("val_accuracy"), test.get("accuracy"), folder.summary.get("principal_components")
        *accuracies, components = [None if number is None else float(number) for number in measured]
        loss, seconds = float(validation["val_loss"]), float(folder.summary["seconds"])
        return cls(*texts, folder, loss, *accuracies, seconds, components)

    @property
    def answers(self):
        """The hyperparameters and the conditions."""
        return self.hyperparameters | self.conditions

    @property
    def title(self):
        """The hyperparameters in one line."""
        return show(self.hyperparameters)


def read_back(folder):
    """Return the Experiment that a RunFolder keeps, or None where there is none that is finished and whole."""
    try:
        folder.read_summary()
        experiment = Experiment.of(folder)
        whole = folder.is_finished and math.isfinite(experiment.validation_loss + experiment.seconds)
    except DAMAGED:
        return None
    return experiment if whole else None


def best_of(experiments):
    """Return the Experiment with the smallest validation loss; one that is no number is the worst."""
    return min(experiments, key=lambda each: (math.isnan(each.validation_loss), each.validation_loss))


def show(values):
    """Return {name: value} in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
