"""The steps of a pod's start, from the logs of containerd and of the API server on one clock."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_LINE = re.compile(r'^time="(?P<at>[^"]+)" level=info msg="(?P<text>.*?)"( \w+=\S+)*$')
_NAME = r'name:\\"(?P<name>[^\\]+)\\"'
_SANDBOX = re.compile(rf"^RunPodSandbox for {_NAME}")
_SANDBOX_MADE = re.compile(r'returns sandbox id \\"(?P<id>\w+)')
_CREATE = re.compile(
    r'^CreateContainer within sandbox \\"(?P<box>\w+)\\" for (container )?' + _NAME
)
_CREATED = re.compile(r'returns container id \\"(?P<id>\w+)')
_STARTED = re.compile(r'^StartContainer for \\"(?P<id>\w+)\\" returns successfully')
_ENDED = re.compile(
    r'^received container exit event container_id:\\"(?P<id>\w+).*'
    r"exited_at:\{seconds:(?P<seconds>\d+)\s+nanos:(?P<nanos>\d+)"
)


@dataclass
class Steps:
    """When each step of one pod's start was over, seconds since the epoch; by its name."""

    at: dict[str, float] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """Its containers' names, by the ids that the runtime gave them."""


def of_containerd(lines: Iterable[str]) -> dict[str, Steps]:
    """Read containerd's log: by pod, when sandbox and containers were asked for, made, started."""
    pods: dict[str, Steps] = {}
    boxes: dict[str, str] = {}
    containers: dict[str, tuple[str, str]] = {}
    for at, text in _messages(lines):
        if sandbox := _SANDBOX.match(text):
            steps = pods.setdefault(sandbox["name"], Steps()).at
            made = _SANDBOX_MADE.search(text)
            steps.setdefault("sandbox made" if made else "sandbox asked", at)
            if made:
                boxes[made["id"]] = sandbox["name"]
        elif create := _CREATE.match(text):
            pod, created = boxes.get(create["box"], ""), _CREATED.search(text)
            if created:
                containers[created["id"]] = pod, create["name"]
                pods.setdefault(pod, Steps()).ids[created["id"]] = create["name"]
            _note(pods, pod, f"{create['name']} {'created' if created else 'asked'}", at)
        elif (started := _STARTED.match(text)) and started["id"] in containers:
            pod, name = containers[started["id"]]
            _note(pods, pod, f"{name} started", at)
        elif (ended := _ENDED.match(text)) and ended["id"] in containers:
            pod, name = containers[ended["id"]]
            _note(pods, pod, f"{name} ended", int(ended["seconds"]) + int(ended["nanos"]) / 1e9)
    return pods


def of_audit(log: Path, pods: dict[str, Steps]) -> None:
    """Add from the API server's audit log: when a pod was stored, and when it was bound."""
    for line in log.read_text().splitlines():
        event = json.loads(line)
        about = event.get("objectRef") or {}
        name, sub = about.get("name", ""), about.get("subresource", "")
        if event.get("verb") == "create" and event.get("stage") == "ResponseComplete":
            if name in pods and sub == "binding":
                pods[name].at["bound"] = _seconds(event["stageTimestamp"])
            elif name in pods and not sub:
                pods[name].at["stored"] = _seconds(event["stageTimestamp"])


def add_ends_seen(seen: dict[str, float], pods: dict[str, Steps]) -> None:
    """Add when the kubelet saw each container's end, by the container's id."""
    for steps in pods.values():
        for each, name in steps.ids.items():
            if each in seen:
                steps.at.setdefault(f"{name} seen", seen[each])


def _note(pods: dict[str, Steps], pod: str, what: str, at: float) -> None:
    if pod in pods:
        pods[pod].at.setdefault(what, at)


def _messages(lines: Iterable[str]) -> Iterator[tuple[float, str]]:
    for line in lines:
        found = _LINE.match(line.rstrip("\n"))
        if found:
            yield _seconds(found["at"]), found["text"]


def _seconds(text: str) -> float:
    """Read RFC 3339 with up to nine digits behind the point."""
    short = re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00")
    return datetime.fromisoformat(short).timestamp()
