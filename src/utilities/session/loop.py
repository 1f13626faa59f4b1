"""The loop of both scripts: ask for hyperparameters, train, show the menu, and repeat."""

from functools import cache, partial

from utilities.backend import check_backend
from utilities.record.runs import RunFolder
from utilities.terminal.console import Console


def begin(script, parse_arguments):
    """Return the arguments of a session, and the RunFolder of the experiment that it resumes, or None.

    The arguments of a resumed experiment are its own.

    Raises:
        BadInput: a backend or a job that cannot be, or nothing to resume.
    """
    arguments = parse_arguments()
    check_backend()
    if not arguments.resume:
        return arguments, None
    folder = RunFolder.reopen(arguments.runs, script)
    return parse_arguments(folder.command_line), folder


def repeat_experiments(questions, load_task, resumed):
    """Run one experiment after another, until the user leaves.

    Args:
        questions: returns the generator for Console.ask_in_order, given the hyperparameters of before, or None.
        load_task: returns the script's experiments.Task. Called after the answers: until then Keras is imported in the
            background.
        resumed: the RunFolder of the experiment to begin with; None for a new one.

    Raises:
        BadInput: the data are not what the resumed experiment was trained on before.
    """
    load_task = cache(load_task)  # one for all experiments: it sums up the data once
    if resumed:
        resumed.check_data(load_task().data)
    console = Console()
    answering = Console(resumed.answers) if resumed else console
    experiments, hyperparameters = [], None
    repeat = True
    while repeat:
        hyperparameters = answering.ask_in_order(partial(questions, hyperparameters))
        task = load_task()
        trained, experiment = task.run(hyperparameters, resumed)
        experiments.append(experiment)
        answering, resumed = console, None
        repeat = task.act_on_menu(console, experiments, trained)
