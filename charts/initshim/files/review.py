#!/usr/bin/env python3
"""`helm test`: is the webhook ready, and does it wrap a pod? Standard library only.

Usage: review.py SERVICE HTTPS_PORT HTTP_PORT [readiness]
"""

import base64
import json
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic, sleep
from typing import Any

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "review", "namespace": "default"},
    "spec": {"containers": [{"name": "app", "image": "example.invalid/app", "command": ["app"]}]},
}
REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "helm-test",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": "review",
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": "helm-test"},
        "object": POD,
        "dryRun": True,
    },
}


PATIENCE = 90.0  # seconds: `helm test` may follow `helm install` at once
PAUSE = 1.0


def ready(host: str, port: int, *, patience: float = PATIENCE) -> None:
    """Wait for readiness: none until a certificate is loaded and its CA published."""
    end = monotonic() + patience
    while True:
        said = readiness(host, port)
        if not said:
            return
        if monotonic() >= end:
            raise SystemExit(f"The webhook is not ready after {patience:g} s: {said}")
        sleep(PAUSE)


def readiness(host: str, port: int) -> str:
    """Ask once; give what keeps it from being ready, "" for nothing."""
    http = HTTPConnection(host, port, timeout=10)
    try:
        http.request("GET", "/readyz")
        reply = http.getresponse()
        text = reply.read(500).decode(errors="replace")
    except (OSError, HTTPException) as error:  # no endpoint yet: refused, or no answer
        return str(error) or type(error).__name__
    finally:
        http.close()
    return "" if reply.status == 200 else f"{reply.status} {text}"


def review(host: str, port: int) -> dict[str, Any]:
    """Post the review and give the response."""
    # Whether the API server trusts the certificate is what readiness says; the CA itself is in
    # a Secret that only the webhook may read.
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    https = HTTPSConnection(host, port, timeout=15, context=unverified)
    kind = {"Content-Type": "application/json"}
    https.request("POST", "/mutate?timeout=10s", json.dumps(REVIEW), kind)
    reply = https.getresponse()
    body = reply.read()
    if reply.status != 200:
        raise SystemExit(f"The webhook answered {reply.status}: {body[:500].decode()}")
    response: dict[str, Any] = json.loads(body)["response"]
    return response


def wrapped(response: dict[str, Any]) -> str:
    """Give the command that the webhook wrote, or fail with what it said instead."""
    if not response["allowed"] or "patch" not in response:
        raise SystemExit(f"The webhook left the test's pod alone: {json.dumps(response)}")
    patch = json.loads(base64.b64decode(response["patch"]))
    for change in patch:
        value = change.get("value")
        if change["path"].endswith("/command") and value[:1] == ["/.initshim/init"]:
            return " ".join(value)
    raise SystemExit(f"No command in the webhook's patch runs the reaper: {json.dumps(patch)}")


if __name__ == "__main__":
    service, https_port, http_port, *only = sys.argv[1:]
    ready(service, int(http_port))
    if only:  # a review would be refused: it is not the API server who sends it
        print("Ready")
    else:
        print("Wrapped:", wrapped(review(service, int(https_port))))
