"""doctor and audit as a pod's own service account, with the rights that their pages give."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.node.cluster import Cluster
from tests.integration.node.layout import OPEN_REGISTRY, ROOT

Json = dict[str, Any]
IMAGE = f"{OPEN_REGISTRY}/cli:1"
TOOLS = "tools"


def rules_on(page: str) -> Iterator[Json]:
    """Give the roles that a page of the documentation writes down."""
    text = (ROOT / "docs" / page).read_text()
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        for each in yaml.safe_load_all(block):
            if isinstance(each, dict) and each.get("kind") in {"ClusterRole", "Role"}:
                yield each


def bound(role: Json) -> Json:
    """Bind a role to the account."""
    metadata = {key: value for key, value in role["metadata"].items() if key != "labels"}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": f"{role['kind']}Binding",
        "metadata": metadata,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": role["kind"],
            "name": role["metadata"]["name"],
        },
        "subjects": [{"kind": "ServiceAccount", "name": TOOLS, "namespace": TOOLS}],
    }


@pytest.fixture(scope="module")
def account(cluster: Cluster) -> Iterator[str]:
    made = cluster.namespace(TOOLS)
    next(made)
    cluster.kubectl("-n", TOOLS, "create", "serviceaccount", TOOLS)
    roles = [*rules_on("doctor.md"), *rules_on("audit.md")]
    assert {role["kind"] for role in roles} == {"ClusterRole", "Role"}
    cluster.apply(*roles, *map(bound, roles))
    yield TOOLS
    next(made, None)


def run(cluster: Cluster, account: str, name: str, *words: str) -> tuple[int, str]:
    """Run the command line in a pod; give its exit code and what it said."""
    container = {"image": IMAGE, "args": list(words)}
    spec = {"serviceAccountName": account, "restartPolicy": "Never"}
    cluster.run(account, name, container=container, **spec)
    code = cluster.ended(account, name)["exitCode"]
    return code, cluster.kubectl("-n", account, "logs", name)


def test_doctor_finds_nothing_wrong(cluster: Cluster, account: str, shop: str) -> None:
    cluster.run(shop, "x", "/bin/idle")
    cluster.running(shop, "x")
    code, said = run(cluster, account, "doctor", "doctor", "-o", "json")
    found = json.loads(said[said.index("{") :])
    bad = [
        each for each in found["findings"] if each["severity"] in {"error", "warning", "unknown"}
    ]
    assert bad == []
    assert code == 0


def test_audit_counts_wrapped_and_missed(cluster: Cluster, account: str, shop: str) -> None:
    cluster.kubectl("label", "namespace", shop, "initshim.dev/inject-")
    cluster.run(shop, "early", "/bin/leaker")
    cluster.running(shop, "early")
    cluster.kubectl("label", "namespace", shop, "initshim.dev/inject=enabled")
    cluster.run(shop, "late", "/bin/leaker")
    cluster.running(shop, "late")
    code, said = run(cluster, account, "audit", "audit", "-n", shop, "--fail-on", "missed")
    assert code == 3, said
    assert "1 wrapped" in said
    assert "1 missed" in said


def test_audit_ranks_by_real_exec(cluster: Cluster, shop: str, account: str) -> None:
    cluster.run(shop, "x", "/bin/leaker")
    cluster.running(shop, "x")
    cluster.until(lambda: cluster.zombies(shop, "x") == 0)
    words = ("audit", "-n", shop, "--reaped", "-o", "json")
    code, said = run(cluster, account, "not-yet", *words)
    assert code == 1
    [remedy] = re.findall(r"kubectl (-n \S+ create role .*)\"", said)  # audit says how
    cluster.kubectl(*remedy.split())
    binding = ("create", "rolebinding", "exec", "--role=initshim-exec")
    cluster.kubectl("-n", shop, *binding, f"--serviceaccount={TOOLS}:{TOOLS}")
    code, said = run(cluster, account, "reaped", *words)
    assert code == 0, said
    numbers = [int(each) for each in re.findall(r'"reaped": (\d+)', said)]
    assert numbers
    assert max(numbers) > 0
