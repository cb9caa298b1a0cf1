"""From "ask its image" to a decision: the containers' images side by side, inside a deadline."""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from webhook.base import tenants
from webhook.core import image
from webhook.core.container import Container
from webhook.core.credentials import Keyring
from webhook.core.errors import BadReference, LookupFailed, NotFound, Unauthorized
from webhook.core.log_events import LogEvent
from webhook.core.observe import Observer
from webhook.core.pod import Pod
from webhook.core.policy import Decision, NeedsImage, Plan, Skip, Wrap, settle
from webhook.core.reasons import Reason
from webhook.kube.pullsecrets import PullSecrets
from webhook.oci.images import Images

_LET_READ = "let the webhook read its pull secrets (chart: registry.pullSecretNamespaces)"


class ImageResolver:
    """Resolves a plan's images with the pod's credentials; see `admit.Resolver`."""

    def __init__(
        self,
        images: Images,
        *,
        secrets: PullSecrets | None,
        clock: Callable[[], float],
        observer: Observer,
        architectures: frozenset[str] = frozenset(),
    ) -> None:
        """`architectures` are the cluster's, for pods that don't choose; empty for any."""
        self._images = images
        self._secrets = secrets
        self._clock = clock
        self._observer = observer
        self._architectures = architectures

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:
        """Turn every NeedsImage into Wrap or Skip, by `deadline` of the clock at the latest."""
        keyring = await self._keyring(pod, namespace, deadline)
        architectures = pod.architectures or self._architectures

        def without(container: Container, error: LookupFailed) -> Skip:
            skip = self._skip(container, error, namespace)
            unread = isinstance(error, Unauthorized) and pod.pull_secrets and not keyring.entries
            return replace(skip, remedy=_LET_READ) if unread else skip

        def at_once(asked: NeedsImage) -> Decision:
            """Decide by what is remembered; a task for each would cost as much again."""
            try:
                config = self._images.remembered(
                    image.parse(asked.container.image),
                    keyring=keyring,
                    architectures=architectures,
                )
            except BadReference as error:
                return without(asked.container, NotFound(str(error)))
            except LookupFailed as error:
                return without(asked.container, error)
            if config is None:
                return asked
            return settle(asked, config)

        async def decide(asked: NeedsImage) -> Wrap | Skip:
            try:
                config = await self._images.config(
                    image.parse(asked.container.image),
                    keyring=keyring,
                    architectures=architectures,
                    deadline=deadline,
                    tenant=tenants.current() or namespace,
                )
            except LookupFailed as error:
                return without(asked.container, error)
            return settle(asked, config)

        decisions: list[Decision] = [
            at_once(each) if isinstance(each, NeedsImage) else each for each in plan.decisions
        ]
        left = [each for each in decisions if isinstance(each, NeedsImage)]
        if left:
            answers = iter(await asyncio.gather(*map(decide, left)))
            decisions = [
                next(answers) if isinstance(each, NeedsImage) else each for each in decisions
            ]
        return replace(plan, decisions=tuple(decisions))

    async def _keyring(self, pod: Pod, namespace: str, deadline: float) -> Keyring:
        """Give the pod's credentials; none where the API server takes half of the time."""
        if self._secrets is None:
            return Keyring()
        try:
            async with asyncio.timeout(max(0.0, (deadline - self._clock()) / 2)):
                return await self._secrets.keyring(
                    namespace, pod.pull_secrets, service_account=pod.service_account
                )
        except TimeoutError:
            self._observer.note(LogEvent.PULL_SECRETS_TIMED_OUT, namespace=namespace)
            return Keyring()

    def _skip(self, container: Container, error: LookupFailed, namespace: str) -> Skip:
        self._observer.note(
            LogEvent.IMAGE_NOT_RESOLVED,
            namespace=namespace,
            container=container.name,
            image=container.image[: image.LONGEST],
            reason=error.key,
            error=str(error),
            next_step=error.next_step,
        )
        return Skip(container, Reason(error.key), str(error))
