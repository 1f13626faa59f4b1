"""What is to be trained: the combinations of the answers to a script's questions, its seeds and its encoders."""

import itertools
from dataclasses import replace
from functools import partial

from utilities.errors import BadInput
from utilities.terminal.arguments import MOST_EXPERIMENTS
from utilities.terminal.console import answer_all, say

SEPARATOR = "|"


def ask(console, questions, settings, before=None, several=False):
    """Return what is to be trained, [(arguments, hyperparameters)]: all combinations of settings and answers.

    What no flag answers is asked once. An answer that is not the default holds for all; of the others, each combination
    takes its own default.

    Args:
        questions: returns the generator for Console.ask_in_order, given the hyperparameters of before, or None.
        settings: arguments, whose ``answers`` are those of flags.
        several: whether each answer may be several, between SEPARATOR.

    Raises:
        BadInput: an answer that is bad, or bad beside another; or more than MOST_EXPERIMENTS combinations.
    """
    while True:
        texts = {}
        console.ask_in_order(partial(_as_texts, partial(questions, before), texts, several), settings[0].answers)
        combinations = list(itertools.islice(itertools.product(*texts.values()), MOST_EXPERIMENTS + 1))
        try:
            if len(settings) * len(combinations) > MOST_EXPERIMENTS:
                raise BadInput(f"expected at most {MOST_EXPERIMENTS:,} combinations, found more")
            return [
                (arguments, answer_all(questions(before), dict(zip(texts, each, strict=True)) | arguments.answers))
                for arguments in settings
                for each in combinations
            ]
        except BadInput as fault:
            if not (several and console.typed):
                raise
            say(f"  {fault}")


def _as_texts(questions, texts, several):
    """Yield Questions whose values are the answers as texts, (one or several,); note those that are no defaults."""
    texts.clear()
    inner, value = questions(), None
    while True:
        try:
            question = inner.send(value)
        except StopIteration as end:
            return end.value

        def parse(answer, parse=question.parse):
            parts = tuple(part.strip() for part in answer.split(SEPARATOR)) if several else (answer,)
            for part in parts:
                parse(part)
            return parts

        given = yield replace(
            question,
            text=f"{question.text}, or several between {SEPARATOR}" if several else question.text,
            default=(question.show(question.default),),
            parse=parse,
            show=f" {SEPARATOR} ".join,
            note=lambda parts, question=question: question.note(question.parse(parts[0])),
        )
        value = question.parse(given[0])
        if given != (question.show(question.default),):
            texts[question.flag] = given
