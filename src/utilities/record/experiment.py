"""What is remembered of an experiment when its network is gone."""

from dataclasses import dataclass

from utilities.record.runs import RunFolder


@dataclass(frozen=True)
class Experiment:
    """An experiment's answers, and the folder that has what came of it.

    Attributes:
        hyperparameters: the answers it was made with, {name: value} as texts.
        conditions: what else tells it from others, {name: value} as texts: code size, seed, encoder.
        trained_on: its images and labels, {file: shape and checksum}; it is compared with others on the same.
        folder: where it is kept; its summary says how it ended.
    """

    hyperparameters: dict[str, str]
    conditions: dict[str, str]
    trained_on: dict[str, str]
    folder: RunFolder

    @property
    def answers(self):
        """The hyperparameters and the conditions."""
        return self.hyperparameters | self.conditions

    @property
    def validation_loss(self):
        """The validation loss after the last epoch."""
        return self.folder.summary["validation"]["val_loss"]

    @property
    def seconds(self):
        """The seconds that its epochs took."""
        return self.folder.summary["seconds"]

    @property
    def title(self):
        """The hyperparameters in one line."""
        return show(self.hyperparameters)


def show(values):
    """Return {name: value} in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
