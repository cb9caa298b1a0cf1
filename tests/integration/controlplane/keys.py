"""The control plane's certificates and keys, in files as its programs want them."""

from dataclasses import dataclass
from pathlib import Path

import trustme

SERVICE_HOST = "kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Keys:
    """Paths of PEM files: one CA signs them all."""

    ca: Path
    server: Path
    server_key: Path
    admin: Path
    admin_key: Path
    accounts_key: Path


def make(folder: Path) -> Keys:
    """Write a CA, a server's certificate for loopback, an administrator's, and a signing key."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost", SERVICE_HOST)
    # The group system:masters may do everything, whatever RBAC says.
    admin = authority.issue_cert(
        "admin@example.com", common_name="admin", organization_name="system:masters"
    )
    accounts = authority.issue_cert("accounts")
    keys = Keys(*(folder / name for name in (
        "ca.crt", "server.crt", "server.key", "admin.crt", "admin.key", "accounts.key",
    )))  # fmt: skip
    authority.cert_pem.write_to_path(keys.ca)
    for leaf, chain, key in (
        (server, keys.server, keys.server_key),
        (admin, keys.admin, keys.admin_key),
    ):
        chain.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(key)
    accounts.private_key_pem.write_to_path(keys.accounts_key)
    return keys
