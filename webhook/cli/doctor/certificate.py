"""CA and leaf: valid, matching, and for how long; read from the cluster, and from the wire."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from webhook.cli.doctor.causes import Topic
from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.doctor.served_certificate import Served, handshake, published, reported
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import SECRET, Json, Ref
from webhook.tls.issue import read_certificate
from webhook.tls.pair import BadCertificate

_FAMILY = "certificate"
_CA_SOON = timedelta(days=30)
_LEAF_SOON = timedelta(days=7)
_OWN_LEAF_SOON = timedelta(days=1)  # its life is 7 days, and at 2/3 of it comes the next one


@dataclass(frozen=True, slots=True)
class ServedAndHeld:
    """The certificate's Secret, and what is served; None where it can't be reached from here."""

    now: datetime
    secret: Ref | None
    held: Json | KubeError
    served: Served | None


async def fetch(client: KubeClient, cluster: Cluster, *, now: datetime) -> ServedAndHeld:
    """Read the Secret, and shake hands with the Service where its name means something."""
    secret = _secret(cluster)
    held: Json | KubeError = await attempt(client.get(secret)) if secret else {}
    served = None
    if name := _name(cluster):
        served = await handshake((name, cluster.port), name=name, authorities=published(cluster))
        served = served or await reported(client, cluster)
    return ServedAndHeld(now, secret, held, served)


def check(cluster: Cluster, fetched: ServedAndHeld) -> list[Finding]:
    """Say whether the API server can trust the webhook, and for how long."""
    return [*_bundle(cluster, fetched), *_held(cluster, fetched), *_served(cluster, fetched)]


def _bundle(cluster: Cluster, fetched: ServedAndHeld) -> Iterator[Finding]:
    about = Subject(_FAMILY, f"MutatingWebhookConfiguration {cluster.name}")
    authorities = published(cluster)
    topic = Topic.BUNDLE if _builtin(cluster) else Topic.FOREIGN_BUNDLE
    if not cluster.client_config.get("caBundle"):
        what = "caBundle is empty: the API server trusts nobody"
        yield about.error(what, _publish(cluster), topic)
        return
    if not authorities:
        what = "caBundle holds no certificate that can be read"
        yield about.error(what, _publish(cluster), topic)
        return
    last = max(each.not_after for each in authorities)
    if last < fetched.now:
        yield about.error(
            f"every CA in caBundle has expired, the last {_ago(last)}",
            _renew(cluster, fetched),
            topic,
        )
    elif last < fetched.now + _CA_SOON:
        yield about.warning(
            f"the CA in caBundle expires in {_left(last, fetched)}", _renew(cluster, fetched)
        )
    else:
        yield about.ok(f"{len(authorities)} CA in caBundle, valid for {_left(last, fetched)}")


def _held(cluster: Cluster, fetched: ServedAndHeld) -> Iterator[Finding]:
    if fetched.secret is None:
        return
    about = Subject(_FAMILY, str(fetched.secret))
    if isinstance(fetched.held, Missing):
        # The webhook fills its own; without another's its pods don't start.
        topic = Topic.SECRET if _builtin(cluster) else Topic.MOUNT
        yield about.error("it does not exist", _renew(cluster, fetched), topic)
    elif isinstance(fetched.held, KubeError):
        yield about.unknown(fetched.held)
    elif _builtin(cluster):
        yield _own_authority(cluster, fetched, about)
    else:
        yield _leaf(cluster, fetched, about)


def _own_authority(cluster: Cluster, fetched: ServedAndHeld, about: Subject) -> Finding:
    try:
        authority = read_certificate(_entry(fetched.held, "ca.crt"))
    except BadCertificate as error:
        what = f"its ca.crt can't be used: {error}"
        return about.error(what, _renew(cluster, fetched), Topic.SECRET)
    if authority not in published(cluster):
        return about.error(
            "its CA is not in caBundle, so the API server does not trust what it signs",
            _renew(cluster, fetched),
            Topic.TRUST,
        )
    return about.ok("its CA is the one in caBundle")


def _leaf(cluster: Cluster, fetched: ServedAndHeld, about: Subject) -> Finding:
    """Verify a leaf as Go's crypto/x509 does: chain, dates and name."""
    name, authorities = _name(cluster), published(cluster)
    if not authorities:
        what = "its tls.crt can't be verified: caBundle holds no CA"
        return about.error(what, _renew(cluster, fetched), Topic.TRUST)
    try:
        chain = x509.load_pem_x509_certificates(_entry(fetched.held, "tls.crt"))
        until = chain[0].not_valid_after_utc
        cas = [x509.load_pem_x509_certificate(each.pem.encode()) for each in authorities]
        verifier = PolicyBuilder().store(Store(cas)).time(fetched.now)
        verifier.build_server_verifier(x509.DNSName(name)).verify(chain[0], chain[1:])
    except VerificationError as error:
        what = f"its tls.crt is not what caBundle verifies for {name}: {error}"
        return about.error(what, _renew(cluster, fetched), Topic.TRUST)
    except ValueError as error:
        what = f"its tls.crt can't be verified: {error}"
        return about.error(what, _renew(cluster, fetched), Topic.MOUNT)
    return _time_left(about, until, fetched, soon=_LEAF_SOON, remedy=_renew(cluster, fetched))


