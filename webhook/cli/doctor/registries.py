"""The registries in use: does the webhook get an answer, with the pods' own credentials?

Asked through the webhook, by a pod in a dry run that gives no command: its network, its proxies and
its pull secrets are the ones that count. From here a registry is asked only where that fails.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from webhook.assembly.resolver import images
from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.doctor.rights import Reviewed, let_read
from webhook.cli.installation import dry_run_pod
from webhook.core import image, policy
from webhook.core.credentials import Keyring
from webhook.core.errors import BadPod, BadReference, LookupFailed
from webhook.core.observe import Silent
from webhook.core.pod import Pod
from webhook.core.pod_templates import pod_templates
from webhook.core.policy import ClusterRules, NeedsImage
from webhook.core.reasons import UNREAD, Reason
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import POD, WORKLOADS, Json, Ref
from webhook.oci.images import Images
from webhook.settings import Settings

_FAMILY = "registries"
_MOST_NAMESPACES = 50
_MOST = 20
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Use:
    """An image that only its registry can tell about, and one pod that runs it."""

    registry: str
    image: str
    namespace: str
    pod: Pod


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking for an image: by the webhook, and from here; a reason, or "wrapped"."""

    use: Use
    containers: int
    webhook: str | KubeError = ""
    here: str = ""


@dataclass(frozen=True, slots=True)
class RegistryAnswers:
    """One answer a registry, and what could not be listed."""

    answers: tuple[Answer, ...] = ()
    errors: tuple[KubeError, ...] = ()
    left_out: tuple[str, ...] = ()
    off: bool = field(default=False)


async def fetch(
    client: KubeClient, cluster: Cluster, settings: Settings, *, rehearsed: bool
) -> RegistryAnswers:
    """Find the registries in use and ask each for one image; `rehearsed`: the webhook answers."""
    if not cluster.settings.lookups:
        return RegistryAnswers(off=True)
    uses: dict[str, list[Use]] = {}
    errors: list[KubeError] = []
    rules = _rules(cluster, settings)
    for namespace in cluster.selected[:_MOST_NAMESPACES]:
        for use in await _uses(client, namespace, rules, errors):
            uses.setdefault(use.registry, []).append(use)
    ranked = sorted(uses, key=lambda registry: -len(uses[registry]))
    async with images(settings, Silent()) as asked:
        answers = await asyncio.gather(
            *(
                _ask(client, cluster, asked, uses[registry], rehearsed=rehearsed)
                for registry in ranked[:_MOST]
            )
        )
    return RegistryAnswers(tuple(answers), tuple(errors), tuple(ranked[_MOST:]))


def _rules(cluster: Cluster, settings: Settings) -> ClusterRules:
    """Give the rules that the webhook plans by, as far as its Deployment says them."""
    theirs = cluster.settings
    return replace(
        settings.rules(), runtime_classes=theirs.runtime_classes, init_systems=theirs.init_systems
    )


async def _uses(
    client: KubeClient, namespace: str, rules: ClusterRules, errors: list[KubeError]
) -> list[Use]:
    found: list[Use] = []
    for kind in WORKLOADS:
        try:
            async for each in client.list(kind, namespace=namespace):
                for workload in pod_templates({**each, "kind": kind.name}):
                    found += _needing(workload.pod, namespace, rules)
        except KubeError as error:
            errors.append(error)
    return found


def _needing(raw: Json, namespace: str, rules: ClusterRules) -> Iterator[Use]:
    """Give the containers whose image has to be looked up, as the webhook's own plan has them."""
    try:
        pod = Pod(raw)
        decisions = policy.plan(pod, rules).decisions
    except BadPod:
        return
    for decision in decisions:
        if isinstance(decision, NeedsImage):
            try:
                reference = image.parse(decision.container.image)
            except BadReference:
                continue
            yield Use(reference.registry, str(reference), namespace, pod)


async def _ask(
    client: KubeClient,
    cluster: Cluster,
    asked: Images,
    uses: Sequence[Use],
    *,
    rehearsed: bool,
) -> Answer:
    use = uses[0]
    by_webhook = await _by_webhook(client, cluster, use) if rehearsed else ""
    here = "" if _was_read(by_webhook) else await _from_here(asked, use.image)
    return Answer(use, len(uses), by_webhook, here)


