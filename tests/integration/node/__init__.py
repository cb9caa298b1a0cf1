"""A real one-node cluster on this machine: etcd to kubelet, a runtime, runc, two registries.

`make node` brings it up, `make node-test` runs this folder's tests on it, `make node-down` takes
it away. It lives in namespaces of its own (pid, mount, net, uts, ipc): outside of them there are
one link, its routes, and cgroups, which go with it.
"""
