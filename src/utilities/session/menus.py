"""The menu after each training: what the user can do with what has been learnt."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from utilities.errors import Fault
from utilities.network.hyperparameters import MOST_EPOCHS
from utilities.network.saving import save_model
from utilities.processes import broadcast
from utilities.record import figures, pictures
from utilities.record.comparison import (
    BEST,
    draw_comparison,
    format_experiments,
    lowest_of,
    rows_of,
    with_earlier,
    write_csv,
)
from utilities.terminal.answers import path_of_model, whole_number
from utilities.terminal.console import LONGEST_ANSWER, Question, say, say_at_terminal
from utilities.text import printable

LEAVE, REPEAT, SHOW = range(3)
TRAIN_ON, SEVERAL = 6, 8
RESULTS = 3  # of classification.py
BACK, ALL = 0, "a"
CANCEL = "-"
ALONE = "a single experiment; repeat it with other hyperparameters first"


@dataclass(frozen=True)
class Following:
    """What comes after an experiment: more ``epochs`` of it, or where they are None, another one, or ``several``."""

    epochs: int | None = None
    several: bool = False


def act_on_flags(console, trained, arguments, experiment):
    """Do what the command line asks for after the first experiment, a RunFolder.

    Raises:
        Fault: the network cannot be saved where it says, and nobody can be asked for another place.
    """
    if arguments.save:
        save(console, trained.models[0], arguments.save)
    if vars(arguments).get("results"):
        show_results(console, trained)
    if arguments.csv:
        write_csv(arguments.csv, [experiment])


def show_results(console, trained):
    """Print and keep the results on the test set of a classifier, an experiments.Trained."""
    say("")
    trained.choices[RESULTS][1](console)


def act_on_menu(console, experiments, trained, epochs):
    """Act on the menu until the user wants to train again; return the Following, or None where the user leaves.

    Args:
        experiments: the RunFolders of all experiments of the session so far.
        trained: the last one's experiments.Trained.
        epochs: that it was trained for.
    """
    if len(experiments) > 1:
        say(f"\nexperiments of this session; {BEST}\n{format_experiments(experiments)}")
    choices = {
        LEAVE: ("exit", None),
        REPEAT: ("repeat with other hyperparameters", None),
        SHOW: ("graphs", lambda console: _show_graphs(console, GRAPHS | trained.graphs, experiments)),
        TRAIN_ON: ("train on", None),
        SEVERAL: ("several at once", None),
        **trained.choices,
    }
    while True:
        say("")
        choice = console.choose("what next?", _texts(choices))
        if choice == LEAVE:
            return None
        say("")
        if choice in (REPEAT, SEVERAL):
            return Following(several=choice == SEVERAL)
        if choice != TRAIN_ON:
            _, act = choices[choice]
            act(console)
        elif more := console.ask(Question("more epochs (- cancels)", epochs, _epochs_or_none)):
            return Following(more)


def _epochs_or_none(answer):
    return None if answer == CANCEL else whole_number(1, MOST_EPOCHS)(answer)


def _texts(choices):
    return {number: text for number, (text, _) in sorted(choices.items())}


def _show_graphs(console, graphs, experiments):
    """Show graphs until the user goes back, which after the first is the default: so the end of input goes back too."""
    texts = {BACK: "back"} | _texts(graphs) | {ALL: "all of them"}
    default = 1
    while (choice := console.choose("graphs", texts, default)) != BACK:
        for number in sorted(graphs) if choice == ALL else [choice]:
            text, draw = graphs[number]
            say_at_terminal(f"drawing {text} ...")
            pictures.show(draw(experiments), experiments[-1])
        say("")
        default = BACK


def draw_loss(experiments):
    """Draw the history of the last experiment; for pictures.show."""
    last = experiments[-1]
    return {"loss": partial(figures.draw_history, last.history, last.title)}


def _compare(experiments):
    if len(rows_of(experiments)) == 1:
        say(f"loss against hyperparameters: {ALONE}")
        return {}
    return draw_comparison(experiments)


def _compare_with_earlier(experiments):
    kept = with_earlier(experiments)
    if len(rows_of(kept)) == 1:
        say(f"loss against hyperparameters over earlier sessions: {ALONE}")
        return {}
    say(f"\nexperiments of all sessions on these images; {BEST}\n{format_experiments(kept)}")
    alike = [each for each in kept if each.summary.held_out == kept[-1].summary.held_out]
    say(f"the lowest loss on the same held-out images is that of {lowest_of(alike).path}")
    return draw_comparison(kept, "all_sessions")


# Of both scripts, {number: (text, function that draws it from all experiments of the session, for pictures.show)}.
GRAPHS = {
    1: ("loss against epochs of this experiment", draw_loss),
    2: ("loss against hyperparameters over all experiments so far", _compare),
    6: ("loss against hyperparameters over earlier sessions too", _compare_with_earlier),
}


def save(console, model, given=None):
    """Ask for a path until a model is saved there, or that is cancelled.

    Args:
        given: a path to take before any is asked for; nobody is asked where input is redirected.

    Raises:
        Fault: that one cannot be written, and nobody is asked.
    """

    def save_at(answer):
        if answer == CANCEL:
            return None
        path, exists = _by_first(answer, _find_place, answer, model.name)
        if exists and not console.may_replace(f"{printable(path)} exists"):
            return None
        _by_first(answer, _write, model, Path(path))
        return path

    question = Question(f"save the {model.name} as (.h5 or .keras, - cancels)", f"{model.name}.h5", save_at)
    try:
        path = save_at(str(given)) if given else console.ask(question)
    except ValueError as fault:
        if not console.typed:
            raise Fault(f"--save: {fault}") from fault
        say(f"  --save: {printable(str(fault), LONGEST_ANSWER)}")
        path = console.ask(question)
    say(f"saved: {printable(path, LONGEST_ANSWER)}" if path else "not saved")


def _by_first(answer, function, *arguments):
    """Return what a function of files returns in the process that writes them; raise ValueError where that fails."""

    def attempt():
        try:
            return function(*arguments), None
        except OSError as error:
            return None, f"{answer}: cannot be written: {error.strerror}"
        except (Fault, ValueError) as fault:
            return None, str(fault)

    found, fault = broadcast(function.__name__, attempt)
    if fault:
        raise ValueError(fault)
    return found


def _write(model, path):
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
    save_model(model, path)


def _find_place(answer, name):
    """Return the path that an answer means, a text, and whether it exists; the errors are path_of_model's."""
    path = path_of_model(answer, f"{name}.h5")
    return str(path), path.exists()
