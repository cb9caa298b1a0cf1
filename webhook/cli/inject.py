"""`initshim inject`: manifests in, manifests out, as the webhook would change their pods."""

import asyncio
import dataclasses
import difflib
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import initshim
from webhook.admission.admit import Engine, Resolver
from webhook.assembly.engine import make_engine
from webhook.assembly.no_lookups import NoLookups
from webhook.cli import output
from webhook.cli.image_configs import Images, image_configs
from webhook.cli.join import anew, joined
from webhook.cli.manifest import files
from webhook.cli.manifest.kinds import KNOWN, LEFT, Kinds
from webhook.cli.outcomes import WRAPPED
from webhook.cli.output import CantWrite, OutputFormat
from webhook.cli.rewrite import Rewritten, rewrite
from webhook.core.errors import BadManifest, BadSettings, InitshimError
from webhook.core.observe import Silent
from webhook.settings import Settings, load

if TYPE_CHECKING:
    from rich.text import Text

_FILE = "A manifest, a folder of manifests, or - for standard input (the default). Repeatable."
_RECURSIVE = "Look into the folders of folders, too."
_DIFF = "Show what would change as a unified diff; `git apply` takes it."
_REPORT = "Show a table instead: object, container, wrapped or why not."
_IN_PLACE = "Write changed files back; print nothing."
_OUTPUT = "text keeps each file as it is written; json and yaml write all documents anew."
_IMAGE = "What an image runs: an OCI image configuration, or {entrypoint: […], cmd: […]}."
_LOOKUP = "Ask registries for what images run (INITSHIM_… settings as for the webhook)."
_TEMPLATE_PATH = "Where a kind has pod templates: Thing=spec.pods.*.template. Repeatable."
_FAIL_FAST = "Print and write nothing when one of the files is wrong."
_REAPER = "Image of the reaper (INITSHIM_REAPER_IMAGE)."
_DELIVERY = "initContainer, or imageVolume from Kubernetes 1.35 on (INITSHIM_DELIVERY)."


def inject(  # noqa: PLR0913  # an option is an argument to typer
    *,
    file: Annotated[
        list[str] | None, typer.Option("--file", "-f", metavar="FILE|-|DIR", help=_FILE)
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help=_RECURSIVE)] = False,
    diff: Annotated[bool, typer.Option("--diff", help=_DIFF)] = False,
    report: Annotated[bool, typer.Option("--report", help=_REPORT)] = False,
    in_place: Annotated[bool, typer.Option("--in-place", "-i", help=_IN_PLACE)] = False,
    output_format: Annotated[
        OutputFormat, typer.Option("--output", "-o", help=_OUTPUT)
    ] = OutputFormat.TEXT,
    image_config: Annotated[
        list[str] | None, typer.Option(metavar="IMAGE=FILE", help=_IMAGE)
    ] = None,
    lookup: Annotated[bool, typer.Option("--lookup", help=_LOOKUP)] = False,
    template_path: Annotated[
        list[str] | None, typer.Option(metavar="KIND=PATH", help=_TEMPLATE_PATH)
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help=_FAIL_FAST)] = False,
    reaper_image: Annotated[str | None, typer.Option(metavar="IMAGE", help=_REAPER)] = None,
    delivery: Annotated[
        Literal["initContainer", "imageVolume"] | None, typer.Option(metavar="WAY", help=_DELIVERY)
    ] = None,
) -> None:
    """Add the reaper to the pods in manifests, without a cluster.

    What is not changed stays byte for byte: comments, order, quotes, other documents.
    No network is used unless --lookup: a container without `command:` needs that, --image-config
    or an annotation.

    - initshim inject -f deploy.yaml | kubectl apply -f -
    - helm template . | initshim inject --diff
    - initshim inject -f k8s/ --report
    """
    try:
        _check(
            file or [],
            in_place=in_place,
            shows=diff or report or output_format is not OutputFormat.TEXT,
        )
        settings = load(lookups=lookup, reaper_image=reaper_image, delivery=delivery)
        asked = _Asked(
            settings,
            image_configs(image_config or []),
            KNOWN.extended(template_path or []),
            in_place=not report and output_format is OutputFormat.TEXT,
        )
        found = _found(file or ["-"], recursive=recursive)
    except InitshimError as error:
        output.fail("inject", error)
    done, wrong = asyncio.run(_all(found, asked))
    if wrong and (fail_fast or not done):
        output.fail("inject", *wrong)  # before anything is printed or written
    try:
        wrong += _hand_over(done, output_format, diff=diff, report=report, in_place=in_place)
    except InitshimError as error:
        output.fail("inject", *wrong, error)
    if not report:
        _warn(done)
    if wrong:
        output.fail("inject", *wrong)


@dataclass(frozen=True, slots=True)
class _Asked:
    """How manifests are to be rewritten."""

    settings: Settings
    configs: Images
    kinds: Kinds
    in_place: bool


