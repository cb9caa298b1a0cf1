"""`initshim demo`: the whole way of a pod, on this machine alone."""

import asyncio
import dataclasses
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from uuid import uuid4

import click
from rich.console import Console

import initshim
from webhook.cli import output
from webhook.cli.demo import example
from webhook.cli.demo.call import call, webhook
from webhook.cli.demo.container import CantRun, Container, choose, run
from webhook.cli.demo.stage import Measured, Now, Stage
from webhook.cli.output import OutputFormat
from webhook.cli.parameters import Number, output_option
from webhook.core.errors import InitshimError

_SECONDS = "How long the containers run before they are told to stop."
_GRACE = "How long they may take to stop before they are killed."
_SUBREAPER = "Make no PID namespace, as where a machine does not permit it."
_OUTPUT = "json and yaml print nothing but the result."
_LOOK = 0.1  # seconds between two looks at the processes
_TERMINATED = 143


@click.command()
@click.option("--seconds", type=Number(0.5, 60), default=6, metavar="SECONDS", help=_SECONDS)
@click.option("--grace", type=Number(0.5, 60), default=5, metavar="SECONDS", help=_GRACE)
@click.option("--subreaper", is_flag=True, help=_SUBREAPER)
@output_option(OutputFormat.TEXT, _OUTPUT)
def demo(
    *,
    seconds: float,
    grace: float,
    subreaper: bool,
    output_format: OutputFormat,
) -> None:
    """See zombies come without initshim, and none with it; no cluster, no root.

    The webhook is started on loopback and asked about the pod of a deployment that leaks. The
    pod's container is then run twice side by side, as it was and as the webhook wants it, until
    both are told to stop. Takes about 12 seconds. The exit code is 0 if initshim did what it
    promises: no zombies, and a stop on TERM.
    """
    console = output.stdout() if output_format is OutputFormat.TEXT else Console(quiet=True)
    try:
        reaper = initshim.path()
    except (FileNotFoundError, LookupError) as error:
        output.fail("demo", CantRun(str(error)))
    try:
        without, with_ = asyncio.run(
            _run(Stage(console), reaper, seconds=seconds, grace=grace, subreaper=subreaper)
        )
    except InitshimError as error:
        output.fail("demo", error)
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT; everything that ran has ended
    if output_format is not OutputFormat.TEXT:
        result = {"without": dataclasses.asdict(without), "with": dataclasses.asdict(with_)}
        output.write(output.dumps(result, output_format))
    if not _kept(without, with_):
        output.fail("demo", InitshimError("this is not what initshim promises"))


async def _run(
    stage: Stage, reaper: Path, *, seconds: float, grace: float, subreaper: bool
) -> tuple[Measured, Measured]:
    """Ask the webhook, run the pod both ways; give what was measured without and with initshim."""
    before = example.created_pod(example.deployment())
    async with webhook() as running:
        answered = await call(running, example.review(before, str(uuid4())))
    stage.answered(answered)
    stage.patched(before, answered.pod)
    kind = await choose(reaper, subreaper=subreaper)
    stage.running(kind, seconds)
    async with AsyncExitStack() as stack:
        runs = [run(pod, reaper, kind) for pod in (before, answered.pod)]
        pair = [await stack.enter_async_context(each) for each in runs]
        zombies = await _watch(stage, pair, seconds)
        stage.heading(f"4. Both get TERM, and KILL {grace:g} s later if they are still there")
        ended = await _stop(stage, pair, grace, zombies)
    without, with_ = (
        Measured(count, code, round(took, 3))
        for count, (code, took) in zip(zombies, ended, strict=True)
    )
    stage.verdict(without, with_, seconds=seconds, kind=kind)
    return without, with_


async def _watch(stage: Stage, pair: list[Container], seconds: float) -> list[int]:
    """Count zombies for a while; give the last counts."""
    start, shown = monotonic(), 0
    with stage.watching():
        while True:
            await asyncio.sleep(_LOOK)
            at = monotonic() - start
            zombies = [each.count() for each in pair]
            for each in pair:
                if each.process.returncode is not None:
                    raise CantRun(f"a container ended early, with {each.process.returncode}")
            last = at >= seconds
            whole = int(at) > shown or last
            shown = int(at)
            stage.show(*map(Now, zombies), at=at, whole=whole)
            if last:
                return zombies


async def _stop(
    stage: Stage, pair: list[Container], grace: float, zombies: list[int]
) -> list[tuple[int, float]]:
    """Stop both at the same time; give exit codes and seconds."""
    start = monotonic()
    tasks = [asyncio.create_task(each.stop(grace)) for each in pair]
    shown = 0
    with stage.watching():
        while True:
            done, left = await asyncio.wait(tasks, timeout=_LOOK)
            at = monotonic() - start
            now = [
                Now(count, *(task.result() if task in done else (None, at)))
                for count, task in zip(zombies, tasks, strict=True)
            ]
            stage.show(*now, at=at, whole=int(at) > shown or not left)
            shown = int(at)
            if not left:
                return [task.result() for task in tasks]


def _kept(without: Measured, with_: Measured) -> bool:
    """Tell whether the promise held, and whether there was anything to hold it against."""
    return without.zombies > 0 and with_.zombies == 0 and with_.exit_code == _TERMINATED
