"""An API server as far as the admission policy goes: `webhook.core.cel`, evaluated by cel-cpp.

What the API server has and cel-cpp lacks is put in: `find`, `findAll`, objects of a pod's places
(maps here), and `transformMap`, which cel-cpp can compile and not run. Types are not checked, and
nothing has a cost: that an API server takes the policy is for tests/integration/controlplane.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jsonpatch
import pytest

from webhook.core import image, mutation
from webhook.core.cel import images, operations, policy
from webhook.core.cel.containers import Rules
from webhook.core.cel.literals import Code, literal
from webhook.core.cel.operations import Delivery
from webhook.core.pod import Json
from webhook.core.policy import ClusterRules
from webhook.core.reasons import Reason

cel = pytest.importorskip(
    "cel_expr_python.cel", reason="needs cel-expr-python: pip install cel-expr-python"
)

_PLACE = re.compile(r"\b(?:Object(?:\.\w+)*|JSONPatch)\{")
_FIELD = re.compile(r"(\w+): ")  # a blank before the colon, and it is a condition's
_CHOSEN = re.compile(r"\.transformMap\(k, v, k in (\[[^\]]*\]), v\)")
_MAPS = frozenset({"annotations", "labels", "limits", "nodeSelector", "requests"})
_CONFIG = """\
name: policy
extensions:
  - {name: strings, version: latest}
  - {name: lists, version: latest}
  - {name: optional, version: latest}
  - {name: two-var-comprehensions, version: latest}
variables:
  - {name: object, type_name: dyn}
  - {name: variables, type_name: dyn}
"""

Named = Mapping[str, str]
Evaluate = Callable[[Json, Mapping[str, object]], Any]


class EvaluationFailed(Exception):
    """For which an API server refuses the pod, or goes on without the policy."""


def stored(pod: Json) -> Json:
    """Give a pod as an API server has it: without what is empty, each container with resources."""
    kept: Json = _filled(pod)
    for field in ("containers", "initContainers"):
        for each in kept["spec"].get(field) or ():
            each.setdefault("resources", {})
    return kept


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if isinstance(value, dict):
        return {
            key: _filled(each)
            for key, each in value.items()
            if not (each in (None, []) or (each == {} and key in _MAPS))
        }
    return value


class AdmissionPolicy:
    """The policy for what an administrator decided, and the webhook's condition beside it."""

    def __init__(self, rules: ClusterRules, delivery: mutation.Delivery) -> None:
        chosen = Rules(
            runtime_classes=Code(literal(_pattern(*rules.runtime_classes))),
            init_systems=Code(literal(rules.init_systems)),
            images=_known_images(rules),
            unknown=Code(literal(Reason.LEFT_TO_WEBHOOK if rules.lookups else Reason.LOOKUP_OFF)),
        )
        ours = Delivery(
            image=Code(literal(delivery.image)),
            version=Code(literal(delivery.version)),
            pull_policy=Code(literal(delivery.pull_policy)),
            as_volume=Code(literal(delivery.as_volume)),
        )
        self.conditions = _all(policy.conditions(chosen))
        self._variables = _all(policy.variables(chosen, ours))
        self._operations = _expression(
            _FIELD.sub(r'"\1": ', _PLACE.sub("{", operations.operations(ours)))
        )
        self.left_to_webhook = policy.left_to_webhook(chosen)
        self._left = _expression(self.left_to_webhook)
        self.unasked = _all(policy.unasked())

    def applied(self, pod: Json) -> Json:
        """Give the pod as it is stored with the policy."""
        if self.left_alone(pod):
            return pod
        operations = self._operations(pod, self._values(pod))
        return stored(jsonpatch.apply_patch(pod, operations))

    def left_alone(self, pod: Json) -> list[str]:
        """Give the policy's conditions that do not hold."""
        return _failing(self.conditions, pod)

    def never_asked(self, pod: Json) -> list[str]:
        """Give the webhook's own conditions that do not hold, for any API server."""
        return _failing(self.unasked, pod)

    def asks(self, pod: Json) -> bool:
        """Tell whether the webhook is asked about a pod that the policy had."""
        asked: bool = self._left(pod, {})
        return asked

    def _values(self, pod: Json) -> dict[str, object]:
        """Give the variables; one that fails is only missed where it is read."""
        values: dict[str, object] = {}
        for name, evaluate in self._variables.items():
            try:
                values[name] = evaluate(pod, values)
            except EvaluationFailed:
                continue
        return values


def _failing(conditions: Mapping[str, Evaluate], pod: Json) -> list[str]:
    return [name for name, holds in conditions.items() if not holds(pod, {})]


def _all(named: Named) -> dict[str, Evaluate]:
    return {name: _expression(code) for name, code in named.items()}


def _expression(code: str) -> Evaluate:
    # Once it is asked for: it takes longer than all evaluations of most tests.
    compiled = cache(lambda: _ENV.compile(_CHOSEN.sub(r".only(\1)", code)))

    def evaluate(pod: Json, variables: Mapping[str, object]) -> Any:
        found = compiled().eval(data={"object": pod, "variables": variables})
        if found.type() == cel.Type.ERROR:
            raise EvaluationFailed(found.plain_value())
        return found.plain_value()

    return evaluate


def _known_images(rules: ClusterRules) -> Code:
    """Give the ladder that the chart makes of `entrypoints`."""
    steps = "".join(
        f"names.exists(n, n.matches({literal(_pattern(glob))}))"
        f" ? {literal([config.entrypoint, config.cmd])} :\n"
        for glob, config in rules.images
    )
    normal = images.normal("c.image")
    unknown = f"!has(c.image) || c.image.size() > {image.LONGEST}"
    return Code(f"{unknown} ? [] : [[c.image, {normal}]].map(names,\n{steps} [])[0]")


def _pattern(*globs: str) -> str:
    """Write globs as the chart does, for RE2."""
    words = (re.escape(each).replace(r"\*", ".*").replace(r"\?", ".") for each in globs)
    classes = (re.sub(r"\\\[(!?)([\w\\-]+)\\\]", _class, each) for each in words)
    return f"(?s)^(?:{'|'.join(classes)})$"


def _class(found: re.Match[str]) -> str:
    return f"[{'^' if found[1] else ''}{found[2].replace(chr(92), '')}]"


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found.group() if found else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [each.group() for each in re.finditer(pattern, text)]


def _only(given: Mapping[str, object], keys: list[str]) -> dict[str, object]:
    return {key: each for key, each in given.items() if key in keys}


def _member(name: str, of: Any, takes: Any, gives: Any, work: Callable[..., object]) -> Any:
    overload = cel.Overload(
        name, return_type=gives, parameters=[of, takes], is_member=True, impl=work
    )
    return cel.FunctionDecl(name, [overload])


_TEXT, _TEXTS = cel.Type.STRING, cel.Type.List(cel.Type.STRING)
_ENV = cel.NewEnv(
    config=cel.NewEnvConfigFromYaml(_CONFIG),
    functions=[
        _member("find", _TEXT, _TEXT, _TEXT, _find),
        _member("findAll", _TEXT, _TEXT, _TEXTS, _find_all),
        _member("only", cel.Type.MAP, cel.Type.LIST, cel.Type.MAP, _only),
    ],
)
