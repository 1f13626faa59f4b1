"""The menus after each training: what the user can do with what has been learnt."""

from utilities.errors import Fault
from utilities.processes import is_first_process
from utilities.terminal.console import Question, choose, say

LEAVE, REPEAT = 0, 1


def after_autoencoder(console, autoencoder, experiments, images, indices):
    """Act on the menu of ``autoencoder.py`` until the user leaves (False) or repeats (True).

    Args:
        autoencoder: the networks.Autoencoder just trained.
        experiments: all Experiments so far, the last that of the autoencoder.
        images: uint8, (count, rows, columns).
        indices: of the images held out for validation, which are drawn.
    """
    from utilities.session import experiments as drawing

    last = experiments[-1]
    _tell(experiments)
    graphs = _graphs(experiments) | {
        3: ("reconstructions", lambda: drawing.draw_reconstructions(last, autoencoder, images, indices)),
        4: ("map of the codes", lambda: drawing.draw_code_map(last, autoencoder, images, indices)),
        5: ("kernels of the first layer", lambda: drawing.draw_first_layer(last, autoencoder)),
    }
    return _act_until_done(
        console,
        {
            2: ("graphs", lambda: _show_graph(console, graphs, last.folder)),
            3: ("save the encoder", lambda: _save(console, autoencoder.encoder)),
        },
    )


def after_classification(console, trained, experiments, test):
    """Act on the menu of ``classification.py`` until the user leaves (False) or repeats (True).

    Args:
        trained: the training.TrainedClassifier.
        experiments: all Experiments so far, the last that of the classifier.
        test: the LabelledImages of the test set.
    """
    from utilities.session.experiments import report_on_test_set

    last = experiments[-1]
    _tell(experiments)
    return _act_until_done(
        console,
        {
            2: ("graphs", lambda: _show_graph(console, _graphs(experiments), last.folder)),
            3: ("results on the test set", lambda: report_on_test_set(trained, test, last.folder)),
        },
    )


def _tell(experiments):
    """Print a table of the experiments of this session, from the second on."""
    if len(experiments) > 1:
        from utilities.record.comparison import format_experiments

        say(f"\nexperiments of this session, the best marked\n{format_experiments(experiments)}")


def _act_until_done(console, actions):
    texts = {LEAVE: "exit", REPEAT: "repeat with other hyperparameters"}
    texts |= {number: text for number, (text, act) in actions.items()}
    while True:
        say("")
        choice = choose(console, "what next?", texts)
        if choice == LEAVE:
            return False
        say("")
        if choice == REPEAT:
            return True
        actions[choice][1]()


def _graphs(experiments):
    """Return the graphs that both scripts have: {number: (text, function that draws it)}."""
    from utilities.record.comparison import best_of, draw_comparison, format_experiments, with_earlier
    from utilities.session.experiments import draw_loss

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


def _show_graph(console, graphs, folder):
    from utilities.record import figures

    choice = choose(console, "graphs", {number: text for number, (text, draw) in sorted(graphs.items())})
    figures.show(graphs[choice][1](), folder)


def _save(console, encoder):
    from utilities.network.model_files import save_model

    def save(answer):
        try:
            if is_first_process():
                save_model(encoder, answer)
        except Fault as fault:
            raise ValueError(fault) from fault
        return answer

    path = console.ask(Question("save the encoder as (.h5 or .keras)", "encoder.h5", save))
    say(f"saved: {path}")
