"""What images run, from files: `--image-config IMAGE=FILE`."""

from collections.abc import Iterable
from typing import Any

from webhook.cli.manifest import files
from webhook.cli.output import WrongUsage
from webhook.core import image_config
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadInput, BadManifest, BadReference, BadSettings
from webhook.core.image import parse

Images = tuple[tuple[str, ImageConfig], ...]


def image_configs(given: Iterable[str]) -> Images:
    """Read each IMAGE=FILE. Raises WrongUsage, or BadSettings for a file that can't be used."""
    return tuple(_one(text) for text in given)


def _one(text: str) -> tuple[str, ImageConfig]:
    image, equals, file = text.partition("=")
    if not image or not equals or not file:
        raise WrongUsage(f"--image-config must be IMAGE=FILE, not {text!r}")
    try:
        documents = files.read(file).documents
        data = documents[0].content() if documents else None
    except BadManifest as error:
        raise BadSettings(f"--image-config {image}: {error}") from error
    fields = _fields(data)
    if fields is None:
        raise BadSettings(
            f"--image-config {image}: {file} says nothing about what an image runs",
            next_step="Give an OCI image configuration, as `skopeo inspect --config` or "
            "`docker image inspect` print it, or {entrypoint: […], cmd: […]}.",
        )
    try:
        return _normal(image), image_config.read(fields)
    except BadInput as error:
        raise BadSettings(f"--image-config {image}: {file}: {error}") from None


def _normal(image: str) -> str:
    """Give the form that containers' images are compared in; a glob stays as it is."""
    try:
        return str(parse(image))
    except BadReference:
        return image


def _fields(data: Any) -> dict[str, object] | None:
    """Find ENTRYPOINT and CMD; `docker image inspect` gives a list, OCI a key `config`."""
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        return None
    fields = {str(key).lower(): value for key, value in data.items()}
    inner = fields.get("config")
    if isinstance(inner, dict):
        return {str(key).lower(): value for key, value in inner.items()}
    return fields if {"entrypoint", "cmd"} & fields.keys() else None
