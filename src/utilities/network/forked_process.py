"""Runs a function in a forked child process, for what may crash or hang the library that it calls."""

import multiprocessing
import resource
import signal
import traceback


def run_forked(function, *arguments, seconds):
    """Return what a function returns; it comes over a pipe, pickled.

    Args:
        seconds: of the processor, after which the child is ended.

    Raises:
        ChildProcessError: the child crashed, or had to be ended; the message says which.
        Exception: the function raised it; its traceback is a note on it.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(sender, seconds, function, arguments))
    child.start()
    sender.close()
    try:
        with receiver:
            error, result = receiver.recv()
    except (EOFError, OSError) as end:
        child.join()
        how = "takes too long" if child.exitcode == -signal.SIGPROF else f"ends in a crash ({child.exitcode})"
        raise ChildProcessError(how) from end
    finally:  # after Ctrl-C too
        child.kill()
        child.join()
    if error:
        raise error
    return result


def _work(sender, seconds, function, arguments):
    for number in (signal.SIGPROF, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)  # which ends a process even within a call of a library
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sender.send((None, function(*arguments)))
    except Exception as error:
        error.add_note(traceback.format_exc())
        sender.send((error, None))
