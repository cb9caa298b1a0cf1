"""The webhook's own credentials: config.json, and the programs it names, on a leash."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes.lookups import Clock, RecordingObserver, asking
from webhook.core.credentials import Credential
from webhook.oci.docker_config import DockerConfig
from webhook.oci.endpoint import Login

SECRET = "c4n4ry-p4ssw0rd"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    before = set(psutil.Process().children())
    yield tmp_path
    assert set(psutil.Process().children(recursive=True)) <= before


def program(folder: Path, name: str, script: str) -> None:
    file = folder / f"docker-credential-{name}"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


async def running(folder: Path) -> None:
    """Wait until a program says that it runs."""
    async with asyncio.timeout(30):
        while not (folder / "runs").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.01)


@dataclass(slots=True)
class Standing:
    """A clock that shows what a test sets."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(
    folder: Path, content: Any, **more: Any
) -> AsyncIterator[tuple[DockerConfig, RecordingObserver, Standing]]:
    file = folder / "config.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    observer, clock = RecordingObserver(), Standing()
    config = DockerConfig(file, clock=clock, observer=observer, **more)
    yield config, observer, clock
    await config.aclose()


def printing(username: str, secret: str) -> str:
    return f"cat > /dev/null; echo '{json.dumps({'Username': username, 'Secret': secret})}'"


async def test_auths_are_matched_as_in_pull_secrets(tmp_path: Path) -> None:
    auth = base64.b64encode(b"me:pw").decode()
    async with opened(tmp_path, {"auths": {"*.example.com": {"auth": auth}}}) as (config, _, _):
        (found,) = await config.matching("r.example.com/app")
        assert (found.source, found.username) == ("docker config", "me")
        assert await config.matching("other.org/app") == ()


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("r.example.com/app", "r.example.com"),
        ("r.example.com:5000/app", "r.example.com:5000"),
        ("docker.io/library/nginx", "https://index.docker.io/v1/"),
        ("registry-1.docker.io/library/nginx", "https://index.docker.io/v1/"),
    ],
)
async def test_a_program_is_asked_for_the_server_that_docker_would_name(
    programs: Path, name: str, server: str
) -> None:
    answer = 'echo \'{"Username":"u","Secret":"s"}\''
    program(programs, "x", f'test "$*" = get || exit 9; cat > {programs}/asked; {answer}')
    async with opened(programs, {"credsStore": "x"}) as (config, _, _):
        assert len(await config.matching(name)) == 1
        assert (programs / "asked").read_text() == server


async def test_a_registrys_own_program_goes_before_the_store(programs: Path) -> None:
    program(programs, "ecr", printing("AWS", SECRET))
    program(programs, "store", printing("<token>", SECRET))
    content = {"credHelpers": {"https://r.example.com/v2/": "ecr"}, "credsStore": "store"}
    async with opened(programs, content) as (config, _, _):
        (found,) = await config.matching("r.example.com/app")
        assert (found.username, found.password) == ("AWS", SECRET)
        (stored,) = await config.matching("other.example.com/app")
        assert stored.identity_token == SECRET


@pytest.mark.parametrize(
    "key", ["docker.io", "index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"]
)
async def test_docker_hubs_own_program_is_found_by_each_of_its_names(
    programs: Path, key: str
) -> None:
    program(programs, "hub", printing("me", SECRET))
    async with opened(programs, {"credHelpers": {key: "hub"}}) as (config, _, _):
        for host in ("docker.io", "registry-1.docker.io"):
            (found,) = await config.matching(f"{host}/library/nginx")
            assert found.username == "me"


async def test_many_who_ask_at_once_start_one_program_and_its_answer_is_kept(
    programs: Path,
) -> None:
    program(programs, "x", f"echo >> {programs}/runs; sleep 0.2; {printing('u', 's')}")
    async with opened(programs, {"credsStore": "x"}) as (config, _, clock):
        asks = [asyncio.create_task(config.matching("r.io/app")) for _ in range(50)]
        await asyncio.sleep(0.05)
        asks[0].cancel()
        assert {len(each) for each in await asyncio.gather(*asks[1:])} == {1}
        await config.matching("r.io/other")
        for now, runs in ((0.0, 1), (299.9, 1), (300.0, 2)):
            clock.now = now
            await config.matching("r.io/app")
            assert len((programs / "runs").read_text()) == runs


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1", "exited with 1"),
        (f"echo {SECRET} >&2; echo {SECRET}; exit 3", "exited with 3"),
        (f"echo {SECRET}", "no JSON"),
        (f"echo '{'[' * 10_000}{']' * 10_000}'", "no JSON"),
        ("echo '{}'", "no Username"),
        ('echo \'{"Username": 1, "Secret": 2}\'', "no Username"),
        ("yes | head -c 1000000", "more than 64 KiB"),
        ("sleep 60", "no answer in"),
        ("sleep 60 & wait", "no answer in"),
        ("trap '' TERM; while :; do sleep 1; done", "no answer in"),
    ],
)
async def test_a_program_that_fails_is_said_without_what_it_said(
    programs: Path, script: str, said: str
) -> None:
    program(programs, "bad", script)
    deadline = 0.5 if said == "no answer in" else 30.0  # a busy machine takes its time
    async with opened(programs, {"credsStore": "bad"}, deadline=deadline) as (config, observer, _):
        assert await config.matching("r.io/app") == ()
        assert said in observer.notes[0]
        assert SECRET not in str(observer.notes)


