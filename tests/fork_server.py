"""Runs scripts in forks of a process that has imported the large libraries: a session is spared seconds of import.

That process, the server, is started afresh and imports nothing of this project, and nothing of it computes before a
fork. Where ELSEWHERE is set, it imports in what elsewhere/sitecustomize.py leaves of Python. A script has the standard
streams, the environment, the folder, the signals and the limits of one started afresh, and a process of its own. What
libraries read from the environment on import they have read in the server's.

python3 tests/fork_server.py SOCKET   is the server; it ends when the other end of its socket is closed
"""

import atexit
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
LIBRARIES = ("numpy", "h5py", "keras", "matplotlib.pyplot", "matplotlib.backends.backend_agg")


class ForkServer:
    """The server's client, in the process of the tests."""

    def __init__(self, environment):
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, pass_fds=[theirs.fileno()])
        atexit.register(self._end, server)

    def _end(self, server):
        self._socket.close()
        server.wait()

    def start(self, command, streams, folder, environment):
        """Start a script in a fork; return its ForkedScript.

        Args:
            command: the script and its arguments.
            streams: files or descriptors for standard input, output and error.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [file if isinstance(file, int) else file.fileno() for file in (*streams, theirs)]
            socket.send_fds(self._socket, [b"\0"], descriptors)
        limits = [(number, resource.getrlimit(number)) for number in LIMITS]
        ours.sendall(json.dumps([command, str(folder), environment, limits]).encode())
        ours.shutdown(socket.SHUT_WR)
        return ForkedScript(ours)


class ForkedScript:
    """A running script, with the methods of subprocess.Popen that the tests use."""

    def __init__(self, connection):
        self._lines = connection.makefile("r")
        self._connection = connection
        self.pid = int(self._lines.readline())
        self.returncode = None

    def poll(self):
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._connection.close()
        return self.returncode

    def wait(self, timeout):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.pid, timeout)
            select.select([self._connection], [], [], max(0, end - time.monotonic()))
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def serve(server):
    """Fork a watcher for each request, which forks the script, until the other end is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(server, 1, 4)
        if not message:
            return
        if os.fork() == 0:
            server.close()
            watch(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def watch(*descriptors):
    """Run a script in a fork, and tell its process number and then its exit code; does not return."""
    *streams, answers = descriptors
    connection = socket.socket(fileno=answers)
    with connection.makefile() as file:
        request = json.load(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    script = os.fork()
    if script == 0:
        connection.close()
        run(streams, *request)
    for stream in streams:
        os.close(stream)
    connection.sendall(f"{script}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(script, 0)[1])
    connection.sendall(f"{code}\n".encode())
    os._exit(0)


def run(streams, command, folder, environment, limits):
    """Run a script as Python does when it is started; does not return."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for descriptor, stream in enumerate(streams):
            os.dup2(stream, descriptor)
            os.close(stream)
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            old = getattr(sys, name)
            buffering = 1 if name == "stderr" else -1
            stream = os.fdopen(old.fileno(), mode, buffering, encoding=old.encoding, errors=old.errors)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)  # which keeps it, and its descriptor open, as Python's own does
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        for number, bounds in limits:
            resource.setrlimit(number, tuple(bounds))
        sys.argv = command
        sys.path[0] = str(Path(command[0]).parent)
        runpy.run_path(command[0], run_name="__main__")
    except BaseException:  # the scripts let none through
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    if "ELSEWHERE" in os.environ:
        sys.path.insert(0, str(Path(__file__).with_name("elsewhere")))
        sys.modules.pop("sitecustomize", None)  # the system's own
        importlib.import_module("sitecustomize")
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.collect()
    gc.freeze()  # what is never looked at again is never copied
    serve(socket.socket(fileno=int(sys.argv[1])))
