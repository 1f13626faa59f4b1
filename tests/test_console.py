import codecs
import re
import sys

import pytest
from conftest import ask_autoencoder, ask_classifier, lines, make_hyperparameters

from utilities.errors import BadInput
from utilities.network.hyperparameters import (
    AutoencoderHyperparameters,
    ClassifierHyperparameters,
    parse_filters,
    parse_kernel_sizes,
)
from utilities.network.layers import NetworkSize
from utilities.terminal.answers import whole_number, yes_or_no
from utilities.terminal.console import Console, Question

ENCODER = NetworkSize(1000, 1000, 16)
ASK = {
    "autoencoder": lambda console, before=None: ask_autoencoder(console, (28, 28, 1), 500, before),
    "classification": lambda console, before=None: ask_classifier(console, ENCODER, 10, 500, before),
}
QUESTIONS = {
    "autoencoder": [
        "number of convolutional layers",
        "kernel size of each layer",
        "filters of each layer",
        "epochs",
        "batch size",
        "third max-pooling (7, 7)? y/n",
    ],
    "classification": ["units of the hidden dense layer", "epochs", "batch size"],
}
ANSWERS = {
    "autoencoder": ["3", "(5, 4) (3, 3) (1, 2)", "6 5 4", "7", "33", "n"],
    "classification": ["17", "3", "33"],
}
HOW_MANY = Question("how many", 3, whole_number(1, 20))


def shown_defaults(output):
    return re.findall(r"\[(.+?)\]: ", output)


def asked(output):
    return re.findall(r"^(.*) \[.+?\]: ", output, re.MULTILINE)


def test_bad_answers_at_a_terminal_are_told_and_asked_again(at_terminal):
    value, shown = at_terminal(lambda console: console.ask(HOW_MANY), "many", "\x1b[31m", 0, 21, 4)
    assert value == 4
    assert shown == (
        "how many [3]: many\n"
        "  expected a whole number from 1 to 20, found 'many'\n"
        "how many [3]: ^[[31m\n"
        "  expected a whole number from 1 to 20, found '\\\\x1b[31m'\n"
        "how many [3]: 0\n"
        "  expected a whole number from 1 to 20, found '0'\n"
        "how many [3]: 21\n"
        "  expected a whole number from 1 to 20, found '21'\n"
        "how many [3]: 4\n"
    )


@pytest.mark.parametrize("script", ASK)
def test_redirected_answers_read_like_typed_ones(redirect, at_terminal, capsys, script):
    value, shown = at_terminal(ASK[script], *ANSWERS[script])
    assert ASK[script](redirect(lines(*ANSWERS[script]))) == value
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("script", "place"), [(script, place) for script in ASK for place in range(len(ANSWERS[script]))]
)
@pytest.mark.parametrize("bad", ["bad", "0", "2 # layers", "b"])
def test_a_bad_answer_in_redirected_input_ends_at_once_and_names_line_and_question(
    redirect, capsys, script, place, bad
):
    answers = [*ANSWERS[script][:place], bad, *ANSWERS[script][place:]]
    with pytest.raises(BadInput) as caught:
        ASK[script](redirect(lines(*answers)))
    assert caught.value.exit_code == 2
    start = f'line {place + 1} of the input, "{QUESTIONS[script][place]}": expected '
    assert re.fullmatch(rf"{re.escape(start)}.*found '{re.escape(bad)}'", str(caught.value))
    out = capsys.readouterr().out
    assert asked(out) == QUESTIONS[script][: place + 1]
    assert out.endswith(f"]: {bad}\n")


@pytest.mark.parametrize(
    ("kept", "fault"),
    [
        (
            "17\nmany\n33\n",
            "line 2 of the run's answers, \"epochs\": expected a whole number from 1 to 100000, found 'many'",
        ),
        ("17\n3\n", "the run's answers: 2 lines, too few for the questions"),
        ("", "the run's answers: 0 lines, too few for the questions"),
    ],
)
def test_damaged_answers_that_a_run_has_kept_are_named_as_the_runs(kept, fault):
    with pytest.raises(BadInput, match=f"^{re.escape(fault)}$"):
        ASK["classification"](Console(kept))


