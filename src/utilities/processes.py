"""What the processes of a job have to do with each other.

At the start the others connect to process 0, at the job's address, and stay connected until the end: so the processes
compare their answers, and learn at once of one that ends.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from utilities import crashes, system
from utilities.backend import ADDRESSES, COUNT, NUMBER, WINDOW_BACKEND, read_job
from utilities.errors import BadInput, Fault
from utilities.streams import open_output

LONGEST_MESSAGE = 2**16  # characters
# In seconds.
POLL = 0.1
TOLD_WAIT, LONGEST_WAIT = 3, 300
LONGEST_GREETING, LONGEST_ANSWER = 2, 10
BEAT, LONGEST_SILENCE = 10, 80  # JAX aborts without a word when it has not heard of a process for 100
RESUME = "; --resume goes on after the last finished epoch"

# What this process knows of the job that it is one of, for as long as it runs.
_job = None
_peers = []
_listener = None
_advice = ""
_ending = threading.Lock()


def several_processes():
    """Tell whether this process is one of a job of several."""
    return _job is not None


def is_first_process():
    """Tell whether this process prints and writes files: of several, the first does."""
    return _job is None or _job.number == 0


def join_job():
    """Wait for the other processes of the job, where the environment says that this process is one of several.

    From then on whatever ends one process ends all, and only the first prints.

    Raises:
        BadInput: the job cannot be.
        Fault: a process did not come.
    """
    global _job
    _job = read_job()
    if _job is None:
        return
    _silence_output()
    _end_on_signals()
    threading.Thread(target=_send_beats, daemon=True).start()
    # JAX would ask the proxy that http_proxy names for process 0.
    os.environ["no_grpc_proxy"] = _job.address[0]  # noqa: SIM112
    if is_first_process():
        _listen()
        _await(set(range(1, _job.count)), _admit_next)
    else:
        _await({0}, _reach_first)
    agree("their scripts", Path(sys.argv[0]).name)


def _silence_output():
    """Let standard output be the first process's alone, and keep what libraries write there away from the user.

    Gloo, which moves data between JAX's processes, writes past sys.stdout.
    """
    if is_first_process():
        sys.stdout = sys.__stdout__ = open_output(os.dup(1), sys.stdout)
    else:
        os.environ[WINDOW_BACKEND] = "Agg"
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _end_on_signals():
    """Let a signal that asks to leave end the job at once, even where the main thread is in NumPy or JAX."""
    numbers = {number for number in system.ENDING_SIGNALS if signal.getsignal(number) != signal.SIG_IGN}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # in the threads that begin from now on too

    def wait():
        number = signal.sigwait(numbers)
        _end_with(_job.number, f"was ended by {number.name}", 128 + number)

    threading.Thread(target=wait, daemon=True).start()


def _send_beats():
    while True:
        time.sleep(BEAT)
        for peer in _peers:
            peer.send("alive")


def _listen():
    """Let the other processes connect, on all of this host's addresses, as JAX does later."""
    global _listener
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        _listener = socket.create_server(("", _job.address[1]), family=family, dualstack_ipv6=dual)
    except OSError as error:
        with contextlib.suppress(BadInput):
            _reach_first(set())  # another process 0 ends too
        reason = os.strerror(error.errno)
        raise BadInput(f"{ADDRESSES}: cannot listen on port {_job.address[1]}: {reason}") from error
    _listener.settimeout(POLL)


def _await(missing, connect):
    """Call ``connect`` until the set of the numbers of missing processes is empty; tell for which this waits."""
    begun, told = time.monotonic(), set()
    while missing:
        waited = time.monotonic() - begun
        who, address = _job.name(*missing), ":".join(map(str, _job.address))
        if waited > LONGEST_WAIT:
            raise Fault(f"{who} never came to {address}")
        if waited > TOLD_WAIT and told != missing:
            print(f"waiting for {who} at {address}", file=sys.stderr)
            told = set(missing)
        connect(missing)


