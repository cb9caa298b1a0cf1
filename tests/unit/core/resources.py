"""What the scheduler, the quota and the kubelet count.

Ports of kubernetes pkg/apis/core/v1/helper/qos (ComputePodQOS) and of
k8s.io/component-helpers/resource (PodRequests, PodLimits), for a pod without a status.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from webhook.core.pod import Json

Amounts = dict[str, Fraction]

_SUFFIXES = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12),
    "P": Fraction(10**15), "E": Fraction(10**18), "Ki": Fraction(2**10), "Mi": Fraction(2**20),
    "Gi": Fraction(2**30), "Ti": Fraction(2**40), "Pi": Fraction(2**50), "Ei": Fraction(2**60),
}  # fmt: skip


def quantity(text: str | int) -> Fraction:
    digits = str(text).rstrip("numkMGTPEi")
    return Fraction(digits) * _SUFFIXES[str(text)[len(digits) :]]


def amounts(holder: Mapping[str, Any], kind: str) -> Amounts:
    asked = (holder.get("resources") or {}).get(kind) or {}
    return {name: quantity(value) for name, value in asked.items()}


def _add(total: Amounts, more: Amounts) -> None:
    for name, value in more.items():
        total[name] = total.get(name, Fraction(0)) + value


def _raise_to(total: Amounts, floor: Amounts) -> None:
    for name, value in floor.items():
        total[name] = max(total.get(name, value), value)


def _is_pod_level(name: str) -> bool:
    return name in ("cpu", "memory") or name.startswith("hugepages-")


def _aggregate(spec: Json, kind: str) -> Amounts:
    total: Amounts = {}
    for container in spec.get("containers") or ():
        _add(total, amounts(container, kind))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = amounts(container, kind)
        if container.get("restartPolicy") == "Always":
            _add(total, asked)
            _add(sidecars, asked)
            now = dict(sidecars)
        else:
            now = asked
            _add(now, sidecars)
        _raise_to(peak, now)
    _raise_to(total, peak)
    return total


def pod_requests(pod: Json) -> Amounts:
    spec = pod["spec"]
    total = _aggregate(spec, "requests")
    total |= {n: v for n, v in amounts(spec, "requests").items() if _is_pod_level(n)}
    _add(total, {n: quantity(v) for n, v in (spec.get("overhead") or {}).items()})
    return total


def pod_limits(pod: Json) -> Amounts:
    spec = pod["spec"]
    total = _aggregate(spec, "limits")
    total |= {n: v for n, v in amounts(spec, "limits").items() if _is_pod_level(n)}
    for name, value in (spec.get("overhead") or {}).items():
        if total.get(name):
            total[name] += quantity(value)
    return total


def pod_qos(pod: Json) -> str:
    spec = pod["spec"]
    at_pod_level = [
        name
        for kind in ("requests", "limits")
        for name in amounts(spec, kind)
        if _is_pod_level(name)
    ]
    if at_pod_level:
        return _qos([spec])
    return _qos([*(spec.get("containers") or ()), *(spec.get("initContainers") or ())])


def _qos(holders: Iterable[Json]) -> str:
    requests: Amounts = {}
    limits: Amounts = {}
    guaranteed = True
    for holder in holders:
        _add(requests, _counted(amounts(holder, "requests")))
        own = _counted(amounts(holder, "limits"))
        _add(limits, own)
        guaranteed = guaranteed and own.keys() == {"cpu", "memory"}
    if not requests and not limits:
        return "BestEffort"
    guaranteed = guaranteed and all(limits.get(name) == value for name, value in requests.items())
    return "Guaranteed" if guaranteed and len(requests) == len(limits) else "Burstable"


def _counted(asked: Amounts) -> Amounts:
    return {n: v for n, v in asked.items() if n in ("cpu", "memory") and v > 0}