def test_end_of_input_takes_every_default_still_open_and_says_so_once(redirect, capsys):
    console = redirect("5\n")
    assert [console.ask(HOW_MANY) for _ in range(4)] == [5, 3, 3, 3]
    assert capsys.readouterr().out == (
        "how many [3]: 5\nhow many [3]: end of input: taking the default\nhow many [3]: \nhow many [3]: \n"
    )


def test_end_of_input_after_bad_answers_at_a_terminal_takes_defaults(at_terminal):
    for answers, values in ((("x",), [3, 3]), (("x", "7"), [7, 3])):
        value, shown = at_terminal(lambda console: [console.ask(HOW_MANY), console.ask(HOW_MANY)], *answers)
        assert value == values
        assert shown.count("end of input: taking the default") == 1


def test_a_default_that_cannot_be_taken_at_the_end_of_input_is_told(redirect):
    with pytest.raises(BadInput, match=r'^the default of "how many" cannot be taken: expected a whole number'):
        redirect("").ask(Question("how many", "", whole_number(1, 20)))


@pytest.mark.parametrize("text", ["4", "4\n", "4\r\n", "  4\t\n", "\n\n4", "0004\n"])
def test_line_ends_blanks_and_a_missing_last_newline_do_not_matter(redirect, text):
    console = redirect(text)
    assert [console.ask(HOW_MANY) for _ in range(text.count("\n\n") * 2 + 1)][-1] == 4


@pytest.mark.parametrize("length", [999, 1000, 1001, 1002, 2002, 10_000_000])
@pytest.mark.parametrize("filler", ["9", "\x1b", "(1, 1) "], ids=["digits", "escapes", "kernel sizes"])
def test_a_long_line_is_refused_in_a_short_one(redirect, capsys, filler, length):
    with pytest.raises(BadInput, match="expected") as caught:
        redirect((filler * length)[:length] + "\n4\n").ask(HOW_MANY)
    (echo,) = capsys.readouterr().out.splitlines()
    assert len(str(caught.value)) < 200
    assert len(echo) < 5000
    assert (echo + str(caught.value)).isprintable()


def test_a_long_line_at_a_terminal_is_asked_again(at_terminal):
    value, shown = at_terminal(lambda console: console.ask(HOW_MANY), "9" * 1001, "4")
    assert value == 4
    assert "\n  expected at most 1000 characters on a line\n" in shown


@pytest.mark.parametrize("blanks", [1000, 1001])
def test_a_line_of_blanks_is_one_answer_however_long(redirect, blanks):
    console = redirect(" " * blanks + "\n4\n")
    if blanks == 1000:
        assert [console.ask(HOW_MANY), console.ask(HOW_MANY)] == [3, 4]
    else:
        with pytest.raises(BadInput, match="at most 1000 characters"):
            console.ask(HOW_MANY)


@pytest.mark.parametrize("answer", ["\0", "\x07", "\x1b]0;title\x07", "\x9b31m", "\u202e4", b"\xff\x80"])
def test_what_is_no_text_or_would_control_a_terminal_is_refused_and_never_printed(redirect, capsys, answer):
    with pytest.raises(BadInput, match="line 1 of the input") as caught:
        redirect(answer).ask(HOW_MANY)
    assert str(caught.value).isprintable()
    assert capsys.readouterr().out.removesuffix("\n").isprintable()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ],
    ids=["UTF-8", "UTF-16-LE", "UTF-16-BE"],
)
@pytest.mark.parametrize("locale", ["utf-8", "latin-1", "ascii"])
def test_a_byte_order_mark_tells_the_encoding(redirect, capsys, encode, line_end, locale):
    console = redirect(encode(line_end.join(["4", "5\u0a35", ""])))  # whose bytes in UTF-16 have a line end among them
    sys.stdin.reconfigure(encoding=locale, errors="replace")
    assert console.ask(HOW_MANY) == 4
    with pytest.raises(BadInput, match=r"line 2 of the input.*found '5\u0a35'$"):
        console.ask(HOW_MANY)
    assert "end of input" not in capsys.readouterr().out


