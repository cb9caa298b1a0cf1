"""A certificate and its key in files, read by serving them once, in memory, to a client of ours.

OpenSSL is in the process for TLS as it is. A second library that reads certificates (the one that
makes them, in issue.py) would take 8 MB more where nothing is to be made.
"""

import hashlib
import ssl
from datetime import UTC, datetime

from webhook.tls import context
from webhook.tls.pair import BadCertificate, Certificate, Pair

_PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN: a leaf may be trusted without its CA
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: whether it is valid now, its reader decides


def read_served(chain: bytes, key: bytes) -> Pair:
    """Read a certificate, its intermediates and its key, or raise BadCertificate.

    OSError where OpenSSL can't be given them.
    """
    server = context.server_context()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags(_PARTIAL_CHAIN | _NO_CHECK_TIME)
    try:
        context.load_files(server, chain, key)
        client.load_verify_locations(cadata=chain.decode("ascii", errors="ignore"))
    except (ssl.SSLError, ValueError) as error:
        # Never the error's own text: it might quote a key.
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            raise BadCertificate("The key does not belong to the certificate") from error
        raise BadCertificate("The certificate or its key can't be read as PEM") from error
    try:
        seen = _shake_hands(server, client)
    except ssl.SSLError as error:
        raise BadCertificate(
            f"No client can verify the certificate: {error.reason or 'no common TLS'}",
            next_step="Use one for a server (extended key usage: serverAuth), in its own file.",
        ) from error
    return Pair(seen, chain, key)


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> Certificate:
    """Give the certificate that a client sees. Raises SSLError where it can't be used."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    served = server.wrap_bio(to_server, to_client, server_side=True)
    asking = client.wrap_bio(to_client, to_server)
    for side in (asking, served, asking):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue  # it waits for the other side's message
    der, fields = asking.getpeercert(binary_form=True), asking.getpeercert()
    if der is None or not fields:
        raise ssl.SSLError("the handshake did not end")
    return Certificate(
        pem=ssl.DER_cert_to_PEM_cert(der),
        fingerprint=hashlib.sha256(der).hexdigest(),
        not_before=_time(fields["notBefore"]),
        not_after=_time(fields["notAfter"]),
    )


def _time(text: object) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)
