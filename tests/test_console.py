import re

import pytest
from conftest import make_hyperparameters

from utilities.errors import BadInput
from utilities.network.architecture import NetworkSize
from utilities.session.questions import ask_autoencoder, ask_classifier, parse_filters, parse_kernel_sizes
from utilities.terminal.console import Question, choose, whole_number, yes_or_no

ASK = {
    "autoencoder": lambda console: ask_autoencoder(console, (28, 28)),
    "classification": lambda console: ask_classifier(console, NetworkSize(1000, 1000, 16), 10),
}
ANSWERS = {
    "autoencoder": ["3", "(5, 4) (3, 3) (1, 2)", "6 5 4", "7", "33", "n"],
    "classification": ["17", "3", "33"],
}
HOW_MANY = Question("how many", "3", whole_number(1, 20))


def shown_defaults(output):
    return re.findall(r"\[(.+?)\]: ", output)


def test_a_session_with_bad_answers_reads_like_a_typed_one(redirect, capsys):
    assert redirect("many\n\x1b[31m\n0\n21\n4\n").ask(HOW_MANY) == 4
    assert capsys.readouterr().out == (
        "how many [3]: many\n"
        "  expected a whole number, found 'many'\n"
        "how many [3]: \\x1b[31m\n"
        "  expected a whole number, found '\\\\x1b[31m'\n"
        "how many [3]: 0\n"
        "  expected a number from 1 to 20, found 0\n"
        "how many [3]: 21\n"
        "  expected a number from 1 to 20, found 21\n"
        "how many [3]: 4\n"
    )


def test_end_of_input_takes_every_default_still_open_and_says_so_once(redirect, capsys):
    console = redirect("5\n")
    assert [console.ask(HOW_MANY) for _ in range(4)] == [5, 3, 3, 3]
    assert capsys.readouterr().out == (
        "how many [3]: 5\nhow many [3]: end of input: taking the default\nhow many [3]: \nhow many [3]: \n"
    )


def test_end_of_input_right_after_a_bad_answer_is_an_error_that_names_the_question(redirect):
    with pytest.raises(BadInput, match=r'"how many".*\'x\'') as caught:
        redirect("x\n").ask(HOW_MANY)
    assert caught.value.exit_code == 2


def test_end_of_input_after_a_bad_answer_that_was_mended_takes_defaults(redirect):
    console = redirect("x\n7\n")
    assert [console.ask(HOW_MANY), console.ask(HOW_MANY)] == [7, 3]


@pytest.mark.parametrize("text", ["4", "4\n", "4\r\n", "  4\t\n", "\n\n4", "0004\n"])
def test_line_ends_blanks_and_a_missing_last_newline_do_not_matter(redirect, text):
    console = redirect(text)
    assert [console.ask(HOW_MANY) for _ in range(text.count("\n\n") * 2 + 1)][-1] == 4


@pytest.mark.parametrize("length", [999, 1000, 1001, 1002, 2002, 10_000_000])
@pytest.mark.parametrize("filler", ["9", "\x1b", "(1, 1) "], ids=["digits", "escapes", "kernel sizes"])
def test_a_long_line_is_refused_in_a_short_one_and_the_next_is_read(redirect, capsys, filler, length):
    assert redirect((filler * length)[:length] + "\n4\n").ask(HOW_MANY) == 4
    echo, refusal, _ = capsys.readouterr().out.splitlines()
    assert len(refusal) < 200
    assert len(echo) < 5000
    assert (echo + refusal).isprintable()


@pytest.mark.parametrize("answer", ["\0", "\x07", "\x1b]0;title\x07", "\x9b31m", "\u202e4"])
def test_control_characters_are_refused_and_never_printed(redirect, capsys, answer):
    assert redirect(f"{answer}\n4\n").ask(HOW_MANY) == 4
    out = capsys.readouterr().out
    assert out.replace("\n", "").isprintable()
    assert out.count("\n") == 3


def test_bytes_that_are_no_text_are_a_bad_answer(redirect):
    assert redirect(b"\xff\xfe\n4\n").ask(HOW_MANY) == 4


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
    for answer in ("0", "1", "13", "120", "9" * 900):
        with pytest.raises(ValueError, match="from 2 to 12"):
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
    ],
)
def test_kernel_sizes_are_read_in_every_form(answer, sizes):
    assert parse_kernel_sizes(answer, len(sizes)) == tuple(sizes)


@pytest.mark.parametrize(
    "answer", ["5", "5 3 1", "5,5,5", "(5, 5", "5, 5)", "(5 5) 3", "5;5 3;3", "5.0 3", "-5 3", "0 3", "(0, 3) 3", "x 3"]
)
@pytest.mark.parametrize("repeats", [1, 300])
def test_other_kernel_sizes_are_refused_in_a_short_line(answer, repeats):
    with pytest.raises(ValueError, match="expected") as caught:
        parse_kernel_sizes(" ".join([answer] * repeats), 2)
    assert len(str(caught.value)) < 200


def test_filters_are_as_many_as_layers():
    assert parse_filters("16 32  64", 3) == (16, 32, 64)
    for answer in ("16 32", "16 32 64 128", "16 0 64", "16 x 64", "16,32,64", "16 -1 64"):
        with pytest.raises(ValueError, match="expected"):
            parse_filters(answer, 3)


