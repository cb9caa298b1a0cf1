"""The installation that is looked at: found by its webhook, not by what somebody called it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from webhook.cli.doctor.finding import attempt
from webhook.core.selector import selects
from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, KubeError, Missing
from webhook.kube.objects import (
    DEPLOYMENT,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SERVICE,
    Json,
    Kind,
    Ref,
)

WEBHOOK = "inject.initshim.dev"
CHART = "oci://ghcr.io/initshim/charts/initshim"
_PREFIX = "INITSHIM_"
Seen = list[Json] | KubeError


@dataclass(frozen=True)
class Installation:
    """What several checks need to know; what could not be read is the error instead."""

    configuration: Json
    others: tuple[str, ...]
    version: str | KubeError
    namespaces: Seen
    service: Json | KubeError
    pods: Seen
    deployments: Seen

    @property
    def name(self) -> str:
        """The configuration's name."""
        return str(self.configuration["metadata"]["name"])

    @cached_property
    def webhook(self) -> Json:
        """The webhook in it that is ours."""
        found = self.configuration.get("webhooks") or [{}]
        return next((each for each in found if each.get("name") == WEBHOOK), found[0])

    @property
    def client_config(self) -> Mapping[str, Any]:
        """How the API server calls it."""
        return self.webhook.get("clientConfig") or {}

    @property
    def service_ref(self) -> Ref | None:
        """The Service that the API server calls; None where it calls a URL."""
        called = self.client_config.get("service")
        return Ref(SERVICE, called["name"], called["namespace"]) if called else None

    @property
    def port(self) -> int:
        """The port of the Service that the API server calls."""
        return int((self.client_config.get("service") or {}).get("port") or 443)

    @property
    def namespace(self) -> str:
        """The namespace of the webhook's own objects."""
        return (self.service_ref.namespace if self.service_ref else None) or "initshim"

    @cached_property
    def deployment(self) -> Json | None:
        """The Deployment whose pods the Service selects."""
        if isinstance(self.service, KubeError) or isinstance(self.deployments, KubeError):
            return None
        selector = (self.service.get("spec") or {}).get("selector") or {}
        for each in self.deployments if selector else ():
            labels = (_template(each).get("metadata") or {}).get("labels") or {}
            if selects({"matchLabels": selector}, labels):
                return each
        return None

    @property
    def workload(self) -> str:
        """The Deployment as kubectl takes it: deployment/initshim."""
        return f"deployment/{(self.deployment or self.configuration)['metadata']['name']}"

    @cached_property
    def pod_spec(self) -> Json:
        """The spec of the webhook's own pods, {} where it is not known."""
        return _template(self.deployment or {}).get("spec") or {}

    @cached_property
    def container(self) -> Json:
        """The webhook's own container, {} where it is not known."""
        return next(iter(self.pod_spec.get("containers") or ()), {})

    @cached_property
    def settings(self) -> dict[str, str]:
        """The webhook's settings as its Deployment gives them, INITSHIM_ left out."""
        named = {each["name"]: each.get("value") or "" for each in self.container.get("env") or ()}
        found = {key: named[key] for key in named if key.startswith(_PREFIX)}
        return {key.removeprefix(_PREFIX): value for key, value in found.items()}

    def says(self, setting: str) -> bool:
        """Tell whether a setting is on."""
        return self.settings.get(setting, "").lower() in {"true", "1", "yes", "on"}

    @property
    def account(self) -> str:
        """The webhook's service account."""
        return str(self.pod_spec.get("serviceAccountName") or "default")

    @cached_property
    def selected(self) -> tuple[str, ...]:
        """The namespaces whose pods the API server asks about, by name."""
        if isinstance(self.namespaces, KubeError):
            return ()
        selector = self.webhook.get("namespaceSelector")
        return tuple(
            sorted(
                each["metadata"]["name"]
                for each in self.namespaces
                if selects(selector, each["metadata"].get("labels") or {})
            )
        )

    def upgrade(self, values: str = "") -> str:
        """Give the command that installs the chart again, with a value changed."""
        annotations = self.configuration["metadata"].get("annotations") or {}
        release = annotations.get("meta.helm.sh/release-name")
        change = f" --set {values}" if values else ""
        if release:
            return f"helm upgrade {release} {CHART} -n {self.namespace} --reuse-values{change}"
        return f"helm template {self.name} {CHART} -n {self.namespace}{change} | kubectl apply -f -"


async def survey(client: KubeClient, name: str | None) -> Installation | None:
    """Read what there is; None where no webhook of initshim is installed.

    `name` is the configuration's; without it every configuration is looked through. Raises
    KubeError where not even that can be read.
    """
    found = await _configurations(client, name)
    if not found:
        return None
    first = found[0]
    installed = Installation(first, (), "", [], {}, [], [])
    service, where = installed.service_ref, installed.namespace
    seen: Json | KubeError = {}
    if service:
        seen = await attempt(client.get(service))
    selector = (seen.get("spec") or {}).get("selector") if isinstance(seen, dict) else None
    return Installation(
        configuration=first,
        others=tuple(each["metadata"]["name"] for each in found[1:]),
        version=await attempt(client.version()),
        namespaces=await listed(client, NAMESPACE),
        service=seen,
        pods=await listed(client, POD, where, labels=_text(selector)) if selector else [],
        deployments=await listed(client, DEPLOYMENT, where),
    )


async def listed(
    client: KubeClient, kind: Kind, namespace: str | None = None, *, labels: str = ""
) -> Seen:
    """List a kind, or give the error."""
    try:
        return [each async for each in client.list(kind, namespace=namespace, labels=labels)]
    except KubeError as error:
        return error


async def _configurations(client: KubeClient, name: str | None) -> list[Json]:
    if name:
        try:
            return [await client.get(Ref(MUTATING_WEBHOOK, name))]
        except Missing:
            return []
    try:
        found = [each async for each in client.list(MUTATING_WEBHOOK)]
    except Forbidden as error:
        error.next_step += " Or name the configuration: --webhook initshim needs only `get`."
        raise
    return [
        each
        for each in found
        if any(webhook.get("name") == WEBHOOK for webhook in each.get("webhooks") or ())
    ]


def _template(deployment: Json) -> Json:
    template: Json = (deployment.get("spec") or {}).get("template") or {}
    return template


def _text(selector: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in (selector or {}).items())
