"""What is remembered of an experiment when its network is gone."""

from dataclasses import dataclass

from utilities.record.runs import RunFolder


@dataclass(frozen=True)
class Experiment:
    """What is remembered of an experiment when its network is gone.

    Attributes:
        hyperparameters: the answers it was made with, {name: value} as texts.
        conditions: what else tells it from others, {name: value} as texts: code size, seed, encoder.
        trained_on: which images, and labels; experiments on others are not compared with it.
        folder: where it is kept; has its history.
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
        return self.folder.history[-1]["val_loss"]

    @property
    def seconds(self):
        """The seconds that its epochs took."""
        return sum(row["seconds"] for row in self.folder.history)

    @property
    def title(self):
        """The hyperparameters in one line."""
        return show(self.hyperparameters)


def show(values):
    """Return {name: value} in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
