"""End to end: a pod in a dry run, and where it comes back as it went, why.

Under failurePolicy Ignore a webhook that can't be reached and one that is not asked look the same
from outside: a pod without an init. The API server itself knows the difference and counts it
(apiserver_admission_webhook_…); and it can be asked to call the Service as a proxy does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from webhook.cli.doctor.causes import Topic
from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation import dry_run_pod
from webhook.cli.installation.survey import WEBHOOK
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import ApiUnreachable, KubeError
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
class Rehearsal:
    """What came of the rehearsal; the rest is asked only where it went wrong.

    `counted` is what the API server counted meanwhile: calls answered, calls failed open; {} where
    it does not say.
    """

    namespace: str
    created: Json | KubeError = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    counted: Counts = field(default_factory=dict)
    proxied: str | KubeError = ""

    @property
    def works(self) -> bool:
        """Tell whether the webhook did what it is for."""
        return isinstance(self.created, dict) and dry_run_pod.is_wrapped(self.created)


async def fetch(client: KubeClient, cluster: Cluster, *, namespace: str) -> Rehearsal:
    """Create the pod in a dry run; where it isn't wrapped, do it again and watch the counters.

    In a namespace that is not selected nobody would be asked, so nothing is rehearsed.
    """
    if not namespace or any(cluster.unasked(namespace)):
        return Rehearsal(namespace)
    created, warnings = await _create(client, cluster, namespace)
    fetched = Rehearsal(namespace, created, warnings)
    if fetched.works or _refused(created):
        return fetched
    before = await attempt(client.text("the API server's metrics", "/metrics"))
    created, warnings = await _create(client, cluster, namespace)
    after = await attempt(client.text("the API server's metrics", "/metrics"))
    counted = _between(before, after)
    return Rehearsal(namespace, created, warnings, counted, await _proxied(client, cluster))


def _between(before: str | KubeError, after: str | KubeError) -> Counts:
    """Count what was done between two looks; {} where nobody can tell.

    A count that has fallen is another API server's, or that of one that was started anew.
    """
    if isinstance(before, KubeError) or isinstance(after, KubeError):
        return {}
    first, second = _count(before), _count(after)
    counted = {key: second[key] - first.get(key, 0) for key in second}
    return {} if any(each < 0 for each in counted.values()) else counted


async def _create(
    client: KubeClient, cluster: Cluster, namespace: str
) -> tuple[Json | KubeError, tuple[str, ...]]:
    body = dry_run_pod.for_webhook(cluster.reaper_image)
    try:
        return await client.rehearse(Ref(POD, dry_run_pod.NAME, namespace), body)
    except KubeError as error:
        return error, ()


async def _proxied(client: KubeClient, cluster: Cluster) -> str | KubeError:
    """Have the API server call the Service on the webhook's own port; "" where somebody answers."""
    service = cluster.service_ref
    if service is None:
        return ""
    services = service.kind.path(cluster.namespace)
    path = f"{services}/https:{service.name}:{cluster.port}/proxy/mutate"
    answer = await attempt(client.text(f"services/proxy {cluster.namespace}/{service.name}", path))
    answered = isinstance(answer, str) or answer.status == _METHOD_NOT_ALLOWED
    return "" if answered else answer


def check(cluster: Cluster, fetched: Rehearsal) -> list[Finding]:
    """Say what came of it."""
    if not fetched.namespace and isinstance(cluster.namespaces, KubeError):
        unknown = KubeError("nobody knows where", next_step="initshim doctor --namespace NAME")
        return [Subject(_FAMILY, "dry-run Pod").unknown(unknown)]
    if not fetched.namespace:
        return [Subject(_FAMILY, "dry-run Pod").info("no namespace is selected to rehearse in")]
    about = Subject(_FAMILY, f"dry-run Pod in {fetched.namespace}")
    if fetched.created == {}:
        return [about.warning(*cluster.unasked(fetched.namespace))]
    if isinstance(fetched.created, KubeError):
        return [_failed(cluster, about, fetched.created, fetched)]
    if fetched.works:
        return [about.ok("the API server called the webhook, and it wrapped the pod")]
    ours = [each for each in fetched.warnings if each.startswith("initshim")]
    if ours:
        return [about.warning(f"the webhook left the pod alone: {ours[0]}", _log(cluster))]
    return list(_silent(cluster, about, fetched))


