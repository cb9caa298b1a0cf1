"""Foreign words, made fit for a line that a person reads."""


def printable(text: str) -> str:
    """Give it with a blank for whatever a terminal would take for an order, or for a line's end."""
    return "".join(each if each.isprintable() else " " for each in text)
