"""`initshim audit`: every pod of the opted-in namespaces, and what became of it.

scope says which namespaces, collect lists and plans their pods, judge compares what is there with
what the engine would do, owners finds the workload, report prints. restart, what_if and reaped
are the command's other three answers.
"""
