"""All checks in order, each with a deadline; one that fails keeps no other from being made."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import initshim
from webhook.cli.doctor import (
    admission_policy,
    ca_bundle_policy,
    certificate,
    configuration,
    nodes,
    registries,
    rehearsal,
    rights,
    service,
    trial_pod,
    versions,
    wrapped_pods,
)
from webhook.cli.doctor.causes import once_a_cause
from webhook.cli.doctor.cluster import Cluster, fetch_cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.cli.installation import dry_run_pod
from webhook.cli.installation.survey import INSTALL, WEBHOOK, list_policies, survey
from webhook.core.image_volumes import Node
from webhook.kube.attempt import attempt
from webhook.kube.client import KubeClient
from webhook.kube.errors import ApiUnreachable, KubeError, Missing
from webhook.settings import Settings

_Fetched = TypeVar("_Fetched")


@dataclass(frozen=True, slots=True)
class _Deadline:
    """When all has to be done: what is not by then is an error, and keeps no other from its own."""

    seconds: float
    end: float

    @property
    def left(self) -> float:
        return max(0.0, self.end - asyncio.get_running_loop().time())

    async def until(self, fetch: Awaitable[_Fetched]) -> _Fetched | KubeError:
        try:
            async with asyncio.timeout_at(self.end):
                return await fetch
        except TimeoutError:
            return ApiUnreachable(
                f"it was not done in {self.seconds:g} s", next_step="initshim doctor --timeout 300"
            )


async def diagnose(  # noqa: PLR0913 - the command's options
    client: KubeClient,
    settings: Settings,
    *,
    webhook: str | None,
    namespace: str | None,
    seconds: float,
    now: datetime,
    run_pod: bool = False,
) -> list[Finding]:
    """Look at everything for `seconds` at most. Raises KubeError where there is nothing to see."""
    deadline = _Deadline(seconds, asyncio.get_running_loop().time() + seconds)
    async with asyncio.timeout_at(deadline.end):
        cluster = await fetch_cluster(client, webhook)
        if cluster is None:
            return [await _absent(client, webhook)]
    where = namespace or next(iter(cluster.selected), "")
    checks = _Checks(client, cluster, where, deadline)
    wrapped = await checks.of_policy()
    if cluster.by_policy:
        return [*wrapped, *await checks.of_trial_pod((), run=run_pod)]
    return once_a_cause(await checks.of_webhook(settings, wrapped, now=now, run_pod=run_pod))


@dataclass(frozen=True, slots=True)
class _Checks:
    """What is checked of one installation, from one namespace."""

    client: KubeClient
    cluster: Cluster
    namespace: str
    deadline: _Deadline

    async def of_policy(self) -> list[Finding]:
        fetch = admission_policy.fetch(self.client, self.cluster, namespace=self.namespace)
        check = partial(admission_policy.check, self.cluster, namespace=self.namespace)
        return _checked("policy", await self.deadline.until(fetch), check)

    async def of_trial_pod(self, listed: tuple[Node, ...], *, run: bool) -> list[Finding]:
        if not run:
            return []
        trial = await trial_pod.fetch(
            self.client,
            self.cluster,
            namespace=self.namespace or "default",
            volume=trial_pod.as_volume(self.cluster, listed),
            seconds=self.deadline.left,
        )
        return trial_pod.check(trial)

    async def of_webhook(
        self, settings: Settings, by_policy: list[Finding], *, now: datetime, run_pod: bool
    ) -> list[Finding]:
        client, cluster, until = self.client, self.cluster, self.deadline.until
        certificates, backends, granted, held, rehearsed, waiting = await asyncio.gather(
            until(certificate.fetch(client, cluster, now=now)),
            until(service.fetch(client, cluster)),
            until(rights.fetch(client, cluster)),
            until(ca_bundle_policy.fetch(client, cluster)),
            until(rehearsal.fetch(client, cluster, namespace=self.namespace)),
            until(wrapped_pods.fetch(client, cluster)),
        )
        works = isinstance(rehearsed, rehearsal.Rehearsal) and rehearsed.works
        asked, listed = await asyncio.gather(
            until(registries.fetch(client, cluster, settings, rehearsed=works)),
            until(nodes.fetch(client, cluster)),
        )
        tried = await self.of_trial_pod(listed if isinstance(listed, tuple) else (), run=run_pod)
        reviewed = granted if isinstance(granted, rights.Reviewed) else None
        return [
            *configuration.check(cluster),
            *_checked("service", backends, partial(service.check, cluster)),
            *_checked("certificate", certificates, partial(certificate.check, cluster)),
            *_checked("rehearsal", rehearsed, partial(rehearsal.check, cluster)),
            *by_policy,
            *tried,
            *_checked("pods", waiting, partial(wrapped_pods.check, cluster)),
            *_checked("rights", granted, partial(rights.check, cluster)),
            *ca_bundle_policy.check(cluster, held),
            *_checked("registries", asked, partial(registries.check, cluster, reviewed=reviewed)),
            *_checked("nodes", listed, partial(nodes.check, cluster)),
            *versions.check(cluster, own=initshim.__version__, wrote=_version(rehearsed)),
        ]


def _checked(
    family: str, fetched: _Fetched | KubeError, check: Callable[[_Fetched], list[Finding]]
) -> list[Finding]:
    if isinstance(fetched, KubeError):
        return [Subject(family, "all of it").unknown(fetched)]
    return check(fetched)


def _version(rehearsed: rehearsal.Rehearsal | KubeError) -> str:
    made = rehearsed.created if isinstance(rehearsed, rehearsal.Rehearsal) else None
    return dry_run_pod.version(made) if isinstance(made, dict) else ""


async def _absent(client: KubeClient, webhook: str | None) -> Finding:
    """Say that nothing is installed, as far as that can be seen, or not by that name."""
    about = Subject("configuration", f"MutatingWebhookConfiguration {webhook or 'of any name'}")
    if webhook:
        found = await attempt(survey(client))
        if isinstance(found, KubeError):
            return about.unknown(found)
        if found is not None:
            what = f"it is not there, or has no webhook {WEBHOOK}; initshim's name here is "
            return about.error(what + found.name, f"initshim doctor --webhook {found.name}")
    policies = await list_policies(client)
    what = f"there is none with the webhook {WEBHOOK}"
    if isinstance(policies, Missing):
        return about.error(
            f"{what}, and this API server knows no admission policies: initshim is not installed",
            INSTALL,
        )
    if isinstance(policies, KubeError):
        return about.unknown(policies)
    return about.error(f"{what}, and no admission policy: initshim is not installed", INSTALL)
