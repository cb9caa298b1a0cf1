"""`initshim doctor`: what is wrong with an installation, and what to do about it.

Each family of checks is a module: `look` asks the cluster and gives facts, `judge` makes findings
of them and does nothing else.
"""
