"""Make and read certificates: a CA, a leaf that it signs, a pair of certificate and key.

No I/O; the clock is given, the keys' entropy is the operating system's. Keys are ECDSA P-256.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webhook.tls.pair import BadCertificate, Certificate, Pair

# Certificates start this long before they are made: the API server's clock may be behind ours.
SKEW = timedelta(hours=1)


def authority(*, now: datetime, life: timedelta) -> Pair:
    """Make a CA that may sign leaves and nothing else, valid for `life` from now.

    Its name holds its key's identifier: two CAs in one bundle are told apart by name, whatever the
    verifier.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(f"initshim CA {identifier.digest.hex()[:16]}")
    certificate = (
        _builder(name, name, key, now=now, until=now + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def leaf(ca: Pair, *, names: Sequence[str], now: datetime, life: timedelta) -> Pair:
    """Make a server certificate for DNS names; it never outlives its CA."""
    issuer = x509.load_pem_x509_certificate(ca.chain)
    issuer_key = serialization.load_pem_private_key(ca.key, password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise BadCertificate("The CA's key is none of ours")
    key = ec.generate_private_key(ec.SECP256R1())
    until = min(now + life, ca.certificate.not_after)
    above = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        # A common name holds 64 characters at most; the names that count are below.
        _builder(_name("initshim webhook"), issuer.subject, key, now=now, until=until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return _pair(certificate, key)


def read_certificate(pem: bytes) -> Certificate:
    """Read the first certificate of a PEM text, or raise BadCertificate."""
    try:
        return _certificate(x509.load_pem_x509_certificate(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadCertificate(f"This is no certificate in PEM: {error}") from error


def read_pair(chain: bytes, key: bytes) -> Pair:
    """Read a certificate, its intermediates and its key, or raise BadCertificate."""
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        private = serialization.load_pem_private_key(key, password=None)
        same = _public(certificates[0].public_key()) == _public(private.public_key())
        certificate = _certificate(certificates[0])
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # Never the error's own text: it might quote a key.
        raise BadCertificate("The certificate or its key can't be read as PEM") from error
    if not same:
        raise BadCertificate("The key does not belong to the certificate")
    return Pair(certificate, chain, key)


def read_authority(chain: bytes, key: bytes) -> Pair:
    """Read a CA of our making, or raise BadCertificate."""
    pair = read_pair(chain, key)
    certificate = x509.load_pem_x509_certificate(chain)
    if not isinstance(certificate.public_key(), ec.EllipticCurvePublicKey):
        raise BadCertificate("The CA is none of ours")
    try:
        extensions = certificate.extensions
        able = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError) as error:
        raise BadCertificate("The certificate is no CA") from error
    if not able:
        raise BadCertificate("The certificate is no CA")
    return pair


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    now: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.replace(microsecond=0) - SKEW)
        .not_valid_after(until.replace(microsecond=0))
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    read = _certificate(certificate)
    return Pair(read, read.pem.encode(), private)


def _certificate(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_before=certificate.not_valid_before_utc.astimezone(UTC),
        not_after=certificate.not_valid_after_utc.astimezone(UTC),
    )


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
