"""The installation in a cluster: found by its webhook, not by what somebody called it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import initshim
from webhook.cli.installation.policy_delivery import Brought, brought
from webhook.cli.installation.selection import Selection
from webhook.cli.installation.settings import values_of
from webhook.core.annotations import STATUS
from webhook.core.errors import BadSettings
from webhook.core.selector import selects
from webhook.kube.attempt import Listed, attempt, attempt_list
from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, KubeError, Missing
from webhook.kube.objects import DEPLOYMENT, MUTATING_POLICY, MUTATING_WEBHOOK, SERVICE, Json, Ref
from webhook.settings import Settings, given

WEBHOOK = "inject.initshim.dev"
CHART = "oci://ghcr.io/initshim/charts/initshim"
BY_POLICY = (
    "The API server wraps by itself, without a webhook (engine: policy): it looks no image up. "
    "What the chart's entrypoints, runtimeClasses and initSystems say is not known here."
)
# The chart of this command's own version: what is newer may say what it does not know.
INSTALL = (
    f"helm install initshim {CHART} --version {initshim.__version__} -n initshim --create-namespace"
)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What is installed; what could not be read is the error instead.

    `configurations` has at least one: those with a webhook of initshim in them.
    """

    configurations: tuple[Json, ...]
    service: Json | KubeError
    deployments: Listed
    policies: Listed
    """Our admission policies, by which the API server wraps by itself."""

    @property
    def configuration(self) -> Json:
        """The webhook configuration that counts where there are several."""
        return self.configurations[0]

    @property
    def name(self) -> str:
        """The configuration's name."""
        return str(self.configuration["metadata"]["name"])

    @cached_property
    def webhook(self) -> Json:
        """The webhook in it that is ours."""
        return next(_ours(self.configuration), {})

    @cached_property
    def selection(self) -> Selection:
        """Whom the API server asks about."""
        return Selection(tuple(each for one in self.configurations for each in _ours(one)))

    @property
    def since(self) -> str:
        """When the first configuration was made, in RFC 3339."""
        stamps = (each["metadata"].get("creationTimestamp") for each in self.configurations)
        return min(str(stamp or "") for stamp in stamps)

    @property
    def by_policy(self) -> bool:
        """Whether the API server wraps by itself, and no webhook is there (`engine: policy`)."""
        return "clientConfig" not in self.webhook

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
        """The Deployment whose pods the Service selects; else the one that has its name."""
        if isinstance(self.deployments, KubeError) or self.service_ref is None:
            return None
        service = {} if isinstance(self.service, KubeError) else self.service
        selector = (service.get("spec") or {}).get("selector")
        for each in self.deployments:
            labels = (_template(each).get("metadata") or {}).get("labels") or {}
            if selector and selects({"matchLabels": selector}, labels):
                return each
            if not selector and each["metadata"]["name"] == self.service_ref.name:
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
    def values(self) -> Mapping[str, str]:
        """The settings that its Deployment gives, as texts, by the setting's name."""
        return values_of(self.pod_spec)

    @cached_property
    def settings(self) -> Settings:
        """Its settings; the defaults where the Deployment is not known, or its values are bad."""
        try:
            return given(self.values)
        except BadSettings:
            return given({})

    @property
    def account(self) -> str:
        """The webhook's service account."""
        return str(self.pod_spec.get("serviceAccountName") or "default")

    @cached_property
    def brought(self) -> Brought | None:
        """How the policy brings the reaper, where it alone does; else None."""
        policies = () if isinstance(self.policies, KubeError) else self.policies
        return brought(policies) if self.by_policy else None

    @property
    def reaper_image(self) -> str:
        """The image that it gives to pods, as far as its settings say, or its policy."""
        if self.brought:
            return self.brought.image
        return self.settings.reaper_image or "ghcr.io/initshim/reaper"

    def upgrade(self, values: str = "") -> str:
        """Say how to change one value of what is installed, and neither another nor its version."""
        annotations = self.configuration["metadata"].get("annotations") or {}
        release = annotations.get("meta.helm.sh/release-name")
        if not release:
            change = f" with --set {values}" if values else ""
            return f"Render the chart again as it was (helm template …){change}, and apply it."
        change = f" --set {values}" if values else ""
        home = annotations.get("meta.helm.sh/release-namespace") or self.namespace
        where = f"{CHART}{self._version()} -n {home}"
        return f"helm upgrade {release} {where} --reuse-values{change}"

    def _version(self) -> str:
        """Give --version of the chart that is installed, as its label helm.sh/chart says it."""
        labels = self.configuration["metadata"].get("labels") or {}
        version = str(labels.get("helm.sh/chart") or "").rpartition("initshim-")[2]
        return f" --version {version}" if version else ""


async def survey(client: KubeClient, name: str | None = None) -> Installation | None:
    """Read what there is; None where initshim is not installed, or not by that name.

    `name` is the configuration's, or the policy's; without it every one is looked through. Raises
    KubeError where not even that can be read. Rights: list or get webhook configurations; list
    mutating admission policies; get the Service and list the Deployments beside it.
    """
    policies = await list_policies(client, name)
    found = await _configurations(client, name) or _as_configurations(policies)
    if not found:
        return None
    installed = Installation(
        configurations=tuple(found), service={}, deployments=[], policies=policies
    )
    if installed.service_ref is None:
        return installed
    return replace(
        installed,
        service=await attempt(client.get(installed.service_ref)),
        deployments=await attempt_list(client, DEPLOYMENT, installed.namespace),
    )


async def _configurations(client: KubeClient, name: str | None) -> list[Json]:
    try:
        if name:
            found = [await client.get(Ref(MUTATING_WEBHOOK, name))]
        else:
            found = [each async for each in client.list(MUTATING_WEBHOOK)]
    except Missing:
        return []
    except Forbidden as error:
        if not name:
            error.next_step += " Or name the configuration: --webhook initshim needs only `get`."
        raise
    return [each for each in found if any(_ours(each))]


async def list_policies(client: KubeClient, name: str | None = None) -> Listed:
    """Give the admission policies of initshim; Missing where the API server knows no such kind."""
    listed = await attempt_list(client, MUTATING_POLICY)
    if isinstance(listed, KubeError):
        return listed
    ours = filter(is_our_policy, listed)
    return [each for each in ours if name in (None, each["metadata"]["name"])]


def _as_configurations(policies: Listed) -> list[Json]:
    """Give the policies as if they were webhooks' configurations: whom they select."""
    return [
        {"metadata": each["metadata"], "webhooks": [_selecting(each["spec"])]}
        for each in (() if isinstance(policies, KubeError) else policies)
    ]


def is_our_policy(policy: Json) -> bool:
    """Recognise our admission policy by the annotation that it writes."""
    mutations = (policy.get("spec") or {}).get("mutations") or ()
    return any(STATUS.replace("/", "~1") in str(each.get("jsonPatch")) for each in mutations)


def _selecting(spec: Json) -> Json:
    constraints = spec.get("matchConstraints") or {}
    conditions = spec.get("matchConditions") or []
    return {**constraints, "name": WEBHOOK, "matchConditions": conditions}


def _ours(configuration: Json) -> Iterator[Json]:
    for each in configuration.get("webhooks") or ():
        if each.get("name") == WEBHOOK:
            yield each


def _template(deployment: Json) -> Json:
    template: Json = (deployment.get("spec") or {}).get("template") or {}
    return template