def test_byte_order_marks_of_files_put_together_do_not_matter(redirect):
    console = redirect("\ufeff4\n5\n\ufeff6\n")
    assert [console.ask(HOW_MANY) for _ in range(4)] == [4, 5, 6, 3]


def test_a_device_without_lines_is_a_bad_answer(monkeypatch):
    with open("/dev/zero") as endless:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", endless)
        with pytest.raises(BadInput, match=r'^line 1 of the input, "how many": expected at most 1000 characters'):
            Console().ask(HOW_MANY)


# --- input without end


def play(script, console):
    """Ask as a session does that never ends of itself."""
    choices = {0: "exit", 1: "repeat", 2: "graphs", 3: "more"}
    before = None
    for _ in range(10_000):
        before = ASK[script](console, before)
        while (choice := console.choose("what next?", choices)) != 1:
            if choice == 0:
                return
            if choice == 2:
                console.choose("graphs", choices, default=1)
    pytest.fail("the session would never have ended")


@pytest.mark.parametrize("script", ASK)
@pytest.mark.parametrize("answer", ["1", "2", "3"])
def test_the_same_answer_for_ever_ends_soon(redirect, capsys, script, answer):
    with pytest.raises(BadInput, match=r"^line .* of the input") as caught:
        play(script, redirect(f"{answer}\n" * 100_000))
    place = int(re.match(r"line (\d+) ", str(caught.value))[1])
    if script == "autoencoder" and answer == "3":
        assert place == 6  # a third pooling of "3"
    else:
        assert place == 50
        assert f"'{answer}' for the 50th time in a row" in str(caught.value)
    assert asked(capsys.readouterr().out).count("choice") < 50


def test_other_answers_for_ever_end_after_a_thousand_menus(redirect, capsys):
    with pytest.raises(BadInput, match=r"^line \d+ of the input: 1,000 menus answered"):
        play("classification", redirect(lines("7", "8", "9", "2", "0", "1") * 1000))
    assert asked(capsys.readouterr().out).count("choice") == 1000


def test_neither_bound_is_a_persons(at_terminal):
    def ask(console):
        console._menus = 1000
        return [console.choose("what next?", {0: "exit"}) for _ in range(60)]

    assert at_terminal(ask, *["0"] * 60)[0] == [0] * 60


def test_a_good_answer_is_echoed_whole(redirect, capsys):
    answer = " ".join(["(11, 11)"] * 20)
    redirect(answer + "\n").ask(Question("kernel size", "", lambda text: parse_kernel_sizes(text, 20)))
    assert f"]: {answer}\n" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["1.5", "-1", "+1", "1e3", "1_0", "1 2", "٣", "²", "0x3", "nan"])
def test_only_plain_digits_are_a_whole_number(answer):
    with pytest.raises(ValueError, match="expected a whole number"):
        whole_number(0, 99)(answer)


def test_bounds_of_a_whole_number_are_included():
    parse = whole_number(2, 12)
    assert [parse(answer) for answer in ("2", "7", "12", "012")] == [2, 7, 12, 12]
    for answer in ("0", "1", "13", "120", "9" * 900, "9" * 5000):
        with pytest.raises(ValueError, match="from 2 to 12, found"):
            parse(answer)


def test_yes_and_no():
    assert [yes_or_no(answer) for answer in ("y", "Y", "yes", "n", "N", "No")] == [True] * 3 + [False] * 3
    for answer in ("", "j", "yn", "true", "1"):
        with pytest.raises(ValueError, match="expected y or n"):
            yes_or_no(answer)


