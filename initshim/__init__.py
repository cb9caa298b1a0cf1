"""The reaper: a PID 1 that reaps zombies, forwards signals and exits as its program did."""

__version__ = "0.1.0"
