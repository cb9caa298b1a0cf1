"""Which finding explains which: a cause is said once, and what follows from it refers to it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webhook.cli.doctor.finding import Finding


class Topic(StrEnum):
    """What an error is about, as far as other errors can follow from it."""

    RIGHTS = "rights"
    """The webhook may not do what it needs to."""
    SETTINGS = "settings"
    """The webhook refuses its settings."""
    DEPLOYMENT = "deployment"
    """No replica is ready."""
    SERVICE = "service"
    """The Service is not what the API server calls."""
    ENDPOINTS = "endpoints"
    """Nobody is behind the Service."""
    SECRET = "secret"  # noqa: S105 - a topic
    """The Secret holds no CA that can be used: the webhook has not filled it."""
    MOUNT = "mount"
    """The Secret that its pods mount, and another fills, is not there or holds no certificate."""
    BUNDLE = "bundle"
    """caBundle holds no CA that is valid."""
    FOREIGN_BUNDLE = "foreign bundle"
    """It does not, and another than the webhook fills it."""
    TRUST = "trust"
    """What is held or served is not what caBundle verifies."""
    REHEARSAL = "rehearsal"
    """A pod in a dry run came back without an init."""


# In the order in which they are looked for: a replica that does not run makes all of the rest.
_FOLLOWS_FROM: Mapping[Topic, tuple[Topic, ...]] = {
    Topic.RIGHTS: (Topic.SETTINGS,),  # what it needs is told by its settings
    Topic.DEPLOYMENT: (Topic.SETTINGS, Topic.RIGHTS, Topic.MOUNT),
    Topic.ENDPOINTS: (Topic.DEPLOYMENT, Topic.SETTINGS),
    Topic.SECRET: (Topic.DEPLOYMENT, Topic.RIGHTS, Topic.ENDPOINTS),
    Topic.BUNDLE: (Topic.DEPLOYMENT, Topic.RIGHTS, Topic.SECRET, Topic.ENDPOINTS),
    Topic.TRUST: (Topic.BUNDLE, Topic.FOREIGN_BUNDLE),
    Topic.REHEARSAL: (
        Topic.SERVICE,
        Topic.DEPLOYMENT,
        Topic.SETTINGS,
        Topic.ENDPOINTS,
        Topic.SECRET,
        Topic.BUNDLE,
        Topic.FOREIGN_BUNDLE,
        Topic.TRUST,
    ),
}


def once_a_cause(findings: "Iterable[Finding]") -> "list[Finding]":
    """Turn each error that follows from another one into a word that refers to it."""
    listed = list(findings)
    first: dict[Topic, Finding] = {}
    for each in listed:
        if each.topic:
            first.setdefault(each.topic, each)
    return [_referring(each, first) for each in listed]


def _referring(finding: "Finding", first: "Mapping[Topic, Finding]") -> "Finding":
    root = finding
    while root.topic and (cause := _cause(root.topic, first)):
        root = cause
    if root is finding:
        return finding
    what = f"{finding.what} (see {root.check}, {root.object})"
    return finding.as_consequence(what)


def _cause(topic: Topic, first: "Mapping[Topic, Finding]") -> "Finding | None":
    return next((first[each] for each in _FOLLOWS_FROM.get(topic, ()) if each in first), None)
