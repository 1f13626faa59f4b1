"""Text from files and users, made safe to show."""


def printable(text, longest=60):
    """Return text safe to print on one line of a terminal: control characters escaped, and shortened."""
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."