def _served(cluster: Cluster, fetched: ServedAndHeld) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(cluster.service_ref))
    if fetched.served is None:
        if _builtin(cluster):
            yield about.info(
                "its leaf can't be seen from outside of the cluster; the rehearsal shows whether "
                "the API server accepts it"
            )
    elif fetched.served.until is None:
        yield about.error(
            f"what it serves is not what caBundle verifies: {fetched.served.trouble}",
            _renew(cluster, fetched),
            Topic.TRUST,
        )
    else:
        soon = _OWN_LEAF_SOON if _builtin(cluster) else _LEAF_SOON
        remedy = _renew(cluster, fetched)
        if fetched.served.reported:
            said = (
                f"a replica says that its leaf is valid for {_left(fetched.served.until, fetched)}"
            )
            late = fetched.served.until < fetched.now + soon
            yield about.warning(said, remedy) if late else about.ok(said)
        else:
            yield _time_left(about, fetched.served.until, fetched, soon=soon, remedy=remedy)


def _time_left(
    about: Subject, until: datetime, fetched: ServedAndHeld, *, soon: timedelta, remedy: str
) -> Finding:
    said = f"the leaf chains to caBundle and names the Service; valid for {_left(until, fetched)}"
    return about.warning(said, remedy) if until < fetched.now + soon else about.ok(said)


def _secret(cluster: Cluster) -> Ref | None:
    """Give the Secret that a check can learn from; None where the Deployment is not known."""
    if _builtin(cluster):
        name = cluster.settings.tls_secret if cluster.deployment else ""
        return Ref(SECRET, name, cluster.namespace) if name else None
    for volume in cluster.pod_spec.get("volumes") or ():
        held = (volume.get("secret") or {}).get("secretName")
        if held and volume.get("name") == "tls":
            return Ref(SECRET, held, cluster.namespace)
    return None


def _name(cluster: Cluster) -> str:
    """Give the name that the API server calls, "" where it calls a URL."""
    return f"{cluster.service_ref.name}.{cluster.namespace}.svc" if cluster.service_ref else ""


def _builtin(cluster: Cluster) -> bool:
    return cluster.settings.tls == "builtin"


def _entry(secret: Json | KubeError, key: str) -> bytes:
    data = (secret.get("data") or {}) if isinstance(secret, dict) else {}
    try:
        return base64.b64decode(data.get(key) or "")
    except binascii.Error:
        return b""


def _publish(cluster: Cluster) -> str:
    if _builtin(cluster):
        return f"kubectl -n {cluster.namespace} logs {cluster.workload} | grep certificates"
    return (
        f"kubectl -n {cluster.namespace} describe certificate; "
        "kubectl -n cert-manager logs deployment/cert-manager-cainjector --tail=20"
    )


def _renew(cluster: Cluster, fetched: ServedAndHeld) -> str:
    if _builtin(cluster):
        return f"kubectl -n {cluster.namespace} rollout restart {cluster.workload}"
    which = f"certificate,secret {fetched.secret.name}" if fetched.secret else "certificate"
    return f"kubectl -n {cluster.namespace} describe {which}"


def _left(until: datetime, fetched: ServedAndHeld) -> str:
    left = until - fetched.now
    if left >= timedelta(days=2):
        return f"{left.days} days"
    hours = int(left.total_seconds() // 3600)
    return f"{hours} hours" if hours >= 0 else "no longer"


def _ago(when: datetime) -> str:
    return f"on {when:%Y-%m-%d %H:%M} UTC"
