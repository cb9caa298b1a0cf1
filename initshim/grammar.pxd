# What the command line can say, from grammar.py: initshim/build.py writes the header.
cdef extern from "grammar.h" nogil:
    const char *OPTION_TABLE
    const char *SIGNAL_NAMES
    const char *HELP_TEXT

    enum: MOST_CODE
    enum: MOST_SECONDS
    enum: LAST_SIGNAL
    enum: FIRST_REAL_TIME

    # The letter that an option's value is kept under: Options.given, .number, .text.
    enum: KILL_GROUP
    enum: ALL
    enum: EXPECT_EXIT
    enum: REWRITE
    enum: LINGER
    enum: PARENT_DEATH
    enum: SUBREAPER
    enum: KEEP_USER
    enum: VERBOSE
    enum: TERMINATION_LOG
    enum: INSTALL
    enum: VERSION
    enum: HELP

    # What an option takes.
    enum: NONE_VALUE
    enum: CODE_VALUE
    enum: SECONDS_VALUE
    enum: SIGNAL_VALUE
    enum: REWRITE_VALUE
    enum: TEXT_VALUE
