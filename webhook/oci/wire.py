"""What is read of indexes, manifests and configurations, as they are on the wire."""

import msgspec

_NOTHING = msgspec.Raw(b"")  # a field that is not there


class Platform(msgspec.Struct):
    """`platform` of a descriptor, and a part of every configuration."""

    os: str | None = None
    architecture: str | None = None
    variant: str | None = None


class Notes(msgspec.Struct):
    """`annotations`, of which one counts."""

    attests: str | None = msgspec.field(default=None, name="vnd.docker.reference.type")


class Descriptor(msgspec.Struct):
    """What points to content."""

    digest: str
    size: int
    media_type: str | None = msgspec.field(default=None, name="mediaType")
    artifact_type: str | None = msgspec.field(default=None, name="artifactType")
    platform: Platform | None = None
    annotations: Notes | None = None


class Document(msgspec.Struct):
    """An index or a manifest, or what could be read as either."""

    schema: msgspec.Raw = msgspec.field(default=_NOTHING, name="schemaVersion")
    layers_v1: msgspec.Raw = msgspec.field(default=_NOTHING, name="fsLayers")
    media_type: str | None = msgspec.field(default=None, name="mediaType")
    artifact_type: str | None = msgspec.field(default=None, name="artifactType")
    manifests: list[Descriptor] | msgspec.UnsetType | None = msgspec.UNSET
    config: Descriptor | msgspec.UnsetType | None = msgspec.UNSET
    layers: msgspec.Raw = _NOTHING


class Runs(msgspec.Struct):
    """`config` of a configuration."""

    entrypoint: list[str] | None = msgspec.field(default=None, name="Entrypoint")
    cmd: list[str] | None = msgspec.field(default=None, name="Cmd")
    stopsignal: str | None = msgspec.field(default=None, name="StopSignal")
    env: list[str] | None = msgspec.field(default=None, name="Env")
    labels: dict[str, str] | None = msgspec.field(default=None, name="Labels")


class Configuration(Platform):
    """An image configuration."""

    config: Runs | None = None