def _found(given: Sequence[str], *, recursive: bool) -> list[str]:
    found = list(files.find(given, recursive=recursive))
    if not found:
        raise BadManifest(f"no .yaml, .yml or .json file in {', '.join(given)}")
    return found


def _hand_over(
    done: Sequence[Rewritten],
    output_format: OutputFormat,
    *,
    diff: bool,
    report: bool,
    in_place: bool,
) -> list[InitshimError]:
    """Print the result as it is asked for, or write it back; give what could not be written."""
    if in_place:
        return _write_back(done)
    if report:
        _report(done, output_format)
    elif diff:
        output.diff(output.stdout(), _diff(done))
    else:
        output.write(
            joined(done) if output_format is OutputFormat.TEXT else anew(done, output_format)
        )
    return []


def _check(given: Sequence[str], *, in_place: bool, shows: bool) -> None:
    if not given and sys.stdin.isatty():
        raise BadSettings("there is nothing to read", next_step="Name a file or folder with -f.")
    if in_place and (shows or not given or "-" in given):
        raise BadSettings("--in-place needs files, and prints neither diff nor report")


async def _all(found: Sequence[str], asked: _Asked) -> tuple[list[Rewritten], list[InitshimError]]:
    """Rewrite every file, and collect everything that is wrong."""
    done: list[Rewritten] = []
    wrong: list[InitshimError] = []
    settings = asked.settings
    async with _resolver(settings) as resolver:
        engine = _engine(settings, asked.configs, resolver)
        for name in found:
            try:
                one = await rewrite(
                    files.read(name),
                    engine,
                    seconds=settings.lookup_seconds,
                    in_place=asked.in_place,
                    kinds=asked.kinds,
                )
                done.append(one)
            except BadManifest as error:
                wrong.append(error)
    return done, wrong


@asynccontextmanager
async def _resolver(settings: Settings) -> AsyncIterator[Resolver]:
    """Import what asks registries only where one may be asked: it is most of the start's time."""
    if not settings.lookups:
        yield NoLookups()
        return
    from webhook.assembly.resolver import open_resolver  # noqa: PLC0415 - see above

    async with open_resolver(settings, None, Silent()) as resolver:
        yield resolver


def _engine(settings: Settings, configs: Images, resolver: Resolver) -> Engine:
    """The webhook's engine; what is given for one image goes before the settings' file."""
    made = make_engine(settings, version=initshim.__version__, resolver=resolver, observer=Silent())
    rules = dataclasses.replace(made.rules, images=(*configs, *made.rules.images))
    return dataclasses.replace(made, rules=rules)


def _diff(done: Sequence[Rewritten]) -> Iterator[str]:
    for each in done:
        name = each.manifest.name.lstrip("/")
        lines = difflib.unified_diff(
            _lines(each.manifest.text),
            _lines(each.text),
            f"a/{name}",
            f"b/{name}",
        )
        for line in lines:
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Divide a text at what git takes for the end of a line, and at nothing else."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _report(done: Sequence[Rewritten], output_format: OutputFormat) -> None:
    outcomes = [outcome for each in done for outcome in each.outcomes]
    if output_format is not OutputFormat.TEXT:
        data = [{**dataclasses.asdict(each), "outcome": str(each.outcome)} for each in outcomes]
        output.write(output.dumps(data, output_format))
        return
    rows: list[list[Text | str]] = [
        [each.object, each.container, output.outcome(each.outcome), each.remedy or each.why]
        for each in outcomes
    ]
    head = ["object", "container", "result", "note"]
    if len(done) > 1:
        head.insert(0, "file")
        rows = [[each.file, *row] for each, row in zip(outcomes, rows, strict=True)]
    output.table(output.stdout(), head, rows)


def _write_back(done: Sequence[Rewritten]) -> list[InitshimError]:
    wrong: list[InitshimError] = []
    for each in done:
        path = each.manifest.path
        if not each.changed or path is None:
            continue
        try:
            files.replace(path, each.manifest.mark + each.text, each.manifest.encoding)
        except OSError as error:
            wrong.append(CantWrite(f"{path} can't be written: {error.strerror or error}"))
    return wrong


def _warn(done: Sequence[Rewritten]) -> None:
    """Say on standard error what was left alone although it needs a hand, or passes unseen."""
    console = output.stderr()
    for each in (outcome for rewritten in done for outcome in rewritten.outcomes):
        whole = each.outcome in LEFT
        if each.outcome == WRAPPED or not (each.remedy or whole):
            continue
        what = each.object if whole else f"{each.object}, container {each.container}"
        said = "; ".join(filter(None, (each.why, each.remedy)))
        console.print(
            f"initshim inject: {each.file}: {what} is left alone ({each.outcome}): {said}",
            markup=False,
        )
