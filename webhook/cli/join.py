"""Several manifests as one stream that every supported kubectl reads.

Before Kubernetes 1.33, kubectl reads a stream that begins with `{` as JSON to its end; from then
on it falls back to YAML at the first thing that is no JSON, but not after a second object.
"""

import json
from collections.abc import Iterator, Sequence

from webhook.cli import output
from webhook.cli.manifest import from_json, from_yaml
from webhook.cli.manifest.nodes import Document, Misplaced, same
from webhook.cli.manifest.scalars import visible
from webhook.cli.output import OutputFormat
from webhook.cli.rewrite import Rewritten

_SEPARATOR = "---\n"


def joined(done: Sequence[Rewritten]) -> str:
    """Put the manifests one after the other: JSON alone stays JSON, all else becomes YAML."""
    if len(done) == 1 and not (done[0].changed and _is_mistaken(done[0])):
        return done[0].text
    only_json = all(each.manifest.is_json for each in done)
    stream = ""
    for text in (each.text for each in done) if only_json else _as_yaml(done):
        if stream and not stream.endswith("\n"):
            stream += "\n"
        if not only_json and not text.startswith("---") and (stream or _is_brace(text)):
            stream += _SEPARATOR
        stream += text
    return stream


def anew(done: Sequence[Rewritten], output_format: OutputFormat) -> str:
    """Write every document in one form; several become a stream in YAML, a List in JSON."""
    objects = [data for each in done for data in each.data if data is not None]
    if output_format is OutputFormat.YAML:
        return _SEPARATOR.join(output.dumps(each, output_format) for each in objects)
    if len(objects) == 1:
        return output.dumps(objects[0], output_format)
    return output.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, output_format)


def _is_mistaken(one: Rewritten) -> bool:
    """Tell whether a text is YAML that begins like JSON."""
    return not one.manifest.is_json and _is_brace(one.text)


def _is_brace(text: str) -> bool:
    return text.lstrip().startswith("{")


def _as_yaml(done: Sequence[Rewritten]) -> Iterator[str]:
    for each in done:
        if each.manifest.is_json:
            yield from map(_value_as_yaml, from_json.parse(each.text))
        else:
            yield each.text


def _value_as_yaml(document: Document) -> str:
    """Keep a JSON text that says the same as YAML; tabs and some escapes make another of it."""
    content = document.content()
    try:
        if same(from_yaml.parse_one(document.text).content(), content):
            return document.text
    except Misplaced:
        pass
    return visible(json.dumps(content, ensure_ascii=False))
