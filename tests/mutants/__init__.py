"""Does a test notice when the code is changed? `python -m tests.mutants --help`.

`changes` lists what can be changed in a module, `loading` has a changed module imported in place of
the real one, `coverage_map` finds the tests that run a line, and `trial` runs those, fastest first,
in a process forked for the one change. What no test notices is listed in survivors.toml with the
reason why that is right, or gets a test.
"""
