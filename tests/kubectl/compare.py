"""One manifest through `inject` and through kubectl's decoder: what must hold, and does or not."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kubectl.decoder import Answer, Decoder, plain
from webhook.admission.admit import Engine
from webhook.assembly.no_lookups import NoLookups
from webhook.cli.manifest import files
from webhook.cli.rewrite import rewrite
from webhook.core.errors import BadManifest
from webhook.core.mutation import Delivery
from webhook.core.observe import Silent
from webhook.core.policy import ClusterRules

ENGINE = Engine(
    rules=ClusterRules(lookups=False),
    delivery=Delivery("registry.example/reaper:1", "1"),
    resolver=NoLookups(),
    observer=Silent(),
)
LAWFUL = frozenset({"refused by both", "refused", "not to be changed", "as it was", "changed"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """`verdict` is one of LAWFUL, or names the law that is broken."""

    verdict: str
    detail: Any = None


def compare(text: bytes, answer: Answer, path: Path, kubectl: Decoder | None) -> Comparison:
    """Hold what we read, and write, against what kubectl reads.

    Without `kubectl` what we write is not compared.
    """
    path.write_bytes(text)
    try:
        manifest = files.read(str(path))
        read = [each.content() for each in manifest.documents]
    except BadManifest as error:
        return Comparison("refused by both" if answer.error else "refused", str(error))
    if answer.error:
        return Comparison("read, where kubectl refuses", answer.error)
    mine = plain([each for each in read if each is not None])
    if mine != plain(answer.documents):
        return Comparison("read otherwise", (mine, answer.documents))
    try:
        done = asyncio.run(rewrite(manifest, ENGINE, deadline=lambda: 0.0))
    except BadManifest as error:
        return Comparison("not to be changed", str(error))
    if not done.changed:
        return Comparison("as it was")
    if kubectl is None:
        return Comparison("changed")
    written = kubectl.read((manifest.mark + done.text).encode(manifest.encoding))
    wanted = plain([each for each in done.data if each is not None])
    if written.error or plain(written.documents) != wanted:
        return Comparison("written otherwise", (done.text, written.error, wanted))
    return Comparison("changed")
