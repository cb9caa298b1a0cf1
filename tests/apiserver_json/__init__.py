"""What the API server's and the kubelet's JSON decoders read, to hold ours against them.

`go/` is a program around the decoders themselves, asked as `tests/kubectl` asks kubectl's.
`python -m tests.apiserver_json` stores the answers for `cases.py`.
"""
