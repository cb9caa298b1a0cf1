"""Certificates as a strict client wants them, and nothing else taken for one."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from webhook.tls import context
from webhook.tls.issue import authority, leaf, read_authority, read_pair
from webhook.tls.pair import BadCertificate, Pair

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CA = authority(now=NOW, life=100 * DAY)
NAME = "initshim.initshim.svc"


def test_openssl_verifies_a_leaf_by_name_and_strictly() -> None:
    now = datetime.now(UTC)
    ca = authority(now=now, life=DAY)
    server = context.server_context()
    context.load(server, leaf(ca, names=[NAME], now=now, life=DAY))
    client = ssl.create_default_context(cadata=ca.chain.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    assert shake(client, server, NAME) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake(client, server, "other.initshim.svc")


def test_two_cas_in_one_bundle_are_told_apart() -> None:
    now = datetime.now(UTC)
    cas = [authority(now=now, life=DAY) for _ in range(3)]
    client = ssl.create_default_context(cadata="".join(ca.chain.decode() for ca in cas))
    for ca in cas:
        server = context.server_context()
        context.load(server, leaf(ca, names=[NAME], now=now, life=DAY))
        assert shake(client, server, NAME)


def shake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str | None:
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname=name), server.wrap_bio(up, down, True)]
    for end in (*ends, *ends):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return ends[0].version()


@given(
    life=st.timedeltas(timedelta(minutes=1), 400 * DAY),
    later=st.timedeltas(timedelta(0), 99 * DAY),
)
def test_a_leaf_starts_an_hour_early_and_never_outlives_its_ca(
    life: timedelta, later: timedelta
) -> None:
    now = NOW + later
    certificate = leaf(CA, names=[NAME], now=now, life=life).certificate
    assert certificate.valid(now)
    hour = timedelta(hours=1)  # a node's clock may be late by as much
    assert certificate.valid(now - hour + timedelta(seconds=1))
    assert not certificate.valid(now - hour - timedelta(seconds=1))
    assert certificate.not_after <= min(now + life, CA.certificate.not_after)
    assert certificate.not_after > min(now + life, CA.certificate.not_after) - timedelta(seconds=1)


@given(jitter=st.floats(0, 1))
def test_renewal_is_at_two_thirds_of_life_or_a_little_later(jitter: float) -> None:
    certificate = CA.certificate
    share = (certificate.renew_at(jitter) - certificate.not_before) / (
        certificate.not_after - certificate.not_before
    )
    assert share == pytest.approx(2 / 3 + jitter / 20, abs=1e-6)


def test_a_long_service_name_fits() -> None:
    name = f"{'s' * 63}.{'n' * 63}.svc"
    pair = leaf(CA, names=[name], now=NOW, life=DAY)
    names = x509.load_pem_x509_certificate(pair.chain).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == [name]


def test_a_pair_reads_back_as_it_was_made() -> None:
    assert read_authority(CA.chain, CA.key) == CA


def test_a_key_of_another_certificate_is_refused() -> None:
    with pytest.raises(BadCertificate, match="does not belong"):
        read_pair(CA.chain, authority(now=NOW, life=DAY).key)


def test_a_leaf_is_no_ca() -> None:
    pair = leaf(CA, names=[NAME], now=NOW, life=DAY)
    with pytest.raises(BadCertificate, match="no CA"):
        read_authority(pair.chain, pair.key)


def test_a_pair_with_intermediates_and_another_kind_of_key_is_read() -> None:
    other = trustme.CA(key_type=trustme.KeyType.RSA).create_child_ca()
    made = other.issue_cert("localhost", key_type=trustme.KeyType.RSA)
    chain = b"".join(pem.bytes() for pem in made.cert_chain_pems)
    pair = read_pair(chain, made.private_key_pem.bytes())
    assert pair.chain.count(b"BEGIN CERTIFICATE") == 2
    context.load(context.server_context(), pair)


def test_a_ca_of_another_kind_of_key_signs_nothing() -> None:
    other = trustme.CA(key_type=trustme.KeyType.RSA)
    ca = read_pair(other.cert_pem.bytes(), other.private_key_pem.bytes())
    with pytest.raises(BadCertificate, match="none of ours"):
        leaf(ca, names=[NAME], now=NOW, life=DAY)


@pytest.mark.parametrize(
    ("made", "uses"),
    [
        (CA, {"key_cert_sign", "crl_sign"}),
        (leaf(CA, names=[NAME], now=NOW, life=DAY), {"digital_signature"}),
    ],
    ids=["authority", "leaf"],
)
def test_a_key_may_do_what_it_is_for_and_nothing_else(made: Pair, uses: set[str]) -> None:
    certificate = x509.load_pem_x509_certificate(made.chain)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    names = [name.strip("_") for name in vars(usage.value)]
    said = {name for name in names if vars(usage.value)[f"_{name}"]}
    assert said == uses
    assert usage.critical


def test_a_ca_signs_leaves_and_no_other_ca() -> None:
    """And a client that does not know an extension that decides must refuse the certificate."""
    made = {"ca": CA, "leaf": leaf(CA, names=[NAME], now=NOW, life=DAY)}
    read = {name: x509.load_pem_x509_certificate(pair.chain) for name, pair in made.items()}
    limits = {
        name: one.extensions.get_extension_for_class(x509.BasicConstraints).value
        for name, one in read.items()
    }
    assert limits == {
        "ca": x509.BasicConstraints(ca=True, path_length=0),
        "leaf": x509.BasicConstraints(ca=False, path_length=None),
    }
    for one in read.values():
        critical = {type(each.value) for each in one.extensions if each.critical}
        assert critical == {x509.BasicConstraints, x509.KeyUsage}


@given(
    chain=st.one_of(st.binary(), st.just(CA.chain), st.just(CA.chain[:-40])),
    key=st.one_of(st.binary(), st.just(CA.key[:-40]), st.just(CA.chain)),
)
def test_garbage_is_a_bad_certificate_and_nothing_else(chain: bytes, key: bytes) -> None:
    for read in (read_pair, read_authority):
        with pytest.raises(BadCertificate):
            read(chain, key)


def test_a_key_shows_in_no_text() -> None:
    assert "PRIVATE" in CA.key.decode()
    assert CA.key.decode().splitlines()[1] not in repr(CA)
    with pytest.raises(BadCertificate) as error:
        read_pair(CA.chain[:-40], CA.key)
    assert "PRIVATE" not in str(error.value)


def test_another_authoritys_ca_is_not_taken_for_one_of_ours() -> None:
    """With a key of another kind, or without what ours have."""
    foreign = trustme.CA(key_type=trustme.KeyType.RSA)
    with pytest.raises(BadCertificate, match=r"^The CA is none of ours$"):
        read_authority(foreign.cert_pem.bytes(), foreign.private_key_pem.bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bare")])
    bare = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + DAY)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(BadCertificate, match=r"^The certificate is no CA$"):
        read_authority(bare, private)
