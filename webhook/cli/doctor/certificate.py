"""CA and leaf: valid, matching, and for how long; read from the cluster, and from the wire."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from webhook.cli.doctor.finding import Finding, Subject, attempt
from webhook.cli.doctor.served_certificate import Served, handshake, published, reported
from webhook.cli.installation.survey import Installation
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import SECRET, Json, Ref
from webhook.tls.issue import BadCertificate, read_certificate

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


async def fetch(client: KubeClient, installed: Installation, *, now: datetime) -> ServedAndHeld:
    """Read the Secret, and shake hands with the Service where its name means something."""
    secret = _secret(installed)
    held: Json | KubeError = await attempt(client.get(secret)) if secret else {}
    served = None
    if installed.service_ref:
        name = f"{installed.service_ref.name}.{installed.namespace}.svc"
        served = await handshake(
            (name, installed.port), name=name, authorities=published(installed)
        )
        served = served or await reported(client, installed)
    return ServedAndHeld(now, secret, held, served)


def check(installed: Installation, fetched: ServedAndHeld) -> list[Finding]:
    """Say whether the API server can trust the webhook, and for how long."""
    return [*_bundle(installed, fetched), *_held(installed, fetched), *_served(installed, fetched)]


def _bundle(installed: Installation, fetched: ServedAndHeld) -> Iterator[Finding]:
    about = Subject(_FAMILY, f"MutatingWebhookConfiguration {installed.name}")
    authorities = published(installed)
    if not installed.client_config.get("caBundle"):
        yield about.error("caBundle is empty: the API server trusts nobody", _publish(installed))
        return
    if not authorities:
        yield about.error("caBundle holds no certificate that can be read", _publish(installed))
        return
    last = max(each.not_after for each in authorities)
    if last < fetched.now:
        yield about.error(
            f"every CA in caBundle has expired, the last {_ago(last)}", _renew(installed)
        )
    elif last < fetched.now + _CA_SOON:
        yield about.warning(
            f"the CA in caBundle expires in {_left(last, fetched)}", _renew(installed)
        )
    else:
        yield about.ok(f"{len(authorities)} CA in caBundle, valid for {_left(last, fetched)}")


def _held(installed: Installation, fetched: ServedAndHeld) -> Iterator[Finding]:
    if fetched.secret is None:
        return
    about = Subject(_FAMILY, str(fetched.secret))
    if isinstance(fetched.held, Missing):
        yield about.error("it does not exist", _renew(installed))
    elif isinstance(fetched.held, KubeError):
        yield about.unknown(fetched.held)
    elif _builtin(installed):
        yield _own_authority(installed, fetched, about)
    else:
        yield _leaf(installed, fetched, about)


def _own_authority(installed: Installation, fetched: ServedAndHeld, about: Subject) -> Finding:
    try:
        authority = read_certificate(_entry(fetched.held, "ca.crt"))
    except BadCertificate as error:
        return about.error(f"its ca.crt can't be used: {error}", _renew(installed))
    if authority not in published(installed):
        return about.error(
            "its CA is not in caBundle, so the API server does not trust what it signs",
            _renew(installed),
        )
    return about.ok("its CA is the one in caBundle")


def _leaf(installed: Installation, fetched: ServedAndHeld, about: Subject) -> Finding:
    """Verify a leaf as Go's crypto/x509 does: chain, dates and name."""
    name = (
        f"{installed.service_ref.name}.{installed.namespace}.svc" if installed.service_ref else ""
    )
    try:
        chain = x509.load_pem_x509_certificates(_entry(fetched.held, "tls.crt"))
        until = chain[0].not_valid_after_utc
        cas = [x509.load_pem_x509_certificate(each.pem.encode()) for each in published(installed)]
        verifier = PolicyBuilder().store(Store(cas)).time(fetched.now)
        verifier.build_server_verifier(x509.DNSName(name)).verify(chain[0], chain[1:])
    except VerificationError as error:
        what = f"its tls.crt is not what caBundle verifies for {name}: {error}"
        return about.error(what, _reissue(installed, fetched))
    except ValueError as error:
        return about.error(f"its tls.crt can't be verified: {error}", _reissue(installed, fetched))
    return _time_left(about, until, fetched, soon=_LEAF_SOON, remedy=_reissue(installed, fetched))


def _served(installed: Installation, fetched: ServedAndHeld) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(installed.service_ref))
    if fetched.served is None:
        if _builtin(installed):
            yield about.info(
                "its leaf can't be seen from outside of the cluster; the rehearsal shows whether "
                "the API server accepts it"
            )
    elif fetched.served.until is None:
        yield about.error(
            f"what it serves is not what caBundle verifies: {fetched.served.trouble}",
            _renew(installed),
        )
    else:
        soon = _OWN_LEAF_SOON if _builtin(installed) else _LEAF_SOON
        remedy = _renew(installed)
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


def _secret(installed: Installation) -> Ref | None:
    """Give the Secret that a check can learn from; None where the Deployment is not known."""
    if _builtin(installed):
        name = installed.settings.get("TLS_SECRET")
        return Ref(SECRET, name, installed.namespace) if name else None
    for volume in installed.pod_spec.get("volumes") or ():
        if volume.get("name") == "tls":
            return Ref(SECRET, volume["secret"]["secretName"], installed.namespace)
    return None


def _builtin(installed: Installation) -> bool:
    return installed.settings.get("TLS", "builtin") == "builtin"


def _entry(secret: Json | KubeError, key: str) -> bytes:
    data = (secret.get("data") or {}) if isinstance(secret, dict) else {}
    try:
        return base64.b64decode(data.get(key) or "")
    except binascii.Error:
        return b""


def _publish(installed: Installation) -> str:
    if _builtin(installed):
        return f"kubectl -n {installed.namespace} logs {installed.workload} | grep certificates"
    return (
        f"kubectl -n {installed.namespace} describe certificate; "
        "kubectl -n cert-manager logs deployment/cert-manager-cainjector --tail=20"
    )


def _renew(installed: Installation) -> str:
    return f"kubectl -n {installed.namespace} rollout restart {installed.workload}"


def _reissue(installed: Installation, fetched: ServedAndHeld) -> str:
    if installed.settings.get("TLS") == "files" and fetched.secret:
        return f"kubectl -n {installed.namespace} describe certificate,secret {fetched.secret.name}"
    return _renew(installed)


def _left(until: datetime, fetched: ServedAndHeld) -> str:
    left = until - fetched.now
    if left >= timedelta(days=2):
        return f"{left.days} days"
    hours = int(left.total_seconds() // 3600)
    return f"{hours} hours" if hours >= 0 else "no longer"


def _ago(when: datetime) -> str:
    return f"on {when:%Y-%m-%d %H:%M} UTC"
