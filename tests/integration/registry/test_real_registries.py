"""Against Debian's docker-registry, with images that umoci, buildah and skopeo made."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.lookups import asking, ring
from tests.fakes.lookups import plain as speaks_plain
from tests.fakes.proxy import Fault, through
from tests.integration.registry.conftest import Guarded, Private
from tests.integration.registry.content import IMAGES
from tests.integration.registry.registries import PASSWORD, Real
from webhook.core.argv import ImageConfig
from webhook.core.docker_auths import from_auths
from webhook.core.errors import NotFound, PlatformsDisagree, Unauthorized, Unreachable
from webhook.oci.options import Times


def expected(name: str) -> ImageConfig:
    config = IMAGES[name]
    return ImageConfig(tuple(config.get("entrypoint", ())), tuple(config.get("cmd", ())))


@pytest.mark.parametrize("suffix", ["", "-v2s2"])
@pytest.mark.parametrize("name", IMAGES)
async def test_each_image_runs_what_it_was_made_to_run(plain: Real, name: str, suffix: str) -> None:
    async with asking(speaks_plain(plain.authority)) as asker:
        found = await asker.find(f"{plain.authority}/team/{name}{suffix}:1")
        assert found.config == expected(name)
        again = await asker.find(f"{plain.authority}/team/{name}{suffix}@{found.digest}")
        assert again.config == found.config


@pytest.mark.parametrize("tag", ["agree:1", "agree:attested"])
async def test_an_index_whose_platforms_agree_is_one_answer(plain: Real, tag: str) -> None:
    async with asking(speaks_plain(plain.authority)) as asker:
        found = await asker.find(f"{plain.authority}/team/{tag}")
        assert found.config == ImageConfig(("/app",))
        assert {each.architecture for each in found.platforms} == {"amd64", "arm64"}


async def test_an_index_whose_platforms_differ_needs_the_pods_architecture(plain: Real) -> None:
    async with asking(speaks_plain(plain.authority)) as asker:
        image = f"{plain.authority}/team/differ:1"
        with pytest.raises(PlatformsDisagree):
            await asker.config(image)
        for architecture, entrypoint in (("amd64", "/app"), ("arm64", "/app-arm")):
            found = await asker.config(image, architectures=[architecture])
            assert found == ImageConfig((entrypoint,))


async def test_what_is_not_there_is_not_found(plain: Real) -> None:
    async with asking(speaks_plain(plain.authority)) as asker:
        for image in ("team/exec:none", "nobody/nothing", f"team/exec@sha256:{'0' * 64}"):
            with pytest.raises(NotFound):
                await asker.config(f"{plain.authority}/{image}")


async def test_a_thousand_lookups_of_a_new_image_cost_one_fetch(plain: Real) -> None:
    async with asking(speaks_plain(plain.authority)) as asker:
        name = "team/dollar-v2s2"
        before = plain.served("GET", f"/{name}/")
        image = f"{plain.authority}/{name}:1"
        found = await asyncio.gather(*(asker.config(image) for _ in range(1000)))
        assert set(found) == {expected("dollar")}
        await asyncio.sleep(0.2)  # for its log
        assert plain.served("GET", f"/{name}/") - before == 2  # manifest, configuration


async def test_htpasswd_lets_in_the_robot_after_two_wrong_credentials(htpasswd: Real) -> None:
    async with asking(speaks_plain(htpasswd.authority)) as asker:
        image = f"{htpasswd.authority}/team/exec:1"
        keyring = ring(htpasswd.authority, "robot:wrong", "nobody:x", f"robot:{PASSWORD}")
        assert await asker.config(image, keyring=keyring) == expected("exec")
        with pytest.raises(Unauthorized):
            await asker.config(image)


async def test_tokens_open_what_the_robot_may_read_and_nothing_else(token: Guarded) -> None:
    authority = token.real.authority
    async with asking(speaks_plain(authority, token.tokens.authority)) as asker:
        keyring = ring(authority, f"robot:{PASSWORD}", source="secret a/pull")
        found = await asker.find(f"{authority}/team/exec:1", keyring=keyring)
        assert (found.config, found.credential) == (expected("exec"), "secret a/pull")
        agreed = await asker.config(f"{authority}/team/agree:attested", keyring=keyring)
        assert agreed == ImageConfig(("/app",))
        with pytest.raises(Unauthorized):
            await asker.config(f"{authority}/team/differ:1", keyring=keyring)
        with pytest.raises(Unauthorized):
            await asker.config(f"{authority}/team/exec:1")
        # What is open to everybody needs no credential, but a token all the same.
        assert await asker.config(f"{authority}/team/shell:1") == expected("shell")


async def test_an_identity_token_is_exchanged_for_an_access_token(token: Guarded) -> None:
    authority = token.real.authority
    async with asking(speaks_plain(authority, token.tokens.authority)) as asker:
        auths = {authority: {"identitytoken": PASSWORD}}
        keyring = from_auths(auths, source="s")
        found = await asker.config(f"{authority}/team/exec:1", keyring=keyring)
        assert found == expected("exec")
        assert token.tokens.requests[-1].method == "POST"


@pytest.mark.parametrize("how", ["inline", "file", "extra"])
async def test_a_private_ca_is_trusted_where_it_is_configured(
    private: Private, tmp_path: Path, how: str
) -> None:
    authority = private.real.authority
    image = f"{authority}/team/exec:1"
    host: dict[str, Any] = {"addresses": "127.0.0.0/8"}
    async with asking({authority: host}) as asker:
        with pytest.raises(Unreachable, match="not trusted"):
            await asker.config(image)
    (tmp_path / "ca.pem").write_text(private.ca)
    options: dict[str, Any] = {}
    if how == "extra":
        options["extra_ca"] = (private.ca,)
    else:
        host["ca"] = private.ca if how == "inline" else str(tmp_path / "ca.pem")
    async with asking({authority: host}, **options) as asker:
        assert await asker.config(image) == expected("exec")


async def test_the_certificate_is_checked_for_the_name_not_the_address(private: Private) -> None:
    port = private.real.authority.partition(":")[2]
    good, bad = f"private.example.com:{port}", f"other.example.com:{port}"
    host = {"addresses": "127.0.0.0/8", "ca": private.ca}
    async with asking({good: host, bad: host}) as asker:
        assert await asker.config(f"{good}/team/exec:1") == expected("exec")
        with pytest.raises(Unreachable, match="certificate"):
            await asker.config(f"{bad}/team/exec:1")


async def test_a_registry_that_goes_down_leaves_its_last_answer(plain: Real) -> None:
    async with through(plain.authority) as proxy:
        options = {"fresh": 60.0, "times": Times(lookup=1.0, patience=0.3)}
        async with asking(speaks_plain(proxy.authority), **options) as asker:
            image = f"{proxy.authority}/team/exec:1"
            assert await asker.config(image) == expected("exec")
            faults: tuple[Fault, ...] = ("reset", "half-open", "429", "503", "truncated")
            for fault in faults:
                proxy.become(fault)
                asker.clock.ahead += 400
                assert await asker.config(image) == expected("exec")
            assert asker.observer.cached["stale"] == 5


async def test_a_credential_program_opens_the_registry(htpasswd: Real, tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-test"
    answer = json.dumps({"Username": "robot", "Secret": PASSWORD})
    program.write_text(
        f"#!/bin/sh\nread server\ntest \"$1 $server\" = 'get {htpasswd.authority}' || exit 1\n"
        f"echo run >> {tmp_path}/runs\necho '{answer}'\n"
    )
    program.chmod(0o755)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"credHelpers": {htpasswd.authority: "test"}}))

    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path}:{before}"
    try:
        async with asking(speaks_plain(htpasswd.authority), docker_config=config) as asker:
            images = [f"{htpasswd.authority}/team/{name}:1" for name in IMAGES]
            found = await asyncio.gather(*(asker.find(image) for image in images))
            assert [each.config for each in found] == [expected(name) for name in IMAGES]
            assert {each.credential for each in found} == {"docker-credential-test"}
            assert (tmp_path / "runs").read_text() == "run\n"
    finally:
        os.environ["PATH"] = before