def _admit_next(missing):
    """Take the next connection for that of the process that it says it is; of other programs take no notice."""
    try:
        peer = _Peer(_listener.accept()[0], LONGEST_GREETING)
    except TimeoutError:
        return
    match peer.receive():
        case ["hello", int(number), int(count)]:
            peer.send("hello")
        case _:
            return
    peer.watch(number)
    if count != _job.count:
        raise BadInput(f"{COUNT}: expected the same in all processes of the job, found {_job.count} and {count}")
    if number not in missing:
        raise BadInput(f"{NUMBER}: expected a number of its own in each process, found {number} twice")
    missing.remove(number)


def _reach_first(missing):
    try:
        connection = socket.create_connection(_job.address, LONGEST_ANSWER)
    except OSError:
        time.sleep(POLL)
        return
    if connection.getsockname() == connection.getpeername():  # this process itself, while nothing listens
        return
    peer = _Peer(connection, LONGEST_ANSWER)
    peer.send("hello", _job.number, _job.count)
    if peer.receive() != ["hello"]:
        address = ":".join(map(str, _job.address))
        raise BadInput(
            f"{ADDRESSES}: what answers at {address} is not process 0 of a job that waits for process {_job.number}"
        )
    peer.watch(0)
    missing.clear()


class _Peer:
    """The connection to another process. A message is a list, sent as a line of JSON."""

    def __init__(self, connection, patience):
        connection.settimeout(patience)
        self.values = queue.SimpleQueue()
        self._sending = threading.Lock()
        self._connection = connection
        self._lines = connection.makefile(encoding="utf-8", errors="replace")

    def send(self, *message):
        with self._sending, contextlib.suppress(OSError):  # the thread that receives tells of a process that is gone
            self._connection.sendall(f"{json.dumps(message)}\n".encode())

    def receive(self):
        """Return the next message; None from one that is gone, silent, or no process of a job."""
        try:
            return json.loads(self._lines.readline(LONGEST_MESSAGE))
        except (OSError, ValueError, RecursionError):
            return None

    def watch(self, number):
        """From now on, keep the values that the process of a number sends, and end with it."""

        def receive_all():
            while message := self.receive():
                match message:
                    case ["value", value]:
                        self.values.put(value)
                    case ["ended", 0, _]:
                        self.values.put(None)
                        return
                    case ["ended", code, text]:
                        end(code, text, text)
            _end_with(number, "was lost")

        self._connection.settimeout(LONGEST_SILENCE)
        _peers.append(self)
        threading.Thread(target=receive_all, daemon=True).start()


def agree(on, value):
    """Compare a value among the processes of the job; each waits until process 0 has come to the same point.

    Raises:
        BadInput: they differ ``on`` it, as the fault says.
    """
    for peer in _peers:
        peer.send("value", repr(value))
    if any(peer.values.get() != repr(value) for peer in _peers):
        raise BadInput(f"the processes of the job differ in {on}")


def leave_job():
    """Wait at the end for the other processes of the job: JAX would take one that ends earlier for lost."""
    distributed = sys.modules.get("jax.distributed")
    if distributed and several_processes():
        distributed.shutdown()


def free_port():
    """Let JAX have the port of the job."""
    if _listener:
        _listener.close()


@contextlib.contextmanager
def resumable():
    """Within it, a job that ends before its time can be resumed, and the user is told so."""
    global _advice
    _advice = RESUME
    yield
    _advice = ""  # but not after an exception: it may be due to the loss of a process, which is told soon


def _end_with(number, what, code=Fault.exit_code):
    text = f"{_job.name(number)} {what}{_advice}"
    end(code, text, text)


def end(code, fault=None, told=None):
    """End this process, and with it the job that it is one of; tell a fault in one line on standard error.

    Args:
        told: what the others tell in the place of the fault.
    """
    _ending.acquire()  # for good: where several threads end the process, one tells why
    try:
        with contextlib.suppress(OSError):  # the watcher was killed
            os.write(2, crashes.GOODBYE)  # this process ends by itself
        code_of_others = code if code in (0, BadInput.exit_code) else Fault.exit_code
        for peer in _peers:
            peer.send("ended", code_of_others, told or f"{_job.name(_job.number)}: {fault or f'exit code {code}'}")
        if fault:
            print(f"{Path(sys.argv[0]).name}: error: {fault}", file=sys.stderr)
    finally:  # even on Ctrl-C
        # Not sys.exit: an import may still be under way in the background, and would be torn down half done.
        os._exit(code)
