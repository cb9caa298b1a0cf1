"""An installation as doctor has read it: what the chart renders."""

import base64

from tests.fakes.cluster import installed
from webhook.cli.doctor.cluster import Cluster


def encoded(pem: bytes) -> str:
    """Give it as it stands in a Secret, and in caBundle."""
    return base64.b64encode(pem).decode()


def rendered(*, mode: str = "builtin", bundle: bytes = b"") -> Cluster:
    """Give what the chart renders, with certificates of this mode."""
    deployment, configuration = installed("Deployment"), installed("MutatingWebhookConfiguration")
    configuration["webhooks"][0]["clientConfig"]["caBundle"] = encoded(bundle)
    given = {"TLS": mode, "TLS_CERT_FILE": "/tls/tls.crt", "TLS_KEY_FILE": "/tls/tls.key"}
    spec = deployment["spec"]["template"]["spec"]
    spec["containers"][0]["env"] += [
        {"name": f"INITSHIM_{key}", "value": given[key]} for key in given
    ]
    spec["volumes"] = [{"name": "tls", "secret": {"secretName": "initshim-tls"}}]
    return Cluster(
        configurations=(configuration,),
        version="v1.36.1",
        namespaces=[],
        leaving=frozenset(),
        service=installed("Service"),
        pods=[],
        deployments=[deployment],
        policies=[],
    )
