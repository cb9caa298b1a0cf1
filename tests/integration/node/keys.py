"""One CA, a certificate for each program, and their kubeconfigs. Nothing here is worth keeping."""

import base64
import json

import trustme

from tests.integration.node.layout import FIRST_SERVICE_IP, NODE, NODE_IP, Layout

SERVER = f"https://{NODE_IP}:6443"
_SERVICE = "kubernetes.default.svc"
# program → common name, organization, more names that it is reached by
_LEAVES = {
    "apiserver": ("kube-apiserver", "", (_SERVICE, "kubernetes.default", FIRST_SERVICE_IP)),
    "etcd": ("etcd", "", ()),
    "kubelet": (f"system:node:{NODE}", "system:nodes", (NODE,)),
    "admin": ("admin", "system:masters", ()),
    "controller-manager": ("system:kube-controller-manager", "", ()),
    "scheduler": ("system:kube-scheduler", "", ()),
    "proxy": ("system:kube-proxy", "", ()),
}
_USERS = ("admin", "controller-manager", "scheduler", "proxy", "kubelet")


def make(layout: Layout) -> None:
    """Write all of them, unless they are there: a node that was off keeps its own."""
    folder = layout.keys
    if layout.kubeconfig.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    authority.private_key_pem.write_to_path(folder / "ca.key")
    authority.issue_cert("accounts").private_key_pem.write_to_path(folder / "accounts.key")
    for name, (common, organization, more) in _LEAVES.items():
        leaf = authority.issue_cert(
            NODE_IP, "127.0.0.1", "localhost", *more,
            common_name=common, organization_name=organization or None,
        )  # fmt: skip
        chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
        (folder / f"{name}.crt").write_bytes(chain)
        leaf.private_key_pem.write_to_path(folder / f"{name}.key")
    for name in reversed(_USERS):  # the administrator's last: it says that all are there
        (folder / f"{name}.kubeconfig").write_text(_kubeconfig(layout, name))


def _kubeconfig(layout: Layout, user: str) -> str:
    def data(name: str) -> str:
        return base64.b64encode((layout.keys / name).read_bytes()).decode()

    cluster = {"server": SERVER, "certificate-authority-data": data("ca.crt")}
    known = {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}
    return json.dumps(  # JSON is YAML
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "node",
            "contexts": [{"name": "node", "context": {"cluster": "node", "user": user}}],
            "clusters": [{"name": "node", "cluster": cluster}],
            "users": [{"name": user, "user": known}],
        }
    )
