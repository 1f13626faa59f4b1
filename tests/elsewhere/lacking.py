"""What Python has on Linux, and not on macOS or not on Windows, {module: names}, of what a script might use."""

MACOS = {"os": {"posix_fallocate", "sched_getaffinity", "sched_setaffinity"}, "signal": {"sigtimedwait"}}
# On Windows there is no os.uname either, but NumPy as it is built for Linux needs it.
WINDOWS = {
    "os": {
        *MACOS["os"],
        *("fork", "forkpty", "register_at_fork", "setsid", "getpgid", "killpg", "sysconf", "statvfs"),
        *("getuid", "geteuid", "getgid", "mkfifo", "posix_spawn", "WIFSIGNALED", "WTERMSIG", "wait4"),
    },
    "signal": {
        *MACOS["signal"],
        *("SIGHUP", "SIGKILL", "SIGPROF", "SIGPIPE", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGQUIT"),
        *("SIGVTALRM", "SIGTRAP", "SIGSYS", "SIGPWR", "SIGPOLL", "SIGSTKFLT", "SIGXCPU"),
        *("setitimer", "ITIMER_PROF", "ITIMER_REAL", "alarm", "pthread_sigmask", "SIG_BLOCK", "SIG_UNBLOCK", "sigwait"),
    },
}
MODULES_OF_POSIX = ("resource", "fcntl", "termios", "tty", "pty", "readline", "pwd", "grp")