@pytest.mark.parametrize(
    ("answer", "sizes"),
    [
        ("(5, 5) (3, 3) (1, 1)", [(5, 5), (3, 3), (1, 1)]),
        ("5,5 3,3 1,1", [(5, 5), (3, 3), (1, 1)]),
        ("5 3 1", [(5, 5), (3, 3), (1, 1)]),
        ("(5,4)   ( 3 , 2 )\t(1, 2)", [(5, 4), (3, 2), (1, 2)]),
        ("(5, 4) 3,2 1", [(5, 4), (3, 2), (1, 1)]),
        ("5,4", [(5, 4)]),
        ("3x3 5x4", [(3, 3), (5, 4)]),
        ("3 x 3 5 X 4", [(3, 3), (5, 4)]),
        ("3*3, 5\u00d74", [(3, 3), (5, 4)]),
        ("3x3,5x4", [(3, 3), (5, 4)]),
        ("[5,5] [3,2]", [(5, 5), (3, 2)]),
        ("(5,5),(3,2)", [(5, 5), (3, 2)]),
        ("(5,5)(3,2)", [(5, 5), (3, 2)]),
        ("[(5, 5), (3, 2)]", [(5, 5), (3, 2)]),
        ("[[5, 5], [3, 2]]", [(5, 5), (3, 2)]),
        ("(5 5) [3;2]", [(5, 5), (3, 2)]),
        ("5,5; 3,2", [(5, 5), (3, 2)]),
        ("5,5, 3,2", [(5, 5), (3, 2)]),
        ("(5, 4), 3", [(5, 4), (3, 3)]),
        # A comma between numbers is that of rows and columns, unless a blank or a third number shows that it is not.
        ("3, 5", [(3, 3), (5, 5)]),
        ("5,3,1", [(5, 5), (3, 3), (1, 1)]),
        ("5,5,3,3", [(5, 5), (5, 5), (3, 3), (3, 3)]),
        ("[5, 3, 1]", [(5, 5), (3, 3), (1, 1)]),
        ("3x3,5,4", [(3, 3), (5, 5), (4, 4)]),
    ],
)
def test_kernel_sizes_are_read_in_every_form(answer, sizes):
    assert parse_kernel_sizes(answer, len(sizes)) == tuple(sizes)


@pytest.mark.parametrize(
    ("answer", "size"),
    [("5", (5, 5)), ("3x3", (3, 3)), ("5*4", (5, 4)), ("(5, 4)", (5, 4)), ("[5,4]", (5, 4)), ("5,5", (5, 5))],
)
@pytest.mark.parametrize("layers", [1, 2, 3, 20])
def test_one_kernel_size_is_that_of_all_layers(answer, size, layers):
    assert parse_kernel_sizes(answer, layers) == (size,) * layers


@pytest.mark.parametrize("layers", [2, 3])
def test_two_numbers_that_may_be_one_kernel_or_two_are_not_guessed_at(layers):
    with pytest.raises(ValueError, match=r"^expected 3x5 if it is the size of all kernels, or 3 5 if of two"):
        parse_kernel_sizes("3,5", layers)


@pytest.mark.parametrize(
    "answer",
    [
        *("5 3 1", "5,5,5", "(5, 5", "5, 5)", "(5, 5]", "[5,5) 3", "(5 5 3)", "5;5 3;3", "5.0 3", "-5 3"),
        *("x 3", "3x", "3x3x3", "5,,3", "5,3,", "()", "3 # layers", "(5) (3)", "(5,5)x(3,3)", "٣"),
    ],
)
@pytest.mark.parametrize("repeats", [1, 300])
def test_other_kernel_sizes_are_refused_in_a_short_line_that_shows_how_they_are_written(answer, repeats):
    with pytest.raises(ValueError, match=r"^expected 2 kernel sizes such as 3x3 3x3, or one for all, found") as caught:
        parse_kernel_sizes(" ".join([answer] * repeats), 2)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("answer", ["0 3", "(0, 3) 3", "3 3x0", "3 900", "900", "0x3", "9" * 900])
def test_a_kernel_side_out_of_bounds_is_refused(answer):
    with pytest.raises(ValueError, match=r"^expected a whole number from 1 to 99, found .[09]") as caught:
        parse_kernel_sizes(answer, 2)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    "answer",
    ["16 32  64", "16, 32, 64", "16,32,64", "16;32;64", "16 ; 32,64", "[16, 32, 64]", "(16 32 64)", "016 32 64"],
)
def test_filters_are_read_in_every_form(answer):
    assert parse_filters(answer, 3) == (16, 32, 64)


