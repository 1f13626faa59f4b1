"""Faults that are told to the user as one line, with the exit code they end the script with."""


class Fault(Exception):
    """Something failed that the user can act on; the message says what and how."""

    exit_code = 1


class BadInput(Fault):
    """A bad argument, input file or answer."""

    exit_code = 2
