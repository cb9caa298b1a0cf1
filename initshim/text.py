"""Text: finding a letter in a string and reading a number from it, without the C library's own."""

import cython


def find(text, letter):
    """Where a letter first is in text, or NULL (zig's strchr is 700 bytes of vector code)."""
    while text[0] != 0:
        if text[0] == letter:
            return text
        text += 1
    return cython.NULL


def number_in(text, most):
    """The decimal number that text is, all of it; -1 where it is none or greater than `most`."""
    number: cython.int = 0
    if text[0] == 0:
        return -1
    while text[0] != 0:
        if text[0] < ord("0") or text[0] > ord("9"):
            return -1
        number = number * 10 + text[0] - ord("0")
        if number > most:
            return -1
        text += 1
    return number
