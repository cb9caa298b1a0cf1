"""Lines: what was found, as one JSON object a line on standard output."""

import cython
from cython.cimports.initshim.linux import write


def begin_line(kind):
    """Start a line that says what kind of thing it tells of."""
    global size
    size = 0
    add(ord("{"))
    put_text(b"kind", kind)


def add(letter):
    """Add one byte; the lines are made of capped texts, so there is always room."""
    global size
    if size < cython.sizeof(line) - 2:
        line[size] = letter
        size += 1


def add_key(key):
    """Add a key and its colon."""
    if size > 1:
        add(ord(","))
    add(ord('"'))
    while key[0] != 0:
        add(key[0])
        key += 1
    add(ord('"'))
    add(ord(":"))


def put_text(key, text):
    """Add a text that somebody else chose: what JSON or UTF-8 may not like is escaped."""
    add_key(key)
    add(ord('"'))
    while text[0] != 0:
        add_escaped(cython.cast(cython.uchar, text[0]))
        text += 1
    add(ord('"'))


def add_escaped(letter):
    r"""Add one byte of a text: as it is, or as \u00XX."""
    digits: cython.p_const_char = b"0123456789abcdef"
    if ord(" ") <= letter <= ord("~") and letter != ord('"') and letter != ord("\\"):
        add(letter)
        return
    add(ord("\\"))
    add(ord("u"))
    add(ord("0"))
    add(ord("0"))
    add(digits[letter >> 4])
    add(digits[letter & 15])


def put_count(key, number):
    """Add a number."""
    digits = cython.declare(cython.char[21])
    at: cython.int = 20
    add_key(key)
    while True:
        at -= 1
        digits[at] = ord("0") + number % 10
        number //= 10
        if number == 0:
            break
    while at < 20:
        add(digits[at])
        at += 1


def end_line():
    """Write the line, all of it; false where standard output is gone."""
    global size
    line[size] = ord("}")
    line[size + 1] = ord("\n")
    done: cython.int = 0
    while done < size + 2:
        written: cython.Py_ssize_t = write(1, cython.address(line[done]), size + 2 - done)
        if written <= 0:
            return False
        done += written
    return True
