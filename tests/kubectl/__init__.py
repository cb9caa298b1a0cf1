"""What kubectl's own decoder reads in manifests, to hold ours against it.

`go/` is a program around k8s.io/apimachinery's YAMLOrJSONDecoder, built once for the newest
Kubernetes and once for 1.31, whose decoder is that of kubectl 1.27 to 1.32.
`python -m tests.kubectl` stores the answers for `cases.py`; `--seconds` compares generated
manifests instead.
"""
