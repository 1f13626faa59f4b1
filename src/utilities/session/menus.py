"""The menu after each training: what the user can do with what has been learnt."""

from utilities.errors import Fault
from utilities.network.model_files import save_model
from utilities.processes import is_first_process
from utilities.record import figures
from utilities.record.comparison import best_of, draw_comparison, format_experiments, with_earlier
from utilities.terminal.console import Question, choose, say

LEAVE, REPEAT, GRAPHS = range(3)


def act_on_menu(console, experiments, graphs, choices):
    """Act on the menu until the user leaves (False) or repeats (True).

    Args:
        experiments: all Experiments of the session so far.
        graphs: those that the script has beside those of both, {number: (text, function that draws it)}.
        choices: those that the script has beside those of both, {number: (text, action)}.
    """
    if len(experiments) > 1:
        say(f"\nexperiments of this session, the best marked\n{format_experiments(experiments)}")
    graphs = _graphs(experiments) | graphs
    choices = {GRAPHS: ("graphs", lambda: _show_graph(console, graphs, experiments[-1].folder))} | choices
    texts = {LEAVE: "exit", REPEAT: "repeat with other hyperparameters"}
    texts |= {number: text for number, (text, _) in choices.items()}
    while True:
        say("")
        choice = choose(console, "what next?", texts)
        if choice == LEAVE:
            return False
        say("")
        if choice == REPEAT:
            return True
        choices[choice][1]()


def _graphs(experiments):
    """Return the graphs that both scripts have: {number: (text, function that draws it)}."""

    def compare_with_earlier():
        kept = with_earlier(experiments)
        say(f"\nexperiments of all sessions on these images, the best marked\n{format_experiments(kept)}")
        if best := best_of(kept).folder.path:
            say(f"the best is kept in {best}")
        return draw_comparison(kept, "all_sessions")

    return {
        1: ("loss against epochs of this experiment", lambda: draw_loss(experiments[-1])),
        2: ("loss against hyperparameters over all experiments so far", lambda: draw_comparison(experiments)),
        6: ("loss against hyperparameters over earlier sessions too", compare_with_earlier),
    }


def draw_loss(experiment):
    """Draw the experiment's history; returns {name: figure}."""
    return {"loss": figures.draw_history(experiment.folder.history, experiment.title)}


def _show_graph(console, graphs, folder):
    choice = choose(console, "graphs", {number: text for number, (text, _) in sorted(graphs.items())})
    figures.show(graphs[choice][1](), folder)


def save_encoder(console, encoder):
    """Ask for a path until the encoder is saved there."""

    def save(answer):
        try:
            if is_first_process():
                save_model(encoder, answer)
        except Fault as fault:
            raise ValueError(fault) from fault
        return answer

    path = console.ask(Question("save the encoder as (.h5 or .keras)", "encoder.h5", save))
    say(f"saved: {path}")
