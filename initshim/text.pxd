cdef public const char *find(const char *text, char letter) noexcept nogil
cdef public int number_in(const char *text, int most) noexcept nogil
