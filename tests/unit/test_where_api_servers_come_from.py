"""Without kube-apiserver and etcd, it is said where it stopped and what to do."""

from pathlib import Path

import pytest

from tests.integration.controlplane import assets


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv("INITSHIM_KUBERNETES", raising=False)
    monkeypatch.setenv("INITSHIM_ASSETS", str(tmp_path / "none"))


def test_the_newest_version_and_an_old_one_are_known() -> None:
    newest, *_, oldest = assets.names()
    assert int(newest.split(".")[1]) - int(oldest.split(".")[1]) >= 6


def test_one_that_costs_minutes_is_built_only_where_it_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not assets.ON_DEMAND & set(assets.names())
    for minor in assets.ON_DEMAND:
        monkeypatch.setenv("INITSHIM_KUBERNETES", f"{minor},1.37")
        assert set(assets.names()) == {minor, "1.37"}
        assert assets.recipes(minor)[0].version.startswith(f"v{minor}.")


def test_what_is_not_built_yet_names_the_command_that_builds_it() -> None:
    with pytest.raises(assets.Missing, match="make integration"):
        assets.find(assets.names()[0])


def test_a_folder_of_yours_is_all_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert assets.names() == ("given",)
    with pytest.raises(assets.Missing, match="has no kube-apiserver"):
        assets.find("given")
    for program in ("kube-apiserver", "etcd"):
        (tmp_path / program).touch()
    assert assets.find("given").etcd == tmp_path / "etcd"


def test_without_go_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(assets.Missing, match=r"needs Go .*KUBEBUILDER_ASSETS"):
        assets.build(assets.names()[0])


def test_where_go_stops_its_own_words_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.26.0 && exit\necho no way >&2; exit 1\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(assets.Missing, match=r"(?s)fetch the modules.*no way.*GOPROXY"):
        assets.build(assets.names()[0])
