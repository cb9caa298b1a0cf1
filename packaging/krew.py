#!/usr/bin/env python3
"""Write krew's manifest of `kubectl initshim`, for the archives of a release: dist/initshim.yaml.

    python packaging/krew.py [--dist dist]

https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import yaml

import initshim

HOME = "https://github.com/initshim/initshim"
_ARCHIVE = re.compile(r"kubectl-initshim-(?P<os>linux|darwin)-(?P<arch>[a-z0-9]+)[.]tar[.]gz")
_ABOUT = """\
Audit which pods run behind an init, find out what leaks zombies, check an installation of
initshim, and put the reaper into manifests: audit, leaks, doctor, inject, entrypoint.
"""
_CAVEATS = """\
Needs Python 3.11 to 3.14. It unpacks itself below ~/.cache/pex when it runs for the first time.
"""


def manifest(dist: Path) -> dict[str, Any]:
    """Give the manifest for the archives that are in a folder."""
    platforms = []
    for file in sorted(dist.iterdir()):
        found = _ARCHIVE.fullmatch(file.name)
        if found:
            platforms.append(
                {
                    "selector": {"matchLabels": {"os": found["os"], "arch": found["arch"]}},
                    "uri": f"{HOME}/releases/download/v{initshim.__version__}/{file.name}",
                    "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                    "files": [
                        {"from": "kubectl-initshim", "to": "."},
                        {"from": "LICENSE", "to": "."},
                    ],
                    "bin": "kubectl-initshim",
                }
            )
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "initshim"},
        "spec": {
            "version": f"v{initshim.__version__}",
            "homepage": HOME,
            "shortDescription": "Find zombies and pods without an init",
            "description": _ABOUT,
            "caveats": _CAVEATS,
            "platforms": platforms,
        },
    }


def main() -> None:
    """Write it."""
    options = argparse.ArgumentParser(description="Write krew's manifest.")
    options.add_argument("--dist", type=Path, default=Path("dist"))
    dist = options.parse_args().dist
    written = manifest(dist)
    if not written["spec"]["platforms"]:
        sys.exit(f"{dist} has no kubectl-initshim-….tar.gz: make single-file")
    (dist / "initshim.yaml").write_text(yaml.safe_dump(written, sort_keys=False))


if __name__ == "__main__":
    main()
