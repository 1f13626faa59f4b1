"""Asking questions on a terminal, or of redirected input that is treated the same way."""

import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from utilities.errors import BadInput
from utilities.text import printable

try:
    import readline  # input() edits its line with it, and recalls earlier ones
except ImportError:
    readline = None

LONGEST_ANSWER = 1000


@dataclass(frozen=True)
class Question:
    """One thing to ask.

    Attributes:
        text: what is asked, without the default and the colon.
        default: the answer that Enter stands for, as it would be typed.
        parse: turns an answer into its value; raises ValueError with what is wrong with it.
    """

    text: str
    default: str
    parse: Callable[[str], Any]


class Console:
    """Asks on standard output, reads from standard input, and remembers whether the input has ended."""

    def __init__(self, answers=None):
        """Begin to read ``answers``, lines, or standard input."""
        self._input = sys.stdin if answers is None else io.StringIO(answers)
        self._typed = self._input.isatty()
        self._ended = False
        self._told_of_end = False

    def ask(self, question):
        """Return the value of the answer to a question, asked again until the answer is good.

        At the end of input the default is taken.

        Raises:
            BadInput: the input ended right after a bad answer.
        """
        fault = None
        while True:
            answer = self._read(f"{question.text} [{question.default}]: ")
            if answer is None:
                if fault:
                    print(flush=True)
                    raise BadInput(f'end of input after a bad answer to "{question.text}": {fault}')
                self._tell_of_end()
                return self._default_of(question)
            try:
                if len(answer) > LONGEST_ANSWER:
                    raise ValueError(f"expected at most {LONGEST_ANSWER} characters on a line")
                return question.parse(answer or question.default)
            except ValueError as error:
                fault = error
                say(f"  {fault}")

    def _default_of(self, question):
        """Return the value of a question's default, which earlier answers may have made a bad one."""
        try:
            return question.parse(question.default)
        except ValueError as error:
            raise BadInput(f'the default of "{question.text}" cannot be taken: {error}') from error

    def _read(self, prompt):
        """Return one line of input, stripped, or None at its end; redirected input is echoed."""
        if self._ended:
            print(prompt, end="", flush=True)
            return None
        if self._typed:
            return self._read_typed(prompt)
        print(prompt, end="", flush=True)
        line = self._read_redirected()
        if line is not None:
            print(printable(line, LONGEST_ANSWER), flush=True)
        return line

    def _read_typed(self, prompt):
        if readline is None:
            # input() would write its prompt to standard error, which is kept from libraries that write there too.
            print(prompt, end="", flush=True)
            prompt = ""
        try:
            return input(prompt).strip()
        except EOFError:
            self._ended = True
            return None

    def _read_redirected(self):
        line = self._input.readline(LONGEST_ANSWER + 1)
        if not line:
            self._ended = True
            return None
        rest = line
        while len(rest) > LONGEST_ANSWER and not rest.endswith("\n"):
            rest = self._input.readline(LONGEST_ANSWER + 1)
        return line.strip()

    def _tell_of_end(self):
        print("" if self._told_of_end else "end of input: taking the default", flush=True)
        self._told_of_end = True


def say(text):
    """Print a text; on a terminal, its lines are folded between words, under where their last column begins.

    Elsewhere they are left whole: what reads them there goes by the line.
    """
    width = terminal_width()
    if width:
        text = "\n".join(_fold(line, width) for line in text.split("\n"))
    print(text, flush=True)


def _fold(line, width):
    column = re.match(r"(?:.* {2})?", line).end()
    indent = " " * (column if column <= width / 2 else 0)
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def terminal_width():
    """Return the columns of the terminal that standard output is, or None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def can_redraw():
    """Tell whether standard output is a terminal that can draw a line over another."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def whole_number(smallest, largest):
    """Return a parser of one whole number within bounds, both included."""

    def parse(answer):
        if not (answer.isascii() and answer.isdigit()):
            raise ValueError(f"expected a whole number, found {printable(answer)!r}")
        # Digits are counted before they are read: Python refuses to read thousands of them.
        if len(answer.lstrip("0")) > len(str(largest)) or not smallest <= int(answer) <= largest:
            raise ValueError(f"expected a number from {smallest} to {largest}, found {printable(answer)}")
        return int(answer)

    return parse


def checked(parse, check):
    """Return a parser that has ``check``, which raises ValueError, look at each value."""

    def parse_and_check(answer):
        value = parse(answer)
        check(value)
        return value

    return parse_and_check


def yes_or_no(answer):
    """Parse ``y`` or ``n``, or the words in full."""
    known = {"y": True, "yes": True, "n": False, "no": False}
    if answer.lower() not in known:
        raise ValueError(f"expected y or n, found {printable(answer)!r}")
    return known[answer.lower()]


def choose(console, title, choices):
    """Show a numbered menu and return the number chosen.

    Args:
        choices: the text of each number, {number: text}; the first is the default.
    """

    def parse(answer):
        if answer not in map(str, choices):
            raise ValueError(f"expected one of {', '.join(map(str, choices))}; found {printable(answer)!r}")
        return int(answer)

    say("\n".join([title, *(f"  {number}  {text}" for number, text in choices.items())]))
    return console.ask(Question("choice", str(next(iter(choices))), parse))
