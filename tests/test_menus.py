"""The menu's graphs and the saving of the encoder, on a real terminal and with redirected answers."""

import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from conftest import make_hyperparameters
from test_comparison import keep_experiment

from utilities.errors import BadInput, Fault
from utilities.network.networks import build_autoencoder
from utilities.record.runs import RunFolder
from utilities.session.menus import Following, act_on_menu, save


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(1)
    return build_autoencoder((8, 8, 1), make_hyperparameters(1)).encoder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder that is the current one and the home folder, with a file that is in the way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "file").write_text("in the way")
    return tmp_path


@pytest.fixture(params=["typed", "redirected"])
def save_as(request, encoder, home, redirect, at_terminal, capsys):
    """A function that has the encoder saved as an answer says, and returns what was shown."""

    def save_as(answer):
        if request.param == "typed":
            return at_terminal(lambda console: save(console, encoder), answer)[1]
        save(redirect(f"{answer}\n"), encoder)
        return capsys.readouterr().out

    return save_as


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"file"}


@pytest.mark.parametrize(
    ("answer", "saved"),
    [
        ("", "encoder.h5"),
        ("small.keras", "small.keras"),
        ("small", "small.h5"),
        ("new/deep/small", "new/deep/small.h5"),
        ("~/new/small.h5", "home/new/small.h5"),
        ("with blanks.h5", "with blanks.h5"),
    ],
)
def test_a_path_is_understood_and_its_folders_are_made(encoder, home, save_as, answer, saved):
    shown = save_as(answer)
    assert files(home) == {saved}
    assert shown.endswith(f"\nsaved: {home if answer.startswith('~') else '.'}/{saved}\n".replace(" ./", " "))
    loaded = keras.models.load_model(home / saved, compile=False)
    assert all(map(np.array_equal, loaded.get_weights(), encoder.get_weights()))


BAD_PATHS = {
    "small.txt": "small.txt: the name must end in .h5 or .keras",
    "v1.5": "v1.5: the name must end in .h5 or .keras",
    "home/": "home/: a folder; expected a file, such as home/encoder.h5",
    ".": ".: a folder; expected a file, such as encoder.h5",
    "..": "..: a folder; expected a file, such as ../encoder.h5",
    "file/small.h5": "file/small.h5: cannot be written: Not a directory",
    "file/deep/small.h5": "file/deep/small.h5: cannot be written: Not a directory",
    "/proc/small.h5": "/proc/small.h5: cannot be written: ",
    "~nobody-at-all/small.h5": "home directory",
    "s" * 300: "File name too long",
    "s\x1b.txt": r"s\x1b.txt: the name must end in .h5 or .keras",
}


@pytest.mark.parametrize("answer", BAD_PATHS)
def test_a_place_that_cannot_be_written_is_told_and_asked_again(encoder, home, at_terminal, answer):
    _, shown = at_terminal(lambda console: save(console, encoder), answer, "good")
    _, complaint, asked_again, saved = shown.splitlines()
    assert complaint.startswith("  ")
    assert BAD_PATHS[answer] in complaint
    assert asked_again == "save the encoder as (.h5 or .keras, - cancels) [encoder.h5]: good"
    assert saved == "saved: good.h5"
    assert files(home) == {"good.h5"}


@pytest.mark.parametrize("answer", BAD_PATHS)
def test_a_place_that_cannot_be_written_ends_redirected_input(encoder, home, redirect, capsys, answer):
    with pytest.raises(BadInput) as caught:
        save(redirect(f"{answer}\n0\n"), encoder)
    assert str(caught.value).startswith('line 1 of the input, "save the encoder as (.h5 or .keras, - cancels)": ')
    assert BAD_PATHS[answer] in str(caught.value)
    assert str(caught.value).isprintable()
    assert files(home) == set()


def test_saving_is_cancelled(home, save_as):
    assert save_as("-").endswith(" [encoder.h5]: -\nnot saved\n")
    assert files(home) == set()


@pytest.mark.parametrize(
    ("answers", "replaced"), [(["y"], True), (["n"], False), ([""], False), (["maybe", "yes"], True), ([], False)]
)
def test_a_person_is_asked_before_a_file_is_replaced(encoder, home, at_terminal, answers, replaced):
    (home / "small.h5").write_text("another")
    _, shown = at_terminal(lambda console: save(console, encoder), "small", *answers)
    assert "\nsmall.h5 exists: replace it? y/n [n]: " in shown
    assert shown.endswith("\nsaved: small.h5\n" if replaced else "\nnot saved\n")
    assert ((home / "small.h5").read_bytes() == b"another") != replaced
    assert files(home) == {"small.h5"}


