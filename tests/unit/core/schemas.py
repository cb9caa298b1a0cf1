"""The API's schemas for pods, 1.28 to 1.37, from kubernetes-validate; each is read once."""

from functools import cache

import jsonschema
from kubernetes_validate.utils import all_versions, schema_contents
from referencing import Registry, Resource

from webhook.core.pod import Json

VERSIONS = tuple(
    version
    for version in (full.rpartition(".")[0] for full in all_versions())
    if (1, 28) <= tuple(map(int, version.split("."))) <= (1, 37)
)


@cache
def _validator(version: str) -> jsonschema.Draft202012Validator:
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    schema = schema_contents(f"{folder}/pod-v1.json", version)
    definitions = schema_contents(f"{folder}/_definitions.json", version)
    registry: Registry[Json] = Registry()
    for contents in (schema, definitions):
        registry = Resource.from_contents(contents) @ registry
    return jsonschema.Draft202012Validator(schema, registry=registry)


def complaints(pod: Json, version: str) -> list[str]:
    """What the API server of that version would not understand: unknown fields, wrong types."""
    named = {**pod, "apiVersion": "v1", "kind": "Pod"}
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in _validator(version).iter_errors(named)
    ]
