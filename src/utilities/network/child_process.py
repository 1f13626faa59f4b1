"""Runs a function in a child process, for what may crash or hang the library that it calls."""

import multiprocessing
import traceback

from utilities import system


def run_in_child(function, *arguments, seconds):
    """Return what a function returns; it comes over a pipe, pickled.

    The child is a fork of this process where that is how Python starts processes on this system, else a new one.

    Args:
        seconds: of the processor, after which the child is ended; of the clock where the system cannot limit those.

    Raises:
        ChildProcessError: the child crashed, or had to be ended; the message says which.
        Exception: the function raised it; its traceback is a note on it.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.Process(target=_work, args=(sender, seconds, function, arguments))
    child.start()
    sender.close()
    late = False
    try:
        with receiver:
            receiver.recv()  # it has begun: a system may take long to start it
            if not receiver.poll(None if system.LIMITS_PROCESSOR_TIME else seconds):
                late = True
                child.kill()
            error, result = receiver.recv()
    except (EOFError, OSError) as end:
        child.join()
        late = late or system.ran_out_of_time(child.exitcode)
        raise ChildProcessError("takes too long" if late else f"ends in a crash ({child.exitcode})") from end
    finally:  # after Ctrl-C too
        child.kill()
        child.join()
    if error:
        raise error
    return result


def _work(sender, seconds, function, arguments):
    sender.send("begun")
    system.limit_child(seconds)
    try:
        sender.send((None, function(*arguments)))
    except Exception as error:
        error.add_note(traceback.format_exc())
        sender.send((error, None))
