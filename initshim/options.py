"""Options: argv read by hand, by the table that grammar.py writes.

getopt_long would bring stdio with it. A bad option is one line and nothing is started.
"""

import cython
from cython.cimports.initshim.grammar import (
    CODE_VALUE,
    HELP,
    INSTALL,
    LAST_SIGNAL,
    MOST_CODE,
    MOST_SECONDS,
    NONE_VALUE,
    OPTION_TABLE,
    REWRITE_VALUE,
    SECONDS_VALUE,
    SIGNAL_VALUE,
    TERMINATION_LOG,
    TEXT_VALUE,
    VERSION,
)
from cython.cimports.initshim.shared import (
    Line,
    begin,
    find,
    number_in,
    put,
    put_name,
    report,
    signal_in,
)
from cython.cimports.libc.string import memset, strcmp, strlen, strncmp


def parse_options(argv, options):
    """Read argv into options; false where it was bad, and that has been said."""
    defaults(options)
    if argv[0] == cython.NULL:
        return complain(b"no program given", b"", b"", options) != cython.NULL
    at: cython.pp_char = argv + 1
    while at[0] != cython.NULL and at[0][0] == ord("-") and at[0][1] != 0:
        if strcmp(at[0], b"--") == 0:
            at += 1
            break
        at = take_long(at, options) if at[0][1] == ord("-") else take_short(at, options)
        if at == cython.NULL:
            return False
        if options.given[HELP] or options.given[VERSION]:
            return True
    options.program = at
    if at[0] == cython.NULL and options.text[INSTALL] == cython.NULL:
        return complain(b"no program given", b"", b"", options) != cython.NULL
    if at[0] != cython.NULL and options.text[INSTALL] != cython.NULL:
        return (
            complain(b"--install takes no program, but was given '", at[0], b"'", options)
            != cython.NULL
        )
    return True


def defaults(options):
    """No option given."""
    memset(options, 0, cython.sizeof(options[0]))
    options.text[TERMINATION_LOG] = b"/dev/termination-log"
    signum = cython.declare(cython.int)
    for signum in range(LAST_SIGNAL + 1):
        options.rewrite[signum] = signum


def take_long(at, options):
    """Take `--name`, `--name=value` or `--name value`; what comes after it, or NULL."""
    word: cython.p_const_char = at[0]
    entry: cython.p_const_char = entry_called(word + 2)
    if entry == cython.NULL:
        return complain(b"unknown option '", word, b"'", options)
    value: cython.p_const_char = find(word, ord("="))
    if entry[1] == NONE_VALUE:
        if value != cython.NULL:
            return complain(b"option '", word, b"' takes no value", options)
        options.given[entry[0]] += 1
        return at + 1
    if value != cython.NULL:
        value += 1
    else:
        at += 1
        value = at[0]
    if value == cython.NULL:
        return complain(b"option '", word, b"' needs a value", options)
    return at + 1 if set_value(entry, value, options) else cython.NULL


def take_short(at, options):
    """Take `-g`, `-gv`, `-e143`, `-e 143` or `-ge143`; what comes after it, or NULL."""
    word: cython.p_const_char = at[0]
    letters: cython.p_const_char = word + 1
    while letters[0] != 0:
        entry: cython.p_const_char = entry_of(letters[0])
        if entry == cython.NULL:
            return complain(b"unknown option '", word, b"'", options)
        letters += 1
        if entry[1] == NONE_VALUE:
            options.given[entry[0]] += 1
            continue
        if letters[0] == 0:
            at += 1
            letters = at[0]
        if letters == cython.NULL:
            return complain(b"option '", word, b"' needs a value", options)
        return at + 1 if set_value(entry, letters, options) else cython.NULL
    return at + 1


def entry_of(letter):
    """The table's entry for a letter, or NULL; --install has no short form."""
    entry: cython.p_const_char = OPTION_TABLE
    while entry[0] != 0:
        if entry[0] == letter and letter != INSTALL:
            return entry
        entry += strlen(entry) + 1
    return cython.NULL


def entry_called(name):
    """The table's entry for a long name, which ends with the word or at a `=`; or NULL."""
    entry: cython.p_const_char = OPTION_TABLE
    while entry[0] != 0:
        size: cython.size_t = strlen(entry + 2)
        if strncmp(name, entry + 2, size) == 0 and (name[size] == 0 or name[size] == ord("=")):
            return entry
        entry += size + 3
    return cython.NULL


def set_value(entry, value, options):
    """Set an option that takes a value; false where the value is bad, and that has been said."""
    if value[0] != 0 and keep_value(entry[0], entry[1], value, options):
        return True
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), b"bad value '")
    put_name(cython.address(line), value)
    put(cython.address(line), b"' for --")
    put(cython.address(line), entry + 2)
    put(cython.address(line), b" (see initshim --help)")
    report(cython.address(line), options)
    return False


def keep_value(letter, kind, value, options):
    """Keep a value under its option's letter; false where it is none of its kind."""
    number: cython.int = -1
    if kind == TEXT_VALUE:
        options.text[letter] = value
        return True
    if kind == REWRITE_VALUE:
        return set_rewrite(value, options)
    if kind == CODE_VALUE:
        number = number_in(value, MOST_CODE)
        if number >= 0:
            options.expected[number] = True
    elif kind == SECONDS_VALUE:
        number = number_in(value, MOST_SECONDS)
    elif kind == SIGNAL_VALUE:
        number = signal_in(value)
        if number == 0:
            return False
    options.number[letter] = number
    return number >= 0


def set_rewrite(value, options):
    """Set `FROM:TO`; false where it does not name two signals."""
    name = cython.declare(cython.char[16])
    colon: cython.p_const_char = find(value, ord(":"))
    size: cython.Py_ssize_t = colon - value
    if colon == cython.NULL or size >= 16:
        return False
    at = cython.declare(cython.int)
    for at in range(size):
        name[at] = value[at]
    name[size] = 0
    source: cython.int = signal_in(name)
    target: cython.int = signal_in(colon + 1)
    if source <= 0 or target < 0:
        return False
    options.rewrite[source] = target
    return True


def complain(what, name, rest, options):
    """Say what is wrong with an option, in one line; NULL."""
    line = cython.declare(Line)
    begin(cython.address(line))
    put(cython.address(line), what)
    put_name(cython.address(line), name)
    put(cython.address(line), rest)
    put(cython.address(line), b" (see initshim --help)")
    report(cython.address(line), options)
    return cython.NULL
