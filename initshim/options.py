"""Options: argv read by hand, from a table.

getopt_long would bring stdio with it. A bad option is one line and nothing is started.
"""

import cython
from cython.cimports.initshim.rooms import (
    HELP,
    INSTALL,
    VERSION,
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


def help_text():
    """What --help prints."""
    return b"""\
usage: initshim [options] [--] PROGRAM [ARGUMENT...]
       initshim --install DESTINATION

Runs PROGRAM, forwards signals to it, reaps zombies and exits as it did.

  -g, --kill-group         send signals to PROGRAM's whole process group
  -a, --all                send signals to everybody in the PID namespace
  -e, --expect-exit CODE   exit with 0 where PROGRAM exits with CODE (repeatable)
  -r, --rewrite FROM:TO    send signal TO in FROM's place, 0 drops it (repeatable)
  -l, --linger SECONDS     when PROGRAM has ended, send TERM to the rest, wait for
                           them so long, then send KILL
  -s, --subreaper          adopt orphans; by itself where it is not PID 1
  -p, --parent-death SIGNAL  get SIGNAL when the parent dies
  -t, --termination-log FILE  where a failure is written, too, if the file exists
                           (default /dev/termination-log)
  -v, --verbose            tell what was forwarded; -vv: also what was reaped
      --install DEST       copy this program to DEST and try the copy
  -V, --version            print the version
  -h, --help               print this

Exit status: PROGRAM's, or 128+n where signal n ended it; 127 not found,
126 not executable, 125 own failure, 2 bad option.
Orphans reaped so far: cat /proc/1/comm
"""


def table():
    """Each option: its letter, `=` where it takes a value, its long name. `+`: long only."""
    return (
        b"g kill-group\0"
        b"a all\0"
        b"e=expect-exit\0"
        b"r=rewrite\0"
        b"s subreaper\0"
        b"p=parent-death\0"
        b"t=termination-log\0"
        b"v verbose\0"
        b"l=linger\0"
        b"+=install\0"
        b"V version\0"
        b"h help\0"
    )


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
        if options.task in (HELP, VERSION):
            return True
    options.program = at
    if at[0] == cython.NULL and options.task != INSTALL:
        return complain(b"no program given", b"", b"", options) != cython.NULL
    if at[0] != cython.NULL and options.task == INSTALL:
        return (
            complain(b"--install takes no program, but was given '", at[0], b"'", options)
            != cython.NULL
        )
    return True


def defaults(options):
    """No option given."""
    memset(options, 0, cython.sizeof(options[0]))
    options.message = b"/dev/termination-log"
    signum = cython.declare(cython.int)
    for signum in range(65):
        options.rewrite[signum] = signum


def take_long(at, options):
    """Take `--name`, `--name=value` or `--name value`; what comes after it, or NULL."""
    word: cython.p_const_char = at[0]
    entry: cython.p_const_char = entry_called(word + 2)
    if entry == cython.NULL:
        return complain(b"unknown option '", word, b"'", options)
    value: cython.p_const_char = find(word, ord("="))
    if entry[1] != ord("="):
        if value != cython.NULL:
            return complain(b"option '", word, b"' takes no value", options)
        set_flag(entry[0], options)
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
        if entry[1] != ord("="):
            set_flag(entry[0], options)
            continue
        if letters[0] == 0:
            at += 1
            letters = at[0]
        if letters == cython.NULL:
            return complain(b"option '", word, b"' needs a value", options)
        return at + 1 if set_value(entry, letters, options) else cython.NULL
    return at + 1


def entry_of(letter):
    """The table's entry for a letter, or NULL."""
    entry: cython.p_const_char = table()
    while entry[0] != 0:
        if entry[0] == letter and letter != ord("+"):
            return entry
        entry += strlen(entry) + 1
    return cython.NULL


def entry_called(name):
    """The table's entry for a long name, which ends with the word or at a `=`; or NULL."""
    entry: cython.p_const_char = table()
    while entry[0] != 0:
        size: cython.size_t = strlen(entry + 2)
        if strncmp(name, entry + 2, size) == 0 and (name[size] == 0 or name[size] == ord("=")):
            return entry
        entry += size + 3
    return cython.NULL


def set_flag(letter, options):
    """Set an option that takes no value."""
    if letter == ord("g"):
        options.group = True
    elif letter == ord("a"):
        options.everyone = True
    elif letter == ord("s"):
        options.subreaper = True
    elif letter == ord("v"):
        options.verbose += 1
    elif letter == ord("V"):
        options.task = VERSION
    else:
        options.task = HELP
    return True


def set_value(entry, value, options):
    """Set an option that takes a value; false where the value is bad, and that has been said."""
    good: cython.bint = value[0] != 0
    if entry[0] == ord("t"):
        options.message = value
    elif entry[0] == ord("+"):
        options.task = INSTALL
        options.destination = value
    elif entry[0] == ord("r"):
        good = set_rewrite(value, options)
    else:
        good = set_number(entry[0], value, options)
    if not good:
        line = cython.declare(Line)
        begin(cython.address(line))
        put(cython.address(line), b"bad value '")
        put_name(cython.address(line), value)
        put(cython.address(line), b"' for --")
        put(cython.address(line), entry + 2)
        put(cython.address(line), b" (see initshim --help)")
        report(cython.address(line), options.message)
    return good


def set_number(letter, value, options):
    """Set an option whose value is a number or a signal; false where it is none."""
    number = cython.declare(cython.int)
    if letter == ord("e"):
        number = number_in(value, 255)
        if number >= 0:
            options.expected[number] = True
    elif letter == ord("l"):
        number = number_in(value, 1000000)
        options.linger = number
    else:
        number = signal_in(value)
        options.parent_death = number
        return number > 0
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
    report(cython.address(line), options.message)
    return cython.NULL
