"""Each contradiction has a sentence that says what is wrong and what to do; nothing is rendered."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.chart.render import CHART, Refused, text

DIGEST = "sha256:" + "0" * 64

CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "image volumes on 1.34": (
        {"delivery": "imageVolume"},
        "delivery=imageVolume needs Kubernetes 1.35 or newer",
    ),
    "a policy on 1.34": (
        {"engine": "both"},
        "engine=both needs Kubernetes 1.36 or newer",
    ),
    "a glob that the policy can't read": (
        {"engine": "both", "runtimeClasses": ["wasm*", "kata[!.x]"]},
        "can't read these globs of entrypoints and runtimeClasses: kata[!.x].",
    ),
    "what a policy can't do": (
        {"engine": "policy", "onUnresolved": "deny", "events.enabled": True},
        "these values are for one: events.enabled, onUnresolved=deny",
    ),
    "a chart that is off": (
        {"enabled": False},
        "enabled=false is for a chart that has this one as a dependency",
    ),
    "metrics read twice": (
        {"serviceMonitor.enabled": True, "podMonitor.enabled": True},
        "would have every metric read twice",
    ),
    "Fail with one pod": (
        {"admission.failurePolicy": "Fail", "replicas": 1},
        "admission.failurePolicy=Fail with one webhook pod",
    ),
    "Fail scaled down to one pod": (
        {
            "admission.failurePolicy": "Fail",
            "autoscaling.enabled": True,
            "autoscaling.minReplicas": 1,
        },
        "Run at least two",
    ),
    "fewest more than most": (
        {"autoscaling.enabled": True, "autoscaling.minReplicas": 9},
        "autoscaling.minReplicas is more than autoscaling.maxReplicas",
    ),
    "deny without any way to know": (
        {"onUnresolved": "deny", "registry.lookups": False},
        "Fill entrypoints, allow lookups, or admit",
    ),
    "pull secrets without lookups": (
        {"registry.pullSecretNamespaces": ["shop"], "registry.lookups": False},
        "registry.lookups=false leaves it no use for them",
    ),
    "everywhere and somewhere": (
        {"registry.pullSecretNamespaces": ["*", "shop"]},
        'Use ["*"] alone, or names alone',
    ),
    "warm-up without lookups": (
        {"registry.warmUp": True, "registry.lookups": False},
        "registry.lookups=false forbids that",
    ),
    "exemplars without traces": (
        {"traces.exemplars": True},
        "without traces.endpoint there are none",
    ),
    "files without a Secret": (
        {"tls.mode": "files", "tls.caBundle": "x"},
        "needs tls.existingSecret",
    ),
    "files without a CA": (
        {"tls.mode": "files", "tls.existingSecret": "mine"},
        "tls.mode=files needs tls.caBundle",
    ),
    "own Secret in another mode": (
        {"tls.existingSecret": "mine"},
        "would be ignored with tls.mode=builtin",
    ),
    "two who write the CA": (
        {"admission.annotations": {"cert-manager.io/inject-ca-from-secret": "a/b"}},
        "would overwrite each other's caBundle",
    ),
    "issuer in another mode": (
        {"tls.certManager.issuerRef": {"name": "mine"}},
        "tls.certManager.issuerRef is for tls.mode=certManager",
    ),
    "issuer without a name": (
        {"tls.mode": "certManager", "tls.certManager.issuerRef": {"kind": "Issuer"}},
        "tls.certManager.issuerRef needs a name",
    ),
    "one port for both": ({"port": 8080}, "port and httpPort are both 8080"),
    "root's port": ({"port": 443}, "port and httpPort must be 1024 or more"),
    "the Service's ports": ({"service.port": 8080}, "service.port and httpPort are both 8080"),
    "the kubelet's port": (
        {"hostNetwork": True, "platform": "gke"},
        "collides with the kubelet",
    ),
    "killed while draining": (
        {"drainSeconds": 60},
        "drainSeconds must be less than terminationGracePeriodSeconds",
    ),
    "nobody's account": (
        {"serviceAccount.create": False},
        "serviceAccount.create=false needs serviceAccount.name",
    ),
    "the chart's own environment": (
        {"env": {"INITSHIM_PORT": 1}},
        "env.INITSHIM_PORT is set by the chart itself",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_it_is_refused(helm: Path, name: str) -> None:
    values, sentence = CONTRADICTIONS[name]
    with pytest.raises(Refused) as refused:
        text(helm, None, *options(values), kube="1.34.0")
    assert sentence in str(refused.value)


def test_every_sentence_of_the_chart_is_seen_here(helm: Path) -> None:
    source = (CHART / "templates" / "_validate.tpl").read_text()
    # What needs a cluster to be seen wrong is no contradiction among the values.
    asked = re.compile(
        r"\{\{- if lookup .*?\n\{\{- end -\}\}\n\{\{- end -\}\}\n\{\{- end -\}\}", re.DOTALL
    )
    written = len(re.findall(r"append \$said", asked.sub("", source)))
    seen = set()
    for values, _ in CONTRADICTIONS.values():
        with pytest.raises(Refused) as refused:
            text(helm, None, *options(values), kube="1.34.0")
        seen |= set(re.findall(r"^\S+ .*[.]$", str(refused.value), re.MULTILINE))
    assert len(seen) >= written


def test_all_contradictions_are_said_at_once(helm: Path) -> None:
    values = {"drainSeconds": 60, "registry.warmUp": True, "registry.lookups": False}
    with pytest.raises(Refused) as refused:
        text(helm, None, *options(values))
    assert "drainSeconds" in str(refused.value)
    assert "registry.warmUp" in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 3},
        {"tls.mod": "builtin"},
        {"mode": "optin"},
        {"delivery": "sidecar"},
        {"replicas": "two"},
        {"replicas": 0},
        {"admission.timeoutSeconds": 31},
        {"image.digest": "latest"},
        {"registry.pullSecretNamespaces": "shop"},
        {"entrypoints": {"nginx": {"command": ["nginx"]}}},
        {"entrypoints": {"nginx": {"cmd": "nginx"}}},
        {"commonLabels": {"app.kubernetes.io/name": "mine"}},
        {"env": {"A": ["b"]}},
    ],
    ids=str,
)
def test_values_outside_the_schema_are_refused(helm: Path, values: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="don't meet the specifications of the schema"):
        text(helm, None, *options(values))


def test_a_parent_charts_globals_are_let_through(helm: Path) -> None:
    assert text(helm, None, *options({"global": {"team": "platform"}}))


def test_a_digest_beats_the_tag(helm: Path) -> None:
    rendered = text(helm, None, *options({"image.digest": DIGEST, "image.tag": "x"}))
    assert f"image: ghcr.io/initshim/webhook@{DIGEST}" in rendered


def options(values: dict[str, Any]) -> list[str]:
    """Give the values as helm's options."""
    return [
        word
        for key, value in values.items()
        for word in ("--set-json", f"{key}={json.dumps(value)}")
    ]
