"""Takes away from Python, before anything else is imported, what macOS or Windows lack: ELSEWHERE names one of them.

Python runs this module at its start where its folder is in PYTHONPATH, in child processes too, but for the watcher. The
standard library has been imported by then, as it has on those systems what it needs of its own; what is imported later
finds a module ``os`` and a module ``signal`` with less in them.
"""

import builtins
import ctypes
import importlib
import io
import multiprocessing
import os
import select
import sys
import types
from fcntl import LOCK_EX, LOCK_NB, flock

from lacking import MACOS, MODULES_OF_POSIX, WINDOWS

# What looks into os and signal when it is imported, and does otherwise on other systems.
MODULES_OF_PYTHON = """subprocess shutil tempfile gzip zipfile ssl asyncio selectors concurrent.futures.process
multiprocessing.context multiprocessing.popen_spawn_posix multiprocessing.resource_tracker multiprocessing.spawn"""
MEMORY = 16 * 10**9
CODE_PAGE = "cp1252"


def take_away(names):
    """Have later imports find modules without some of their names, {module: names}; those of now keep all."""
    for name, lacking in names.items():
        whole = importlib.import_module(name)
        part = types.ModuleType(name, whole.__doc__)
        vars(part).update({key: value for key, value in vars(whole).items() if key not in lacking})
        sys.modules[name] = part


def keep_open_files():
    """Refuse to move or to remove a file that this process has open or mapped, as Windows does."""

    def guard(name):
        function = getattr(os, name)

        def guarded(*paths, **options):
            for path in paths:
                if os.path.realpath(path) in open_files():
                    raise PermissionError(13, "in use by another process", str(path))
            return function(*paths, **options)

        setattr(os, name, guarded)

    for name in ("replace", "rename", "remove", "unlink", "rmdir"):
        guard(name)


def open_files():
    opened = {os.path.realpath(entry) for entry in os.scandir("/proc/self/fd")}
    with open_of_posix("/proc/self/maps") as maps:
        return opened | {line.split(maxsplit=5)[5].strip() for line in maps if line.count(" /")}


open_of_posix = io.open


def open_as_on_windows(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *rest, **options):
    if "b" not in mode:
        encoding = CODE_PAGE if encoding in (None, "locale") else encoding
        newline = "\r\n" if newline is None and "r" not in mode else newline
    return open_of_posix(file, mode, buffering, encoding, errors, newline, *rest, **options)


class TextAsOnWindows(io.TextIOWrapper):
    """Text of lines that end as they do on Windows, where it is written only."""

    def __init__(self, buffer, *arguments, **options):
        written = len(arguments) < 3 and options.get("newline") is None and not buffer.readable()
        super().__init__(buffer, *arguments, **options | ({"newline": "\r\n"} if written else {}))


def tell_memory(status):
    status._obj[1] = MEMORY
    return 1


def lock_as_on_windows(descriptor, mode, count):
    """Lock bytes of a file from its position on."""
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(13, "Permission denied") from error


for module in MODULES_OF_PYTHON.split():
    importlib.import_module(module)
multiprocessing.set_start_method("spawn")
if os.environ["ELSEWHERE"] == "macos":
    take_away(MACOS)
else:
    sys.modules.update(dict.fromkeys(MODULES_OF_POSIX))  # a None there is an ImportError
    functions = {"GlobalMemoryStatusEx": tell_memory, "GetConsoleMode": lambda descriptor, mode: os.isatty(descriptor)}
    ctypes.windll = types.SimpleNamespace(kernel32=types.SimpleNamespace(**functions))
    sys.modules["msvcrt"] = types.SimpleNamespace(
        get_osfhandle=lambda descriptor: descriptor,
        kbhit=lambda: bool(select.select([0], [], [], 0)[0]),
        getwch=lambda: os.read(0, 1).decode(),
        locking=lock_as_on_windows,
        LK_NBLCK=2,
    )
    keep_open_files()
    builtins.open = io.open = open_as_on_windows
    io.TextIOWrapper = TextAsOnWindows
    take_away(WINDOWS)
