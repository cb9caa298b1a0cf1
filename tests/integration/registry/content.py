"""Images from nothing, made by the tools that people use: umoci, buildah, skopeo."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

# What `umoci config` is told for each image.
IMAGES: dict[str, dict[str, list[str]]] = {
    "exec": {"entrypoint": ["/app", "--flag"], "cmd": ["a", "b c"]},
    "shell": {"cmd": ["/bin/sh", "-c", "echo hello && exec app"]},
    "dollar": {"entrypoint": ["/app"], "cmd": ["$HOME", "$(HOME)", "$$"]},
    "blank": {"entrypoint": [""], "cmd": ["/only-cmd"]},
    "none": {},
}


def run(*command: str, **environ: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environ}
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip()


def fill(folder: Path, authority: str) -> None:
    """Push every image; `-v2s2` is the same in Docker's schema 2."""
    layout = folder / "layout"
    run("umoci", "init", "--layout", str(layout))
    for name, config in IMAGES.items():
        image = f"{layout}:{name}"
        run("umoci", "new", "--image", image)
        flags = [f"--config.{key}={value}" for key, values in config.items() for value in values]
        if flags:
            run("umoci", "config", "--image", image, *flags)
        for suffix, kind in (("", "oci"), ("-v2s2", "v2s2")):
            target = f"docker://{authority}/team/{name}{suffix}:1"
            run(
                "skopeo", "copy", "-q", "--dest-tls-verify=false", "--format", kind,
                f"oci:{image}", target,
            )  # fmt: skip
    _index(folder, authority, "agree", {"amd64": "/app", "arm64": "/app"})
    _index(folder, authority, "differ", {"amd64": "/app", "arm64": "/app-arm"})
    _attest(authority, "agree", "attested")


def _index(folder: Path, authority: str, name: str, entrypoints: dict[str, str]) -> None:
    """Build a multi-platform image with buildah."""
    store = {
        "STORAGE_DRIVER": "vfs",
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(_storage(folder)),
    }
    run("buildah", "manifest", "create", name, **store)
    for architecture, entrypoint in entrypoints.items():
        made = run("buildah", "from", "--arch", architecture, "scratch", **store)
        argv = json.dumps([entrypoint])
        run("buildah", "config", "--entrypoint", argv, "--arch", architecture, made, **store)
        run("buildah", "commit", "-q", "--rm", "--manifest", name, made, **store)
    target = f"docker://{authority}/team/{name}:1"
    run("buildah", "manifest", "push", "-q", "--all", "--tls-verify=false", name, target, **store)


def _storage(folder: Path) -> Path:
    file = folder / "storage.conf"
    lines = ("[storage]", 'driver = "vfs"', f'graphroot = "{folder}/g"', f'runroot = "{folder}/r"')
    file.write_text("\n".join(lines))
    return file


def _attest(authority: str, name: str, tag: str) -> None:
    """Add to an index what BuildKit adds: a provenance attestation for each platform."""
    root = f"http://{authority}/v2/team/{name}"
    with httpx.Client(trust_env=False) as http:
        index: dict[str, Any] = http.get(
            f"{root}/manifests/1", headers={"Accept": f"{INDEX}, application/json"}
        ).json()
        first = index["manifests"][0]
        manifest = http.get(
            f"{root}/manifests/{first['digest']}", headers={"Accept": MANIFEST}
        ).json()
        manifest["annotations"] = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
        body = json.dumps(manifest).encode()
        put = http.put(
            f"{root}/manifests/attestation",
            content=body,
            headers={"Content-Type": manifest.get("mediaType", MANIFEST)},
        )
        assert put.status_code == 201, put.text
        index["manifests"].append(
            {
                "mediaType": manifest.get("mediaType", MANIFEST),
                "digest": put.headers["Docker-Content-Digest"],
                "size": len(body),
                "platform": {"architecture": "unknown", "os": "unknown"},
                "annotations": {
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": first["digest"],
                },
            }
        )
        put = http.put(
            f"{root}/manifests/{tag}",
            content=json.dumps(index).encode(),
            headers={"Content-Type": index.get("mediaType", INDEX)},
        )
        assert put.status_code == 201, put.text
