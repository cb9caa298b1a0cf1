"""What may stand in the registries file: the chart's schema of `registries` is made from this."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from webhook.oci.addresses import Network
from webhook.oci.endpoint import PORTS

DEFAULT = "_default"
_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def _network(value: object) -> Network:
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError(f"{str(value)!r} is no network, as 10.0.0.0/8 is") from None


def _url(value: str) -> str:
    if split(value) is None:
        raise ValueError(f"{value!r} is no http:// or https:// URL")
    return value


URL = Annotated[str, AfterValidator(_url)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, validate_by_name=True
    )

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        """Take what is given; a key without a value is how a template leaves one out."""
        if not isinstance(value, dict):
            return value
        if {"skip_verify", "skipVerify"} & value.keys():
            raise ValueError("certificates are always verified; give the authority as `ca`")
        return {key: each for key, each in value.items() if each is not None}


class Credentials(_Strict):
    """A user of the registry, and the file that holds its password."""

    username: str
    """The user's name."""
    password_file: str = Field(alias="passwordFile")
    """Path of a file with the password; read at each use."""


class Host(_Strict):
    """How to talk to one host."""

    ca: Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(_TEXTS)] = ()
    """Authorities that are trusted besides: paths of PEM files, or the PEM text itself."""
    addresses: Annotated[
        tuple[Annotated[Network, BeforeValidator(_network)], ...],
        BeforeValidator(_listed),
        WithJsonSchema(_TEXTS),
    ] = ()
    """Networks (CIDR) that are refused otherwise and allowed for this host."""
    credentials: Credentials | None = None
    """The webhook's own user of this host."""
    override_path: Annotated[bool, Field(alias="overridePath", strict=True)] = False
    """Whether the URL's path is the API's root as it is, without `/v2` after it."""

    def root(self, url: str) -> str:
        """Give the root of the API at a URL. Raises ValueError where it is none."""
        parts = split(url)
        if parts is None:
            raise ValueError(f"{url!r} is no http:// or https:// URL")
        path = parts.path.rstrip("/")
        if not self.override_path and not path.endswith("/v2"):
            path += "/v2"
        return f"{parts.scheme}://{parts.netloc.lower()}{path}"


class Mirror(Host):
    """A host that is asked before the registry itself."""

    url: URL
    """Where it is."""
    capabilities: tuple[Literal["pull", "resolve", "push"], ...] = ("pull", "resolve")
    """What it may be asked for: without `resolve` only images that are named by a digest."""

    @model_validator(mode="before")
    @classmethod
    def _by_url(cls, value: object) -> object:
        return {"url": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core_schema)]}


class Entry(Host):
    """One registry."""

    mirrors: tuple[Mirror, ...] = ()
    """Who is asked before the registry itself, in this order."""
    server: URL | None = None
    """Who is asked in place of the registry itself."""
    plain_http: Annotated[bool, Field(alias="plainHTTP", strict=True)] = False
    """Whether the registry speaks HTTP without TLS."""
    lookup: Literal["always", "never"] = "always"
    """`never`: nobody is asked for this registry's images."""


def _checked(entries: dict[str, Entry | None]) -> dict[str, Entry | None]:
    for name, entry in entries.items():
        if name != DEFAULT and split(f"https://{name}") is None:
            raise ValueError(f"{name!r}: https://{name} is no http:// or https:// URL")
        if name == DEFAULT and entry is not None:
            _harmless(entry)
    return entries


def _harmless(entry: Entry) -> None:
    """Refuse what would be meant for whatever host a pod's author names."""
    if entry.server is not None:
        return
    given: dict[str, object] = {
        "credentials": entry.credentials,
        "plainHTTP": entry.plain_http,
        "addresses": entry.addresses,
    }
    for key, value in given.items():
        if value:
            raise ValueError(
                f"{DEFAULT}.{key} would be for any host that a pod names: "
                f"list the registry that it is meant for, or give {DEFAULT} a `server`"
            )


FILE: TypeAdapter[dict[str, Entry | None]] = TypeAdapter(
    Annotated[dict[str, Entry | None], AfterValidator(_checked)]
)
"""The whole file: registry → entry."""


def schema() -> dict[str, Any]:
    """Give the file's JSON schema, its definitions put in place: charts have one for all values."""
    whole = FILE.json_schema(mode="validation")
    definitions = whole.pop("$defs", {})
    placed: dict[str, Any] = _placed(whole, definitions)
    return placed


def split(url: str) -> SplitResult | None:
    """Take a URL apart; None unless it names a host over http or https and nothing secret."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in PORTS and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if valid and parts.username is None else None


def _placed(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_placed(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _placed(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _placed(each, definitions) for key, each in node.items() if key != "title"}
