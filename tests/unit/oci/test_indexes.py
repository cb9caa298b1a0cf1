"""Every index that a kubelet can pull from: nested, without platforms, for other systems."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.fakes.http import Request, serve
from tests.fakes.lookups import Clock, RecordingObserver, asking, plain
from tests.fakes.registry import (
    OCI_INDEX,
    Registry,
    config_bytes,
    entry,
    index_bytes,
    manifest_bytes,
)
from webhook.core import image
from webhook.core.argv import ImageConfig
from webhook.core.credentials import Keyring
from webhook.core.errors import BadAnswer, NotFound, PlatformsDisagree, WindowsOnly
from webhook.oci import endpoint
from webhook.oci.cache import Memory
from webhook.oci.client import Client
from webhook.oci.docker_config import DockerConfig
from webhook.oci.endpoint import Endpoint
from webhook.oci.lookup import EVERYONE, Lookup
from webhook.oci.places import Places
from webhook.oci.question import Found, Question

APP = ImageConfig(("/app",), ("serve",))
Json = dict[str, Any]


class Shelf:
    """A repository called app, filled piece by piece."""

    def __init__(self) -> None:
        self.registry = Registry()

    def image(self, *argv: str, platform: str | None = "linux/amd64", **more: object) -> Json:
        """Add an image, and give an index's entry for it without a platform."""
        words = (
            {}
            if platform is None
            else dict(zip(("os", "architecture"), platform.split("/"), strict=True))
        )
        config = config_bytes(list(argv[:1]), list(argv[1:]), **words, **more)
        if platform is None:
            raw = json.loads(config)
            config = json.dumps({"config": raw["config"], **more}).encode()
        self.registry.push("app", "", config)
        return bare(manifest_bytes(config))

    def index(self, *entries: Json) -> Json:
        """Add an index, and give an entry for it without a platform."""
        content = index_bytes(entries)
        self.registry.put("app", "", content)
        return {**bare(content), "mediaType": OCI_INDEX}

    async def ask(self, *entries: Json, **more: Any) -> Found:
        """Ask for the image whose index has these entries, the second time from memory."""
        self.registry.put("app", "v1", index_bytes(entries))
        async with serve(self.registry) as host, asking(plain(host.authority)) as asker:
            first = await asker.find(f"{host.authority}/app:v1", **more)
            asked = len(host.requests)
            second = await asker.find(f"{host.authority}/app:v1", **more)
            assert (second.config, second.platforms) == (first.config, first.platforms)
            assert len(host.requests) == asked
            return first


def bare(content: bytes) -> Json:
    return {key: value for key, value in entry(content, "").items() if key != "platform"}


def on(platform: str, listed: Json, **more: object) -> Json:
    system, _, architecture = platform.partition("/")
    return {**listed, "platform": {"os": system, "architecture": architecture}, **more}


ATTESTATION = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}


async def test_an_index_of_indexes_is_descended_into() -> None:
    shelf = Shelf()
    entries = []
    for machine in ("linux/amd64", "linux/arm64"):
        image = on(machine, shelf.image("/app", "serve", platform=machine))
        attestation = on("unknown/unknown", shelf.image("/no"), **ATTESTATION)
        entries.append(on(machine, shelf.index(image, attestation)))
    found = await shelf.ask(*entries)
    assert (found.config, sorted(map(str, found.platforms))) == (
        APP,
        ["linux/amd64", "linux/arm64"],
    )


async def test_a_nested_entry_without_platform_takes_its_parents() -> None:
    shelf = Shelf()
    one = on("linux/amd64", shelf.index(shelf.image("/app", "serve", platform=None)))
    two = on("linux/arm64", shelf.index(shelf.image("/arm", platform=None)))
    with pytest.raises(PlatformsDisagree, match=r"linux/amd64, linux/arm64"):
        await shelf.ask(one, two)
    assert (await shelf.ask(one, two, architectures=["arm64"])).config == ImageConfig(("/arm",))


