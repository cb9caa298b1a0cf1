"""Two registries, Debian's docker-registry: one for everybody, one with a password."""

import json
import shutil
from typing import Any

from tests.integration.node.component import Component, serves
from tests.integration.node.layout import USER, Layout

# `htpasswd -nbB puller secret`: docker-registry takes bcrypt alone.
_HTPASSWD = f"{USER}:$2y$05$FbrPO1ammtEYzI2sKjFDJurZeuFE61.7GzLLl6.U0FQe5c0nwjODC\n"


def open_to_all(layout: Layout) -> Component:
    """Give the registry that everybody may read and write."""
    return _registry(layout, "registry", 5000, {})


def with_password(layout: Layout) -> Component:
    """Give the registry that wants a name and a password."""
    path = layout.config / "htpasswd"
    return _registry(
        layout,
        "private",
        5001,
        {"auth": {"htpasswd": {"realm": "private", "path": str(path)}}},
        {"htpasswd": _HTPASSWD},
    )


def _registry(
    layout: Layout, name: str, port: int, more: dict[str, Any], files: dict[str, str] | None = None
) -> Component:
    config = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(layout.disk / name)},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"0.0.0.0:{port}", "secret": "node"},
        **more,
    }
    path = f"{name}.json"
    program = shutil.which("docker-registry") or "docker-registry"
    command = (program, "serve", str(layout.config / path))
    return Component(name, command, serves(port), {path: json.dumps(config), **(files or {})})
