from initshim.rooms cimport Line, Options

cdef public bint parse_options(char **argv, Options *options) noexcept nogil
cdef public const char *help_text() noexcept nogil

cdef const char *table() noexcept nogil
cdef const char *entry_of(char letter) noexcept nogil
cdef const char *entry_called(const char *name) noexcept nogil
cdef char **take_long(char **at, Options *options) noexcept nogil
cdef char **take_short(char **at, Options *options) noexcept nogil
cdef bint set_flag(char letter, Options *options) noexcept nogil
cdef bint set_value(const char *entry, const char *value, Options *options) noexcept nogil
cdef bint set_number(char letter, const char *value, Options *options) noexcept nogil
cdef bint set_rewrite(const char *value, Options *options) noexcept nogil
cdef void defaults(Options *options) noexcept nogil
cdef char **complain(const char *what, const char *name, const char *rest, Options *options) noexcept nogil
