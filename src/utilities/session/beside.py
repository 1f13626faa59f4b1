"""Experiments beside each other, each in a process of its own, on one core of the processor."""

import importlib
import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from utilities import system
from utilities.backend import check_backend
from utilities.errors import Fault

_tasks = []  # in such a process, the function that makes them


def train_beside(jobs, due, script):
    """Yield (number in ``due``, path of its run's folder) of each experiment that ends, of so many at a time.

    Ctrl-C ends them at the end of a batch, and nothing more is yielded.

    Args:
        due: [(arguments, hyperparameters)].

    Raises:
        Fault: a process was killed, or processes cannot wait for each other.
    """
    if not due:
        return
    context = multiprocessing.get_context("spawn")
    try:
        cores = context.SimpleQueue()
    except OSError as error:
        raise Fault(f"--jobs: processes cannot wait for each other: {error.strerror}") from error
    for core in system.cores_of(jobs):
        cores.put(core)
    settings = [arguments for arguments, _ in due]
    with ProcessPoolExecutor(jobs, context, _begin, (script, settings, cores)) as pool:
        numbers = {pool.submit(_train, *each): number for number, each in enumerate(due)}
        try:
            for ended in as_completed(numbers):
                yield numbers[ended], ended.result()
        except KeyboardInterrupt:
            _end(pool)
        except BrokenProcessPool as error:
            raise Fault("a process was killed, perhaps for lack of memory; the same command goes on") from error
        except BaseException:
            _end(pool)
            raise


def _end(pool):
    """Have all processes stop at the end of a batch; what they have learnt is kept, and is resumed."""
    for process in multiprocessing.active_children():
        process.terminate()
    pool.shutdown(cancel_futures=True)


def _begin(script, settings, cores):
    """Make a process ready to train: of what it prints, faults alone are shown."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the first process answers for all
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115, for as long as the process runs
    system.use_core(cores.get())
    check_backend()
    module = importlib.import_module(f"utilities.session.{script}")
    _tasks.append(module.tasks_of(*module.read(settings)))


def _train(arguments, hyperparameters):
    """Train an experiment, unless it is kept; return the path of its run's folder."""
    task = _tasks[0](arguments)
    folder = task.find(hyperparameters)
    if folder and (folder.summary.finished or folder.lock()):
        return folder.path
    return task.run(hyperparameters, folder and folder.resume())[1].path
