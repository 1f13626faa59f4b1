"""The questions of a script, each declared once, beside the field of a record that keeps its answer."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from utilities.terminal.console import Question, answer_of_flag


@dataclass(frozen=True)
class Declared:
    """All about one question; ``so_far`` are the answers before it, {field: value}.

    Attributes:
        name: in tables and files, and of its flag: "batch size" is ``--batch-size``.
        text: what is asked, without the default and the colon.
        parser: returns, of so_far, the parser of its answers; before there are images, so_far has those of flags alone.
        default: returns, of the data and so_far, what Enter takes at first; None where the question does not come.
        help: what --help says of the flag; {default} is the default with the usual data.
        show: turns a value into the answer that gives it.
        again: returns, of the answer before and the default, what Enter takes on repeat.
        note: returns, of a good value and the data, what to say of it, "" for nothing.
    """

    name: str
    text: str
    parser: Callable[[dict], Callable[[str], Any]]
    default: Callable[[Any, dict], Any]
    help: str = "{text} (default: {default})"
    show: Callable[[Any], str] = str
    again: Callable[[Any, Any], Any] = lambda before, default: before
    note: Callable[[Any, Any], str] = lambda value, data: ""

    @property
    def flag(self):
        """Its flag on the command line."""
        return f"--{self.name.replace(' ', '-')}"


def question(*declared, init=True, **more):
    """Return a field of Answers, given what makes its Declared; without init, the record finds the value by itself."""
    return field(init=init, metadata={"declared": Declared(*declared, **more)})


class Answers:
    """The answers to a script's questions: a frozen dataclass, each field of which is made by ``question``.

    Attributes:
        usual_data: those that the defaults in --help are for.
    """

    @staticmethod
    def check(data, so_far):
        """Raise ValueError where the last answer cannot be; what is not answered yet counts for the least."""

    @classmethod
    def declared(cls):
        """Return {field: its Declared}, in the order of the questions."""
        return {each.name: each.metadata["declared"] for each in fields(cls)}

    @classmethod
    def questions(cls, data, before=None):
        """Yield the Questions, and return the record of their answers; for Console.ask_in_order.

        Args:
            before: the record of the answers before, for defaults; None at first.

        Raises:
            BadInput: no answer suits the data.
        """
        so_far = {}
        for name, declared in cls.declared().items():
            default, earlier = declared.default(data, so_far), getattr(before, name, None)
            if default is not None and earlier is not None:
                default = declared.again(earlier, default)
            so_far[name] = None
            if default is not None:
                parse, note = partial(cls._parse, name, data, dict(so_far)), partial(declared.note, data=data)
                so_far[name] = yield Question(declared.text, default, parse, declared.show, note, declared.flag)
        return cls(**{each.name: so_far[each.name] for each in fields(cls) if each.init})

    @classmethod
    def _parse(cls, name, data, so_far, answer):
        value = cls.declared()[name].parser(so_far)(answer)
        cls.check(data, so_far | {name: value})
        return value

    @classmethod
    def defaults(cls, data):
        """Return the record of what Enter takes at first."""
        questions, value = cls.questions(data), None
        try:
            while True:
                value = questions.send(value).default
        except StopIteration as end:
            return end.value

    @classmethod
    def flags(cls):
        """Return {flag: what --help says of it}."""
        labels = cls.defaults(cls.usual_data).labels()
        return {
            each.flag: each.help.format(text=each.text, default=labels[each.name]) for each in cls.declared().values()
        }

    @classmethod
    def check_flags(cls, given):
        """Return the answers of flags, {flag: text}, with those that they imply, checked as far as without images.

        Raises:
            BadInput: one of them is bad, or they do not fit each other.
        """
        so_far = {}
        for name, each in cls.declared().items():
            if each.flag in given:
                so_far[name] = answer_of_flag(each.flag, each.parser(so_far), given[each.flag])
        return given

    def values(self):
        """Return {name: value}, for files: numbers, or lists of them; what was not asked counts as answered no."""
        values = {each.name: getattr(self, name) for name, each in self.declared().items()}
        return {name: False if value is None else value for name, value in values.items()}

    def labels(self):
        """Return {name: value} as texts, for tables and pictures."""
        return {name: show_value(value) for name, value in self.values().items()}

    def answers(self):
        """Return the lines that answer the script's questions with these values."""
        values = {name: getattr(self, name) for name in self.declared()}
        return [self.declared()[name].show(value) for name, value in values.items() if value is not None]


def show_value(value):
    """Return one of the values of Answers, or what a file has in its place, as a table shows it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case [[_, _], *_]:
            return " ".join(str(rows) if rows == columns else f"{rows}x{columns}" for rows, columns in value)
        case [*_]:
            return show_numbers(value)
    return str(value)


def show_numbers(numbers):
    """Return numbers as they are typed: "16 32 64"."""
    return " ".join(map(str, numbers))