async def _by_webhook(client: KubeClient, cluster: Cluster, use: Use) -> str | KubeError:
    """Have a pod of that image, with the pull secrets of one that runs it, rehearsed."""
    body = dry_run_pod.pod(
        cluster.reaper_image,
        asked=use.image,
        secrets=[{"name": name} for name in use.pod.pull_secrets],
        account=use.pod.service_account,
    )
    made = await attempt(client.rehearse(Ref(POD, dry_run_pod.NAME, use.namespace), body))
    if isinstance(made, KubeError):
        return _denied(made) or made
    created: Json = made[0]
    return dry_run_pod.outcome(created)


def _denied(error: KubeError) -> str:
    """Read the reason out of a denial of our own (onUnresolved=deny)."""
    said = str(error).partition(f"container {dry_run_pod.ASKED} (")[2].partition(")")[0]
    return said if said in set(Reason) else ""


async def _from_here(asked: Images, name: str) -> str:
    deadline = asyncio.get_running_loop().time() + _SECONDS
    try:
        await asked.find(image.parse(name), keyring=Keyring(), deadline=deadline)
    except LookupFailed as error:
        return error.key
    return "wrapped"


def check(
    cluster: Cluster, fetched: RegistryAnswers, *, reviewed: Reviewed | None = None
) -> list[Finding]:
    """Say which registries answer, and whom; `reviewed` are the webhook's rights, if known."""
    about = Subject(_FAMILY, "Workloads of selected namespaces")
    findings = [about.unknown(error) for error in fetched.errors[:1]]
    if fetched.off:
        return [about.info("lookups are off: containers without a command are left alone")]
    reviewed = reviewed or Reviewed({}, {})
    refused = {
        each.use.namespace for each in fetched.answers if each.webhook == Reason.UNAUTHORIZED
    }
    grant = let_read(cluster, reviewed.readable, [*reviewed.unreadable, *refused])
    findings += [_answered(cluster, answer, grant) for answer in fetched.answers]
    if fetched.left_out:
        findings.append(about.info(f"not asked, for there are too many: {_some(fetched.left_out)}"))
    if not findings and cluster.selected:
        findings.append(about.ok("every container gives its command: no registry is needed"))
    return findings


def _answered(cluster: Cluster, answer: Answer, grant: str) -> Finding:
    use, reason = answer.use, answer.webhook
    many = "s" if answer.containers > 1 else ""
    about = Subject(_FAMILY, f"{use.registry} ({answer.containers} container{many})")
    if isinstance(reason, KubeError):
        return about.unknown(reason)
    if _was_read(reason):
        return about.ok(f"the webhook can read {use.image}")
    if reason == Reason.LOOKUP_OFF:
        return about.info("asking it is switched off in the webhook's registries")
    if not reason:
        return _only_from_here(about, answer)
    known = Reason(reason)
    what = (
        f"the webhook can't read {use.image} ({reason}): {known.meaning.sentence}; "
        f"from here {_seen(answer.here)}"
    )
    if known is Reason.UNAUTHORIZED:
        return about.warning(what, grant)
    by_value = known.meaning.administration
    if by_value and by_value.value:
        upgrade = cluster.upgrade(by_value.value.format(namespace=use.namespace))
        return about.warning(what, f"{by_value.todo[0].upper()}{by_value.todo[1:]}:\n{upgrade}")
    return about.warning(what, f"initshim entrypoint {use.image}")


def _only_from_here(about: Subject, answer: Answer) -> Finding:
    what = f"{answer.use.image} asked from here, which is not the webhook's network: "
    what += _seen(answer.here)
    if _was_read(answer.here) or answer.here == Reason.UNAUTHORIZED:
        return about.info(what)
    return about.warning(what, f"initshim entrypoint {answer.use.image}")


def _seen(reason: str) -> str:
    if reason == Reason.UNAUTHORIZED:
        return "it answers, and wants credentials"
    if _was_read(reason):
        return "it answers, without credentials"
    return f"{Reason(reason).meaning.sentence} ({reason})"


def _was_read(outcome: str | KubeError) -> bool:
    """Tell whether the image's configuration was had, whatever was decided by it."""
    return isinstance(outcome, str) and outcome != "" and outcome not in UNREAD


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
