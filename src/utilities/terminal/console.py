"""Asking questions of a person at a terminal, or of redirected input, which is echoed so that a log reads alike."""

import errno
import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from utilities import system
from utilities.errors import BadInput
from utilities.processes import broadcast, check_alike
from utilities.terminal.answers import show_yes_or_no, yes_or_no
from utilities.text import as_in_paths, printable

LONGEST_ANSWER = 1000
REFRESH_SECONDS = 0.1  # of a line that is redrawn
BACK = object()  # the value of the answer that asks for the question before
# Redirected input is taken for endless after as many equal answers in a row, or as many menus.
MOST_ALIKE = 50
MOST_MENUS = 1000
ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # by byte-order mark


@dataclass(frozen=True)
class Question:
    """One thing to ask.

    Attributes:
        text: what is asked, without the default and the colon.
        default: the value that Enter stands for.
        parse: turns an answer into its value; raises ValueError with what is expected and found.
        show: turns a value into the answer that gives it.
        note: returns what to say of a good value, "" for nothing.
        flag: of the command line, whose answer is taken in the place of asking; "" for none.
    """

    text: str
    default: Any
    parse: Callable[[str], Any]
    show: Callable[[Any], str] = str
    note: Callable[[Any], str] = lambda value: ""
    flag: str = ""


class Console:
    """Asks on standard output, and reads answers until the input ends.

    Attributes:
        typed: whether a person types the answers at a terminal.
    """

    def __init__(self, kept_answers=None):
        """Read standard input, or ``kept_answers``, the text of all that a run was asked."""
        self._kept = kept_answers is not None
        self._input = io.StringIO(kept_answers) if self._kept else sys.stdin
        self._name = "the run's answers" if self._kept else "the input"
        self.typed = broadcast("whether a person types", system.is_terminal, self._input)
        self._ended = False
        self._lines = self._alike = self._menus = 0
        self._last = None

    def ask(self, question, goes_back=None):
        """Return the value of the answer to a question; a person is asked again until it is good.

        At the end of input the default is taken.

        Args:
            goes_back: whether there is a question before, to which ``b`` goes back: then BACK is returned. None where
                ``b`` is an answer as any other.

        Raises:
            BadInput: a bad answer in redirected input, where the lines after it would answer the wrong questions; too
                few that a run has kept; or input without end.
        """
        default = question.show(question.default)
        while True:
            answer = self._read(f"{question.text} [{default}]: ")
            is_back = self.typed and goes_back is not None and answer in ("b", "B")
            if is_back and goes_back:
                return BACK
            fault = None
            try:
                if is_back:
                    raise ValueError("there is no question before this one")
                if answer and len(answer) > LONGEST_ANSWER:
                    raise ValueError(f"expected at most {LONGEST_ANSWER} characters on a line")
                value = question.parse(answer or default)
            except ValueError as error:
                fault = printable(str(error), LONGEST_ANSWER)
            # What a host lacks, such as a file or memory, may make it refuse what another takes.
            check_alike(f'"{question.text}": {fault or "taken"}', "a bad answer" if fault else "a good answer")
            if fault is None:
                _say_note(question, value)
                return value
            if answer is None:
                raise BadInput(f'the default of "{question.text}" cannot be taken: {fault}')
            if not self.typed:
                raise BadInput(f'{self._place()}, "{question.text}": {fault}')
            say(f"  {fault}")

    def ask_in_order(self, begin, flags=None):
        """Ask the Questions that a generator yields, sending it the value of each, and return what it returns.

        A person goes back to the question before with ``b``; what was answered then is shown. So ``begin``, which
        returns the generator, is called for each question anew, and the generator sent the values so far.

        Args:
            flags: answers of the command line, {a Question's flag: text}: these questions are not asked.

        Raises:
            BadInput: as ``ask``; or a flag's answer is bad, or to a question that does not come.
        """
        flags, values, asked, given = flags or {}, [], [], {}
        while True:
            questions = begin()
            try:
                question = next(questions)
                for value in values:
                    question = questions.send(value)
            except StopIteration as end:
                if unused := [flag for flag in flags if flag not in given]:
                    raise BadInput(f"{unused[0]}: not asked for with these images and answers: leave it out") from None
                return end.value
            if question.flag in flags:
                value = given[question.flag] = answer_of_flag(question.flag, question.parse, flags[question.flag])
                _say_note(question, value)
            else:
                # Another default of the same question means that an answer before it has changed.
                key = question.text, question.default
                before = question.show(given.get(key, question.default))
                is_other = before != question.show(question.default)
                text = f"{question.text} (before: {before})" if is_other else question.text
                value = self.ask(replace(question, text=text), goes_back=bool(asked))
                if value is BACK:
                    del values[asked.pop() :]
                    continue
                asked.append(len(values))
                given[key] = value
            values.append(value)

    def choose(self, title, choices, default=0):
        """Show a menu, {number or letter: text}, and return the key chosen; the errors are those of ``ask``."""
        keys = {str(key): key for key in choices}

        def parse(answer):
            if answer not in keys:
                raise ValueError(f"expected one of {', '.join(keys)}; found {printable(answer)!r}")
            return keys[answer]

        if self._menus == MOST_MENUS and not self.typed:
            raise BadInput(f"{self._place()}: {MOST_MENUS:,} menus answered, and no end: taken for endless input")
        self._menus += 1
        say("\n".join([title, *(f"  {number}  {text}" for number, text in choices.items())]))
        return self.ask(Question("choice", default, parse))

    def drop_typed_ahead(self):
        """Let nothing that a person typed before the next question answer it; redirected input is left as it is."""
        if self.typed:
            system.drop_typed_ahead(self._input)

    def may_replace(self, what):
        """Tell whether something may be replaced: a person is asked."""
        return not self.typed or self.ask(Question(f"{what}: replace it? y/n", False, yes_or_no, show_yes_or_no))

    def _read(self, prompt):
        """Return one line of input, stripped, or None at its end; redirected input is echoed."""
        if self._ended:
            print(prompt, flush=True)
            return None
        answer = broadcast(prompt, self._read_typed if self.typed else self._read_redirected, prompt)
        if answer is None:
            if self._kept:
                raise BadInput(f"{self._name}: {self._lines} lines, too few for the questions")
            print("end of input: taking the default", flush=True)
            self._ended = True
        elif not self.typed:
            self._echo(answer)
        return answer

    @staticmethod
    def _read_typed(prompt):
        if not system.has_line_editor():
            # input() would write its prompt to standard error, which is kept from libraries that write there too.
            print(prompt, end="", flush=True)
            prompt = ""
        try:
            return input(prompt).strip()[: LONGEST_ANSWER + 1]
        except (EOFError, OSError):  # a terminal that is gone cannot be read, nor one that is open for writing only
            return None

    def _read_redirected(self, prompt):
        print(prompt, end="", flush=True)
        try:
            if self._lines == 0 and not self._kept:
                self._read_byte_order_mark()
            line = self._input.readline(LONGEST_ANSWER + 1)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            return None  # open for writing only, as nohup leaves a terminal's
        if not line:
            return None
        line = as_in_paths(line)
        # What is too long is left as it is: stripped, the beginning of a longer line could be a good answer.
        return line.lstrip("\ufeff").strip() if len(line) <= LONGEST_ANSWER or line.endswith("\n") else line

    def _echo(self, answer):
        self._lines += 1
        print(printable(answer, LONGEST_ANSWER), flush=True)
        self._alike = self._alike + 1 if answer == self._last else 1
        self._last = answer
        if self._alike == MOST_ALIKE:
            repeated = f"{printable(answer)!r} for the {MOST_ALIKE}th time in a row"
            raise BadInput(f"{self._place()}: {repeated}: taken for endless input")

    def _read_byte_order_mark(self):
        start = self._input.buffer.peek(1)
        for mark, encoding in ENCODINGS.items():
            if start.startswith(mark):
                self._input.reconfigure(encoding=encoding, errors="replace")

    def _place(self):
        return f"line {self._lines} of {self._name}"


