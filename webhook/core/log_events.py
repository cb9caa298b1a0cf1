"""The events of the log as data: each one's name, its fields, and what it means to who reads it.

An event's name is public: alerts and runbooks look for it. docs/logs.md is written from here.
"""

from enum import StrEnum
from typing import Self


class LogEvent(StrEnum):
    """What a line of the log says that happened; words in lower case, joined by hyphens."""

    fields: tuple[str, ...]
    meaning: str

    def __new__(cls, name: str, fields: str = "", meaning: str = "") -> Self:
        """Make an entry of the table; `fields` are names with a space between them."""
        event = str.__new__(cls, name)
        event._value_ = name
        event.fields = tuple(fields.split())
        event.meaning = meaning
        return event

    SERVING = (
        "serving",
        "version port http_port",
        "The webhook listens; `readyz` still says when its certificate can be trusted.",
    )
    DRAINING = (
        "draining",
        "seconds",
        "It was asked to stop: it is not ready any more and goes on answering for so long.",
    )
    STOPPED = "stopped", "", "Everything is closed; the process ends."
    REVIEWED = (
        "reviewed",
        "result uid namespace pod owner dry_run containers milliseconds",
        "A review was answered: what became of each container. At debug where nothing was to do.",
    )
    REVIEW_FAILED = (
        "review-failed",
        "uid namespace pod error exception",
        "A pod could not be read, or a mistake of the webhook's own: the pod passed as it came.",
    )
    IMAGE_NOT_RESOLVED = (
        "image-not-resolved",
        "namespace container image reason error next_step",
        "Nobody could say what an image runs; the container was left alone.",
    )
    LOOKUP_FAILED = (
        "lookup-failed",
        "registry reason seconds",
        "A registry did not give what it was asked for.",
    )
    LOOKUPS_STOPPED = (
        "lookups-stopped",
        "namespace error",
        "A review's lookups took longer than they may and were given up.",
    )
    LOOKUPS_NOT_LOADED = (
        "lookups-not-loaded",
        "error",
        "What asks registries could not be loaded yet; the first review that needs it tries again.",
    )
    PULL_SECRET_SKIPPED = (
        "pull-secret-skipped",
        "kind namespace name error next_step",
        "A pull secret, or a service account that names some, could not be read.",
    )
    PULL_SECRETS_TIMED_OUT = (
        "pull-secrets-timed-out",
        "namespace",
        "The API server did not give a pod's pull secrets in time; images were asked for without.",
    )
    DOCKER_CONFIG_UNUSABLE = (
        "docker-config-unusable",
        "path error",
        "The webhook's own docker configuration can't be read, in whole or in part.",
    )
    PASSWORD_FILE_UNUSABLE = (
        "password-file-unusable",  # an event's name
        "registry error",
        "A registry's password file can't be read.",
    )
    CREDENTIAL_PROGRAM_FAILED = (
        "credential-program-failed",
        "program error",
        "A credential program failed; the registry was asked without what it knows.",
    )
    CERTIFICATE_LOADED = (
        "certificate-loaded",
        "expires",
        "A serving certificate was loaded; new connections see it.",
    )
    CERTIFICATE_AUTHORITY_LOADED = (
        "certificate-authority-loaded",
        "fingerprint expires",
        "The CA that signs serving certificates was made, or read from its Secret.",
    )
    CERTIFICATE_FAILED = (
        "certificate-failed",
        "error failures",
        "A step of the certificates' renewal failed, `failures` times in a row; it is tried again.",
    )
    CERTIFICATE_DOUBTED = (
        "certificate-doubted",
        "error",
        "A client does not trust what is served; the next step of the renewal is taken at once.",
    )
    DELIVERY_CHOSEN = (
        "delivery-chosen",
        "delivery kubernetes nodes unable example",
        "With `delivery: auto`: how pods get the reaper now; `unable` nodes forbid a volume.",
    )
    NODES_NOT_READ = (
        "nodes-not-read",
        "error next_step",
        "With `delivery: auto`: nodes could not be listed; pods get an init container until then.",
    )
    WARM_UP_ENDED = (
        "warm-up-ended",
        "namespaces workloads images unresolved error next_step exception",
        "What the workloads run was looked up after the start; `error` where not all of it.",
    )
    EVENTS_DROPPED = (
        "events-dropped",
        "error",
        "More Kubernetes Events waited than are kept; said once a minute at most.",
    )
    EVENT_NOT_WRITTEN = (
        "event-not-written",
        "error next_step",
        "A Kubernetes Event could not be written; said once a minute at most.",
    )
    LIBRARY_WARNED = (
        "library-warned",
        "logger message exception",
        "A library that the webhook uses warned.",
    )
