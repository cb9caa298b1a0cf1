"""Pods that only a Windows node takes, in every way to say so; and some for Linux nodes."""

from typing import Any

from webhook.core.pod import Json

OS, BETA, BUILD = (
    "kubernetes.io/os",
    "beta.kubernetes.io/os",
    "node.kubernetes.io/windows-build",
)


def affinity(*terms: list[Json]) -> Json:
    """A required node affinity; each list is a term's expressions."""
    listed = [{"matchExpressions": rules} for rules in terms]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": listed}}
    return {"affinity": {"nodeAffinity": required}}


def rule(key: str, operator: str, *values: str) -> Json:
    return {"key": key, "operator": operator, "values": list(values)}


def host_process(value: Any) -> Json:
    return {"securityContext": {"windowsOptions": {"hostProcess": value}}}


WINDOWS: list[Json] = [
    {"os": {"name": "windows"}},
    {"nodeSelector": {OS: "windows"}},
    {"nodeSelector": {BETA: "windows"}},
    {"nodeSelector": {BUILD: "10.0.20348"}},
    host_process(True),
    {"containers": [{"name": "a"}, {"name": "b", **host_process(True)}]},
    {"initContainers": [{"name": "a", **host_process(True)}]},
    affinity([rule(OS, "In", "windows")]),
    affinity([rule(BETA, "In", "windows")]),
    affinity([rule(OS, "NotIn", "linux")]),
    affinity([rule(BETA, "NotIn", "darwin", "linux")]),
    affinity([rule(BUILD, "Exists")]),
    affinity([rule(BUILD, "In", "10.0.20348", "10.0.17763")]),
    affinity([rule("zone", "In", "a"), rule(OS, "In", "windows")]),
    affinity([rule(OS, "In", "windows")], [rule(BUILD, "Exists")]),
    affinity([rule(OS, "In", "windows")], []),
]
LINUX: list[Json] = [
    {},
    {"os": {"name": "linux"}},
    {"nodeSelector": {OS: "linux", BETA: "linux"}},
    {"nodeSelector": {"windows": "kubernetes.io/os"}},
    host_process(False),
    host_process(None),
    {"securityContext": {"windowsOptions": {"runAsUserName": "ContainerUser"}}},
    affinity(),
    affinity([]),
    affinity([rule(OS, "In", "linux")]),
    affinity([rule(OS, "In", "linux", "windows")]),
    affinity([rule(OS, "In", "windows")], [rule("zone", "In", "a")]),
    affinity([rule(OS, "NotIn", "windows")]),
    affinity([rule(OS, "Exists")]),
    affinity([rule(BUILD, "DoesNotExist")]),
    affinity([rule(BUILD, "NotIn", "10.0.17763")]),
    affinity([rule("zone", "NotIn", "linux")]),
    {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}},
]
