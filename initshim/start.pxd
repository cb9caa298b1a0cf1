ctypedef int (*Program)(int argc, char **argv) noexcept nogil

# Who comes in by these doors is musl: crt1 by the first, all that sets errno by the others.
cdef public void __libc_start_main(Program program, int argc, char **argv) noexcept nogil
cdef public int *__errno_location() noexcept nogil
cdef public int *___errno_location() noexcept nogil

cdef int last_error
