from libc.stdint cimport uint64_t

cdef public void begin_line(const char *kind) noexcept nogil
cdef public void put_text(const char *key, const char *text) noexcept nogil
cdef public void put_count(const char *key, uint64_t number) noexcept nogil
cdef public bint end_line() noexcept nogil

cdef char line[65536]
cdef int size

cdef void add(char letter) noexcept nogil
cdef void add_key(const char *key) noexcept nogil
cdef void add_escaped(unsigned char letter) noexcept nogil