def _silent(cluster: Cluster, about: Subject, fetched: Rehearsal) -> Iterator[Finding]:
    """Tell a webhook that is not called from one that fails: nothing in the pod does."""
    counted = fetched.counted
    if counted.get("open"):
        yield about.error(
            "the API server called the webhook and got no answer that it could use; failurePolicy "
            f"Ignore hides it{_also(fetched)}",
            _reach(cluster, fetched),
            Topic.REHEARSAL,
        )
    elif counted.get("answered"):
        what = "the webhook was called, and left the pod as it was"
        yield about.error(what, _log(cluster), Topic.REHEARSAL)
    elif isinstance(fetched.proxied, ApiUnreachable):
        yield about.error(
            f"the pod came back without an init, and the API server can't reach the Service: "
            f"{_words_of(fetched.proxied)}",
            _reach(cluster, fetched),
            Topic.REHEARSAL,
        )
    elif counted:
        yield about.error(
            "the API server did not call the webhook for it: the namespaceSelector, the "
            "matchConditions or the rules pass it over",
            f"kubectl get mutatingwebhookconfiguration {cluster.name} -o yaml",
            Topic.REHEARSAL,
        )
    else:
        yield about.error(
            "the pod came back without an init; whether the webhook was called and failed, or was "
            "not called, only the API server's metrics tell",
            "kubectl get --raw /metrics | grep -E "
            f"'apiserver_admission_webhook_(fail_open|request).*{WEBHOOK}'",
            Topic.REHEARSAL,
        )


def _failed(cluster: Cluster, about: Subject, error: KubeError, fetched: Rehearsal) -> Finding:
    """The API server said no: because of the webhook, or for another reason."""
    said = str(error)
    if "failed calling webhook" in said and WEBHOOK in said:
        reason = said.partition("failed to call webhook: ")[2] or said
        return about.error(
            f"the API server can't call the webhook: {reason}",
            _reach(cluster, fetched),
            Topic.REHEARSAL,
        )
    if error.lacks_right and "cannot create" not in said:
        return Subject(_FAMILY, about.object).unknown(
            KubeError(
                f"another rule of the cluster refuses the pod: {said}",
                next_step="Name a namespace that lets it in: initshim doctor --namespace NAME",
            )
        )
    return about.unknown(error)


def _refused(created: Json | KubeError) -> bool:
    """Tell whether it was not the webhook's doing."""
    return isinstance(created, KubeError) and "failed calling webhook" not in str(created)


def _reach(cluster: Cluster, fetched: Rehearsal) -> str:
    """Give what to do about a call that fails, by what it failed of."""
    if cluster.service_ref is None:
        url = cluster.client_config.get("url")
        return f"Let the control plane reach {url}, with a certificate that caBundle verifies."
    said = str(fetched.created if isinstance(fetched.created, KubeError) else fetched.proxied)
    if "x509" in said or "certificate" in said:
        return f"kubectl -n {cluster.namespace} rollout restart {cluster.workload}"
    if "no endpoints" in said or "connection refused" in said or "not found" in said:
        return f"kubectl -n {cluster.namespace} get pods,endpointslices,service"
    if fetched.proxied == "":
        return f"Somebody answers on the Service, so look at its certificate.\n{_log(cluster)}"
    return _FIREWALL.format(port=cluster.settings.port, upgrade=cluster.upgrade("port=10250"))


def _also(fetched: Rehearsal) -> str:
    return f": {_words_of(fetched.proxied)}" if isinstance(fetched.proxied, ApiUnreachable) else ""


def _words_of(error: KubeError) -> str:
    """Give what the API server said, without what we asked."""
    return str(error).partition(", ")[2] or str(error)


def _log(cluster: Cluster) -> str:
    return f"kubectl -n {cluster.namespace} logs {cluster.workload} --tail=20"


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
