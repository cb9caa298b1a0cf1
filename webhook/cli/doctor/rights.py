"""What the webhook's service account may do: all that it needs, and nothing more.

Asked by SubjectAccessReview, so whoever runs doctor needs the right to create those.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webhook.cli.doctor.finding import Finding, Subject, attempt
from webhook.cli.installation.survey import Installation
from webhook.kube.client import KubeClient
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
class Reviewed:
    """The rights that were asked about, and which of them are granted."""

    needed: dict[Right, bool]
    excess: dict[Right, bool]
    error: KubeError | None = None


def needed(installed: Installation) -> list[Right]:
    """What its settings make the webhook do."""
    rights: list[Right] = []
    if installed.settings.get("TLS", "builtin") == "builtin":
        secret = installed.settings.get("TLS_SECRET", "")
        rights += [
            Right(verb, "secrets", installed.namespace, secret)
            for verb in ("get", "create", "patch")
        ]
        rights += [Right(verb, _WEBHOOKS, name=installed.name) for verb in ("get", "patch")]
    if installed.says("WARM_UP"):
        kinds = ("namespaces", "deployments.apps", "statefulsets.apps", "daemonsets.apps")
        rights += [Right("list", kind) for kind in (*kinds, "cronjobs.batch")]
    if installed.says("EVENTS"):
        rights += [Right(verb, "events.events.k8s.io") for verb in ("create", "patch")]
        rights += [Right("get", kind) for kind in ("replicasets.apps", "jobs.batch")]
    if installed.says("PULL_SECRETS"):
        rights += [
            Right("get", kind, namespace)
            for namespace in installed.selected[:_MOST_NAMESPACES]
            for kind in ("secrets", "serviceaccounts")
        ]
    return rights


def excess(installed: Installation) -> list[Right]:
    """What it never does, and what would hurt: these are asked about, not all that there are."""
    everywhere = [Right("get", "secrets")] if not installed.says("PULL_SECRETS") else []
    return [
        *everywhere,
        Right("list", "secrets"),
        Right("list", "secrets", installed.namespace),
        Right("create", "pods"),
        Right("create", "pods/exec"),
        Right("patch", "deployments.apps"),
        Right("delete", _WEBHOOKS, name=installed.name),
        Right("patch", _WEBHOOKS, name="another"),
        Right("create", "clusterrolebindings.rbac.authorization.k8s.io"),
        Right("impersonate", "users"),
        Right("*", "*"),
    ]


async def fetch(client: KubeClient, installed: Installation) -> Reviewed:
    """Ask the API server about each of them."""
    user = f"system:serviceaccount:{installed.namespace}:{installed.account}"
    gate = asyncio.Semaphore(_AT_ONCE)

    async def granted(right: Right) -> bool | KubeError:
        async with gate:
            spec = {
                "user": user,
                "groups": _groups(installed),
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

    if installed.deployment is None:
        return Reviewed({}, {})
    try:
        return Reviewed(await ask(needed(installed)), await ask(excess(installed)))
    except KubeError as error:
        return Reviewed({}, {}, error)


def check(installed: Installation, fetched: Reviewed) -> list[Finding]:
    """Say what is missing, and what is too much."""
    about = Subject(_FAMILY, f"ServiceAccount {installed.namespace}/{installed.account}")
    if isinstance(installed.deployments, KubeError):
        return [Subject(_FAMILY, "The webhook's ServiceAccount").unknown(installed.deployments)]
    if fetched.error:
        return [about.unknown(fetched.error)]
    return list(_weigh(installed, fetched, about)) if installed.deployment else []


def _weigh(installed: Installation, fetched: Reviewed, about: Subject) -> Iterator[Finding]:
    missing = [right for right, granted in fetched.needed.items() if not granted]
    secrets = [right for right in missing if right.namespace not in {"", installed.namespace}]
    own = [str(right) for right in missing if right not in secrets]
    if own:
        what = f"it may not {', '.join(own)}, and needs to"
        yield about.error(what, installed.upgrade("rbac.create=true"))
    if secrets:
        where = sorted({right.namespace for right in secrets})
        yield about.info(
            f"it may not read pull secrets in {', '.join(where)}: private images there are left "
            "alone unless they give a command",
            "To let it (the list as a whole is set):\n"
            + installed.upgrade(f"'registry.pullSecretNamespaces={{{','.join(where)}}}'"),
        )
    much = [str(right) for right, granted in fetched.excess.items() if granted]
    if "* *" in much:
        yield about.warning("it may do everything: it is an administrator", _who(installed))
    elif much:
        yield about.warning(f"it may also {', '.join(much)}, which it never does", _who(installed))
    if not much and not own:
        yield about.ok(f"it has the {len(fetched.needed) - len(secrets)} rights that it needs")


def _who(installed: Installation) -> str:
    return (
        "kubectl get rolebindings,clusterrolebindings -A -o wide "
        f"| grep {installed.namespace}/{installed.account}"
    )


def _groups(installed: Installation) -> list[str]:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{installed.namespace}"]
    return [*groups, "system:authenticated"]
