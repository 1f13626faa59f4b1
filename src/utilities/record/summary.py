"""What ``experiment.json`` tells of an experiment, read and checked once."""

import json
import math
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, get_args, get_origin

from utilities.network.hyperparameters import MOST_EPOCHS
from utilities.terminal.answers import whole_number
from utilities.terminal.console import LONGEST_ANSWER
from utilities.terminal.questions import show_value
from utilities.text import as_in_paths, printable

LARGEST_INTEGER = 2**63  # that counts as a number with a point
# What reading raises where it is damaged, or something else made it.
DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
TRAINED_ON = ("data", "datalabels")  # a file is called as the argument that names it


@dataclass(frozen=True)
class Summary:
    """An experiment's answers, and what came of it; each field is kept under its name, and left out where it is None.

    Attributes:
        finished: whether all is trained.
        arguments: the command line's that it is repeated with, {name: value}; paths may be relative to its folder.
        answers: the lines that answer the script's questions.
        data: the files that it was made with, {name of the argument: what tells its content from others}.
        begun: when, in UTC, as a text that sorts.
        parent: the name of the folder, beside its own, of the experiment whose weights it began with, or its path.
            None where it began with new ones.
        epochs_before: that the parent was trained for, such as "2 + 3".
        failed: what it failed of.

    When its training has ended:
        hyperparameters: the answers, {name: value}.
        conditions: what else tells it from others, {name: value}: code size, seed, encoder.
        classes: {label and name} of each output of a classifier.
        form: of the images that a classifier takes.
        epochs_run: in all phases.
        validation: {"val_loss" and other metrics: value} of its outcome.
        principal_components: the validation loss of as many of them; None where it was not measured.
        seconds: that its epochs took.
        versions: {package: version}.
        test: {"loss", "accuracy": value, "after_phase_1", "after_phase_2": {the same}}; None where it was not measured.
    """

    finished: bool
    arguments: dict[str, str | int]
    answers: list[str]
    data: dict[str, str]
    begun: str
    parent: str | None = None
    epochs_before: str | None = None
    failed: str | None = None
    hyperparameters: dict[str, Any] | None = None
    conditions: dict[str, Any] | None = None
    classes: list[dict[str, Any]] | None = None
    form: dict[str, Any] | None = None
    epochs_run: int | None = None
    validation: dict[str, float] | None = None
    principal_components: float | None = None
    seconds: float | None = None
    versions: dict[str, str] | None = None
    test: dict[str, float | dict[str, float]] | None = None

    @classmethod
    def read(cls, path):
        """Return the Summary of a file.

        Raises:
            One of DAMAGED: it cannot be read, or is not what a Summary becomes.
        """
        content = json.loads(as_in_paths(json.dumps(json.loads(path.read_bytes()), ensure_ascii=False)))
        summary = cls(**{each.name: content[each.name] for each in fields(cls) if each.name in content})
        kinds = {each.name: each.type for each in fields(cls)}
        if summary.finished:
            kinds |= {"hyperparameters": dict, "conditions": dict, "validation_loss": float, "seconds": float}
        if not all(_is_a(getattr(summary, name), kind) for name, kind in kinds.items()):
            raise TypeError(f"{path}: not what is kept of an experiment")
        if summary.parent is not None:
            whole_number(1, MOST_EPOCHS)(summary.answers[-1])
        return summary

    def as_bytes(self):
        """Return what read reads."""
        kept = {each.name: value for each in fields(self) if (value := getattr(self, each.name)) is not None}
        return f"{json.dumps(kept, indent=2)}\n".encode()

    @property
    def own_epochs(self):
        """The epochs that one with a parent was trained on for: its last answer, after those that led to the parent."""
        return int(self.answers[-1])

    @property
    def labels(self):
        """The hyperparameters, {name: printable text}."""
        return _printable(self.hyperparameters)

    @property
    def settings(self):
        """The labels, and those of the conditions."""
        return self.labels | _printable(self.conditions)

    @property
    def held_out(self):
        """What tells the images that were held out for its validation from others: all images and labels, the seed."""
        return (*(self.data.get(name) for name in TRAINED_ON), self.arguments.get("seed"))

    @property
    def validation_loss(self):
        """That of its outcome."""
        return self.validation["val_loss"]

    @property
    def share_of_components(self):
        """An autoencoder's validation loss as a share of that of principal components; None where that is not known."""
        return self.validation_loss / self.principal_components if self.principal_components else None

    @property
    def is_comparable(self):
        """Whether it is finished, with numbers for a loss and a time."""
        return self.finished and math.isfinite(self.validation_loss + self.seconds)


def _is_a(value, kind):
    """Tell whether a value of JSON is of a type, which may be a union, list[...] or dict[str, ...]."""
    if kind is float and isinstance(value, int):
        return abs(value) < LARGEST_INTEGER
    origin, kinds = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_is_a(value, each) for each in kinds)
    if origin is None:
        return kind is Any or isinstance(value, kind)
    items = value.values() if isinstance(value, dict) else value
    return isinstance(value, origin) and all(_is_a(each, kinds[-1]) for each in items)


def _printable(values):
    return {name: printable(show_value(value), LONGEST_ANSWER) for name, value in values.items()}


def show(values):
    """Return {name: value} in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
