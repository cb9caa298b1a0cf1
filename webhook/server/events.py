"""From an answered review to Events on the pod's owner, where the settings ask for them."""

import asyncio
import socket
from collections.abc import Callable
from datetime import UTC, datetime

from webhook.admission.admit import Answer
from webhook.core.notices import notices
from webhook.core.observe import Observer
from webhook.kube.client import KubeClient
from webhook.kube.events import EventSource, Owner, Recorder

_RESULTS = frozenset({"patched", "unchanged"})  # of denied pods controllers write Events


def recorder(client: KubeClient, observer: Observer) -> Recorder:
    """Give what writes Events; whoever starts it runs it."""
    world = EventSource(
        instance=socket.gethostname()[:128],
        now=lambda: datetime.now(UTC),
        clock=asyncio.get_running_loop().time,
    )
    return Recorder(client, source=world, observer=observer)


def record_notices(answer: Answer, record: Callable[[Owner, str, str], None]) -> None:
    """Record of a controller's pod what needs a hand; nothing of a dry run, or of a lone pod.

    Who creates a pod by hand reads the same in the API server's warnings.
    """
    review = answer.review
    if review.dry_run or review.pod is None or answer.plan is None or answer.result not in _RESULTS:
        return
    owner = Owner.read(review.pod.controller, review.namespace)
    if owner is None:
        return
    for notice in notices(answer.plan):
        record(owner, notice.reason, notice.text)
