"""A search beside the list: pods, answers, pull secrets, connections that nobody thought of."""

import json
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.arena import HOSTILE, Arena, arena
from tests.attacks.attack import Attack
from tests.attacks.peers import held
from tests.attacks.pods import container
from tests.attacks.registries import always, asked
from tests.attacks.secrets import used
from tests.attacks.trial import Outcome, elsewhere, judged
from tests.attacks.wire import get, post
from tests.fakes.reviews import body, pod

EXAMPLES = int(os.environ.get("INITSHIM_EXAMPLES", "300"))  # some two seconds each
Case = Callable[[Arena], Coroutine[Any, Any, None]]
_TEXT = st.sampled_from(
    ["", "a", "a-", "*", "{", "[", '"', "\\", "$(A)", "/", ".", "..", "\x00", "é"]
)
_LONG = st.builds(
    lambda piece, times: piece * times, _TEXT, st.sampled_from([1, 300, 70_000, 700_000])
)
_SCALAR = st.one_of(_LONG, st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats())


def _repeated(one: Any, times: int) -> list[Any]:
    """Give a list of so many, or of as many as the API server takes."""
    return [one] * min(times, (4 << 20) // len(json.dumps(one)))


_VALUE = st.recursive(
    _SCALAR,
    lambda inner: st.one_of(
        st.builds(_repeated, inner, st.sampled_from([0, 1, 600, 20_000])),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=4,
)
_SPEC = [
    "containers",
    "initContainers",
    "volumes",
    "hostAliases",
    "tolerations",
    "nodeSelector",
    "imagePullSecrets",
    "securityContext",
    "runtimeClassName",
    "os",
    "affinity",
    "overhead",
]
_CONTAINER = [
    "name",
    "image",
    "command",
    "args",
    "env",
    "ports",
    "volumeMounts",
    "lifecycle",
    "livenessProbe",
    "resources",
    "securityContext",
    "terminationMessagePath",
]
_METADATA = ["name", "generateName", "namespace", "labels", "annotations", "ownerReferences"]


def _body(made: dict[str, Any]) -> bytes:
    return body(made, namespace=HOSTILE)


def _pods() -> st.SearchStrategy[Case]:
    def case(at: tuple[str, str], value: Any, times: int) -> Case:
        where, key = at
        made = pod(containers=[container()])
        place = {"spec": made["spec"], "metadata": made["metadata"]}.get(where)
        (made["spec"]["containers"][0] if place is None else place)[key] = value
        content = _body(made)[: 8 << 20]
        return lambda found: found.post(*[content] * times)

    keys = [("spec", each) for each in _SPEC] + [("container", each) for each in _CONTAINER]
    keys += [("metadata", each) for each in _METADATA]
    return st.builds(case, st.sampled_from(keys), _VALUE, st.integers(1, 8))


def _answers() -> st.SearchStrategy[Case]:
    content = st.one_of(
        st.binary(max_size=200), st.builds(lambda it: json.dumps(it).encode(), _VALUE)
    )
    headers = st.dictionaries(
        st.sampled_from(["Location", "WWW_Authenticate", "Retry_After", "Content_Encoding"]),
        st.sampled_from(
            ["", "gzip", "0", "9" * 50, 'Bearer realm="https://a"', "http://127.0.0.1/"]
        ),
    )
    return st.builds(
        lambda body, status, more: lambda found: asked(
            found, always(body, "application/json", status, **more)
        ),
        content, st.sampled_from([200, 301, 307, 401, 403, 404, 429, 500, 503]), headers,
    )  # fmt: skip


def _secrets() -> st.SearchStrategy[Case]:
    key = st.builds(lambda piece, times: piece * times, _TEXT, st.sampled_from([1, 20, 400]))
    entry = st.fixed_dictionaries(
        {}, optional={"auth": _SCALAR, "username": _SCALAR, "password": _LONG}
    )
    return st.builds(
        lambda piece, one, many, containers: lambda found: used(
            found, [{f"{piece}{at}": one for at in range(many)}], containers
        ),
        key, entry, st.sampled_from([1, 50, 5000]), st.sampled_from([1, 50, 300]),
    )  # fmt: skip


def _connections() -> st.SearchStrategy[Case]:
    whole = [
        get("/"),
        get("/metrics"),
        post(b"{}"),
        post(_body(pod())),
        b"\x16\x03\x01",
        b"\r\n" * 99,
    ]
    said = st.builds(
        lambda one, times, cut: (one * times)[: cut or None],
        st.sampled_from(whole), st.sampled_from([1, 3, 500]), st.integers(0, 3000),
    )  # fmt: skip
    return st.builds(
        lambda said, count, plain: lambda found: held(
            found.stranger(plain_port=plain), count, said, seconds=0.5
        ),
        said, st.sampled_from([1, 50, 550]), st.booleans(),
    )  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_that_is_found_is_felt_by_a_neighbour() -> None:
    async def nothing(_: Arena) -> None:
        """What is tried is drawn, not listed."""

    attack = Attack("search", "anybody", "what hypothesis draws", nothing)
    with arena() as (found, neighbour), arena() as (_, spared), elsewhere() as attacking:
        time.sleep(3)
        for each in (neighbour, spared):
            each.felt()

        @settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        @given(st.one_of(_pods(), _answers(), _secrets(), _connections()))
        def one(case: Case) -> None:
            attacking(case(found))
            time.sleep(1)  # a few honest reviews at least
            died = "" if found.webhook.popen.poll() is None else "ended"
            felt, twin = neighbour.felt(), spared.felt()
            outcome = Outcome(attack, twin, felt, [found.memory()], found.limit, found.sent, died)
            assert judged(outcome) == []

        before = found.memory()
        one()
        assert found.memory() - before < 64 << 20