def answer_of_flag(flag, parse, text):
    """Return what a text parses as; raise BadInput that names the flag where it does not."""
    try:
        return parse(text.strip())
    except ValueError as error:
        raise BadInput(f"{flag}: {printable(str(error), LONGEST_ANSWER)}") from error


def answer_all(questions, given):
    """Return what a generator of Questions returns: given answers, {flag: text}, are taken, and else the defaults.

    Raises:
        BadInput: an answer that is bad beside the others.
    """
    value = None
    while True:
        try:
            question = questions.send(value)
        except StopIteration as end:
            return end.value
        value = answer_of_flag(question.flag, question.parse, given.get(question.flag, question.show(question.default)))


def _say_note(question, value):
    if note := question.note(value):
        say(f"  {note}")


def say(text):
    """Print a text; on a terminal, its lines are folded between words, under where their last column begins.

    Elsewhere they are left whole: what reads them there goes by the line.
    """
    width = terminal_width()
    if width:
        text = "\n".join(_fold(line, width) for line in text.split("\n"))
    print(text, flush=True)


def say_at_terminal(text):
    """Say what may take its time; logs do without."""
    if system.is_terminal(sys.stdout):
        say(text)


def _fold(line, width):
    column = re.match(r"(?:.* {2})?", line).end()
    indent = " " * (column if column <= width / 2 else 4)
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def terminal_width():
    """Return the columns of the terminal that standard output is, or None where it is none."""
    return shutil.get_terminal_size().columns if system.is_terminal(sys.stdout) else None


def clear_line():
    """Return what clears the line of a terminal that can be redrawn, any terminal: not all know control sequences."""
    return f"\r{' ' * ((terminal_width() or 1) - 1)}\r"


def can_redraw():
    """Tell whether standard output is a terminal that can draw a line over another."""
    return system.is_terminal(sys.stdout) and os.environ.get("TERM") not in ("", "dumb")
