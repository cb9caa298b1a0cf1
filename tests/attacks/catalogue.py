"""Every attack that the tier tries."""

from tests.attacks import peers, pods, registries, secrets
from tests.attacks.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *pods.attacks.all,
    *registries.attacks.all,
    *secrets.attacks.all,
    *peers.attacks.all,
)
