"""What depends on the operating system. No other module asks which one this is, or what it lacks."""

import contextlib
import errno
import faulthandler
import functools
import importlib
import os
import shlex
import shutil
import signal
import subprocess
import weakref

try:
    import fcntl
    import resource
    import termios
except ImportError:  # on Windows
    fcntl = resource = termios = None


def _signals(names):
    return tuple(getattr(signal, name) for name in names.split() if hasattr(signal, name))


# Those that ask a process to leave: SIGBREAK is Ctrl-Break of Windows; of the last three, batch systems send one before
# the time that they allow is over.
ENDING_SIGNALS = _signals("SIGINT SIGTERM SIGHUP SIGBREAK SIGXCPU SIGUSR1 SIGUSR2")
# Those that end a process at once and that faulthandler does not tell by itself.
OTHER_SIGNALS = _signals("SIGQUIT SIGALRM SIGVTALRM SIGPROF SIGTRAP SIGSYS SIGPWR SIGPOLL SIGSTKFLT")
LOST_OUTPUT = getattr(signal, "SIGHUP", signal.SIGTERM)  # what a process sends itself when nobody reads it any more
JOINS_JOBS = resource is not None  # JAX has no transport between processes on Windows
LIMITS_PROCESSOR_TIME = hasattr(signal, "setitimer")
# Options of subprocess.Popen for a process that Ctrl-C leaves alone, and where it can be a closed terminal too.
DETACHED = (
    {"start_new_session": True}
    if hasattr(os, "setsid")
    else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LOCKED_BYTE = 2**30  # Windows locks bytes, against reading too: this one is past the content

_locked = weakref.WeakSet()


def cores():
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores_of(processes):
    """Return a core for each of so many processes, as use_core takes it."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return [cores[number % len(cores)] for number in range(processes)]


def use_core(core):
    """Have this process use a single core, where the system lets it choose; before it starts threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def memory():
    """Return how many bytes of memory the machine has."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import ctypes  # on Windows: GlobalMemoryStatusEx fills a MEMORYSTATUSEX

    status = (ctypes.c_uint64 * 8)()  # two numbers of 32 bits, its own length the first, and seven of 64
    status[0] = ctypes.sizeof(status)
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return status[1]


def limit(name):
    """Return how many bytes a limit of the resource module allows this process, or None where there is no limit."""
    if resource is None:
        return None
    allowed, _ = resource.getrlimit(getattr(resource, name))
    return None if allowed == resource.RLIM_INFINITY else allowed


def limit_child(seconds):
    """Let the system end this process, a child, after so many seconds of the processor, and by Ctrl-C at once.

    Where LIMITS_PROCESSOR_TIME is false, it is for the parent to end it in time.
    """
    for name in ("SIGPROF", "SIGINT", "SIGPIPE"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)  # which ends it even within a call of a library
    if LIMITS_PROCESSOR_TIME:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ran_out_of_time(exit_code):
    """Tell whether a child ended so because of what limit_child set."""
    return LIMITS_PROCESSOR_TIME and exit_code == -signal.SIGPROF


@contextlib.contextmanager
def signals_held():
    """Within it, ENDING_SIGNALS wait, in this process and in what it starts; these go on so. Nothing where none can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def mark(number, descriptor):
    """Let a signal that ends this process write to a descriptor before, unless it is ignored."""
    if signal.getsignal(number) == signal.SIG_DFL:
        faulthandler.register(number, descriptor, all_threads=False, chain=True)


def exchange(one, other):
    """Have two folders beside each other take each other's names in one step; False where the system cannot."""
    import ctypes

    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # on macOS, on Windows, with an older C library
        return False
    here, in_exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return rename(here, os.fsencode(one), here, os.fsencode(other), in_exchange) == 0


def call_in_forks(function):
    """Have a function called in each fork of this process, where there are forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def is_terminal(stream):
    """Tell whether a person reads or writes a stream; on Windows NUL calls itself a terminal too."""
    if not stream.isatty() or resource is not None:
        return stream.isatty()
    import ctypes
    import msvcrt

    mode = ctypes.c_uint32()
    return bool(ctypes.windll.kernel32.GetConsoleMode(msvcrt.get_osfhandle(stream.fileno()), ctypes.byref(mode)))


def drop_typed_ahead(stream):
    """Drop what has been typed at a terminal and not been read yet."""
    if termios is not None:
        with contextlib.suppress(termios.error):  # a terminal that is gone
            termios.tcflush(stream, termios.TCIFLUSH)
        return
    import msvcrt

    while msvcrt.kbhit():
        msvcrt.getwch()


def encoding_of_file(stream):
    """Return the encoding to read redirected standard input with; None for Python's own, which Windows dates back."""
    return "utf-8" if resource is None and not stream.isatty() else None


def is_lost_reader(error):
    """Tell whether what was written to has no reader any more, by the OSError that writing raised."""
    return isinstance(error, BrokenPipeError) or (resource is None and error.errno == errno.EINVAL)


def command_lines(first, *others):
    """Return a command as this system's shell takes it; each argument is a list of words, for a line of its own."""
    if resource is None:
        return subprocess.list2cmdline([*first, *(word for words in others for word in words)])
    return " \\\n    ".join(shlex.join(words) for words in (first, *others))


@functools.cache
def has_line_editor():
    """Import the line editor with which input() edits its line and recalls earlier ones; tell whether there is one."""
    try:
        importlib.import_module("readline")
    except ImportError:
        return False
    return True


def lock(file, shared=False):
    """Lock an open file until it is closed, or this process ends, however it does; its forks do not hold the lock.

    Args:
        shared: with others that share it; else alone.

    Raises:
        BlockingIOError: it is locked already.
        OSError: the file system has no locks.
    """
    if fcntl is not None:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        _locked.add(file)
        return
    import msvcrt

    file.seek(LOCKED_BYTE)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError(*error.args) from error


def is_running(number):
    """Tell whether this system has a process of a number; on Windows, which would end it for asking, always."""
    if fcntl is None:
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no number that a process can have
        pass
    return True


def copy_rights(source, path):
    """Give a file the mode of another, and its owner and group where this process may."""
    with contextlib.suppress(OSError):
        if hasattr(os, "chown"):
            os.chown(path, source.stat().st_uid, source.stat().st_gid)
    with contextlib.suppress(OSError):  # a file system without modes
        shutil.copymode(source, path)


def find_room(path, size):
    """Take room on the disk for a file, which then has so many bytes; where that cannot be done, see if there is room.

    Raises:
        OSError: there is not, or the file cannot be written.
    """
    with path.open("rb+") as file:
        if not hasattr(os, "posix_fallocate"):
            if shutil.disk_usage(path.parent).free < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno in NO_ROOM:  # other errors mean that the file system cannot tell
                raise


call_in_forks(lambda: [file.close() for file in _locked])
