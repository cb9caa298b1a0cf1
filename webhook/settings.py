"""Every setting, its default and its unit: the only reader of the environment.

A setting is read from `INITSHIM_<NAME>`; `docs/configuration.md` is made from this module.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from webhook.base.environment import environment
from webhook.base.validation import sentence
from webhook.core import image, image_config
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadInput, BadSettings
from webhook.core.policy import RUNTIME_CLASSES, ClusterRules

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
PREFIX = "INITSHIM_"
"""What the name of a setting begins with in the environment."""
_URL = re.compile(r"https?://[^/?#\s]+[^?#\s]*\Z")


class Settings(BaseModel):
    """What the webhook can be told. Times are seconds, sizes are bytes or entries."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str = ""
    """Address to listen on; empty means every address, IPv4 and IPv6."""
    port: Port = 8443
    """Port of `POST /mutate` (TLS); 0 picks a free one."""
    http_port: Port = 8080
    """Port of `/startupz`, `/healthz`, `/readyz`, `/metrics` (plain HTTP); 0 picks a free one."""
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 10.0
    """After SIGTERM: how long to go on serving, not ready, before closing. Seconds."""
    keep_alive_seconds: Seconds = 120.0
    """How long an idle connection stays open; the API server keeps its own for 90. Seconds."""
    receive_seconds: Seconds = 10.0
    """How long a client may take for its TLS handshake, and to send one request. Seconds."""
    max_connections: Annotated[int, Field(ge=16, le=1_000_000)] = 512
    """Most connections at once. Beyond, who has more than an even share of them gives one up for a
    newcomer, one that has sent no review first, then the least recently used."""
    max_body: Annotated[int, Field(ge=1024, le=64 << 20)] = 4 << 20
    """Largest request body; the API server's own limit for an object is 3 MiB, etcd's 1.5 MiB.
    Those over 64 KiB that are being answered may take four times that together. Bytes."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""
    log_format: Literal["json", "text"] = "json"
    """`json` for machines, `text` for people."""
    traces_endpoint: str = ""
    """Where traces go: a collector's OTLP/HTTP URL without `/v1/traces`; empty means no traces."""
    exemplars: bool = False
    """Whether `/metrics` names, in OpenMetrics, the trace of a review beside its duration."""

    reaper_image: str = ""
    """Image of the init container or image volume; empty: ghcr.io/initshim/reaper, same version."""
    reaper_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """Its imagePullPolicy."""
    delivery: Literal["initContainer", "imageVolume", "auto"] = "initContainer"
    """How the reaper gets into a pod; `imageVolume` needs Kubernetes 1.35 and a runtime that mounts
    images; `auto` takes that where every Linux node reports both, else the init container."""
    on_unresolved: Literal["admit", "deny"] = "admit"
    """What to do with a pod when nobody can tell what one of its containers runs."""
    runtime_classes: tuple[str, ...] = RUNTIME_CLASSES
    """Runtime classes (globs, comma-separated) whose pods are left alone."""
    init_systems: tuple[str, ...] = ()
    """More programs (names or absolute paths, comma-separated) that have to be PID 1 themselves."""
    events: bool = False
    """Whether an Event on a pod's owner says which containers were left alone and need a hand."""
    images_file: Path | None = None
    """YAML file: image glob → `{entrypoint: […], cmd: […]}`, for images not to be looked up."""

    lookups: bool = True
    """Whether registries are asked for ENTRYPOINT and CMD at all."""
    registries_file: Path | None = None
    """YAML file: per registry mirrors, plain HTTP, CA, credentials, `lookup: never`."""
    docker_config: Path | None = None
    """Folder with a Docker `config.json` whose credentials are tried after the pod's own."""
    pull_secrets: bool = False
    """Whether pods' imagePullSecrets and service accounts are read from the API server."""
    lookup_seconds: Seconds = 5.0
    """Longest time that one review waits for registries. Seconds."""
    lookups_per_registry: Annotated[int, Field(ge=1, le=256)] = 8
    """How many lookups run at once against one registry."""
    cache_entries: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """How many image configurations and tags are remembered."""
    cache_tag_seconds: Seconds = 300.0
    """How long a tag is believed to name the same digest. Seconds."""
    cache_stale_seconds: Seconds = 86400.0
    """How long an answer is used while its registry can't be reached. Seconds."""
    cache_failure_seconds: Seconds = 10.0
    """How long a failed lookup is not tried again. Seconds."""
    architectures: tuple[str, ...] = ()
    """The nodes' architectures (comma-separated), for pods that choose none; empty means any."""
    refused_networks: tuple[str, ...] = ()
    """Networks (CIDR, comma-separated) that lookups never connect to: the cluster's services."""
    extra_ca_file: Path | None = None
    """PEM bundle of further CAs that registries may be signed by."""
    warm_up: bool = False
    """Whether the images of opted-in namespaces' workloads are looked up at start."""
    warm_up_namespaces: str = "initshim.dev/inject in (enabled,true)"
    """Label selector of the namespaces that `warm_up` reads."""

    tls: Literal["builtin", "files", "dev"] = "builtin"
    """Where the certificate comes from: made and renewed here, files, or one for this run only."""
    tls_cert_file: Path | None = None
    """PEM certificate chain, with `tls: files`."""
    tls_key_file: Path | None = None
    """PEM private key, with `tls: files`."""
    tls_secret: str = "initshim-tls"  # noqa: S105  # the name of a Secret, not a secret
    """Secret that holds the built-in CA."""
    client_ca_file: Path | None = None
    """PEM bundle of CAs whose clients alone may send reviews: the API server's; empty: anybody."""
    webhook_name: str = "initshim"
    """MutatingWebhookConfiguration whose caBundle is kept."""
    service_name: str = "initshim"
    """Service that the API server calls; the certificate is for its names."""
    namespace: str = "initshim"
    """Namespace of the webhook's own objects."""

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, values: dict[str, Any]) -> dict[str, Any]:
        if str(values.get("port", "")).startswith("tcp://"):
            # Not ours: the kubelet tells a Service called initshim to every container of its
            # namespace as INITSHIM_PORT=tcp://10.0.0.1:443 (`enableServiceLinks`).
            values = {key: values[key] for key in values if key != "port"}
        return {key: _split(key, value) for key, value in values.items()}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.exemplars and not self.traces_endpoint:
            raise ValueError(
                "INITSHIM_EXEMPLARS=true needs INITSHIM_TRACES_ENDPOINT: it shows traces"
            )
        if self.traces_endpoint and not _URL.match(self.traces_endpoint):
            raise ValueError("INITSHIM_TRACES_ENDPOINT is no http:// or https:// URL")
        if self.reaper_image:
            try:
                image.parse(self.reaper_image)
            except BadInput as error:  # no pod that names it would start
                raise ValueError(f"INITSHIM_REAPER_IMAGE: {error}") from None
        if self.tls == "files" and not (self.tls_cert_file and self.tls_key_file):
            raise ValueError(
                "INITSHIM_TLS=files needs INITSHIM_TLS_CERT_FILE and INITSHIM_TLS_KEY_FILE"
            )
        return self

    def rules(self) -> ClusterRules:
        """The rules that pods are planned by. Raises BadSettings for a bad images file."""
        images = image_map(self.images_file) if self.images_file else ()
        return ClusterRules(
            runtime_classes=self.runtime_classes,
            images=images,
            lookups=self.lookups,
            init_systems=self.init_systems,
        )


