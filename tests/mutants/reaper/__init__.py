"""The reaper's mutants: compiled one by one, and held to the tests of the executable."""
