"""`initshim leaks`: which pods leave zombies, how fast, and which are deaf to SIGTERM.

Nothing needs to be installed. Two ways to look (by a short-lived pod on each node, or by exec in
each container) give the same observations; findings, table and page follow from those.
"""