def test_redirected_answers_replace_a_file_unasked(encoder, home, redirect, capsys):
    (home / "encoder.h5").write_text("another")
    save(redirect(""), encoder)
    assert keras.models.load_model(home / "encoder.h5", compile=False).input_shape == (None, 8, 8, 1)
    assert "replace" not in capsys.readouterr().out


def test_the_menu_of_graphs_stays_until_the_user_goes_back_and_draws_its_first_by_default(redirect, capsys, tmp_path):
    drawn = []
    experiments = [RunFolder(tmp_path)]

    def draw(number, of_experiments):
        assert of_experiments is experiments
        drawn.append(number)
        return {}

    trained = SimpleNamespace(
        graphs={number: (f"graph {number}", partial(draw, number)) for number in (1, 4, 3)}, choices={}
    )
    assert act_on_menu(redirect("2\n0\n2\n\n4\n\n1\n"), experiments, trained, 5) == Following()
    assert drawn == [1, 4]
    shown = capsys.readouterr().out
    assert re.findall(r"^choice \[.\]: .*", shown, re.MULTILINE)[3:6] == [
        "choice [1]: ",
        "choice [0]: 4",
        "choice [0]: ",
    ]
    menu = re.search(r"^graphs\n.*?choice .*?$", shown, re.MULTILINE | re.DOTALL)[0]
    assert menu == (
        "graphs\n"
        "  0  back\n"
        "  1  graph 1\n"
        "  2  loss against hyperparameters over all experiments so far\n"
        "  3  graph 3\n"
        "  4  graph 4\n"
        "  6  loss against hyperparameters over earlier sessions too\n"
        "  a  all of them\n"
        "choice [1]: 0"
    )


def test_all_graphs_are_drawn_but_those_that_compare_one_experiment_with_none(tmp_path, redirect, capsys):
    drawn, experiments = [], [keep_experiment(tmp_path)]
    graphs = {number: (str(number), partial(lambda number, _: drawn.append(number) or {}, number)) for number in (4, 1)}
    assert act_on_menu(redirect("2\na\n"), experiments, SimpleNamespace(graphs=graphs, choices={}), 5) is None
    assert drawn == [1, 4]
    shown = capsys.readouterr().out
    assert re.findall(
        r"^(.+): a single experiment; repeat it with other hyperparameters first", shown, re.MULTILINE
    ) == [
        "loss against hyperparameters",
        "loss against hyperparameters over earlier sessions",
    ]
    assert "picture" not in shown
    assert shown.count("what next?") == 2  # the end of input goes back, and leaves


def test_what_is_being_drawn_is_said_at_a_terminal(at_terminal, tmp_path):
    trained = SimpleNamespace(graphs={1: ("loss", lambda experiments: {})}, choices={})
    _, shown = at_terminal(lambda console: act_on_menu(console, [RunFolder(tmp_path)], trained, 5), "2", "1")
    assert "choice [1]: 1\ndrawing loss ...\n" in shown


def test_a_path_of_the_command_line_is_saved_to_without_a_question(encoder, home, redirect, at_terminal, capsys):
    save(redirect("another\n"), encoder, Path("new/given.h5"))
    assert capsys.readouterr().out == "saved: new/given.h5\n"
    with pytest.raises(Fault, match=r"^--save: file/given\.h5: cannot be written: Not a directory") as caught:
        save(redirect("another\n"), encoder, Path("file/given.h5"))
    assert caught.value.exit_code == 1
    _, shown = at_terminal(lambda console: save(console, encoder, Path("file/given.h5")), "another")
    assert shown.startswith("  --save: file/given.h5: cannot be written: Not a directory\nsave the encoder as ")
    assert files(home) == {"new/given.h5", "another.h5"}


def test_training_on_asks_for_epochs_and_is_cancelled_or_begun(redirect, capsys):
    trained = SimpleNamespace(graphs={}, choices={})
    assert act_on_menu(redirect("6\n-\n6\n\n"), [None], trained, 5) == Following(5)
    assert act_on_menu(redirect("6\n12\n"), [None], trained, 5) == Following(12)
    assert act_on_menu(redirect("6\n-\n0\n"), [None], trained, 5) is None
    with pytest.raises(BadInput, match="expected a whole number from 1 to 100000, found '0'"):
        act_on_menu(redirect("6\n0\n"), [None], trained, 5)
