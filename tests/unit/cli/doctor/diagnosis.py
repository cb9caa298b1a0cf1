"""Doctor asked about a cluster: what it finds, and with which rights."""

import asyncio
import ssl
from typing import Any

import yaml

from tests.fakes.api_server import Rule
from tests.unit.cli.doctor.cluster import NOW, ROOT, Installed
from webhook.cli.doctor.diagnose import diagnose
from webhook.cli.doctor.finding import Finding, Severity
from webhook.kube.client import KubeClient
from webhook.kube.connect import Connection
from webhook.settings import load

Served = tuple[Installed, str]


def client_of(cluster: Served) -> KubeClient:
    """Give a client, which nobody asks for a token."""

    async def nobody() -> None:
        return None

    return KubeClient(Connection(cluster[1], ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), nobody))


def found(
    cluster: Served,
    *,
    namespace: str | None = None,
    webhook: str | None = None,
    seconds: float = 60,
    run_pod: bool = False,
) -> list[Finding]:
    """Give all that is found."""

    async def run() -> list[Finding]:
        async with client_of(cluster) as client:
            return await diagnose(
                client,
                load(),
                webhook=webhook,
                namespace=namespace,
                seconds=seconds,
                now=NOW,
                run_pod=run_pod,
            )

    return asyncio.run(run())


def found_by(check: str, cluster: Served, **options: Any) -> list[Finding]:
    """Give what one family of checks finds."""
    return [each for each in found(cluster, **options) if each.check == check]


def rehearsed(cluster: Served, **options: Any) -> Finding:
    """Give what came of the pod in a dry run."""
    (one,) = found_by("rehearsal", cluster, **options)
    return one


def bad(findings: list[Finding]) -> list[Finding]:
    """Give those that somebody has to look at."""
    return [each for each in findings if each.severity not in {Severity.OK, Severity.INFO}]


def documented() -> set[Rule]:
    """The rights that docs/doctor.md gives to who runs it."""
    return _rights(1)


def documented_for_a_trial() -> set[Rule]:
    """The rights beside the usual ones: its second block."""
    return _rights(2)


def _rights(block: int) -> set[Rule]:
    page = (ROOT / "docs" / "doctor.md").read_text()
    text = page.split("```yaml\n")[block].partition("```")[0]
    return {
        Rule(verb, resource, name)
        for role in yaml.safe_load_all(text)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for resource in rule.get("resources", ["metrics"])
        for name in rule.get("resourceNames", [None])
    }