async def test_a_nested_entry_with_a_platform_keeps_its_own() -> None:
    shelf = Shelf()
    inner = on("linux/arm64", shelf.image("/app", "serve", platform="linux/arm64"))
    found = await shelf.ask(on("linux/amd64", shelf.index(inner)))
    assert (found.config, list(map(str, found.platforms))) == (APP, ["linux/arm64"])


async def test_where_none_is_for_the_pods_architecture_all_count() -> None:
    """The node fails to pull it, whatever is answered here; another one may do."""
    shelf = Shelf()
    found = await shelf.ask(on("linux/amd64", shelf.image("/app", "serve")), architectures=["arm"])
    assert (found.config, list(map(str, found.platforms))) == (APP, ["linux/amd64"])


async def test_a_configuration_that_names_no_system_is_for_linux() -> None:
    shelf = Shelf()
    assert (await shelf.ask(shelf.image("/app", "serve", platform=None))).config == APP


async def test_indexes_of_other_architectures_are_not_read() -> None:
    shelf = Shelf()
    arm = on("linux/arm64", shelf.index(on("linux/arm64", shelf.image("/arm"))))
    gone = on("linux/amd64", {**bare(b"gone"), "mediaType": OCI_INDEX})
    assert (await shelf.ask(arm, gone, architectures=["arm64"])).config == ImageConfig(("/arm",))


async def test_an_index_that_says_nothing_of_platforms_is_descended_into() -> None:
    shelf = Shelf()
    inner = shelf.index(on("linux/amd64", shelf.image("/app", "serve")))
    assert (await shelf.ask(shelf.index(inner))).config == APP


@pytest.mark.parametrize("deep", [3, 4])
async def test_depth_is_bounded(deep: int) -> None:
    shelf = Shelf()
    listed = on("linux/amd64", shelf.image("/app", "serve"))
    for number in range(deep):
        listed = shelf.index(listed, on(f"windows/{number}", bare(b"w")))
    if deep == 3:
        assert (await shelf.ask(listed)).config == APP
    else:
        with pytest.raises(BadAnswer, match="more than 4 deep"):
            await shelf.ask(listed)


async def test_a_size_of_nothing_is_a_size() -> None:
    """It is a manifest's, which is read by its digest."""
    shelf = Shelf()
    assert (
        await shelf.ask({**on("linux/amd64", shelf.image("/app", "serve")), "size": 0})
    ).config == APP


