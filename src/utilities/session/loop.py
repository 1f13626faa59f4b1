"""The loop of both scripts: ask for hyperparameters, train, show the menu, and repeat."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from utilities.backend import check_backend
from utilities.errors import BadInput, Fault
from utilities.processes import broadcast, check_alike, join_job
from utilities.record.run_list import find_run, folders_of, format_runs
from utilities.record.runs import RunFolder
from utilities.terminal.console import Console, say, say_at_terminal


def begin(script, parse_arguments):
    """Return the arguments of a session, and the RunFolder of the experiment that it goes back to, or None.

    The arguments of such an experiment are its own, but for files that are given. ``--list`` ends the script here.

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
    if arguments.resume is None and arguments.open is None:
        folders_of(arguments.runs, script)  # tells of one that cannot be
        return arguments, None
    folder = _find_run(arguments, script)
    if arguments.resume is not None:
        folder.resume()
    folder.complete(arguments)
    return arguments, folder


def _find_run(arguments, script):
    """Return the RunFolder that the command line names; process 0 finds it, and alone writes it."""
    name, found = arguments.open if arguments.resume is None else arguments.resume, []

    def find():
        try:
            found.append(find_run(arguments.runs, script, name, finished=arguments.resume is None))
        except BadInput as fault:
            return None, str(fault)
        return str(found[0].path), None

    path, fault = broadcast("the experiment to go back to", find)
    folder = found[0] if found else path and RunFolder.read(Path(path))
    if not folder:
        raise BadInput(fault or f"{path}: not there, or damaged, on this host")
    return folder


def repeat_experiments(questions, load_task, flags, folder):
    """Run one experiment after another, until the user leaves.

    Args:
        questions: returns the generator for Console.ask_in_order, given the hyperparameters of before, or None.
        load_task: returns the script's experiments.Task. Called after the answers: until then Keras is imported in the
            background.
        flags: the answers that the command line has for the first experiment, as ask_in_order takes them.
        folder: the RunFolder of the experiment to begin with, unfinished or finished; None for a new one.

    Raises:
        BadInput: the data are not what that experiment was made with, or its weights are damaged.
        Fault: an experiment could be kept nowhere, and nobody was there to see it.
    """
    load_task = cache(load_task)  # one for all experiments: it sums up the data once
    origin, weights = _beginning_of(folder) if folder else (None, None)
    if folder:
        say_at_terminal(f"opening {folder.path} ...")
        folder.check_data(load_task().data, vars(load_task().arguments))
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
            break
        if following.epochs is None:
            hyperparameters = console.ask_in_order(partial(questions, hyperparameters))
        else:
            hyperparameters = replace(hyperparameters, epochs=following.epochs)
            origin, weights = experiment, trained.weights
    if lost := [experiment for experiment in experiments if not experiment.is_kept and not console.typed]:
        raise Fault(f"{lost[0].path}: cannot be written, nor any other place: not all of it is kept")


def _beginning_of(folder):
    """Return the RunFolder that a reopened experiment trains on from, and its network's weights; None for either."""
    parent = folder.summary.parent
    if folder.summary.finished:
        return None, folder.read_weights()
    if parent is None or folder.checkpoint:
        return None, None
    path = folder.path.parent / parent
    if not (origin := RunFolder.read(path)):
        raise BadInput(f"{path}: not there, or damaged: {folder.path} cannot be resumed without it")
    return origin, origin.read_weights()
