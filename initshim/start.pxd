ctypedef int (*Program)(int argc, char **argv) noexcept nogil

# musl calls these: its crt1 the first, whatever sets errno the others.
cdef public void __libc_start_main(Program program, int argc, char **argv) noexcept nogil
cdef public int *__errno_location() noexcept nogil
cdef public int *___errno_location() noexcept nogil

cdef int last_error
