"""For whom the current task works: what is shared is shared by that.

A task that is started inherits it. It is a context variable because connections are opened deep in
a library that hands nothing through.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TENANT: ContextVar[str] = ContextVar("tenant", default="")


def current() -> str:
    """Give the tenant, a namespace for instance; "" for the webhook itself."""
    return _TENANT.get()


@contextmanager
def working_for(tenant: str) -> Iterator[None]:
    """Work for a tenant inside the block, and in all tasks that are started there."""
    token = _TENANT.set(tenant)
    try:
        yield
    finally:
        _TENANT.reset(token)
