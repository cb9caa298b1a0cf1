"""The harness's own proof: the chart's Service leads the API server to the webhook's replicas."""

from tests.integration.controlplane.fleet import webhook
from tests.integration.controlplane.install import install
from tests.integration.controlplane.plane import ControlPlane


def test_a_pod_of_an_opted_in_namespace_comes_back_wrapped(plane: ControlPlane) -> None:
    install(plane)
    with webhook(plane, replicas=2):
        plane.kubectl("create", "namespace", "harness")
        plane.kubectl("label", "namespace", "harness", "initshim.dev/inject=enabled")
        plane.kubectl("create", "serviceaccount", "default", "-n", "harness")
        pod = {
            "metadata": {"name": "one"},
            "spec": {"containers": [{"name": "one", "image": "x", "command": ["true"]}]},
        }
        made = plane.api.post("/api/v1/namespaces/harness/pods", json=pod)
        assert made.status_code == 201, made.text
        [container] = made.json()["spec"]["containers"]
        assert container["command"] == ["/.initshim/init", "--", "true"]
