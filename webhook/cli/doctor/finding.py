"""What a check found: how bad it is, about which object, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from webhook.cli.doctor.causes import Topic
from webhook.kube.errors import KubeError


class Severity(StrEnum):
    """How bad it is, from good to bad; `unknown` is what nobody let us look at."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    UNKNOWN = "unknown"
    ERROR = "error"


# The convention of monitoring plugins (monitoring-plugins.org, development guidelines), which
# Nagios, Icinga and others read: OK, WARNING, CRITICAL, UNKNOWN.
EXIT_CODES = {
    Severity.OK: 0,
    Severity.INFO: 0,
    Severity.WARNING: 1,
    Severity.ERROR: 2,
    Severity.UNKNOWN: 3,
}
COULD_NOT_CHECK = EXIT_CODES[Severity.UNKNOWN]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so; `remedy` is "" where nothing needs doing."""

    check: str
    severity: Severity
    object: str
    what: str
    remedy: str = ""
    topic: Topic | None = None

    def as_consequence(self, what: str) -> "Finding":
        """Give it as what follows from another: worth knowing, and nothing to do about."""
        return replace(self, severity=Severity.INFO, what=what, remedy="")


@dataclass(frozen=True, slots=True)
class Subject:
    """What findings are about: a family of checks and an object."""

    check: str
    object: str

    def ok(self, what: str) -> Finding:
        """All is well."""
        return Finding(self.check, Severity.OK, self.object, what)

    def info(self, what: str, remedy: str = "") -> Finding:
        """Worth knowing; nobody has to do anything."""
        return Finding(self.check, Severity.INFO, self.object, what, remedy)

    def warning(self, what: str, remedy: str) -> Finding:
        """Works, but not as it should, or not for long."""
        return Finding(self.check, Severity.WARNING, self.object, what, remedy)

    def error(self, what: str, remedy: str, topic: Topic | None = None) -> Finding:
        """Does not work; the topic says which other errors follow from it."""
        return Finding(self.check, Severity.ERROR, self.object, what, remedy, topic)

    def unknown(self, error: KubeError) -> Finding:
        """Nobody can tell: the API server did not let us look, or did not answer."""
        what = f"could not look: {error}"
        return Finding(self.check, Severity.UNKNOWN, self.object, what, error.next_step)


def worst(findings: Iterable[Finding]) -> Severity:
    """Give the worst severity of all."""
    order = list(Severity)
    return max((each.severity for each in findings), key=order.index, default=Severity.OK)
