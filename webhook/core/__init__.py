"""What is decided, without doing it: no I/O, no clock, no logging."""
