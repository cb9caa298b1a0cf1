"""A manifest through the engine: its workloads' pods as the webhook would have them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.admission.admit import Engine, Mutated, mutate
from webhook.cli import outcomes
from webhook.cli.manifest.files import Manifest, place
from webhook.cli.manifest.nodes import Misplaced
from webhook.cli.manifest.splice import splice
from webhook.core.errors import BadManifest, BadPod
from webhook.core.pod import Pod
from webhook.core.workload import Workload, workloads


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one container; `container` is "*" for a pod that is left alone whole.

    `outcome` is "wrapped" or the reason's public name, `why` and `remedy` its sentences.
    """

    file: str
    document: int
    kind: str
    name: str
    namespace: str
    container: str
    outcome: str
    why: str = ""
    remedy: str = ""

    @property
    def object(self) -> str:
        """`Kind/name`, with the namespace in front where the manifest gives one."""
        named = f"{self.kind}/{self.name or '(no name)'}"
        return f"{self.namespace}/{named}" if self.namespace else named


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A manifest, its new text and data, and what became of each container."""

    manifest: Manifest
    text: str
    data: tuple[Any, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def changed(self) -> bool:
        """Whether any byte is another one."""
        return self.text != self.manifest.text


async def rewrite(
    manifest: Manifest, engine: Engine, *, seconds: float, in_place: bool = True
) -> Rewritten:
    """Send every workload of a manifest through the engine; `seconds` for each one's lookups.

    Where not `in_place`, only the data is new and the text stays.

    Raises BadManifest that names file, document and object.
    """
    found: list[Outcome] = []
    wanted: list[Any] = []
    for document in manifest.documents:
        data = _data(manifest, document.number)
        wanted.append(data)
        where = f"{manifest.name}, document {document.number}"
        if not isinstance(data, dict | None):
            raise BadManifest(f"{where}: this is no Kubernetes object")
        for each in workloads(data):
            mutated = await _mutate(each, engine, where=where, seconds=seconds)
            each.pod.update(mutated.pod)  # in its place: what surrounds it is the document
            found += _outcomes(mutated, each, manifest.name, document.number)
    text = _spliced(manifest, wanted) if in_place else manifest.text
    return Rewritten(manifest, text, tuple(wanted), tuple(found))


def _data(manifest: Manifest, number: int) -> Any:
    try:
        return manifest.documents[number - 1].data()
    except Misplaced as wrong:
        told = Misplaced(str(wrong), wrong.at, number)
        raise place(manifest.name, manifest.text, told) from wrong


async def _mutate(each: Workload, engine: Engine, *, where: str, seconds: float) -> Mutated:
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        return await mutate(Pod(each.pod), each.namespace, engine, deadline=deadline)
    except BadPod as error:
        raise BadManifest(f"{where}, {each}: {error}") from error


def _spliced(manifest: Manifest, wanted: list[Any]) -> str:
    try:
        return splice(manifest.text, wanted, manifest.parse)
    except BadManifest as error:
        raise BadManifest(
            f"{manifest.name}: {error}",
            next_step="Try --output yaml, which writes every document anew.",
        ) from error


def _outcomes(mutated: Mutated, each: Workload, file: str, number: int) -> Iterator[Outcome]:
    told = (file, number, each.kind, each.name, each.namespace)
    for one in outcomes.of_plan(mutated.plan):
        yield Outcome(*told, one.container, one.outcome, one.why, one.remedy)
