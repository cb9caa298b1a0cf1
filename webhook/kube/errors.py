"""What can go wrong with the API server, told apart by what the caller can do about it.

core/errors.py draws these with all others.
Each message names the object; `next_step` says what to do.
"""

from webhook.core.errors import InitshimError


class KubeError(InitshimError):
    """Base of what can go wrong with the API server; `status` is its answer's, 0 without one."""

    status: int = 0

    @property
    def lacks_right(self) -> bool:
        """Whether the API server knows who asks and does not let it; with 401 it knows nobody."""
        return self.status == 403


class NoCluster(KubeError):
    """No API server is configured, or its configuration can't be used."""


class ApiUnreachable(KubeError):
    """The API server gave no answer in time, or asked to be called again later."""


class Forbidden(KubeError):
    """The API server does not know us, or does not let us."""


class Missing(KubeError):
    """The object, or its kind, is not there."""


class Conflict(KubeError):
    """The object exists already, or changed since it was read."""


class Refused(KubeError):
    """The API server understood the call and will not do it."""


class NotStarted(KubeError):
    """A command could not be started in a container."""


class BadApiAnswer(KubeError):
    """The answer is too large or not what the API promises."""
