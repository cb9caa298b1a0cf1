"""What an attack is: a name, what the neighbour does in words, and one wave of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.attacks.arena import Arena

Doing = Callable[[Arena], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attack:
    """`do` is one wave, repeated for as long as the attack lasts; `settings` are the webhook's."""

    name: str
    position: str
    what: str
    do: Doing
    settings: Mapping[str, object] = field(default_factory=dict)
    quick: bool = False  # also a part of `make test`


class Attacks:
    """The attacks of one position: `@attacks("…", "…")` adds one."""

    def __init__(self, position: str) -> None:
        self.position = position
        self.all: list[Attack] = []

    def __call__(
        self, name: str, what: str, *, quick: bool = False, **settings: object
    ) -> Callable[[Doing], Doing]:
        """Add the function below as an attack."""

        def add(do: Doing) -> Doing:
            self.all.append(Attack(name, self.position, what, do, settings, quick))
            return do

        return add
