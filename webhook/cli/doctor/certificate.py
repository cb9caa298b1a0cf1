"""CA and leaf: valid, matching, and for how long; read from the cluster, and from the wire."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from webhook.cli.doctor.finding import Finding, Subject, attempt
from webhook.cli.doctor.served import Served, handshake, published, reported
from webhook.cli.doctor.site import Site
from webhook.kube.client import Client
from webhook.kube.errors import KubeError, Missing
from webhook.kube.objects import SECRET, Json, Ref
from webhook.tls.issue import BadCertificate, read_certificate

_FAMILY = "certificate"
_CA_SOON = timedelta(days=30)
_LEAF_SOON = timedelta(days=7)
_OWN_LEAF_SOON = timedelta(days=1)  # its life is 7 days, and at 2/3 of it comes the next one


@dataclass(frozen=True, slots=True)
class Facts:
    """The certificate's Secret, and what is served; None where it can't be reached from here."""

    now: datetime
    secret: Ref | None
    held: Json | KubeError
    served: Served | None


async def look(client: Client, site: Site, *, now: datetime) -> Facts:
    """Read the Secret, and shake hands with the Service where its name means something."""
    secret = _secret(site)
    held: Json | KubeError = await attempt(client.get(secret)) if secret else {}
    served = None
    if site.service_ref:
        name = f"{site.service_ref.name}.{site.namespace}.svc"
        served = await handshake((name, site.port), name=name, authorities=published(site))
        served = served or await reported(client, site)
    return Facts(now, secret, held, served)


def judge(site: Site, facts: Facts) -> list[Finding]:
    """Say whether the API server can trust the webhook, and for how long."""
    return [*_bundle(site, facts), *_held(site, facts), *_served(site, facts)]


def _bundle(site: Site, facts: Facts) -> Iterator[Finding]:
    about = Subject(_FAMILY, f"MutatingWebhookConfiguration {site.name}")
    authorities = published(site)
    if not site.client_config.get("caBundle"):
        yield about.error("caBundle is empty: the API server trusts nobody", _publish(site))
        return
    if not authorities:
        yield about.error("caBundle holds no certificate that can be read", _publish(site))
        return
    last = max(each.not_after for each in authorities)
    if last < facts.now:
        yield about.error(f"every CA in caBundle has expired, the last {_ago(last)}", _renew(site))
    elif last < facts.now + _CA_SOON:
        yield about.warning(f"the CA in caBundle expires in {_left(last, facts)}", _renew(site))
    else:
        yield about.ok(f"{len(authorities)} CA in caBundle, valid for {_left(last, facts)}")


def _held(site: Site, facts: Facts) -> Iterator[Finding]:
    if facts.secret is None:
        return
    about = Subject(_FAMILY, str(facts.secret))
    if isinstance(facts.held, Missing):
        yield about.error("it does not exist", _renew(site))
    elif isinstance(facts.held, KubeError):
        yield about.unlooked(facts.held)
    elif _builtin(site):
        yield _own_authority(site, facts, about)
    else:
        yield _leaf(site, facts, about)


def _own_authority(site: Site, facts: Facts, about: Subject) -> Finding:
    try:
        authority = read_certificate(_entry(facts.held, "ca.crt"))
    except BadCertificate as error:
        return about.error(f"its ca.crt can't be used: {error}", _renew(site))
    if authority not in published(site):
        return about.error(
            "its CA is not in caBundle, so the API server does not trust what it signs",
            _renew(site),
        )
    return about.ok("its CA is the one in caBundle")


def _leaf(site: Site, facts: Facts, about: Subject) -> Finding:
    """Verify a leaf as Go's crypto/x509 does: chain, dates and name."""
    name = f"{site.service_ref.name}.{site.namespace}.svc" if site.service_ref else ""
    try:
        chain = x509.load_pem_x509_certificates(_entry(facts.held, "tls.crt"))
        until = chain[0].not_valid_after_utc
        cas = [x509.load_pem_x509_certificate(each.pem.encode()) for each in published(site)]
        verifier = PolicyBuilder().store(Store(cas)).time(facts.now)
        verifier.build_server_verifier(x509.DNSName(name)).verify(chain[0], chain[1:])
    except VerificationError as error:
        what = f"its tls.crt is not what caBundle verifies for {name}: {error}"
        return about.error(what, _reissue(site, facts))
    except ValueError as error:
        return about.error(f"its tls.crt can't be verified: {error}", _reissue(site, facts))
    return _time_left(about, until, facts, soon=_LEAF_SOON, remedy=_reissue(site, facts))


def _served(site: Site, facts: Facts) -> Iterator[Finding]:
    about = Subject(_FAMILY, str(site.service_ref))
    if facts.served is None:
        if _builtin(site):
            yield about.info(
                "its leaf can't be seen from outside of the cluster; the rehearsal shows whether "
                "the API server accepts it"
            )
    elif facts.served.until is None:
        yield about.error(
            f"what it serves is not what caBundle verifies: {facts.served.trouble}", _renew(site)
        )
    else:
        soon = _OWN_LEAF_SOON if _builtin(site) else _LEAF_SOON
        remedy = _renew(site)
        if facts.served.reported:
            said = f"a replica says that its leaf is valid for {_left(facts.served.until, facts)}"
            late = facts.served.until < facts.now + soon
            yield about.warning(said, remedy) if late else about.ok(said)
        else:
            yield _time_left(about, facts.served.until, facts, soon=soon, remedy=remedy)


def _time_left(
    about: Subject, until: datetime, facts: Facts, *, soon: timedelta, remedy: str
) -> Finding:
    said = f"the leaf chains to caBundle and names the Service; valid for {_left(until, facts)}"
    return about.warning(said, remedy) if until < facts.now + soon else about.ok(said)


def _secret(site: Site) -> Ref | None:
    """Give the Secret that a check can learn from; None where the Deployment is not known."""
    if _builtin(site):
        name = site.settings.get("TLS_SECRET")
        return Ref(SECRET, name, site.namespace) if name else None
    for volume in site.pod_spec.get("volumes") or ():
        if volume.get("name") == "tls":
            return Ref(SECRET, volume["secret"]["secretName"], site.namespace)
    return None


def _builtin(site: Site) -> bool:
    return site.settings.get("TLS", "builtin") == "builtin"


def _entry(secret: Json | KubeError, key: str) -> bytes:
    data = (secret.get("data") or {}) if isinstance(secret, dict) else {}
    try:
        return base64.b64decode(data.get(key) or "")
    except binascii.Error:
        return b""


def _publish(site: Site) -> str:
    if _builtin(site):
        return f"kubectl -n {site.namespace} logs {site.workload} | grep certificates"
    return (
        f"kubectl -n {site.namespace} describe certificate; "
        "kubectl -n cert-manager logs deployment/cert-manager-cainjector --tail=20"
    )


def _renew(site: Site) -> str:
    return f"kubectl -n {site.namespace} rollout restart {site.workload}"


def _reissue(site: Site, facts: Facts) -> str:
    if site.settings.get("TLS") == "files" and facts.secret:
        return f"kubectl -n {site.namespace} describe certificate,secret {facts.secret.name}"
    return _renew(site)


def _left(until: datetime, facts: Facts) -> str:
    left = until - facts.now
    if left >= timedelta(days=2):
        return f"{left.days} days"
    hours = int(left.total_seconds() // 3600)
    return f"{hours} hours" if hours >= 0 else "no longer"


def _ago(when: datetime) -> str:
    return f"on {when:%Y-%m-%d %H:%M} UTC"