def test_filters_are_as_many_as_layers_or_one_for_all():
    assert parse_filters("16", 3) == (16, 16, 16)
    for answer in ("16 32", "16 32 64 128", "16 x 64", "16x32x64", "16 -1 64", "[16, 32, 64", "16,,64", "16 (32) 64"):
        with pytest.raises(ValueError, match=r"^expected 3 numbers such as 32 64 1, or one for all, found"):
            parse_filters(answer, 3)
    for answer in ("16 0 64", "16 4097 64", "4097", "16 32x32 64"):
        with pytest.raises(ValueError, match=r"^expected a whole number from 1 to 4096, found"):
            parse_filters(answer, 3)
    with pytest.raises(ValueError, match=r"^expected 1 number such as 1, found '4 4'$"):
        parse_filters("4 4", 1)


def test_what_a_message_shows_as_right_is_right():
    for layers in (1, 2, 3, 20):
        for parse in (parse_kernel_sizes, parse_filters):
            with pytest.raises(ValueError, match="such as") as caught:
                parse("?", layers)
            example = re.search(r"such as (.*?)(, or|, found)", str(caught.value))[1]
            assert len(parse(example, layers)) == layers


@pytest.mark.parametrize("script", ASK)
def test_enter_end_of_input_after_any_line_and_the_default_shown_mean_the_same(redirect, capsys, script):
    answers = ANSWERS[script]
    for count in range(len(answers) + 1):
        given = lines(*answers[:count])
        at_end = ASK[script](redirect(given))
        shown = capsys.readouterr().out
        assert shown.count("end of input: taking the default") == (count < len(answers))
        assert ASK[script](redirect(given + "\n" * 9)) == at_end
        assert ASK[script](redirect(given + lines(*shown_defaults(shown)[count:]))) == at_end
        capsys.readouterr()


@pytest.mark.parametrize("layers", [2, 3, 5])
@pytest.mark.parametrize("shape", [(28, 28, 3), (56, 28, 1), (84, 56, 1), (8, 8, 1), (28, 12, 1), (12, 28, 1)])
def test_the_third_pooling_is_asked_only_where_it_is_possible(redirect, capsys, shape, layers):
    asked = layers >= 3 and shape[0] % 28 == shape[1] % 28 == 0
    answers = make_hyperparameters(layers).answers()
    hyperparameters = ask_autoencoder(redirect("\n".join([*answers, "n" if asked else "", ""])), shape, 500)
    assert hyperparameters.third_pooling is (False if asked else None)
    assert ("third max-pooling (7, 7)? y/n" in capsys.readouterr().out) == asked


def test_more_layers_than_the_sides_allow_are_refused_with_the_reason(at_terminal):
    value, shown = at_terminal(lambda console: ask_autoencoder(console, (14, 28, 1), 500), "2", "1")
    assert len(value.filters) == 1
    assert "must divide by 4, and the images have 14 x 28 pixels\n" in shown


@pytest.mark.parametrize("shape", [(14, 14, 1), (8, 8, 1), (28, 28, 3), (2, 4, 1)])
def test_the_default_number_of_layers_suits_the_images(redirect, shape):
    divisor = 2 ** min(2, len(ask_autoencoder(redirect(""), shape, 500).filters))
    assert all(side % divisor == 0 for side in shape[:2])


# --- going back, and the answers of before


@pytest.mark.parametrize("script", ASK)
def test_b_goes_back_one_question_and_shows_what_was_answered_beside_the_default(at_terminal, script):
    answers = ANSWERS[script]
    *there_and_back, _, _ = [typed for answer in answers for typed in (answer, "B", answer)]
    value, shown = at_terminal(ASK[script], *there_and_back)
    assert value == at_terminal(ASK[script], *answers)[0]
    defaults = shown_defaults(at_terminal(ASK[script], answers[0])[1])
    expected = [
        (question if answer == default else f"{question} (before: {answer})", default)
        for question, answer, default in zip(QUESTIONS[script], answers, defaults, strict=True)
    ]
    assert re.findall(r"\]: B\n(.*) \[(.+)\]: ", shown) == expected[:-1]


