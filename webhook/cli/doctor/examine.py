"""All checks in order, each with an end: what one can't look at keeps no other from looking."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import initshim
from webhook.cli.doctor import (
    certificate,
    configuration,
    probe,
    registries,
    rehearsal,
    rights,
    running,
    versions,
)
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.doctor.site import CHART, WEBHOOK, survey
from webhook.kube.client import Client
from webhook.kube.errors import KubeError, Unreachable
from webhook.settings import Settings

_Facts = TypeVar("_Facts")


async def examine(
    client: Client,
    settings: Settings,
    *,
    webhook: str | None,
    namespace: str | None,
    seconds: float,
    now: datetime,
) -> list[Finding]:
    """Look at everything for `seconds` at most. Raises KubeError where there is nothing to see."""
    end = asyncio.get_running_loop().time() + seconds
    async with asyncio.timeout_at(end):
        site = await survey(client, webhook)
    if site is None:
        return [_absent(webhook)]

    async def until(look: Awaitable[_Facts]) -> _Facts | KubeError:
        try:
            async with asyncio.timeout_at(end):
                return await look
        except TimeoutError:
            return Unreachable(
                f"it was not done in {seconds:g} s", next_step="initshim doctor --timeout 300"
            )

    where = namespace or next(iter(site.selected), "")
    certificates, service, granted, rehearsed = await asyncio.gather(
        until(certificate.look(client, site, now=now)),
        until(running.look(client, site)),
        until(rights.look(client, site)),
        until(rehearsal.look(client, site, namespace=where)),
    )
    works = isinstance(rehearsed, rehearsal.Facts) and rehearsed.works
    asked = await until(registries.look(client, site, settings, rehearsed=works))
    return [
        *configuration.judge(site),
        *_judged("service", service, partial(running.judge, site)),
        *_judged("certificate", certificates, partial(certificate.judge, site)),
        *_judged("rehearsal", rehearsed, partial(rehearsal.judge, site)),
        *_judged("rights", granted, partial(rights.judge, site)),
        *_judged("registries", asked, partial(registries.judge, site)),
        *versions.judge(site, own=initshim.__version__, wrote=_version(rehearsed)),
    ]


def _judged(
    check: str, facts: _Facts | KubeError, judge: Callable[[_Facts], list[Finding]]
) -> list[Finding]:
    if isinstance(facts, KubeError):
        return [Subject(check, "all of it").unlooked(facts)]
    return judge(facts)


def _version(rehearsed: rehearsal.Facts | KubeError) -> str:
    made = rehearsed.created if isinstance(rehearsed, rehearsal.Facts) else None
    return probe.version(made) if isinstance(made, dict) else ""


def _absent(webhook: str | None) -> Finding:
    name = webhook or "any name"
    return Subject("configuration", f"MutatingWebhookConfiguration of {name}").error(
        f"there is none with the webhook {WEBHOOK}: initshim is not installed",
        f"helm install initshim {CHART} -n initshim --create-namespace",
    )
