"""`initshim doctor`: what is wrong with an installation, and what to do about it.

Each family of checks is a module: `fetch` asks the cluster, `check` makes findings of what came
back and does nothing else; `diagnose` runs them all.
"""