def test_b_goes_back_to_the_first_question_and_enter_takes_the_defaults_again(at_terminal):
    answers = ["3", "5 4 3", "6 5 4", "7", "33", "b", "b", "b", "b", "b", "3", "", "16", "", "", "n"]
    value, shown = at_terminal(ASK["autoencoder"], *answers)
    epochs, batch_size = map(int, shown_defaults(shown)[3:5])
    assert value == AutoencoderHyperparameters(((3, 3),) * 3, (16, 16, 16), epochs, batch_size, False)
    beside = re.findall(r" \(before: (.+?)\) \[", shown.rpartition("]: b\n")[2])
    assert beside == ["3", "(5, 5) (4, 4) (3, 3)", "6 5 4", "7", "33"]


def test_answers_for_another_number_of_layers_are_not_shown(at_terminal):
    _, shown = at_terminal(ASK["autoencoder"], "3", "5 4 3", "b", "b", "2", "", "b", "b", "3", "", "", "", "")
    asked = re.findall(r"^kernel size of each layer(?: \(before: (.+)\))? \[", shown, re.MULTILINE)
    assert asked == ["", "(5, 5) (4, 4) (3, 3)", "", "", "(5, 5) (4, 4) (3, 3)"]


def test_before_the_first_question_there_is_none(at_terminal):
    value, shown = at_terminal(ASK["classification"], "b", "17", "b", "b", "17", "3", "33")
    assert value == ClassifierHyperparameters(17, 3, 33)
    assert shown.count("]: b\n  there is no question before this one\n") == 2


BEFORE = {
    "autoencoder": AutoencoderHyperparameters(((5, 4), (3, 3), (1, 2)), (6, 5, 4), 7, 33, False),
    "classification": ClassifierHyperparameters(17, 3, 33),
}


@pytest.mark.parametrize("script", ASK)
def test_on_repeat_the_answers_of_before_are_the_defaults(redirect, capsys, script):
    assert ASK[script](redirect(""), BEFORE[script]) == BEFORE[script]
    assert shown_defaults(capsys.readouterr().out) == ANSWERS[script]


def test_for_another_number_of_layers_the_defaults_are_those_of_that_number(redirect, capsys):
    ASK["autoencoder"](redirect("4\n"), BEFORE["autoencoder"])
    assert shown_defaults(capsys.readouterr().out)[1:3] == ["(3, 3) (3, 3) (3, 3) (3, 3)", "32 64 64 1"]


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "redirected"])
@pytest.mark.parametrize("size", [500, 501])
@pytest.mark.parametrize("script", ASK)
def test_a_batch_larger_than_the_training_set_is_told_and_taken(redirect, at_terminal, capsys, script, size, typed):
    answers = [str(size) if answer == "33" else answer for answer in ANSWERS[script]]
    if typed:
        value, shown = at_terminal(ASK[script], *answers)
    else:
        value, shown = ASK[script](redirect(lines(*answers))), capsys.readouterr().out
    assert value.batch_size == size
    told = f"]: {size}\n  only 500 images to train on: each epoch is a single step\n" in shown
    assert told == (size == 501)


# --- menus


def test_a_menu_shows_its_choices_and_takes_only_those(redirect, at_terminal, capsys):
    choices = {0: "exit", 1: "repeat", 3: "save"}
    choice, shown = at_terminal(lambda console: console.choose("what next?", choices), "2", "00", "b", "3")
    assert choice == 3
    assert shown == (
        "what next?\n  0  exit\n  1  repeat\n  3  save\n"
        "choice [0]: 2\n  expected one of 0, 1, 3; found '2'\n"
        "choice [0]: 00\n  expected one of 0, 1, 3; found '00'\n"
        "choice [0]: b\n  expected one of 0, 1, 3; found 'b'\n"
        "choice [0]: 3\n"
    )
    console = redirect("3\n2\n0\n")
    assert console.choose("what next?", choices) == 3
    with pytest.raises(BadInput, match=r"^line 2 of the input, .choice.: expected one of 0, 1, 3; found '2'$"):
        console.choose("what next?", choices)
    assert redirect("").choose("what next?", choices) == 0
    assert redirect("\n").choose("what next?", choices, default=3) == 3
    assert redirect("a\n").choose("graphs", choices | {"a": "all"}) == "a"
