"""Four real registries over one storage, filled once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.fakes.http import Host
from tests.fakes.tokens import ISSUER, SERVICE, TokenServer, signer
from tests.integration.registry.content import IMAGES, fill
from tests.integration.registry.registries import HTPASSWD, PASSWORD, Real, in_thread, registry
from tests.reaper import need


@dataclass(frozen=True, slots=True)
class Guarded:
    """The registry with token authentication, and its token server."""

    real: Real
    tokens: Host
    server: TokenServer


@dataclass(frozen=True, slots=True)
class Private:
    """The registry that shows a certificate of a private CA."""

    real: Real
    ca: str


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for program in ("docker-registry", "skopeo", "umoci", "buildah"):
        need.tool(program, program)
    need.root()  # buildah, without root, wants a range of user ids that not everybody has
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="session")
def plain(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("plain")
    with registry(folder, storage) as real:
        fill(folder, real.authority)
        yield real


@pytest.fixture(scope="session")
def htpasswd(
    plain: Real, storage: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Real]:
    assert plain
    folder = tmp_path_factory.mktemp("htpasswd")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with registry(folder, storage, auth=auth) as real:
        yield real


@pytest.fixture(scope="session")
def token(
    plain: Real, storage: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    assert plain
    folder = tmp_path_factory.mktemp("token")
    signed_by = signer()
    (folder / "issuer.pem").write_bytes(signed_by.pem)
    mine = frozenset(f"team/{name}" for name in (*IMAGES, "agree", "private"))
    server = TokenServer(
        users={"robot": PASSWORD},
        rights={"robot": mine, "": frozenset({"team/shell"})},
        refresh={PASSWORD: "robot"},
        signer=signed_by,
    )
    with in_thread(server) as tokens:
        settings = {
            "realm": f"{tokens.url}/token",
            "service": SERVICE,
            "issuer": ISSUER,
            "rootcertbundle": str(folder / "issuer.pem"),
        }
        with registry(folder, storage, auth={"token": settings}) as real:
            yield Guarded(real, tokens, server)


@pytest.fixture(scope="session")
def private(
    plain: Real, storage: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Private]:
    assert plain
    folder = tmp_path_factory.mktemp("private")
    ca = trustme.CA()
    leaf = ca.issue_cert("127.0.0.1", "private.example.com")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    for number, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(folder / "cert.pem", append=number > 0)
    tls = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    with registry(folder, storage, tls=tls) as real:
        yield Private(real, ca.cert_pem.bytes().decode())
