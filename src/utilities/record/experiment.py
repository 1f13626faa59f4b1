"""What is remembered of an experiment when its network is gone."""

from dataclasses import dataclass

from utilities.record.runs import RunFolder
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
        seconds: that its epochs took.
    """

    hyperparameters: dict[str, str]
    conditions: dict[str, str]
    trained_on: dict[str, str]
    folder: RunFolder
    validation_loss: float
    seconds: float

    @classmethod
    def of(cls, folder):
        """Return the Experiment that a run folder's summary tells of, its texts made printable.

        Raises:
            One of runs.DAMAGED: there is something else in the summary.
        """
        texts = [
            {name: printable(str(value), LONGEST_ANSWER) for name, value in folder.summary[kind].items()}
            for kind in ("hyperparameters", "conditions", "trained_on")
        ]
        return cls(*texts, folder, float(folder.summary["validation"]["val_loss"]), float(folder.summary["seconds"]))

    @property
    def answers(self):
        """The hyperparameters and the conditions."""
        return self.hyperparameters | self.conditions

    @property
    def title(self):
        """The hyperparameters in one line."""
        return show(self.hyperparameters)


def show(values):
    """Return {name: value} in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
