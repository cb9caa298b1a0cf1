"""`initshim audit`: every pod of the opted-in namespaces, and what became of it.

list_pods lists and plans the pods, compare holds each against what the engine would do, owners
finds the workload, summary counts, print_audit prints. what_if, reaped and restart are the
command's other three answers.
"""
