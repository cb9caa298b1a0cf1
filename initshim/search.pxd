cdef public int exec_program(char **argv) noexcept nogil
cdef public char **variable(const char *name) noexcept nogil

cdef int exec_along(const char *path, char **argv) noexcept nogil
cdef int exec_in(const char *folder, size_t size, char **argv) noexcept nogil
