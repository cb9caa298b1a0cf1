"""Which versions go together."""

from dataclasses import replace

import pytest

from tests.fakes.api_server import Refusal
from tests.unit.cli.doctor.cluster import DEPLOYMENT, SERVICE
from tests.unit.cli.doctor.diagnosis import Served, found_by
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


def test_a_kubernetes_that_may_not_be_asked_is_unknown(cluster: Served) -> None:
    def refuse(_method: str, path: str) -> None:
        if path == "/version":
            raise Refusal(403, "Forbidden", "not you")

    cluster[0].server.interfere = refuse
    kubernetes, *_ = found_by("versions", cluster)
    assert (kubernetes.severity, kubernetes.object) == ("unknown", "Kubernetes")
    assert kubernetes.what == "could not look: Can't get the server's version: not you"


@pytest.mark.parametrize("image", ["ghcr.io/initshim/webhook:latest", "ghcr.io/initshim/webhook@x"])
def test_a_webhook_that_does_not_say_its_version_is_not_compared(
    cluster: Served, image: str
) -> None:
    """Nor is a tag that is no version taken for something that pip could install."""
    there = cluster[0]
    there.server.admit = lambda _, given: (given, [])  # what it would have written is not there
    there.change(DEPLOYMENT, metadata__labels={})
    there.change(DEPLOYMENT, spec__template__spec__containers__0__image=image)
    webhook = found_by("versions", cluster)[1]
    assert (webhook.severity, webhook.what, webhook.remedy) == (
        "info",
        "it does not say its version",
        "",
    )


def test_pods_of_two_images_are_warned_of(cluster: Served) -> None:
    there = cluster[0]
    metadata = {"labels": there.server.objects[SERVICE]["spec"]["selector"]}
    name = there.server.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]["name"]
    for tag in ("1.4.1", "1.4.2"):
        containers = [
            {"name": "istio-proxy", "image": f"istio/proxyv2:{tag}"},
            {"name": name, "image": f"ghcr.io/initshim/webhook:{tag}"},
        ]
        there.server.put(
            f"/api/v1/namespaces/initshim/pods/initshim-{tag}",
            {"metadata": metadata, "spec": {"containers": containers}},
        )
    (one,) = (each for each in found_by("versions", cluster) if each.severity == "warning")
    assert one.object == "Deployment initshim/initshim"
    assert one.what == (
        "its pods run different images: ghcr.io/initshim/webhook:1.4.1, "
        "ghcr.io/initshim/webhook:1.4.2"
    )
    assert one.remedy == "kubectl -n initshim rollout status deployment/initshim"
