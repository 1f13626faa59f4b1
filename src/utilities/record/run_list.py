"""The experiments kept in a folder of runs: listed, and found again by their names."""

import contextlib
import math
from pathlib import Path

from utilities.errors import BadInput
from utilities.processes import tell
from utilities.record.folder import owner_of
from utilities.record.runs import SUMMARY, RunFolder
from utilities.record.summary import TRAINED_ON, show
from utilities.terminal.arguments import as_in_folders, name_of_data
from utilities.text import printable

NAMES_SHOWN = 3
UNREADABLE = "damaged, or of an earlier version"


def folders_of(parent, script):
    """Return the paths of a script's run folders.

    Raises:
        BadInput: the parent is something else than a folder that can be read; where there is none, there are no runs.
    """
    try:
        paths = list(Path(parent).iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"--runs: {parent}: {error.strerror}") from error
    return sorted(path for path in paths if path.name.endswith(f"_{script}") and (path / SUMMARY).is_file())


def runs_of(parent, script):
    """Return [(path, RunFolder)] of a script's experiments, as they were begun.

    A damaged one has None in its place, after those that were begun on the day that its name has.
    """
    runs = [(path, RunFolder.read(path)) for path in folders_of(parent, script)]
    return sorted(runs, key=lambda run: run[1].summary.begun if run[1] else run[0].name)


def find_run(parent, script, name, finished):
    """Return the RunFolder of an experiment; one to resume is this process's alone.

    Args:
        parent: the folder of runs.
        script: whose experiment it is.
        name: the path of its folder, or a part of its name that no other has; "" for the last that suits.
        finished: whether one that is finished is wanted, or one that is not. One that failed of itself, or that another
            process trains, is taken only when it is named.

    Raises:
        BadInput: there is none, or several have the name, or another process trains the one that has it.
    """
    if name:
        path = _named(parent, script, name)
        folder = RunFolder.read(path)
        if fault := _fault_of(path, folder, finished):
            raise BadInput(fault)
        return folder
    hint = ""
    for path, folder in reversed(runs_of(parent, script)):
        if folder and folder.summary.finished != finished:
            continue
        if folder and folder.summary.failed:
            hint = hint or f"; {path.name} failed: name it to try again"
        elif fault := _fault_of(path, folder, finished):
            tell(f"{fault}; passing over this experiment")
        else:
            return folder
    raise BadInput(f"{parent}: no {'finished' if finished else 'unfinished'} experiment of {script}.py{hint}")


def _fault_of(path, folder, finished):
    """Return why an experiment cannot be had, or None; one to resume is locked then."""
    if folder and not finished and not folder.summary.finished:
        try:
            owner = folder.lock()
        except BadInput as fault:
            return str(fault)
        if owner:
            return f"{path}: in training, by {owner}"
        folder.summary = getattr(RunFolder.read(path), "summary", folder.summary)  # as it is now that nobody writes it
    if not folder:
        return f"{path / SUMMARY}: {UNREADABLE}"
    if folder.summary.finished != finished:
        state = "not finished: --resume goes on with it" if finished else "finished: --open goes back to it"
        return f"{path}: {state}"
    return None


def _named(parent, script, name):
    """Return the path of the run folder that a name means."""
    path = Path(name)
    with contextlib.suppress(OSError):  # what is no path may be a part of a name all the same
        if (path / SUMMARY).is_file():
            path = path.resolve()
            if not path.name.endswith(f"_{script}"):
                raise BadInput(f"{path}: not an experiment of {script}.py")
            return path
    wanted = as_in_folders(name)
    found = [path for path in folders_of(parent, script) if wanted and wanted in path.name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found[:NAMES_SHOWN])
    many = f"{len(found)} experiments of {script}.py have {printable(name)!r} in their names: {names}"
    more = ", ..." if len(found) > NAMES_SHOWN else ""
    none = f"no experiment of {script}.py has {printable(name)!r} in its name; --list shows them"
    raise BadInput(f"{parent}: {many + more if found else none}")


def format_runs(parent, script):
    """Return the experiments of a script in a folder of runs as a text, the oldest first; * marks the best."""
    runs = runs_of(parent, script)
    if not runs:
        return f"{parent}: no experiments of {script}.py"
    folders = [folder for _, folder in runs if folder]
    comparable = [folder for folder in folders if folder.summary.is_comparable]
    best = best_of_each(comparable, lambda folder: (folder.summary.held_out, folder.summary.settings.get("code")))
    lines = [f"experiments of {script}.py in {parent}; * the best on the same held-out images, with codes of one size"]
    for path, folder in runs:
        mark = "*" if folder in best else " "
        told = _describe(folder) if folder else [f"{SUMMARY}: {UNREADABLE}"]
        lines += [f"{mark} {path.name}", *(f"    {line}" for line in told)]
    return "\n".join(lines)


def best_of_each(folders, group_of=lambda folder: folder.summary.held_out):
    """Return the RunFolder with the smallest validation loss of each group; one that is no number is the worst."""
    best = {}
    for folder in folders:
        group = group_of(folder)
        lowest = best[group].summary.validation_loss if group in best else math.nan
        if folder.summary.validation_loss < lowest or math.isnan(lowest):
            best[group] = folder
    return list(best.values())


def _describe(folder):
    """Yield lines on an experiment: whether it is finished and what came of it, its answers, its data."""
    summary = folder.summary
    if not summary.is_comparable:
        owner = None if summary.finished else owner_of(folder.path)
        unfinished = f"in training, by {owner}" if owner else "not finished"
        finished = "finished, with a loss that is no number" if summary.finished else unfinished
        yield f"failed: {printable(summary.failed)}" if summary.failed else finished
        yield f"answers {printable(' / '.join(summary.answers), 200)}"
    else:
        test = summary.test or {}
        shares = {"accuracy": summary.validation.get("val_accuracy"), "test accuracy": test.get("accuracy")}
        told = [f"{name} {share:.2%}" for name, share in shares.items() if share is not None]
        if summary.share_of_components is not None:
            told.insert(0, f"{summary.share_of_components:.2f} of as many principal components'")
        yield ", ".join([f"validation loss {summary.validation_loss:#.4g}", *told, f"{summary.seconds:.0f} s"])
        yield show(summary.settings)
    files = (summary.arguments[name] for name in (*TRAINED_ON, "modelpath") if name in summary.arguments)
    yield f"data {', '.join(dict.fromkeys(printable(name_of_data(Path(path))) for path in files))}"
