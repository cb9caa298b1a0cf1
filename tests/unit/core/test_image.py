"""Semantics §2, references: Docker's normal form. Cases after distribution/reference's tests."""

import pytest

from webhook.core.errors import BadReference
from webhook.core.image import LONGEST, parse

F64 = "f" * 64
HEX = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a"
HUB = "docker.io"


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag"),
    [
        ("redis", HUB, "library/redis", "latest"),
        ("docker.io", HUB, "library/docker.io", "latest"),
        ("redis:7", HUB, "library/redis", "7"),
        ("lowercase:Uppercase", HUB, "library/lowercase", "Uppercase"),
        ("docker.io/redis", HUB, "library/redis", "latest"),
        ("docker.io/library/redis", HUB, "library/redis", "latest"),
        ("index.docker.io/redis", HUB, "library/redis", "latest"),
        ("index.docker.io/fooo/bar", HUB, "fooo/bar", "latest"),
        ("dmcgowan/myapp", HUB, "dmcgowan/myapp", "latest"),
        ("library/foo/bar", HUB, "library/foo/bar", "latest"),
        ("store/foo/bar", HUB, "store/foo/bar", "latest"),
        ("test_com/foo", HUB, "test_com/foo", "latest"),
        ("foo/foo_bar.com:8080", HUB, "foo/foo_bar.com", "8080"),
        ("test.com:tag", HUB, "library/test.com", "tag"),
        ("test.com:5000", HUB, "library/test.com", "5000"),
        ("192.168.0.1:80", HUB, "library/192.168.0.1", "80"),
        ("docker---rules/docker", HUB, "docker---rules/docker", "latest"),
        ("dock__er/docker", HUB, "dock__er/docker", "latest"),
        ("jess/t", HUB, "jess/t", "latest"),
        (HEX[:63], HUB, f"library/{HEX[:63]}", "latest"),
        (f"docker.io/{HEX}", HUB, f"library/{HEX}", "latest"),
        (f"{HEX}:v1", HUB, f"library/{HEX}", "v1"),
        ("localhost/app", "localhost", "app", "latest"),
        ("test.com/repo:tag", "test.com", "repo", "tag"),
        ("test:5000/repo:tag", "test:5000", "repo", "tag"),
        ("xn--n3h.com:18080/foo", "xn--n3h.com:18080", "foo", "latest"),
        ("192.168.1.1:5000/repo:5050", "192.168.1.1:5000", "repo", "5050"),
        ("[2001:db8::1]/repo", "[2001:db8::1]", "repo", "latest"),
        ("[2001:db8::1]:5000/repo:tag", "[2001:db8::1]:5000", "repo", "tag"),
        ("[::1]:5000/repo", "[::1]:5000", "repo", "latest"),
        ("Foo/bar", "Foo", "bar", "latest"),
        ("FOO/bar", "FOO", "bar", "latest"),
        ("Uppercase/lowercase:tag", "Uppercase", "lowercase", "tag"),
        (f"example.com/{'a' * 255}:{'t' * 128}", "example.com", "a" * 255, "t" * 128),
        (
            f"{'h' * 60}.example.com/{'a/' * 127}a",
            f"{'h' * 60}.example.com",
            "a/" * 127 + "a",
            "latest",
        ),
    ],
)
def test_a_tagged_name_has_one_normal_form(
    text: str, registry: str, repository: str, tag: str
) -> None:
    found = parse(text)
    assert (found.registry, found.repository, found.tag) == (registry, repository, tag)
    assert found.digest is None
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "tag", "normal"),
    [
        (f"redis@sha256:{F64}", None, f"docker.io/library/redis@sha256:{F64}"),
        (f"busybox:1.36@sha256:{F64}", "1.36", f"docker.io/library/busybox:1.36@sha256:{F64}"),
        (f"[2001:db8::1]:5000/r@sha256:{F64}", None, f"[2001:db8::1]:5000/r@sha256:{F64}"),
        (f"xn--7o8h.com/i:x@sha512:{F64}{F64}", "x", f"xn--7o8h.com/i:x@sha512:{F64}{F64}"),
        (f"a.io/b@sha384:{'0' * 96}", None, f"a.io/b@sha384:{'0' * 96}"),
        (f"{HEX}@sha256:{F64}", None, f"docker.io/library/{HEX}@sha256:{F64}"),
    ],
)
def test_a_digest_beats_a_tag(text: str, tag: str | None, normal: str) -> None:
    found = parse(text)
    assert str(found) == normal
    assert found.tag == tag
    assert found.version == found.digest


@pytest.mark.parametrize(
    "text",
    [
        "", ":justtag", f"@sha256:{F64}", "repo@sha256:ffff", f"v@invaliddigest:{F64}",
        f"v@sha256:{'F' * 64}", f"v@SHA256:{F64}", f"v@sha256:{F64}0", f"v@md5:{'f' * 32}", "repo@",
        f"v@sha256:{F64}@sha256:{F64}", f"v@sha512:{F64}", "Uppercase:tag",
        "test:5000/Uppercase/lowercase:tag", "docker/Docker", "docker.io/docker/Docker",
        "aa/asdf$$^/aa", "[2001:db8::1]", "[2001:db8::1]:5000", "[2001:db8::1]:tag",
        "[fe80::1%eth0]:5000/repo", "[2001:db8:3:4::192.0.2.33]:5000/debian", "fc00::1:5000/debian",
        "https://github.com/docker/docker", "-docker", "-docker/docker", "docker-/docker",
        "-docker.io/docker/docker", "docker///docker", "docker/", "/docker", "____/____",
        "_docker/_docker", "dock..er/docker", "dock_.er/docker", "dock-.er/docker", "dock___er/x",
        HEX, f"example.com/{'a' * 256}", f"{'a/' * 128}aa", f"nginx:{'t' * 129}", "nginx:-foo",
        "nginx:.foo", "nginx:", "nginx:a:b", "nginx:latest\n", "nginx\n", " nginx", "nginx:lat est",
        "host:/repo", "host:port/repo", "ngínx", "example.com:٣/x", "a.b/",
    ],
)  # fmt: skip
def test_what_the_runtime_would_refuse_is_no_reference(text: str) -> None:
    with pytest.raises(BadReference):
        parse(text)


def test_docker_hub_is_served_by_another_host() -> None:
    assert parse("nginx").host == "registry-1.docker.io"
    assert parse("ghcr.io/a/b").host == "ghcr.io"
    assert parse("nginx").name == "docker.io/library/nginx"


def test_a_message_does_not_repeat_a_novel() -> None:
    with pytest.raises(BadReference) as failure:
        parse("Q" * 100_000)
    assert len(str(failure.value)) < 500


@pytest.mark.parametrize("piece", ["a", "a/", "a.", "A-", "[", "a:", "a@", "a__"])
def test_what_is_longer_than_any_reference_is_not_parsed(piece: str) -> None:
    """By its length alone: a megabyte costs what its message costs."""
    with pytest.raises(BadReference, match="longer than"):
        parse(piece * 800_000)


def test_the_longest_reference_is_one() -> None:
    host, repository = ".".join(["a" * 63] * 4)[:253], "b" * 255
    text = f"{host}:65535/{repository}:{'c' * 128}@sha512:{'0' * 128}"
    assert len(text) == LONGEST
    assert parse(text).repository == repository
    with pytest.raises(BadReference):
        parse(f"{host}:65535/{repository}b:{'c' * 127}")
