"""The experiments kept in a folder of runs: listed, and found again by their names."""

import contextlib
import math
from collections import defaultdict
from pathlib import Path

from utilities.errors import BadInput
from utilities.record.runs import SUMMARY, RunFolder, tell
from utilities.record.summary import show
from utilities.terminal.arguments import as_in_folders, name_of_data
from utilities.text import printable

NAMES_SHOWN = 3


def folders_of(parent, script):
    """Return the paths of a script's run folders, the oldest first, as a name begins with the time."""
    return [path.parent for path in sorted(Path(parent).glob(f"*_{script}/{SUMMARY}"))]


def find_run(parent, script, name, finished):
    """Return the RunFolder of an experiment.

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
    paths = [_named(parent, script, name)] if name else reversed(folders_of(parent, script))
    failed = []
    for path in paths:
        folder = RunFolder.read(path)
        if not folder:
            fault = f"{path / SUMMARY}: damaged, or of an earlier version"
            if name:
                raise BadInput(fault)
            tell(f"{fault}; passing over this experiment")
        elif folder.summary.finished == finished:
            if name or not folder.summary.failed:
                return folder
            failed.append(path.name)
        elif name:
            state = "not finished: --resume goes on with it" if finished else "finished: --open goes back to it"
            raise BadInput(f"{path}: {state}")
    hint = f"; {failed[0]} failed: name it to try again" if failed else ""
    raise BadInput(f"{parent}: no {wanted} experiment of {script}.py{hint}")


def _named(parent, script, name):
    """Return the path of the run folder that a name means."""
    path = Path(name)
    with contextlib.suppress(OSError):  # what is no path may be a part of a name all the same
        if (path / SUMMARY).is_file():
            path = path.resolve()
            if not path.name.endswith(f"_{script}"):
                raise BadInput(f"{path}: not an experiment of {script}.py")
            return path
    found = [path for path in folders_of(parent, script) if as_in_folders(name) in path.name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found[:NAMES_SHOWN])
    many = f"{len(found)} experiments of {script}.py have {printable(name)!r} in their names: {names}"
    more = ", ..." if len(found) > NAMES_SHOWN else ""
    none = f"no experiment of {script}.py has {printable(name)!r} in its name; --list shows them"
    raise BadInput(f"{parent}: {many + more if found else none}")


def format_runs(parent, script):
    """Return the experiments of a script in a folder of runs as a text, the oldest first; * marks the best."""
    folders = list(filter(None, map(RunFolder.read, folders_of(parent, script))))
    if not folders:
        return f"{parent}: no experiments of {script}.py"
    best = _best_of_alike(folder for folder in folders if folder.summary.is_comparable)
    lines = [f"experiments of {script}.py in {parent}; * the best on the same data, with codes of one size"]
    for folder in folders:
        mark = "*" if folder in best else " "
        lines += [f"{mark} {folder.path.name}", *(f"    {line}" for line in _describe(folder.summary))]
    return "\n".join(lines)


def best_of(folders):
    """Return the RunFolder with the smallest validation loss; one that is no number is the worst."""
    return min(folders, key=lambda each: (math.isnan(each.summary.validation_loss), each.summary.validation_loss))


def _best_of_alike(folders):
    """Return the RunFolders with the smallest validation loss of those on the same data, with codes of one size."""
    alike = defaultdict(list)
    for folder in folders:
        alike[*folder.summary.trained_on.values(), folder.summary.settings.get("code")].append(folder)
    return [best_of(group) for group in alike.values()]


def _describe(summary):
    """Yield lines on an experiment: whether it is finished and what came of it, its answers, its data."""
    if not summary.is_comparable:
        finished = "finished, with a loss that is no number" if summary.finished else "not finished"
        yield f"failed: {printable(summary.failed)}" if summary.failed else finished
        yield f"answers {printable(' / '.join(summary.answers), 200)}"
    else:
        test = summary.test or {}
        shares = {"accuracy": summary.validation.get("val_accuracy"), "test accuracy": test.get("accuracy")}
        told = [f"{name} {share:.2%}" for name, share in shares.items() if share is not None]
        if summary.principal_components:
            ratio = summary.validation_loss / summary.principal_components
            told.insert(0, f"{ratio:.2f} of as many principal components'")
        yield ", ".join([f"validation loss {summary.validation_loss:#.4g}", *told, f"{summary.seconds:.0f} s"])
        yield show(summary.settings)
    yield f"data {', '.join(dict.fromkeys(printable(name_of_data(Path(path))) for path in summary.data))}"
