"""Several experiments, one after another: each is trained, unless the runs folder has it, and then compared."""

import time
from collections import deque
from dataclasses import replace

from utilities.processes import several_processes
from utilities.record.comparison import lowest_of, write_csv
from utilities.record.runs import RunFolder
from utilities.record.summary import show
from utilities.session.beside import train_beside
from utilities.session.menus import save, show_results
from utilities.terminal.answers import show_yes_or_no, yes_or_no
from utilities.terminal.console import Question, say
from utilities.text import duration

WAITING_SECONDS = 2


def train_all(console, make_task, due, experiments):
    """Train several experiments, or take what the runs folder has of them, and open the best.

    Args:
        make_task: returns the experiments.Task of arguments.
        due: [(arguments, hyperparameters)].
        experiments: the RunFolders of the session, to which those of these are added, the best at the end.

    Returns:
        The best one's Task, hyperparameters and Trained.
    """
    wishes, done, trained = due[0][0], [], None
    due = _together(due)
    say(f"\n{len(due)} experiments")
    are_beside = wishes.jobs > 1 and not several_processes()
    own = {each.path for each in experiments}
    each = _beside(wishes.jobs, make_task, due) if are_beside else _in_turn(console, make_task, due, own)
    for task, hyperparameters, folder, trained in each:
        if vars(wishes).get("results"):
            trained = trained or _open(task, hyperparameters, folder)
            show_results(console, trained)
        done.append((folder, task.arguments, hyperparameters))
    if not done:
        raise KeyboardInterrupt
    folders = [folder for folder, *_ in done]
    best = lowest_of([each for each in folders if each.summary.finished] or folders[-1:])
    arguments, hyperparameters = next(rest for folder, *rest in done if folder is best)
    if best is not folders[-1] or trained is None:
        say("\nthe best of them")
        task = make_task(arguments)
        trained = _open(task, hyperparameters, best)
    experiments += [*(folder for folder in folders if folder is not best), best]
    if are_beside:
        say(f"seconds are those of one of {wishes.jobs} processes beside each other, each on one core")
    if wishes.csv:
        write_csv(wishes.csv, folders)
    if wishes.save:
        save(console, trained.models[0], wishes.save)
    return task, hyperparameters, trained


def _open(task, hyperparameters, folder):
    return task.run(hyperparameters, folder, None, folder.read_weights())[0]


def _in_turn(console, make_task, due, own):
    """Yield (Task, hyperparameters, RunFolder, its Trained or None) of each experiment, as each ends.

    Args:
        own: the paths of the session's runs, which are not gone back to.
    """
    waiting, pace = deque(due), _Pace(due)
    while waiting:
        arguments, hyperparameters = waiting.popleft()
        task = make_task(arguments)
        folder = None if several_processes() else task.find(hyperparameters)
        is_finished = folder and folder.summary.finished
        if folder and not is_finished and folder.path in own:
            folder = None
        if folder and not is_finished and folder.lock():  # another process trains it
            waiting.append((arguments, hyperparameters))
            time.sleep(WAITING_SECONDS)
            continue
        if is_finished:
            say(f"{pace.next(task, hyperparameters)}: kept in {folder.path}")
            yield task, hyperparameters, folder, None
            continue
        say(pace.next(task, hyperparameters))
        trained, folder = task.run(hyperparameters, folder and folder.resume())
        pace.trained(hyperparameters)
        yield task, hyperparameters, folder, trained
        if not folder.summary.finished and waiting and not _goes_on(console):
            return


def _beside(jobs, make_task, due):
    """Yield what _in_turn does, of experiments that are trained beside each other."""
    pace, missing = _Pace(due), []
    for arguments, hyperparameters in due:
        task = make_task(arguments)
        folder = task.find(hyperparameters)
        if folder and folder.summary.finished:
            say(f"{pace.next(task, hyperparameters)}: kept in {folder.path}")
            yield task, hyperparameters, folder, None
        else:
            missing.append((arguments, hyperparameters))
    for number, path in train_beside(jobs, missing, task.script):
        (arguments, hyperparameters), folder = missing[number], RunFolder.read(path)
        if folder.summary.finished:
            task = make_task(arguments)
            pace.trained(hyperparameters)
            loss = folder.summary.validation_loss
            say(f"{pace.next(task, hyperparameters)}: validation loss {loss:#.4g}, kept in {path}")
            yield task, hyperparameters, folder, None


class _Pace:
    """Tells how far a sweep is: which experiment, and how long the rest takes, by the epochs and seconds until then."""

    def __init__(self, due):
        self.count, self.number = len(due), 0
        self.epochs, self.left = 0, sum(hyperparameters.epochs for _, hyperparameters in due)
        self.begun = time.monotonic()

    def trained(self, hyperparameters):
        """Note an experiment that has been trained."""
        self.epochs += hyperparameters.epochs

    def next(self, task, hyperparameters):
        """Return in words which experiment this is, and what it is."""
        self.number += 1
        left = ""
        if self.epochs:
            seconds = (time.monotonic() - self.begun) / self.epochs * self.left
            left = f", about {duration(seconds)} left"
        self.left -= hyperparameters.epochs
        settings = hyperparameters.labels() | task.conditions | {"seed": task.arguments.seed}
        return f"\nexperiment {self.number} of {self.count}{left}: {show(settings)}"


def _together(due):
    """Return what is to be trained, networks of the same layers together, those of fewer epochs first."""
    alike = {}
    for arguments, hyperparameters in due:
        layers = replace(hyperparameters, epochs=1), vars(arguments).get("modelpath")
        alike.setdefault(layers, []).append((arguments, hyperparameters))
    return [each for group in alike.values() for each in sorted(group, key=lambda each: each[1].epochs)]


def _goes_on(console):
    """Tell whether to go on after an experiment that Ctrl-C stopped: a person is asked."""
    return console.typed and console.ask(Question("go on with the next? y/n", True, yes_or_no, show_yes_or_no))