async def test_a_program_has_two_seconds_and_a_half(programs: Path) -> None:
    program(programs, "slow", "sleep 60")
    async with opened(programs, {"credsStore": "slow"}) as (config, observer, _):
        assert await config.matching("r.io/app") == ()
        assert "no answer in 2.5 s" in observer.notes[0]


async def test_closing_ends_the_programs_that_still_run(programs: Path) -> None:
    # It is asked once asyncio has all of its pipes.
    program(programs, "slow", f"cat > /dev/null; touch {programs}/runs; sleep 60")
    before = set(psutil.Process().children())
    async with opened(programs, {"credsStore": "slow"}, deadline=50.0) as (config, _, _):
        asking = asyncio.create_task(config.matching("r.io/app"))
        await running(programs)
    assert set(psutil.Process().children(recursive=True)) <= before
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_closing_what_asks_registries_ends_them_too(programs: Path) -> None:
    program(programs, "slow", f"cat > /dev/null; touch {programs}/runs; sleep 60")
    before = set(psutil.Process().children())
    file = programs / "config.json"
    file.write_text(json.dumps({"credsStore": "slow"}))
    async with asking(docker_config=file) as asker:
        task = asyncio.create_task(asker.config("r.example.com/app:v1"))
        await running(programs)
    assert set(psutil.Process().children(recursive=True)) <= before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("extra", "taken"), [(0, True), (1, False)])
async def test_a_program_prints_64_kib_and_no_more(programs: Path, extra: int, taken: bool) -> None:
    printed = json.dumps({"Username": "u", "Secret": "s"})
    spaces = (64 << 10) - len(printed) + extra
    program(programs, "x", f"cat > /dev/null; printf '%{spaces}s' ''; printf '%s' '{printed}'")
    async with opened(programs, {"credsStore": "x"}, deadline=30.0) as (config, observer, _):
        assert len(await config.matching("r.io/app")) == taken
        assert bool(observer.notes) is not taken


async def test_a_program_that_failed_is_asked_again_after_half_a_minute(programs: Path) -> None:
    program(programs, "x", f"echo >> {programs}/runs; exit 1")
    async with opened(programs, {"credsStore": "x"}) as (config, _, clock):
        for now, runs in ((0.0, 1), (29.9, 1), (30.0, 2)):
            clock.now = now
            assert await config.matching("r.io/app") == ()
            assert len((programs / "runs").read_text()) == runs


@pytest.mark.parametrize("name", ["missing", "../../bin/sh", "x y", "-x", "", 7, None, ["x"]])
async def test_a_program_that_is_none_is_no_credential(programs: Path, name: object) -> None:
    content = {"credsStore": name, "credHelpers": {"r.io": name}}
    for each in (content, {"credsStore": name}):
        async with opened(programs, each) as (config, observer, _):
            assert await config.matching("r.io/app") == ()
            assert len(observer.notes) == (name == "missing")  # of the others none is run


@pytest.mark.parametrize(
    "content", ["", SECRET, "[]", '{"auths": []}', "[" * 10_000, '{"auths": 1}']
)
async def test_a_config_that_can_not_be_read_is_said_and_skipped(
    tmp_path: Path, content: str
) -> None:
    async with opened(tmp_path, content) as (config, observer, _):
        assert await config.matching("r.io/app") == ()
        assert SECRET not in str(observer.notes)
        assert bool(observer.notes) is (content != "[]")


async def test_a_config_that_changes_is_read_again_and_a_broken_one_keeps_the_last(
    tmp_path: Path,
) -> None:
    def auths(user: str) -> dict[str, Any]:
        return {"auths": {"r.io": {"username": user, "password": "p"}}}

    async with opened(tmp_path, auths("old")) as (config, observer, clock):
        for now, content, user in (
            (0.0, auths("old"), "old"),
            (29.9, auths("new"), "old"),
            (30.0, auths("new"), "new"),
            (60.0, "broken", "new"),
            (89.9, auths("mended"), "new"),
            (90.0, auths("mended"), "mended"),
        ):
            file = tmp_path / "config.json"
            file.write_text(content if isinstance(content, str) else json.dumps(content))
            clock.now = now
            (found,) = await config.matching("r.io/app")
            assert found.username == user
        assert observer.notes == [
            f"docker-config-unusable {{'path': '{tmp_path}/config.json', 'error': 'DecodeError'}}"
        ]


async def test_a_login_of_the_registries_file_is_read_at_each_use(tmp_path: Path) -> None:
    observer = RecordingObserver()
    config = DockerConfig(None, clock=Clock(), observer=observer)
    login = Login("robot", str(tmp_path / "password"))
    assert await config.matching("r.io/app", login) == ()
    assert "password-file-unusable" in observer.notes[0]
    for password in ("one", "two"):
        (tmp_path / "password").write_text(f"{password}\n")
        found = await config.matching("r.io/app", login)
        assert found == (Credential("registries file, r.io", "robot", password),)