_LISTS = frozenset({"runtime_classes", "init_systems", "refused_networks", "architectures"})


def _split(key: str, value: object) -> object:
    """Split a list as it stands in the environment: at its commas."""
    if key in _LISTS and isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


class _Runs(BaseModel):
    """What an image runs, as an administrator writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.config()
        return self

    def config(self) -> ImageConfig:
        """Give it as a value. Raises ValueError, as pydantic wants it."""
        try:
            return image_config.read({"entrypoint": self.entrypoint, "cmd": self.cmd})
        except BadInput as error:
            raise ValueError(str(error)) from None


_IMAGE_MAP = TypeAdapter(dict[str, _Runs])


def load(**overrides: object) -> Settings:
    """Read the environment. Raises BadSettings that names every setting that can't be used."""
    variables = {name.lower(): text for name, text in environment().items()}
    read = {name: variables.get(f"{PREFIX}{name}".lower()) for name in Settings.model_fields}
    # An empty value is how a template leaves one out.
    chosen = {name: value for name, value in overrides.items() if value is not None}
    return given({**{name: text for name, text in read.items() if text}, **chosen})


def given(values: Mapping[str, object]) -> Settings:
    """Read settings from these values alone, as another process has them. Raises BadSettings."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise BadSettings(
            sentence("bad settings", error, prefix=PREFIX),
            next_step="Correct them in the environment, or take them out for the defaults.",
        ) from error


def image_map(path: Path) -> tuple[tuple[str, ImageConfig], ...]:
    """Read the file that says what images run. Raises BadSettings that names file and entry."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadSettings(f"{path} can't be read: {error.strerror}") from error
    return images_in(content, str(path))


def images_in(content: bytes | str, where: str) -> tuple[tuple[str, ImageConfig], ...]:
    """Read such a file's content. Raises BadSettings that names `where` and the entry."""
    try:
        entries = _IMAGE_MAP.validate_python(yaml.safe_load(content) or {})
    except ValidationError as error:
        raise BadSettings(sentence(where, error)) from error
    except yaml.YAMLError as error:
        raise BadSettings(f"{where} can't be read: {error}") from error
    return tuple((glob, runs.config()) for glob, runs in entries.items())