class Counted(httpx.AsyncBaseTransport):
    """A way to a registry on which each request takes many turns of the loop, and no time."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._busy = Counter[str]()
        self.busiest = Counter[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        kind = request.url.path.split("/")[-2]
        self._busy[kind] += 1
        self.busiest[kind] = max(self.busiest[kind], self._busy[kind])
        for _ in range(100):  # whoever may come beside it comes now
            await asyncio.sleep(0)
        self._busy[kind] -= 1
        answer = await self._registry(Request(request.method, request.url.path, request.headers))
        assert isinstance(answer.body, bytes)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


async def test_four_parts_of_an_image_are_read_at_once() -> None:
    shelf, clock = Shelf(), Clock()
    listed = [on(f"linux/{n}", shelf.image("/app", "serve", n=n)) for n in range(8)]
    shelf.registry.put("app", "v1", index_bytes(listed))
    counted = Counted(shelf.registry)
    lookup = Lookup(
        Client(counted, clock=clock),
        own=DockerConfig(None, clock=clock, observer=RecordingObserver()),
        memory=Memory(entries=100, fresh=60.0, usable=60.0),
        clock=clock,
        places=Places(8),
        seconds=60.0,
    )
    question = Question(image.parse("r.io/app:v1"), frozenset({EVERYONE}), frozenset())
    host = Endpoint("https://r.io/v2")
    found = await lookup.run(question, endpoint.Registry((host,)), Keyring())
    await lookup.aclose()
    assert found.config == APP
    assert counted.busiest == {"manifests": 4, "blobs": 4}


@pytest.mark.parametrize("kind", ["images", "indexes"])
async def test_so_many_images_and_indexes_are_read(kind: str) -> None:
    shelf = Shelf()
    if kind == "images":
        listed = [on(f"linux/{n}", shelf.image("/app", "serve")) for n in range(32)]
    else:
        one = on("linux/amd64", shelf.image("/app", "serve"))
        listed = [shelf.index({**one, "annotations": {"n": str(n)}}) for n in range(64)]
    assert (await shelf.ask(*listed)).config == APP


async def test_the_number_of_images_is_bounded() -> None:
    shelf = Shelf()
    listed = [on(f"linux/{n}", shelf.image("/app", "serve")) for n in range(33)]
    with pytest.raises(BadAnswer, match=r"/app is for more than 32 platforms$"):
        await shelf.ask(*listed)


async def test_the_number_of_indexes_is_bounded() -> None:
    shelf = Shelf()
    many = [{**bare(b"%d" % number), "mediaType": OCI_INDEX} for number in range(65)]
    with pytest.raises(BadAnswer, match="more than 64 indexes"):
        await shelf.ask(*many)


async def test_indexes_in_indexes_count_as_well() -> None:
    shelf = Shelf()
    one = on("linux/amd64", shelf.image("/app", "serve"))
    inner = [shelf.index({**one, "annotations": {"n": str(n)}}) for n in range(33)]
    with pytest.raises(BadAnswer, match="more than 64 indexes"):
        await shelf.ask(*(shelf.index(each) for each in inner))


async def test_entries_without_platform_are_for_what_their_configuration_says() -> None:
    shelf = Shelf()
    amd, arm = (shelf.image(f"/{name}", platform=f"linux/{name}") for name in ("amd64", "arm64"))
    with pytest.raises(PlatformsDisagree):
        await shelf.ask(amd, arm)
    found = await shelf.ask(amd, arm, architectures=["arm64"])
    assert (found.config, str(found.platforms[0])) == (ImageConfig(("/arm64",)), "linux/arm64")


async def test_an_entry_with_a_platform_goes_before_one_without() -> None:
    shelf = Shelf()
    named = on("linux/amd64", shelf.image("/app", "serve"))
    assert (await shelf.ask(shelf.image("/other"), named)).config == APP


@pytest.mark.parametrize(
    "platform", ["unknown/unknown", "unknown/amd64", "linux/unknown", "linux/"]
)
async def test_what_is_for_no_known_machine_is_no_image(platform: str) -> None:
    shelf = Shelf()
    no_image = on(platform, shelf.image("/no"))
    assert (
        await shelf.ask(on("linux/amd64", shelf.image("/app", "serve")), no_image)
    ).config == APP
    with pytest.raises(BadAnswer, match="an index without an image in it"):
        await shelf.ask(no_image)


@pytest.mark.parametrize(
    "more", [{"artifactType": "application/x.sbom"}, {"mediaType": "application/x.sbom+json"}]
)
async def test_what_hangs_on_to_an_image_is_not_asked_for(more: Mapping[str, str]) -> None:
    shelf = Shelf()
    named = on("linux/amd64", shelf.image("/app", "serve"))
    assert (await shelf.ask(named, {**bare(b"gone"), **more})).config == APP


@pytest.mark.parametrize(
    ("config", "more"),
    [
        ({"mediaType": "application/vnd.oci.empty.v1+json"}, {}),
        ({}, {"artifactType": "application/vnd.example.sbom"}),
    ],
    ids=["whose configuration is none", "that says it is an artifact"],
)
async def test_a_manifest_without_platform_that_is_no_image_does_not_count(
    config: Mapping[str, str], more: Mapping[str, str]
) -> None:
    shelf = Shelf()
    named = on("linux/arm64", shelf.image("/app", "serve"))
    raw = json.loads(manifest_bytes(b"{}"))
    raw["config"] |= config
    chart = json.dumps({**raw, **more}).encode()
    shelf.registry.put("app", "", chart)
    for entries in ((named, bare(chart)), (bare(chart), named)):
        assert (await shelf.ask(*entries)).config == APP


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
        None,
    ],
)
async def test_an_image_counts_without_a_platform_whoever_made_it(kind: str | None) -> None:
    shelf = Shelf()
    config = config_bytes(["/app"], ["serve"])
    shelf.registry.push("app", "", config)
    raw = json.loads(manifest_bytes(config))
    raw["config"]["mediaType"] = kind
    manifest = json.dumps(raw).encode()
    shelf.registry.put("app", "", manifest)
    assert (await shelf.ask(bare(manifest))).config == APP


@pytest.mark.parametrize("nested", [False, True])
async def test_only_windows_is_windows_and_not_missing(nested: bool) -> None:
    shelf = Shelf()
    listed = on("windows/amd64", shelf.image("c:\\app.exe", platform="windows/amd64"))
    if nested:
        listed = shelf.index(listed)
    with pytest.raises(WindowsOnly, match="for Windows"):
        await shelf.ask(listed)


async def test_only_windows_without_platform_in_the_index_is_windows_too() -> None:
    shelf = Shelf()
    with pytest.raises(WindowsOnly):
        await shelf.ask(shelf.image("c:\\app.exe", platform="windows/amd64"))


async def test_a_single_manifest_for_windows_is_windows() -> None:
    registry = Registry()
    registry.push("app", "v1", config_bytes(["c:\\app.exe"], os="windows"))
    async with serve(registry) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(WindowsOnly):
            await asker.config(f"{host.authority}/app:v1")


@pytest.mark.parametrize(
    ("platform", "said"), [("freebsd/amd64", "only for freebsd/amd64"), ("", "without an image")]
)
async def test_an_image_that_is_there_is_never_said_to_be_missing(platform: str, said: str) -> None:
    shelf = Shelf()
    entries = [on(platform, shelf.image("/app"))] if platform else []
    with pytest.raises(BadAnswer, match=said):
        await shelf.ask(*entries)


async def test_of_many_other_systems_five_are_named() -> None:
    shelf = Shelf()
    others = [on(f"plan9/{n}", bare(b"%d" % n)) for n in range(40)]
    with pytest.raises(BadAnswer) as caught:
        await shelf.ask(*others)
    listed = ", ".join(f"plan9/{n}" for n in range(5))
    assert str(caught.value).endswith(f" has no image for Linux, only for {listed}")


@pytest.mark.parametrize("part", ["manifest", "configuration", "index"])
async def test_a_part_that_is_missing_does_not_make_the_image_missing(part: str) -> None:
    shelf = Shelf()
    listed = on("linux/amd64", shelf.image("/app"))
    if part == "manifest":
        del shelf.registry.manifests["app", listed["digest"]]
    elif part == "configuration":
        shelf.registry.blobs.clear()
    else:
        listed = {**bare(b"gone"), "mediaType": OCI_INDEX}
    with pytest.raises(BadAnswer, match="a part of the image"):
        await shelf.ask(listed)


async def test_an_image_that_is_not_there_is_missing() -> None:
    async with serve(Registry()) as host, asking(plain(host.authority)) as asker:
        with pytest.raises(NotFound):
            await asker.config(f"{host.authority}/app:v1")


async def test_images_that_run_the_same_agree_whatever_else_differs() -> None:
    shelf = Shelf()
    one = on("linux/amd64", shelf.image("", "/x"))
    two = on("linux/arm64", shelf.image("", "/x", variant="v8", created="2026"))
    assert (await shelf.ask(one, two)).config.cmd == ("/x",)
