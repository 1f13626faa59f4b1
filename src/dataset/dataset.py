"""Make IDX files, which the other scripts train on, of one's own pictures."""

import _signal  # what signal is made of, which itself takes long to import
import sys

if hasattr(_signal, "pthread_sigmask"):  # Ctrl-C waits for program.run, which can tell of it
    _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGINT])

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utilities import system
from utilities.terminal import program


def main():
    """Read the pictures, ask how they are wanted, and write them."""
    # Imported here, where a package that is missing is told in one line. NumPy takes Ctrl-C for a lack of its parts.
    with system.signals_held():
        from utilities.record.dataset_folder import holds_dataset
        from utilities.session.dataset import ask, read, write
        from utilities.terminal.console import Console, say
        from utilities.terminal.dataset_arguments import parse_dataset_arguments
        from utilities.text import printable

    arguments = parse_dataset_arguments()
    replaces = holds_dataset(arguments.output, arguments.data)
    console = Console()
    source = read(console, arguments)
    if replaces and not console.may_replace(f"{printable(str(arguments.output))} has a data set"):
        say("not written")
    else:
        write(source, *ask(console, source, arguments), arguments)


if __name__ == "__main__":
    program.run(main)
