"""`initshim inject`: manifests in, manifests out, as the webhook would change their pods.

It imports what it needs: settings only where one is set, what asks registries only for --lookup.
"""

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeAlias

import click

import initshim
from webhook.admission.admit import Engine, Resolver
from webhook.assembly.default_engine import default_engine
from webhook.assembly.no_lookups import NoLookups
from webhook.base.coroutines import finish
from webhook.base.environment import environment
from webhook.cli import output
from webhook.cli.image_configs import Images, image_configs
from webhook.cli.manifest import files
from webhook.cli.manifest.kinds import KNOWN, Kinds
from webhook.cli.output import OutputFormat, WrongUsage
from webhook.cli.parameters import Image, output_option
from webhook.cli.print_rewritten import (
    print_diff,
    print_manifests,
    print_report,
    warn,
    write_back,
)
from webhook.cli.rewrite import Rewritten, rewrite
from webhook.core.errors import BadManifest, InitshimError
from webhook.core.observe import Silent

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
_WAYS = click.Choice(["initContainer", "imageVolume"])
_DELIVERY = "initContainer, or imageVolume from Kubernetes 1.35 on (INITSHIM_DELIVERY)."


@click.command()
@click.option("--file", "-f", multiple=True, metavar="FILE|-|DIR", help=_FILE)
@click.option("--recursive", "-R", is_flag=True, help=_RECURSIVE)
@click.option("--diff", is_flag=True, help=_DIFF)
@click.option("--report", is_flag=True, help=_REPORT)
@click.option("--in-place", "-i", is_flag=True, help=_IN_PLACE)
@output_option(OutputFormat.TEXT, _OUTPUT)
@click.option("--image-config", multiple=True, metavar="IMAGE=FILE", help=_IMAGE)
@click.option("--lookup", is_flag=True, help=_LOOKUP)
@click.option("--template-path", multiple=True, metavar="KIND=PATH", help=_TEMPLATE_PATH)
@click.option("--fail-fast", is_flag=True, help=_FAIL_FAST)
@click.option("--reaper-image", type=Image(), metavar="IMAGE", help=_REAPER)
@click.option("--delivery", type=_WAYS, metavar="WAY", help=_DELIVERY)
def inject(  # noqa: PLR0913  # an option is an argument to click
    *,
    file: tuple[str, ...],
    recursive: bool,
    diff: bool,
    report: bool,
    in_place: bool,
    output_format: OutputFormat,
    image_config: tuple[str, ...],
    lookup: bool,
    template_path: tuple[str, ...],
    fail_fast: bool,
    reaper_image: str | None,
    delivery: str | None,
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
        shows = diff or report or output_format is not OutputFormat.TEXT
        _check(file, in_place=in_place, shows=shows)
        asked = _Asked(
            image_configs(image_config),
            KNOWN.extended(template_path),
            {"lookups": lookup, "reaper_image": reaper_image, "delivery": delivery},
            keep_text=not report and output_format is OutputFormat.TEXT,
        )
        found = _found(file or ["-"], recursive=recursive)
        done, wrong = _rewritten(found, asked)
    except InitshimError as error:
        output.fail("inject", error)
    if wrong and (fail_fast or not done):
        output.fail("inject", *wrong)  # before anything is printed or written
    try:
        if in_place:
            wrong += write_back(done)
        elif report:
            print_report(done, output_format)
        elif diff:
            print_diff(done)
        else:
            print_manifests(done, output_format)
    except InitshimError as error:
        output.fail("inject", *wrong, error)
    if not report:
        warn(done)
    if wrong:
        output.fail("inject", *wrong)


@dataclass(frozen=True, slots=True)
class _Asked:
    """How manifests are to be rewritten; `options` are settings, None where not given."""

    configs: Images
    kinds: Kinds
    options: Mapping[str, object]
    keep_text: bool


_All: TypeAlias = tuple[list[Rewritten], list[InitshimError]]


def _check(given: Sequence[str], *, in_place: bool, shows: bool) -> None:
    if not given and sys.stdin.isatty():
        raise WrongUsage("there is nothing to read: name a file or folder with -f")
    if in_place and (shows or not given or "-" in given):
        raise WrongUsage("--in-place needs files, and prints neither diff nor report")


def _found(given: Sequence[str], *, recursive: bool) -> list[str]:
    found = list(files.find(given, recursive=recursive))
    if not found:
        raise BadManifest(f"no .yaml, .yml or .json file in {', '.join(given)}")
    return found


def _rewritten(found: Sequence[str], asked: _Asked) -> _All:
    """Rewrite every file, and collect everything that is wrong. Raises BadSettings."""
    if any(asked.options.values()) or any(map(_is_setting, environment())):
        import asyncio  # noqa: PLC0415 - it takes longer than the rest

        return asyncio.run(_by_settings(found, asked))
    engine = default_engine(NoLookups(), version=initshim.__version__, observer=Silent())
    return finish(_all(found, asked, engine, deadline=lambda: 0.0))


async def _by_settings(found: Sequence[str], asked: _Asked) -> _All:
    """Rewrite with the webhook's settings, and its lookups where those are on."""
    from asyncio import get_running_loop  # noqa: PLC0415 - they take longer than the rest

    from webhook.assembly.engine import make_engine  # noqa: PLC0415
    from webhook.settings import load  # noqa: PLC0415

    settings = load(**asked.options)
    async with AsyncExitStack() as stack:
        resolver: Resolver = NoLookups()
        if settings.lookups:
            from webhook.assembly.resolver import open_resolver  # noqa: PLC0415

            resolver = await stack.enter_async_context(open_resolver(settings, None, Silent()))
        version = initshim.__version__
        engine = make_engine(settings, version=version, resolver=resolver, observer=Silent())
        clock = get_running_loop().time
        return await _all(found, asked, engine, deadline=lambda: clock() + settings.lookup_seconds)


async def _all(
    found: Sequence[str], asked: _Asked, made: Engine, *, deadline: Callable[[], float]
) -> _All:
    # What is given for one image goes before the settings' file.
    rules = dataclasses.replace(made.rules, images=(*asked.configs, *made.rules.images))
    engine = dataclasses.replace(made, rules=rules)
    done: list[Rewritten] = []
    wrong: list[InitshimError] = []
    for name in found:
        try:
            one = await rewrite(
                files.read(name),
                engine,
                deadline=deadline,
                in_place=asked.keep_text,
                kinds=asked.kinds,
            )
            done.append(one)
        except BadManifest as error:
            wrong.append(error)
    return done, wrong


def _is_setting(variable: str) -> bool:
    return variable.upper().startswith("INITSHIM_")
