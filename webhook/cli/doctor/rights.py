"""What the webhook's service account may do: all that it needs, and nothing more.

Asked by SubjectAccessReview, so whoever runs doctor needs the right to create those.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webhook.cli.doctor.causes import Topic
from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import (
    ACCESS_REVIEW,
    EVENT,
    INTERMEDIATE,
    MUTATING_WEBHOOK,
    NAMESPACE,
    WORKLOADS,
    Json,
)

_FAMILY = "rights"
_AT_ONCE = 8
_MOST_NAMESPACES = 50
_MOST_ASKED = 200
_PULLED = ("secrets", "serviceaccounts")
_WEBHOOKS = MUTATING_WEBHOOK.resource


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
class Reviewed:
    """The rights that were asked about, and which of them are granted."""

    needed: dict[Right, bool]
    excess: dict[Right, bool]
    readable: tuple[str, ...] = ()
    """Namespaces whose secrets it may read by now, where a hint has to name them."""
    error: KubeError | None = None

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Namespaces whose pull secrets it is set to read, and may not."""
        missing = (right for right, granted in self.needed.items() if not granted)
        pulled = (each for each in missing if each.resource in _PULLED and not each.name)
        return tuple(sorted({each.namespace for each in pulled} - {""}))


def needed(cluster: Cluster) -> list[Right]:
    """What its settings make the webhook do."""
    rights = _certificates(cluster)
    if cluster.settings.warm_up:
        rights += [Right("list", kind.resource) for kind in (NAMESPACE, *WORKLOADS)]
    if cluster.settings.events:
        rights += [Right(verb, EVENT.resource) for verb in ("create", "patch")]
        rights += [Right("get", kind.resource) for kind in INTERMEDIATE]
    if cluster.settings.delivery == "auto":
        rights.append(Right("list", "nodes"))
    if cluster.settings.pull_secrets:
        rights += [
            Right("get", kind, namespace)
            for namespace in cluster.selected[:_MOST_NAMESPACES]
            for kind in _PULLED
        ]
    return rights


def _certificates(cluster: Cluster) -> list[Right]:
    """What it takes to have a certificate that the API server trusts."""
    if cluster.settings.tls != "builtin":
        return []
    secret = cluster.settings.tls_secret
    return [
        *(Right(verb, "secrets", cluster.namespace, secret) for verb in ("get", "create", "patch")),
        *(Right(verb, _WEBHOOKS, name=cluster.name) for verb in ("get", "patch")),
    ]


def excess(cluster: Cluster) -> list[Right]:
    """What it never does, and what would hurt: these are asked about, not all that there are."""
    everywhere = [Right("get", "secrets")] if not cluster.settings.pull_secrets else []
    return [
        *everywhere,
        Right("list", "secrets"),
        Right("list", "secrets", cluster.namespace),
        Right("create", "pods"),
        Right("create", "pods/exec"),
        Right("patch", "deployments.apps"),
        Right("delete", _WEBHOOKS, name=cluster.name),
        Right("patch", _WEBHOOKS, name="another"),
        Right("create", "clusterrolebindings.rbac.authorization.k8s.io"),
        Right("impersonate", "users"),
        Right("*", "*"),
    ]


async def fetch(client: KubeClient, cluster: Cluster) -> Reviewed:
    """Ask the API server about each of them."""
    user = f"system:serviceaccount:{cluster.namespace}:{cluster.account}"
    gate = asyncio.Semaphore(_AT_ONCE)

    async def granted(right: Right) -> bool | KubeError:
        async with gate:
            spec = {
                "user": user,
                "groups": _groups(cluster),
                "resourceAttributes": right.attributes,
            }
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

    if cluster.deployment is None:
        return Reviewed({}, {})
    try:
        wanted = await ask(needed(cluster))
        secrets = [Right("get", "secrets", each) for each in _namespaces(cluster)]
        may = await ask(secrets) if cluster.settings.lookups else {}
        readable = tuple(right.namespace for right, granted in may.items() if granted)
        return Reviewed(wanted, await ask(excess(cluster)), readable)
    except KubeError as error:
        return Reviewed({}, {}, error=error)


def check(cluster: Cluster, fetched: Reviewed) -> list[Finding]:
    """Say what is missing, and what is too much."""
    about = Subject(_FAMILY, f"ServiceAccount {cluster.namespace}/{cluster.account}")
    if isinstance(cluster.deployments, KubeError):
        return [Subject(_FAMILY, "The webhook's ServiceAccount").unknown(cluster.deployments)]
    if fetched.error:
        return [about.unknown(fetched.error)]
    return list(_weigh(cluster, fetched, about)) if cluster.deployment else []


def _weigh(cluster: Cluster, fetched: Reviewed, about: Subject) -> Iterator[Finding]:
    missing = [right for right, granted in fetched.needed.items() if not granted]
    secrets = [right for right in missing if right.namespace in fetched.unreadable]
    own = [str(right) for right in missing if right not in secrets]
    if own:
        what = f"it may not {', '.join(own)}, and needs to"
        topic = Topic.RIGHTS if set(missing) & {*_certificates(cluster)} else None
        yield about.error(what, cluster.upgrade("rbac.create=true"), topic)
    if secrets:
        where = fetched.unreadable
        yield about.info(
            f"it may not read pull secrets in {', '.join(where)}: private images there are left "
            "alone unless they give a command",
            let_read(cluster, fetched.readable, where),
        )
    much = [str(right) for right, granted in fetched.excess.items() if granted]
    if "* *" in much:
        yield about.warning("it may do everything: it is an administrator", _who(cluster))
    elif much:
        yield about.warning(f"it may also {', '.join(much)}, which it never does", _who(cluster))
    if not much and not own:
        yield about.ok(f"it has the {len(fetched.needed) - len(secrets)} rights that it needs")


def let_read(cluster: Cluster, readable: Sequence[str], more: Sequence[str]) -> str:
    """Say how to let the webhook read pull secrets in more namespaces, and in none less.

    Helm replaces a list as a whole, so those that it may read already have to be in it.
    """
    listed = ",".join(sorted({*readable, *more}))
    done = cluster.upgrade(f"'registry.pullSecretNamespaces={{{listed}}}'")
    return f"To let it (this sets the whole list, with those that it may read already):\n{done}"


def _namespaces(cluster: Cluster) -> list[str]:
    """Give the namespaces to ask about; its own is never one of pull secrets."""
    if isinstance(cluster.namespaces, KubeError):
        return []
    names = [str(each["metadata"]["name"]) for each in cluster.namespaces]
    return [name for name in names if name != cluster.namespace][:_MOST_ASKED]


def _who(cluster: Cluster) -> str:
    return (
        "kubectl get rolebindings,clusterrolebindings -A -o wide "
        f"| grep {cluster.namespace}/{cluster.account}"
    )


def _groups(cluster: Cluster) -> list[str]:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{cluster.namespace}"]
    return [*groups, "system:authenticated"]
