"""Which machine is which."""

import platform
import re
import sys
from pathlib import Path

import pytest

import initshim
from initshim import targets


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("x86_64", "amd64"),
        ("aarch64", "arm64"),
        ("armv7l", "arm"),
        ("i686", "386"),
        ("ppc64le", "ppc64le"),
        ("riscv64", "riscv64"),
        ("s390x", "s390x"),
    ],
)
def test_a_machine_is_known_by_what_uname_calls_it(
    monkeypatch: pytest.MonkeyPatch, machine: str, name: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert targets.this_machine() is targets.TARGETS[name]
    assert targets.this_machine().file == f"initshim-linux-{name}"


def test_an_unknown_machine_is_told_which_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(LookupError, match=r"not built for vax \(but for x86_64, "):
        targets.this_machine()


def test_another_system_is_told_that_it_is_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(LookupError, match="for Linux; this is darwin"):
        targets.this_machine()


def test_a_missing_reaper_is_an_error_that_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(initshim, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(FileNotFoundError, match=re.escape("`python -m initshim.build`")):
        initshim.path()


def test_the_path_is_that_of_the_reaper_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binary = tmp_path / "bin" / targets.this_machine().file
    binary.parent.mkdir()
    binary.touch()
    monkeypatch.setattr(initshim, "__file__", str(tmp_path / "__init__.py"))
    assert initshim.path() == binary
