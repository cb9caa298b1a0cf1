"""Another mutating webhook: it adds a sidecar to pods of namespaces labelled `mesh: yes`."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from tests.integration.controlplane.plane import ControlPlane

SIDECAR = {"name": "mesh", "image": "mesh", "command": ["/mesh"]}


@dataclass
class Neighbour:
    """How often it was called."""

    calls: int = 0


@contextmanager
def neighbour(
    plane: ControlPlane, name: str, folder: Path, *, sidecar: dict[str, Any] = SIDECAR
) -> Iterator[Neighbour]:
    """Serve it and register it by URL under this name, for as long as the block runs."""
    seen = Neighbour()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.calls += 1
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(_answer(review, sidecar)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    file = folder / "neighbour.json"
    file.write_text(json.dumps(_configuration(name, server.server_port, authority)))
    try:
        plane.kubectl("apply", "-f", str(file))
        yield seen
    finally:
        plane.kubectl("delete", "-f", str(file), check=False)
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(review: dict[str, Any], sidecar: dict[str, Any]) -> dict[str, Any]:
    request = review["request"]
    containers = request["object"]["spec"]["containers"]
    response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
    if all(each["name"] != sidecar["name"] for each in containers):
        patch = [{"op": "add", "path": "/spec/containers/-", "value": sidecar}]
        coded = base64.b64encode(json.dumps(patch).encode()).decode()
        response |= {"patchType": "JSONPatch", "patch": coded}
    return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}


def _configuration(name: str, port: int, authority: trustme.CA) -> dict[str, Any]:
    bundle = base64.b64encode(authority.cert_pem.bytes()).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "mesh.example.com",
                "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": bundle},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ],
                "namespaceSelector": {"matchLabels": {"mesh": "yes"}},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "reinvocationPolicy": "IfNeeded",
            }
        ],
    }
