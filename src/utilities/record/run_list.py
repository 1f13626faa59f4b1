"""The experiments kept in a folder of runs: listed, and found again by their names."""

import contextlib
from collections import defaultdict
from pathlib import Path

from utilities.errors import BadInput
from utilities.record.experiment import best_of, read_back, show
from utilities.record.runs import SUMMARY, RunFolder, tell
from utilities.text import printable

NAMES_SHOWN = 3


def folders_of(parent, script):
    """Return the RunFolders of a script, the oldest first, as a name begins with the time; none is read."""
    return [RunFolder(path.parent) for path in sorted(Path(parent).glob(f"*_{script}/{SUMMARY}"))]


def find_run(parent, script, name, finished):
    """Return the RunFolder of an experiment, its summary read.

    Args:
        parent: the folder of runs.
        script: whose experiment it is.
        name: the path of its folder, or a part of its name that no other has; "" for the last that suits.
        finished: whether one that is finished is wanted, or one that is not. One that failed of itself is taken only
            when it is named.

    Raises:
        BadInput: there is none, or several have the name.
    """
    wanted = "finished" if finished else "unfinished"
    folders = _named(parent, script, name) if name else reversed(folders_of(parent, script))
    failed = []
    for folder in folders:
        if not folder.read():
            fault = f"{folder.path / SUMMARY}: damaged, or of an earlier version"
            if name:
                raise BadInput(fault)
            tell(f"{fault}; passing over this experiment")
        elif folder.is_finished == finished:
            if name or not folder.summary.get("failed"):
                return folder
            failed.append(folder.path.name)
        elif name:
            state = "not finished: --resume goes on with it" if finished else "finished: --open goes back to it"
            raise BadInput(f"{folder.path}: {state}")
    hint = f"; {failed[0]} failed: name it to try again" if failed else ""
    raise BadInput(f"{parent}: no {wanted} experiment of {script}.py{hint}")


def _named(parent, script, name):
    """Return the RunFolders that a name means: one."""
    path = Path(name)
    with contextlib.suppress(OSError):  # what is no path may be a part of a name all the same
        if (path / SUMMARY).is_file():
            path = path.resolve()
            if not path.name.endswith(f"_{script}"):
                raise BadInput(f"{path}: not an experiment of {script}.py")
            return [RunFolder(path)]
    found = [folder for folder in folders_of(parent, script) if name in folder.path.name]
    if len(found) == 1:
        return found
    names = ", ".join(folder.path.name for folder in found[:NAMES_SHOWN])
    many = f"{len(found)} experiments of {script}.py have {printable(name)!r} in their names: {names}"
    more = ", ..." if len(found) > NAMES_SHOWN else ""
    none = f"no experiment of {script}.py has {printable(name)!r} in its name; --list shows them"
    raise BadInput(f"{parent}: {many + more if found else none}")


def format_runs(parent, script):
    """Return the experiments of a script in a folder of runs as a text, the oldest first; * marks the best."""
    folders = [folder for folder in folders_of(parent, script) if folder.read()]
    if not folders:
        return f"{parent}: no experiments of {script}.py"
    experiments = {folder.path: experiment for folder in folders if (experiment := read_back(folder))}
    best = _best_of_alike(experiments.values())
    lines = [f"experiments of {script}.py in {parent}; * the best on the same data, with codes of one size"]
    for folder in folders:
        experiment = experiments.get(folder.path)
        mark = "*" if experiment in best else " "
        lines += [f"{mark} {folder.path.name}", *(f"    {line}" for line in _describe(folder, experiment))]
    return "\n".join(lines)


def _best_of_alike(experiments):
    """Return the Experiments with the smallest validation loss of those on the same data, with codes of one size."""
    alike = defaultdict(list)
    for experiment in experiments:
        alike[*experiment.trained_on.values(), experiment.conditions.get("code")].append(experiment)
    return [best_of(group) for group in alike.values()]


def _describe(folder, experiment):
    """Yield lines on an experiment: whether it is finished and what came of it, its answers, its data."""
    if experiment is None:
        failed = folder.summary.get("failed")
        finished = "finished, with a loss that is no number" if folder.is_finished else "not finished"
        yield f"failed: {printable(str(failed))}" if failed else finished
        yield f"answers {printable(' / '.join(folder.summary['answers']), 200)}"
    else:
        shares = {"accuracy": experiment.accuracy, "test accuracy": experiment.test_accuracy}
        told = [f"{name} {share:.2%}" for name, share in shares.items() if share is not None]
        if experiment.components:
            told.insert(0, f"{experiment.validation_loss / experiment.components:.2f} of as many principal components'")
        yield ", ".join([f"validation loss {experiment.validation_loss:#.4g}", *told, f"{experiment.seconds:.0f} s"])
        yield show(experiment.answers)
    yield f"data {', '.join(printable(Path(path).name) for path in folder.summary['data'])}"
