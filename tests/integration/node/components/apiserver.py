"""kube-apiserver, with a default cluster's admission plugins; a log has what pods were asked."""

import json
import ssl

import httpx

from tests.integration.node.builds import program
from tests.integration.node.component import Component, flags
from tests.integration.node.keys import SERVER
from tests.integration.node.layout import DOMAIN, NODE_IP, SERVICE_NET, Layout

ISSUER = f"https://kubernetes.default.svc.{DOMAIN}"
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "resources": [{"group": "", "resources": ["pods", "pods/binding"]}]},
        {"level": "None"},
    ],
}


def component(layout: Layout) -> Component:
    """Give the API server."""
    keys = layout.keys
    options = {
        "etcd-servers": f"https://{NODE_IP}:2379",
        "etcd-cafile": keys / "ca.crt",
        "etcd-certfile": keys / "admin.crt",
        "etcd-keyfile": keys / "admin.key",
        "bind-address": "0.0.0.0",
        "advertise-address": NODE_IP,
        "secure-port": 6443,
        "tls-cert-file": keys / "apiserver.crt",
        "tls-private-key-file": keys / "apiserver.key",
        "client-ca-file": keys / "ca.crt",
        "cert-dir": keys / "apiserver",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "service-account-issuer": ISSUER,
        "service-account-key-file": keys / "accounts.key",
        "service-account-signing-key-file": keys / "accounts.key",
        "service-cluster-ip-range": SERVICE_NET,
        "kubelet-client-certificate": keys / "admin.crt",
        "kubelet-client-key": keys / "admin.key",
        "kubelet-certificate-authority": keys / "ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "shutdown-delay-duration": "0s",
        "audit-policy-file": layout.config / "audit.json",
        "audit-log-path": layout.logs / "audit.log",
        "audit-log-maxsize": 4096,
    }
    return Component(
        "kube-apiserver",
        (program("kube-apiserver"), *flags(options)),
        lambda: _ready(layout),
        {"audit.json": json.dumps(_AUDIT)},
    )


def client(layout: Layout) -> httpx.Client:
    """Give an administrator's client; close it."""
    tls = ssl.create_default_context(cafile=str(layout.keys / "ca.crt"))
    tls.load_cert_chain(layout.keys / "admin.crt", layout.keys / "admin.key")
    return httpx.Client(base_url=SERVER, verify=tls, timeout=60, trust_env=False)


def _ready(layout: Layout) -> bool:
    try:
        with client(layout) as api:
            return api.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False