def test_the_questions_come_in_the_order_promised(redirect, capsys):
    asked = {}
    for script, ask in ASK.items():
        ask(redirect("\n".join(ANSWERS[script])))
        asked[script] = re.findall(r"^(.*) \[.+?\]: ", capsys.readouterr().out, re.MULTILINE)
    assert asked == {
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


@pytest.mark.parametrize("script", ASK)
def test_enter_end_of_input_and_the_default_shown_mean_the_same(redirect, capsys, script):
    at_end = ASK[script](redirect(""))
    shown = shown_defaults(capsys.readouterr().out)
    assert len(shown) >= len(ANSWERS[script]) - 1
    assert ASK[script](redirect("\n" * 9)) == at_end
    assert ASK[script](redirect("\n".join(shown))) == at_end


@pytest.mark.parametrize("script", ASK)
def test_input_may_end_after_any_line_and_the_rest_takes_defaults(redirect, capsys, script):
    answers = ANSWERS[script]
    for count in range(len(answers) + 1):
        short = ASK[script](redirect("".join(f"{answer}\n" for answer in answers[:count])))
        assert capsys.readouterr().out.count("end of input: taking the default") == (count < len(answers))
        padded = ASK[script](redirect("".join(f"{answer}\n" for answer in answers[:count]) + "\n" * 9))
        capsys.readouterr()
        assert short == padded


@pytest.mark.parametrize("script", ASK)
def test_every_question_is_asked_again_after_a_bad_answer(redirect, capsys, script):
    good = ASK[script](redirect("\n".join(ANSWERS[script])))
    capsys.readouterr()
    assert ASK[script](redirect("\n".join(f"bad\n0\n{answer}" for answer in ANSWERS[script]))) == good
    assert capsys.readouterr().out.count("\n  expected") == 2 * len(ANSWERS[script])


@pytest.mark.parametrize("script", ASK)
def test_the_answers_kept_with_an_experiment_give_its_hyperparameters_again(redirect, capsys, script):
    hyperparameters = ASK[script](redirect("\n".join(ANSWERS[script])))
    assert ASK[script](redirect("\n".join(hyperparameters.answers()))) == hyperparameters
    assert "end of input" not in capsys.readouterr().out


def test_answers_of_the_autoencoder_land_in_their_hyperparameters(redirect):
    hyperparameters = ASK["autoencoder"](redirect("2\n5,4 3\n16 32\n7\n33\n"))
    assert hyperparameters.kernel_sizes == ((5, 4), (3, 3))
    assert hyperparameters.filters == (16, 32)
    assert (hyperparameters.epochs, hyperparameters.batch_size) == (7, 33)
    assert hyperparameters.third_pooling is None


@pytest.mark.parametrize("layers", [2, 3, 5])
@pytest.mark.parametrize("shape", [(28, 28), (56, 28), (84, 56), (8, 8), (28, 12), (12, 28)])
def test_the_third_pooling_is_asked_only_where_it_is_possible(redirect, capsys, shape, layers):
    asked = layers >= 3 and shape[0] % 28 == shape[1] % 28 == 0
    answers = make_hyperparameters(layers).answers()
    hyperparameters = ask_autoencoder(redirect("\n".join([*answers, "n" if asked else "", ""])), shape)
    assert hyperparameters.third_pooling is (False if asked else None)
    assert ("third max-pooling (7, 7)? y/n" in capsys.readouterr().out) == asked


def test_more_layers_than_the_sides_allow_are_refused_with_the_reason(redirect, capsys):
    assert len(ask_autoencoder(redirect("2\n1\n"), (14, 28)).filters) == 1
    assert "must divide by 4, and the images have 14 x 28 pixels" in capsys.readouterr().out


@pytest.mark.parametrize("shape", [(14, 14), (8, 8), (28, 28), (2, 4)])
def test_the_default_number_of_layers_suits_the_images(redirect, shape):
    divisor = 2 ** min(2, len(ask_autoencoder(redirect(""), shape).filters))
    assert all(side % divisor == 0 for side in shape)


@pytest.mark.parametrize("shape", [(27, 27), (28, 27), (1, 1)])
def test_images_of_odd_sides_are_refused_before_any_question(redirect, capsys, shape):
    with pytest.raises(BadInput, match=f"must divide by 2, and the images have {shape[0]} x {shape[1]}"):
        ask_autoencoder(redirect("1\n"), shape)
    assert capsys.readouterr().out == ""


def test_a_menu_shows_its_choices_and_takes_only_those(redirect, capsys):
    choices = {0: "exit", 1: "repeat", 3: "save"}
    assert choose(redirect("2\n00\nexit\n3\n"), "what next?", choices) == 3
    assert capsys.readouterr().out == (
        "what next?\n  0  exit\n  1  repeat\n  3  save\n"
        "choice [0]: 2\n  expected one of 0, 1, 3; found '2'\n"
        "choice [0]: 00\n  expected one of 0, 1, 3; found '00'\n"
        "choice [0]: exit\n  expected one of 0, 1, 3; found 'exit'\n"
        "choice [0]: 3\n"
    )
    assert choose(redirect(""), "what next?", choices) == 0
