"""End to end: a pod in a dry run, and where it comes back as it went, why.

Under failurePolicy Ignore a webhook that can't be reached and one that is not asked look the same
from outside: a pod without an init. The API server itself knows the difference and counts it
(apiserver_admission_webhook_…); and it can be asked to call the Service as a proxy does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from webhook.cli.doctor import probe
from webhook.cli.doctor.finding import Finding, Subject, attempt
from webhook.cli.doctor.site import WEBHOOK, Site
from webhook.core.annotations import INJECT
from webhook.kube.client import Client
from webhook.kube.errors import Forbidden, KubeError, Unreachable
from webhook.kube.objects import POD, Json, Ref

_FAMILY = "rehearsal"
_OPEN = "apiserver_admission_webhook_fail_open_count"
_CALLS = "apiserver_admission_webhook_request"
_ANY = "apiserver_admission_"
_METHOD_NOT_ALLOWED = 405  # what POST /mutate answers to a GET: it was the webhook who answered
_FIREWALL = (
    "Let the control plane reach the webhook's port {port}: a firewall rule (GKE's private "
    "clusters allow 443 and 10250 only), a security group, a NetworkPolicy.\n{upgrade}"
)

Counts = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Facts:
    """What came of the rehearsal; the rest is asked only where it went wrong.

    `counted` is what the API server counted meanwhile: calls answered, calls failed open.
    """

    namespace: str
    created: Json | KubeError = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    counted: Counts | KubeError | None = None
    proxied: str | KubeError = ""

    @property
    def works(self) -> bool:
        """Tell whether the webhook did what it is for."""
        return isinstance(self.created, dict) and probe.is_wrapped(self.created)


async def look(client: Client, site: Site, *, namespace: str) -> Facts:
    """Create the pod in a dry run; where it isn't wrapped, do it again and watch the counters.

    In a namespace that is not selected nobody would be asked, so nothing is rehearsed.
    """
    if namespace not in site.selected and not isinstance(site.namespaces, KubeError):
        return Facts(namespace)
    created, warnings = await _create(client, site, namespace)
    facts = Facts(namespace, created, warnings)
    if facts.works or _refused(created):
        return facts
    before = await attempt(client.text("the API server's metrics", "/metrics"))
    created, warnings = await _create(client, site, namespace)
    after = await attempt(client.text("the API server's metrics", "/metrics"))
    counted: Counts | KubeError
    if isinstance(before, str) and isinstance(after, str):
        first, second = _count(before), _count(after)
        counted = {key: second.get(key, 0) - first.get(key, 0) for key in second}
    else:
        counted = after if isinstance(after, KubeError) else KubeError("no metrics")
    return Facts(namespace, created, warnings, counted, await _proxied(client, site))


async def _create(
    client: Client, site: Site, namespace: str
) -> tuple[Json | KubeError, tuple[str, ...]]:
    body = probe.pod(site.settings.get("REAPER_IMAGE") or "ghcr.io/initshim/reaper")
    try:
        return await client.rehearse(Ref(POD, probe.NAME, namespace), body)
    except KubeError as error:
        return error, ()


async def _proxied(client: Client, site: Site) -> str | KubeError:
    """Have the API server call the Service on the webhook's own port; "" where somebody answers."""
    service = site.service_ref
    if service is None:
        return ""
    path = f"{service.kind.path(site.namespace)}/https:{service.name}:{site.port}/proxy/mutate"
    answer = await attempt(client.text(f"services/proxy {site.namespace}/{service.name}", path))
    answered = isinstance(answer, str) or answer.status == _METHOD_NOT_ALLOWED
    return "" if answered else answer


def judge(site: Site, facts: Facts) -> list[Finding]:
    """Say what came of it."""
    if not facts.namespace and isinstance(site.namespaces, KubeError):
        unknown = KubeError("nobody knows where", next_step="initshim doctor --namespace NAME")
        return [Subject(_FAMILY, "dry-run Pod").unlooked(unknown)]
    if not facts.namespace:
        return [Subject(_FAMILY, "dry-run Pod").info("no namespace is selected to rehearse in")]
    about = Subject(_FAMILY, f"dry-run Pod in {facts.namespace}")
    if facts.created == {}:
        return [
            about.warning(
                "the namespace is not selected, so no pod in it is asked about",
                f"kubectl label namespace {facts.namespace} {INJECT}=enabled",
            )
        ]
    if isinstance(facts.created, KubeError):
        return [_failed(site, about, facts.created, facts)]
    if facts.works:
        return [about.ok("the API server called the webhook, and it wrapped the pod")]
    ours = [each for each in facts.warnings if each.startswith("initshim")]
    if ours:
        return [about.warning(f"the webhook left the pod alone: {ours[0]}", _log(site))]
    return list(_silent(site, about, facts))


