from initshim.shared cimport Line, Options

cdef public void begin(Line *line) noexcept nogil
cdef public void put(Line *line, const char *text) noexcept nogil
cdef public void put_name(Line *line, const char *name) noexcept nogil
cdef public void put_number(Line *line, unsigned int number) noexcept nogil
cdef public void put_error(Line *line, int error) noexcept nogil
cdef public void print_line(Line *line) noexcept nogil
cdef public void report(Line *line, Options *options) noexcept nogil

cdef const char *errors() noexcept nogil
cdef void add(Line *line, const char *text, int limit) noexcept nogil
