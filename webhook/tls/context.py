"""The server's SSLContext: TLS 1.2 or newer, and a certificate that can change while it serves."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webhook.tls.pair import BadCertificate, Pair


def server_context() -> ssl.SSLContext:
    """Make a context without a certificate: until one is loaded, every handshake fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client could ask for it without end
    return context


def require_clients(context: ssl.SSLContext, authorities: Path) -> None:
    """Let nobody in but clients with a certificate of these CAs (a PEM bundle).

    Raises BadCertificate where the file can't be used.
    """
    try:
        context.load_verify_locations(authorities)
    except (ssl.SSLError, OSError) as error:
        raise BadCertificate(
            f"{authorities} can't be used as the CAs of clients: {error}",
            next_step="Give a PEM bundle with at least one certificate.",
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED


def load(live: ssl.SSLContext, pair: Pair) -> None:
    """Serve this pair from the next handshake on, or raise BadCertificate and change nothing.

    OpenSSL sets the certificate before it compares it with the key: a mismatched pair would break
    every later handshake of a live context, so a scratch context sees it first.
    """
    try:
        load_files(server_context(), pair.chain, pair.key)
        load_files(live, pair.chain, pair.key)
    except (ssl.SSLError, OSError) as error:
        raise BadCertificate(
            "The certificate and its key can't be served",
            next_step="Check that they belong together and that OpenSSL allows their sizes.",
        ) from error


def load_files(tls: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """Have a context serve what two files hold. Raises SSLError; a key with a password is none."""
    with _file(chain.rstrip() + b"\n" + key) as name:
        tls.load_cert_chain(name, password="")


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """Give a path for OpenSSL, which reads nothing else; on Linux it never touches a disk."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:  # mode 0600
            file.write(content)
            file.flush()
            yield file.name
        return
    descriptor = os.memfd_create("certificate")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