def _silent(site: Site, about: Subject, facts: Facts) -> Iterator[Finding]:
    """Tell a webhook that is not called from one that fails: nothing in the pod does."""
    counted = facts.counted if isinstance(facts.counted, Mapping) else {}
    if counted.get("open"):
        yield about.error(
            "the API server called the webhook and got no answer that it could use; failurePolicy "
            f"Ignore hides it{_also(facts)}",
            _reach(site, facts),
        )
    elif counted.get("answered"):
        yield about.error("the webhook was called, and left the pod as it was", _log(site))
    elif isinstance(facts.proxied, Unreachable):
        yield about.error(
            f"the pod came back without an init, and the API server can't reach the Service: "
            f"{_told(facts.proxied)}",
            _reach(site, facts),
        )
    elif counted:
        yield about.error(
            "the API server did not call the webhook for it: the namespaceSelector, the "
            "matchConditions or the rules pass it over",
            f"kubectl get mutatingwebhookconfiguration {site.name} -o yaml",
        )
    else:
        yield about.error(
            "the pod came back without an init; whether the webhook was called and failed, or was "
            "not called, only the API server's metrics tell",
            "kubectl get --raw /metrics | grep -E "
            f"'apiserver_admission_webhook_(fail_open|request).*{WEBHOOK}'",
        )


def _failed(site: Site, about: Subject, error: KubeError, facts: Facts) -> Finding:
    """The API server said no: because of the webhook, or for another reason."""
    said = str(error)
    if "failed calling webhook" in said and WEBHOOK in said:
        reason = (said.partition("failed to call webhook: ")[2] or said).rstrip(".")
        return about.error(f"the API server can't call the webhook: {reason}", _reach(site, facts))
    if isinstance(error, Forbidden) and "cannot create" not in said:
        return Subject(_FAMILY, about.object).unlooked(
            KubeError(
                f"another rule of the cluster refuses the pod: {said.rstrip('.')}",
                next_step="Name a namespace that lets it in: initshim doctor --namespace NAME",
            )
        )
    return about.unlooked(error)


def _refused(created: Json | KubeError) -> bool:
    """Tell whether it was not the webhook's doing."""
    return isinstance(created, KubeError) and "failed calling webhook" not in str(created)


def _reach(site: Site, facts: Facts) -> str:
    """Give what to do about a call that fails, by what it failed of."""
    said = str(facts.created if isinstance(facts.created, KubeError) else facts.proxied)
    if "x509" in said or "certificate" in said:
        return f"kubectl -n {site.namespace} rollout restart {site.workload}"
    if "no endpoints" in said or "connection refused" in said or "not found" in said:
        return f"kubectl -n {site.namespace} get pods,endpointslices,service"
    if facts.proxied == "":
        return f"Somebody answers on the Service, so look at its certificate.\n{_log(site)}"
    port = site.settings.get("PORT", "8443")
    return _FIREWALL.format(port=port, upgrade=site.upgrade("port=10250"))


def _also(facts: Facts) -> str:
    return f": {_told(facts.proxied)}" if isinstance(facts.proxied, Unreachable) else ""


def _told(error: KubeError) -> str:
    """Give what the API server said, without what we asked."""
    return str(error).partition(", ")[2].rstrip(".") or str(error)


def _log(site: Site) -> str:
    return f"kubectl -n {site.namespace} logs {site.workload} --tail=20"


def _count(exposition: str) -> dict[str, float]:
    """Count what the API server has done with our webhook since it started; {} if it doesn't say.

    https://kubernetes.io/docs/reference/instrumentation/metrics: the request counter's code is 600
    for a call that got no answer.
    """
    if _ANY not in exposition:
        return {}
    counts = {"answered": 0.0, "open": 0.0}
    for family in text_string_to_metric_families("\n".join(_ours(exposition)) + "\n"):
        for sample in family.samples:
            if sample.name.startswith(_OPEN):
                counts["open"] += sample.value
            elif sample.name.startswith(_CALLS) and sample.labels.get("code", "").startswith("2"):
                counts["answered"] += sample.value
    return counts


def _ours(exposition: str) -> Iterable[str]:
    """Give the few lines about our webhook out of the megabytes that an API server writes."""
    for line in exposition.splitlines():
        if line.startswith((f"{_OPEN}{{", f"{_CALLS}_total{{")) and f'"{WEBHOOK}"' in line:
            yield line
