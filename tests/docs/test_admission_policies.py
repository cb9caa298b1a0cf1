"""The exceptions on the page let the reaper in, and nobody else."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from tests.docs.admission_policies import OBJECTS, PAGE, injected, named

OURS = ("ghcr.io/initshim/reaper:0.1.0", "ghcr.io/initshim/reaper@sha256:" + "0" * 64)
FOREIGN = ("docker.io/library/alpine:3", "ghcr.io/initshim-evil/reaper:1", "ghcr.io/other/x:1")


def test_the_table_is_what_the_webhook_makes(tmp_path: Path) -> None:
    changed = yaml.safe_load(injected(tmp_path, "registry.example.com/app:1").read_text())
    (init,) = changed["spec"]["initContainers"]
    text = PAGE.read_text()
    assert init["name"] == "initshim"
    assert f"command `{' '.join(init['command'])}`" in text
    assert f"image `{init['image'].rpartition(':')[0]}`" in text
    (volume,) = changed["spec"]["volumes"]
    assert volume == {"name": "initshim", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    (container,) = changed["spec"]["containers"]
    assert container["command"][:2] == ["/.initshim/init", "--"]


def test_gatekeepers_list_lets_in_the_reaper_and_no_neighbour_of_it() -> None:
    repos = named("K8sAllowedRepos", "allowed-registries")["spec"]["parameters"]["repos"]
    allowed = lambda image: any(image.startswith(repo) for repo in repos)  # noqa: E731 - its rule
    assert all(map(allowed, OURS))
    assert not any(map(allowed, FOREIGN))


def patterns() -> Iterator[tuple[str, list[str]]]:
    limits = named("K8sContainerLimits", "limits")["spec"]["parameters"]
    yield "Gatekeeper's limits", limits["exemptImages"]
    (google,) = [each for each in OBJECTS if "admissionWhitelistPatterns" in each]
    yield (
        "Binary Authorization",
        [each["namePattern"] for each in google["admissionWhitelistPatterns"]],
    )
    rule = named("ClusterPolicy", "allowed-registries")["spec"]["rules"][0]
    pattern = rule["validate"]["pattern"]["spec"]["=(initContainers)"][0]["image"]
    yield "Kyverno", pattern.split(" | ")
    (connaisseur,) = [each for each in OBJECTS if "application" in each]
    policy = connaisseur["application"]["policy"]
    yield "Connaisseur", [each["pattern"] for each in policy if each["validator"] == "allow"]


@pytest.mark.parametrize(("tool", "globs"), list(patterns()), ids=lambda each: str(each)[:20])
def test_a_glob_fits_the_reaper_and_no_foreign_image(tool: str, globs: list[str]) -> None:
    assert tool

    def fits(image: str) -> bool:
        return any(fnmatchcase(image, glob) for glob in globs)

    assert fits(OURS[0])
    assert fits(OURS[1])
    assert not any(map(fits, FOREIGN))
