from initshim.shared cimport Line, Options

cdef public bint parse_options(char **argv, Options *options) noexcept nogil

cdef const char *entry_of(char letter) noexcept nogil
cdef const char *entry_called(const char *name) noexcept nogil
cdef char **take_long(char **at, Options *options) noexcept nogil
cdef char **take_short(char **at, Options *options) noexcept nogil
cdef bint set_value(const char *entry, const char *value, Options *options) noexcept nogil
cdef bint keep_value(char letter, char kind, const char *value, Options *options) noexcept nogil
cdef bint set_rewrite(const char *value, Options *options) noexcept nogil
cdef void defaults(Options *options) noexcept nogil
cdef char **complain(const char *what, const char *name, const char *rest, Options *options) noexcept nogil
