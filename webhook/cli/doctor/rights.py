"""What the webhook's service account may do: all that it needs, and nothing more.

Asked by SubjectAccessReview, so whoever runs doctor needs the right to create those.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webhook.cli.doctor.finding import Finding, Subject, attempt
from webhook.cli.doctor.site import Site
from webhook.kube.client import Client
from webhook.kube.errors import KubeError
from webhook.kube.objects import ACCESS_REVIEW, Json

_FAMILY = "rights"
_AT_ONCE = 8
_MOST_NAMESPACES = 10
_WEBHOOKS = "mutatingwebhookconfigurations.admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class Right:
    """One thing to be allowed: a verb, a resource as kubectl names it, where and on which name."""

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def attributes(self) -> Json:
        """It, as a SubjectAccessReview asks for it."""
        kind, _, group = self.resource.partition(".")
        resource, _, part = kind.partition("/")
        return {
            "verb": self.verb,
            "resource": resource,
            "subresource": part,
            "group": "*" if resource == "*" else group,
            "namespace": self.namespace,
            "name": self.name,
        }

    def __str__(self) -> str:
        name = f"/{self.name}" if self.name else ""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{name}{where}"


@dataclass(frozen=True, slots=True)
class Facts:
    """The rights that were asked about, and which of them are granted."""

    needed: dict[Right, bool]
    excess: dict[Right, bool]
    error: KubeError | None = None


def needed(site: Site) -> list[Right]:
    """What its settings make the webhook do."""
    rights: list[Right] = []
    if site.settings.get("TLS", "builtin") == "builtin":
        secret = site.settings.get("TLS_SECRET", "")
        rights += [
            Right(verb, "secrets", site.namespace, secret) for verb in ("get", "create", "patch")
        ]
        rights += [Right(verb, _WEBHOOKS, name=site.name) for verb in ("get", "patch")]
    if site.says("WARM_UP"):
        kinds = ("namespaces", "deployments.apps", "statefulsets.apps", "daemonsets.apps")
        rights += [Right("list", kind) for kind in (*kinds, "cronjobs.batch")]
    if site.says("EVENTS"):
        rights += [Right(verb, "events.events.k8s.io") for verb in ("create", "patch")]
        rights += [Right("get", kind) for kind in ("replicasets.apps", "jobs.batch")]
    if site.says("PULL_SECRETS"):
        rights += [
            Right("get", kind, namespace)
            for namespace in site.selected[:_MOST_NAMESPACES]
            for kind in ("secrets", "serviceaccounts")
        ]
    return rights


def excess(site: Site) -> list[Right]:
    """What it never does, and what would hurt: these are asked about, not all that there are."""
    everywhere = [Right("get", "secrets")] if not site.says("PULL_SECRETS") else []
    return [
        *everywhere,
        Right("list", "secrets"),
        Right("list", "secrets", site.namespace),
        Right("create", "pods"),
        Right("create", "pods/exec"),
        Right("patch", "deployments.apps"),
        Right("delete", _WEBHOOKS, name=site.name),
        Right("patch", _WEBHOOKS, name="another"),
        Right("create", "clusterrolebindings.rbac.authorization.k8s.io"),
        Right("impersonate", "users"),
        Right("*", "*"),
    ]


async def look(client: Client, site: Site) -> Facts:
    """Ask the API server about each of them."""
    user = f"system:serviceaccount:{site.namespace}:{site.account}"
    gate = asyncio.Semaphore(_AT_ONCE)

    async def granted(right: Right) -> bool | KubeError:
        async with gate:
            spec = {"user": user, "groups": _groups(site), "resourceAttributes": right.attributes}
            review = await attempt(client.submit(ACCESS_REVIEW, {"spec": spec}))
        if isinstance(review, KubeError):
            return review
        return (review.get("status") or {}).get("allowed") is True

    async def ask(rights: Sequence[Right]) -> dict[Right, bool]:
        answers = await asyncio.gather(*map(granted, rights))
        for answer in answers:
            if isinstance(answer, KubeError):
                raise answer
        return dict(zip(rights, map(bool, answers), strict=True))

    if site.deployment is None:
        return Facts({}, {})
    try:
        return Facts(await ask(needed(site)), await ask(excess(site)))
    except KubeError as error:
        return Facts({}, {}, error)


def judge(site: Site, facts: Facts) -> list[Finding]:
    """Say what is missing, and what is too much."""
    about = Subject(_FAMILY, f"ServiceAccount {site.namespace}/{site.account}")
    if isinstance(site.deployments, KubeError):
        return [Subject(_FAMILY, "The webhook's ServiceAccount").unlooked(site.deployments)]
    if facts.error:
        return [about.unlooked(facts.error)]
    return list(_weigh(site, facts, about)) if site.deployment else []


def _weigh(site: Site, facts: Facts, about: Subject) -> Iterator[Finding]:
    missing = [right for right, granted in facts.needed.items() if not granted]
    secrets = [right for right in missing if right.namespace not in {"", site.namespace}]
    own = [str(right) for right in missing if right not in secrets]
    if own:
        what = f"it may not {', '.join(own)}, and needs to"
        yield about.error(what, site.upgrade("rbac.create=true"))
    if secrets:
        where = sorted({right.namespace for right in secrets})
        yield about.info(
            f"it may not read pull secrets in {', '.join(where)}: private images there are left "
            "alone unless they give a command",
            "To let it (the list as a whole is set):\n"
            + site.upgrade(f"'registry.pullSecretNamespaces={{{','.join(where)}}}'"),
        )
    much = [str(right) for right, granted in facts.excess.items() if granted]
    if "* *" in much:
        yield about.warning("it may do everything: it is an administrator", _who(site))
    elif much:
        yield about.warning(f"it may also {', '.join(much)}, which it never does", _who(site))
    if not much and not own:
        yield about.ok(f"it has the {len(facts.needed) - len(secrets)} rights that it needs")


def _who(site: Site) -> str:
    return (
        "kubectl get rolebindings,clusterrolebindings -A -o wide "
        f"| grep {site.namespace}/{site.account}"
    )


def _groups(site: Site) -> list[str]:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{site.namespace}"]
    return [*groups, "system:authenticated"]
