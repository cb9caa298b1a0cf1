"""krew's manifest of `kubectl initshim`, held to the rules of krew's own validation.

https://github.com/kubernetes-sigs/krew/blob/v0.5.0/internal/index/validation/validate.go
"""

import hashlib
import re
import tarfile
from pathlib import Path
from typing import Any

_NAME = re.compile(r"^[\w-]+$")
_VERSION = re.compile(r"^v\d+[.]\d+[.]\d+(-[0-9A-Za-z.-]+)?$")
_SHA256 = re.compile(r"^[a-f0-9]{64}$")
_OPERATING_SYSTEMS = {"linux", "darwin", "windows"}


def test_krew_would_take_it(manifest: dict[str, Any]) -> None:
    assert manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert manifest["kind"] == "Plugin"
    name, spec = manifest["metadata"]["name"], manifest["spec"]
    assert _NAME.match(name)
    assert not name.startswith("kubectl-")
    assert _VERSION.match(spec["version"])
    assert 0 < len(spec["shortDescription"]) <= 50  # what `kubectl krew search` shows
    assert "\n" not in spec["shortDescription"]
    assert spec["homepage"].startswith("https://")
    assert len(spec["platforms"]) == 2
    for platform in spec["platforms"]:
        assert platform["uri"].startswith("https://")
        assert _SHA256.match(platform["sha256"])
        assert platform["selector"]["matchLabels"]["os"] in _OPERATING_SYSTEMS
        assert platform["files"]
        assert platform["bin"]


def test_the_archives_hold_what_it_names(manifest: dict[str, Any], dist: Path) -> None:
    for platform in manifest["spec"]["platforms"]:
        archive = dist / platform["uri"].rpartition("/")[2]
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == platform["sha256"]
        with tarfile.open(archive) as content:
            modes = {each.name: each.mode for each in content}
        assert {each["from"] for each in platform["files"]} == modes.keys()
        assert modes[platform["bin"]] & 0o111


def test_the_same_program_makes_the_same_archive(dist: Path) -> None:
    first, second = (each.read_bytes() for each in sorted(dist.glob("*.tar.gz")))
    assert first == second
