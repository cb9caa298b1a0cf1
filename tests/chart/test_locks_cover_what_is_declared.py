"""requirements.lock and requirements-build.lock: every dependency, pinned, with hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {
    "webhook": "requirements.lock",
    "uvloop": "requirements.lock",
    "traces": "requirements.lock",
    "build": "requirements-build.lock",
}


@pytest.mark.parametrize("extra", LOCKS)
def test_the_lock_fits_the_declared_dependencies(extra: str) -> None:
    locked = pins(ROOT / LOCKS[extra])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for declared in map(Requirement, project["optional-dependencies"][extra]):
        version = locked.get(canonicalize_name(declared.name), "")
        assert version, f"{declared.name} is not locked: make lock"
        assert version in declared.specifier, f"{declared} is locked as {version}: make lock"


@pytest.mark.parametrize("lock", sorted({*LOCKS.values()}))
def test_everything_in_the_lock_has_a_hash_and_nothing_names_an_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "--index" not in text


def pins(lock: Path) -> dict[str, str]:
    """Give name → version."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))
