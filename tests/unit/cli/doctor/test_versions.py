"""Which versions go together."""

from dataclasses import replace

import pytest

from tests.unit.cli.doctor.rendered import rendered
from webhook.cli.doctor import versions
from webhook.cli.doctor.finding import Finding


def found(*, server: str = "v1.36.1", wrote: str = "1.4.2", **settings: str) -> list[Finding]:
    there = replace(rendered(), version=server)
    there.container["env"] += [
        {"name": f"INITSHIM_{key}", "value": value} for key, value in settings.items()
    ]
    there.container["image"] = "ghcr.io/initshim/webhook:1.4.2"
    there.webhook["matchConditions"] = [{"name": "not-opted-out"}]
    return versions.check(there, own="1.4.2", wrote=wrote)


@pytest.mark.parametrize(
    ("server", "severity"),
    [
        ("v1.26.9", "error"),
        ("v1.27.0", "ok"),
        ("v1.36.1-gke.1200", "ok"),
        ("v1.40+", "ok"),
        ("unknown", "info"),
    ],
)
def test_kubernetes_is_1_27_or_later(server: str, severity: str) -> None:
    assert found(server=server)[0].severity == severity


@pytest.mark.parametrize(("server", "severity"), [("v1.34.3", "error"), ("v1.35.0", "ok")])
def test_image_volumes_need_1_35(server: str, severity: str) -> None:
    """Semantics §6: on by default from 1.35."""
    assert found(server=server, DELIVERY="imageVolume")[0].severity == severity


@pytest.mark.parametrize(
    ("wrote", "severity"), [("1.4.2", "ok"), ("1.4.1", "info"), ("1.3.9", "warning")]
)
def test_the_command_line_goes_with_the_webhook(wrote: str, severity: str) -> None:
    assert found(wrote=wrote)[1].severity == severity


def test_the_reaper_goes_with_the_webhook() -> None:
    assert len(found(REAPER_IMAGE="ghcr.io/initshim/reaper:1.4.2")) == 2
    *_, skewed = found(REAPER_IMAGE="mirror.example/reaper:1.3.0")
    assert skewed.severity == "warning"
    assert "reaperImage.tag=1.4.2" in skewed.remedy
