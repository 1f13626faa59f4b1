"""The loop of both scripts: ask for hyperparameters, train, show the menu, and repeat."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from utilities.backend import check_backend
from utilities.errors import BadInput, Fault
from utilities.processes import broadcast, check_alike, join_job
from utilities.record.run_list import find_run, folders_of, format_runs, runs_of
from utilities.record.runs import RunFolder
from utilities.session.combinations import ask
from utilities.terminal.console import Console, say, say_at_terminal

# What the command line asks for once, and answers once.
FIRST_ALONE = {"answers": {}, "save": None, "results": False, "csv": None, "jobs": 1}


def begin(script, parse_arguments):
    """Return the arguments of each experiment to begin with, and the RunFolder that the session goes back to, or None.

    The arguments of such an experiment are its own, but for files that are given. ``--list`` ends the script here.

    Raises:
        BadInput: a backend or a job that cannot be, a flag's answer that is bad, or no such experiment.
    """
    settings = parse_arguments()
    arguments = settings[0]
    check_backend()
    join_job()
    check_alike("the flags", [(each.answers, each.seed) for each in settings])
    wishes = {name: value for name, value in vars(arguments).items() if name in ("save", "results", "csv")}
    check_alike("--save, --results and --csv", wishes)
    if arguments.list:
        _list(arguments, script)
        raise SystemExit
    if arguments.resume is None and arguments.open is None:
        folders_of(arguments.runs, script)  # tells of one that cannot be
        return settings, None
    folder = _find_run(arguments, script)
    if arguments.resume is not None:
        folder.resume()
    folder.complete(arguments)
    return settings, folder


def _list(arguments, script):
    from utilities.record.comparison import format_all, write_csv  # which draws, too

    say(format_runs(arguments.runs, script))
    finished = [each for _, each in runs_of(arguments.runs, script) if each and each.summary.is_comparable]
    if tables := format_all(finished):
        say(f"\n{tables}")
    if arguments.csv:
        write_csv(arguments.csv, finished)


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


def repeat_experiments(questions, load_tasks, settings, folder):
    """Run one experiment after another, until the user leaves.

    Args:
        questions: returns the generator for Console.ask_in_order, given the hyperparameters of before, or None.
        load_tasks: returns a function that makes the experiments.Task of arguments. Called after the answers: until
            then Keras is imported in the background.
        settings: the arguments of each experiment that the command line asks for.
        folder: the RunFolder of the experiment to begin with, unfinished or finished; None for a new one.

    Raises:
        BadInput, Fault: as _reopen and _check_kept do.
    """
    console, experiments, beginning = Console(), [], ()
    due = [] if folder else ask(console, questions, settings)
    make_task = load_tasks()
    from utilities.session import menus, sweep  # with libraries that are imported by now

    if folder:
        due, beginning = _reopen(questions, make_task, settings, folder)
    while True:
        if len(due) > 1:
            task, hyperparameters, trained = sweep.train_all(console, make_task, due, experiments)
        else:
            ((arguments, hyperparameters),) = due
            task = make_task(arguments)
            trained, experiment = task.run(hyperparameters, *beginning)
            experiments.append(experiment)
            menus.act_on_flags(console, trained, arguments, experiment)
        console.drop_typed_ahead()  # Enter, typed while it trained, would leave the script
        following = menus.act_on_menu(console, experiments, trained, hyperparameters.epochs)
        if following is None:
            break
        arguments = Namespace(**vars(task.arguments) | FIRST_ALONE)
        if following.epochs:
            due = [(arguments, replace(hyperparameters, epochs=following.epochs))]
            beginning = None, experiments[-1], trained.weights
        else:
            due, beginning = ask(console, questions, [arguments], hyperparameters, following.several), ()
    _check_kept(experiments, console)


def _check_kept(experiments, console):
    """Raise Fault where an experiment can be kept nowhere, not now either, and nobody was there to see it."""
    for experiment in experiments:
        experiment.ensure_kept()  # what the menu was asked for, too
    if lost := [experiment for experiment in experiments if not experiment.is_kept and not console.typed]:
        raise Fault(f"{lost[0].path}: cannot be written, nor any other place: not all of it is kept")


def _reopen(questions, make_task, settings, folder):
    """Return what is to be trained of a RunFolder, as ask does, and what Task.run takes to go on with it.

    Raises:
        BadInput: the data are not what that experiment was made with, or its weights are damaged.
    """
    (arguments,) = settings
    origin, weights = _beginning_of(folder)
    say_at_terminal(f"opening {folder.path} ...")
    folder.check_data(make_task(arguments).data, vars(arguments))
    ((_, hyperparameters),) = ask(Console(folder.answers), questions, settings)
    if folder.summary.parent is not None:
        hyperparameters = replace(hyperparameters, epochs=folder.summary.own_epochs)
    return [(arguments, hyperparameters)], (folder, origin, weights)


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
