"""A token server as registries name it in their challenges: signed tokens, by GET and by POST."""

import base64
import datetime as dt
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.fakes.http import Answer, Request

ISSUER, SERVICE = "test-issuer", "test-registry"


@dataclass(frozen=True, slots=True)
class Signer:
    """An RSA key and its self-signed certificate, which a registry is told to trust."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def signer() -> Signer:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Signer(key, builder.sign(key, hashes.SHA256()))


@dataclass(slots=True)
class TokenServer:
    """Gives tokens to users for repositories; "" stands for an anonymous caller.

    `users` maps names to passwords, `rights` names to the repositories that they may pull.
    """

    users: Mapping[str, str] = field(default_factory=dict)
    rights: Mapping[str, frozenset[str]] = field(default_factory=dict)
    refresh: Mapping[str, str] = field(default_factory=dict)  # refresh token → user
    signer: Signer | None = None
    life: int | None = 300
    field_name: str = "token"
    answer: Answer | None = None
    issued: list[str] = field(default_factory=list)

    async def __call__(self, request: Request) -> Answer:
        if self.answer is not None:
            return self.answer
        if request.method == "POST":
            form = {key: each[-1] for key, each in parse_qs(request.body.decode()).items()}
            user = self.refresh.get(form.get("refresh_token", ""))
            fields = form
        else:
            user, fields = self._user(request), request.query
        if user is None:
            return Answer(401, {"Content-Type": "application/json"}, b"{}")
        body: dict[str, object] = {self.field_name: self._token(user, fields.get("scope", ""))}
        if self.life is not None:
            body["expires_in"] = self.life
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _user(self, request: Request) -> str | None:
        shown = request.headers.get("authorization", "")
        if not shown:
            return ""
        name, _, password = base64.b64decode(shown.removeprefix("Basic ")).decode().partition(":")
        return name if self.users.get(name) == password else None

    def _token(self, user: str, scope: str) -> str:
        kind, repository, actions = (*scope.split(":", 2), "", "")[:3]
        granted = repository in self.rights.get(user, frozenset())
        access = [{"type": kind, "name": repository, "actions": actions.split(",")}]
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "exp": int(time.time()) + 300,
            "nbf": int(time.time()) - 10,
            "iat": int(time.time()),
            "jti": secrets.token_hex(8),
            "access": access if granted else [],
        }
        if self.signer is None:
            token = jwt.encode(claims, "k" * 32, algorithm="HS256")
        else:
            der = self.signer.certificate.public_bytes(serialization.Encoding.DER)
            headers = {"x5c": [base64.b64encode(der).decode()]}
            token = jwt.encode(claims, self.signer.key, algorithm="RS256", headers=headers)
        self.issued.append(token)
        return token

    def gate(self, realm: str) -> "TokenGate":
        """Give what guards a registry from memory with this server's tokens."""
        return TokenGate(self, realm)


@dataclass(frozen=True, slots=True)
class TokenGate:
    """Lets in whose token was issued here for the repository."""

    server: TokenServer
    realm: str

    def __call__(self, request: Request, repository: str) -> Answer | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.server.issued:
            claims = jwt.decode(token, options={"verify_signature": False})
            if any(each["name"] == repository for each in claims["access"]):
                return None
        scope = f"repository:{repository}:pull"
        value = f'Bearer realm="{self.realm}",service="{SERVICE}",scope="{scope}"'
        return Answer(401, {"WWW-Authenticate": value})
