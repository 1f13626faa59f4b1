"""The loop of both scripts: ask for hyperparameters, train, show the menu, and repeat."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from utilities.backend import check_backend
from utilities.errors import BadInput
from utilities.processes import check_alike, join_job
from utilities.record.run_list import find_run, format_runs
from utilities.record.runs import RunFolder
from utilities.terminal.console import Console, say, say_for_now


def begin(script, parse_arguments):
    """Return the arguments of a session, and the RunFolder of the experiment that it goes back to, or None.

    The arguments of such an experiment are its own. ``--list`` ends the script here.

    Raises:
        BadInput: a backend or a job that cannot be, a flag's answer that is bad, or no such experiment.
    """
    arguments = parse_arguments()
    check_backend()
    join_job()
    check_alike("the flags", (arguments.answers, arguments.seed))
    wishes = {name: value for name, value in vars(arguments).items() if name in ("save", "results")}
    check_alike("--save and --results", wishes)
    if arguments.list:
        say(format_runs(arguments.runs, script))
        raise SystemExit
    if arguments.resume is not None:
        folder = find_run(arguments.runs, script, arguments.resume, finished=False).resume()
    elif arguments.open is not None:
        folder = find_run(arguments.runs, script, arguments.open, finished=True)
    else:
        return arguments, None
    own = parse_arguments(folder.command_line)
    _check_alike(vars(arguments), vars(own), vars(parse_arguments(["--list"])), folder)
    own.runs, own.name = folder.path.parent, arguments.name or own.name
    vars(own).update(wishes)
    return own, folder


def _check_alike(given, own, defaults, folder):
    """Check that no file or seed was given that is not the one of the experiment that is gone back to.

    Args:
        given, own, defaults: {name of an argument: value}.
    """
    for name in sorted({"data", "datalabels", "test", "testlabels", "seed"} & own.keys()):
        one, other = (value.resolve() if isinstance(value, Path) else value for value in (given[name], own[name]))
        if given[name] != defaults[name] and one != other:
            raise BadInput(f"--{name}: {folder.path} has its own, {other}: leave it out")


def repeat_experiments(questions, load_task, flags, folder):
    """Run one experiment after another, until the user leaves.

    Args:
        questions: returns the generator for Console.ask_in_order, given the hyperparameters of before, or None.
        load_task: returns the script's experiments.Task. Called after the answers: until then Keras is imported in the
            background.
        flags: the answers that the command line has for the first experiment, as ask_in_order takes them.
        folder: the RunFolder of the experiment to begin with, unfinished or finished; None for a new one.

    Raises:
        BadInput: the data are not what that experiment was trained on before, or its weights are damaged.
    """
    load_task = cache(load_task)  # one for all experiments: it sums up the data once
    origin, weights = _beginning_of(folder) if folder else (None, None)
    if folder:
        say_for_now(f"opening {folder.path} ...")
        folder.check_data(load_task().data)
    console = Console()
    answering = Console(folder.answers) if folder else console
    hyperparameters = answering.ask_in_order(partial(questions, None), flags)
    if folder and folder.summary.parent is not None:
        hyperparameters = replace(hyperparameters, epochs=folder.summary.own_epochs)
    experiments = []
    while True:
        trained, experiment = load_task().run(hyperparameters, folder, origin, weights)
        experiments.append(experiment)
        folder = origin = weights = None
        console.drop_typed_ahead()  # Enter, typed while it trained, would leave the script
        following = load_task().act_on_menu(console, experiments, trained, hyperparameters.epochs)
        if following is None:
            return
        if following.epochs is None:
            hyperparameters = console.ask_in_order(partial(questions, hyperparameters))
        else:
            hyperparameters = replace(hyperparameters, epochs=following.epochs)
            origin, weights = experiment, trained.weights


def _beginning_of(folder):
    """Return the RunFolder that a reopened experiment trains on from, and its network's weights; None for either."""
    parent = folder.summary.parent
    if folder.summary.finished:
        return None, folder.read_weights()
    if parent is None or folder.checkpoint:
        return None, None
    if not parent:
        raise BadInput(f"{folder.path}: cannot be resumed: the weights that it began with were kept nowhere")
    path = folder.path.parent / parent
    if not (origin := RunFolder.read(path)):
        raise BadInput(f"{path}: not there, or damaged: {folder.path} cannot be resumed without it")
    return origin, origin.read_weights()
