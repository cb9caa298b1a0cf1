"""The engine once more, as expressions that the API server evaluates by itself (CEL).

Made from core's own tables and never typed beside them. What CEL can't do, it leaves: a pod whole,
for one of `limits.limits()`, or a container, with the reason `left-to-webhook`.
"""
