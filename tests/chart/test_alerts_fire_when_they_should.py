"""The PrometheusRule: promtool runs each alert against series that make it fire and that don't."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.render import NAMESPACE, ROOT, Refused, objects, one, run
from tests.reaper import need
from webhook.core.reasons import Reason

DAY = 86400
PODS = f'namespace="{NAMESPACE}"'
HOOK = 'name="inject.initshim.dev",type="admit"'
READY = f"initshim_ready{{{PODS},pod=%s}}"
EXPIRY = f"initshim_certificate_expiry_timestamp_seconds{{{PODS},certificate=%s}}"
REVIEWS = f"initshim_reviews_total{{{PODS},result=%s}}"
LOOKUPS = f'initshim_registry_lookups_total{{{PODS},registry="quay.io",outcome=%s}}'
MISSED = f"apiserver_admission_webhook_fail_open_count{{{HOOK}}}"
OTHERS = 'apiserver_admission_webhook_fail_open_count{name="other.example.com",type="admit"}'
REFUSED = (
    f'apiserver_admission_webhook_rejection_count{{{HOOK},error_type="%s",rejection_code="0"}}'
)


@dataclass(frozen=True, slots=True)
class Case:
    """Series, one value a minute, and whether the alert fires after an hour of them."""

    name: str
    alert: str
    series: Sequence[tuple[str, str]]
    fires: bool
    values: tuple[str, ...] = ()


CASES = [
    Case("nothing is scraped", "InitshimDown", [], fires=True),
    Case("no pod is ready", "InitshimDown", [(READY % '"a"', "0x60")], fires=True),
    Case(
        "one of two is",
        "InitshimDown",
        [(READY % '"a"', "0x60"), (READY % '"b"', "1x60")],
        fires=False,
    ),
    Case(
        "it was away for three minutes", "InitshimDown", [(READY % '"a"', "1x56 0x3")], fires=False
    ),
    Case(
        "a leaf was not renewed",
        "InitshimCertificateExpires",
        [(EXPIRY % '"leaf"', f"{DAY}x60")],
        fires=True,
    ),
    Case(
        "a leaf is renewed in time",
        "InitshimCertificateExpires",
        [(EXPIRY % '"leaf"', f"{2 * DAY}x60")],
        fires=False,
    ),
    Case(
        "an authority was not renewed",
        "InitshimCertificateExpires",
        [(EXPIRY % '"authority"', f"{7 * DAY}x60")],
        fires=True,
    ),
    Case(
        "a file has six days left",
        "InitshimCertificateExpires",
        [(EXPIRY % '"leaf"', f"{6 * DAY}x60")],
        fires=True,
        values=("tls.mode=files", "tls.existingSecret=mine", "tls.caBundle=x"),
    ),
    Case(
        "a file has eight days left",
        "InitshimCertificateExpires",
        [(EXPIRY % '"leaf"', f"{8 * DAY}x60")],
        fires=False,
        values=("tls.mode=files", "tls.existingSecret=mine", "tls.caBundle=x"),
    ),
    Case(
        "one review in ten fails",
        "InitshimErrors",
        [(REVIEWS % '"failed"', "0+1x60"), (REVIEWS % '"patched"', "0+9x60")],
        fires=True,
    ),
    Case(
        "one in a thousand",
        "InitshimErrors",
        [(REVIEWS % '"failed"', "0+1x60"), (REVIEWS % '"patched"', "0+999x60")],
        fires=False,
    ),
    Case(
        "strangers send nonsense",
        "InitshimErrors",
        [
            (REVIEWS % '"failed"', "0x60"),
            (REVIEWS % '"refused"', "0+9x60"),
            (REVIEWS % '"patched"', "0+1x60"),
        ],
        fires=False,
    ),
    Case(
        "nobody asks anything",
        "InitshimErrors",
        [(REVIEWS % '"failed"', "0x60"), (REVIEWS % '"patched"', "0x60")],
        fires=False,
    ),
    Case("the first pod ever is missed", "InitshimMissedPods", [(MISSED, "_x55 1x5")], fires=True),
    Case("another pod is missed", "InitshimMissedPods", [(MISSED, "3x55 4x5")], fires=True),
    Case(
        "pods were missed half an hour ago",
        "InitshimMissedPods",
        [(MISSED, "3x30 4x30")],
        fires=False,
    ),
    Case(
        "another webhook's pods are missed", "InitshimMissedPods", [(OTHERS, "0+1x60")], fires=False
    ),
    Case(
        "pods are refused for want of an answer",
        "InitshimPodsRefused",
        [(REFUSED % "calling_webhook_error", "_x55 1x5")],
        fires=True,
        values=("admission.failurePolicy=Fail",),
    ),
    Case(
        "pods are refused by our answer",
        "InitshimPodsRefused",
        [(REFUSED % "no_error", "0+1x60")],
        fires=False,
        values=("admission.failurePolicy=Fail",),
    ),
    Case(
        "a registry is down",
        "InitshimRegistryFailing",
        [(LOOKUPS % '"unreachable"', "0+1x60"), (LOOKUPS % '"ok"', "5x60")],
        fires=True,
    ),
    Case(
        "a registry limits us",
        "InitshimRegistryFailing",
        [(LOOKUPS % '"rate-limited"', "0+2x60"), (LOOKUPS % '"ok"', "0+1x60")],
        fires=True,
    ),
    Case(
        "a registry has hiccups",
        "InitshimRegistryFailing",
        [(LOOKUPS % '"timed-out"', "0+1x60"), (LOOKUPS % '"ok"', "0+5x60")],
        fires=False,
    ),
    Case(
        "images are not there",
        "InitshimRegistryFailing",
        [(LOOKUPS % '"not-found"', "0+5x60")],
        fires=False,
    ),
    Case(
        "somebody misspelt a registry",
        "InitshimRegistryFailing",
        [(LOOKUPS % '"unreachable"', "0x50 1x10")],
        fires=False,
    ),
]


@pytest.fixture(scope="module")
def promtool() -> Path:
    return Path(need.tool("promtool", "prometheus"))


def rules(helm: Path, *values: str) -> list[dict[str, Any]]:
    chosen = [f"--set={each}" for each in ("prometheusRule.enabled=true", *values)]
    (group,) = one(objects(helm, None, *chosen), "PrometheusRule")["spec"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def write(folder: Path, found: list[dict[str, Any]]) -> Path:
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "initshim", "rules": found}]}))
    return file


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.name}")
def test_an_alert_fires_when_it_should(
    helm: Path, promtool: Path, tmp_path: Path, case: Case
) -> None:
    (rule,) = [each for each in rules(helm, *case.values) if each["alert"] == case.alert]
    count = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}}) or vector(0)'
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series],
        "promql_expr_test": [
            {"expr": count, "eval_time": "1h", "exp_samples": [{"value": int(case.fires)}]}
        ],
    }
    file = tmp_path / "test.yaml"
    rule_files = [str(write(tmp_path, [rule]))]
    file.write_text(yaml.safe_dump({"rule_files": rule_files, "tests": [test]}))
    run(promtool, "test", "rules", str(file))


def test_a_wrong_expectation_is_noticed(helm: Path, promtool: Path, tmp_path: Path) -> None:
    lie = Case("nothing is scraped", "InitshimDown", [], fires=False)
    with pytest.raises(Refused):
        test_an_alert_fires_when_it_should(helm, promtool, tmp_path, lie)


@pytest.mark.parametrize("policy", ["Ignore", "Fail"])
def test_promtool_finds_the_rules_in_order_and_each_is_exercised_both_ways(
    helm: Path, promtool: Path, tmp_path: Path, policy: str
) -> None:
    found = rules(helm, f"admission.failurePolicy={policy}")
    assert "SUCCESS" in run(promtool, "check", "rules", "--lint-fatal", str(write(tmp_path, found)))
    for rule in found:
        ways = {case.fires for case in CASES if case.alert == rule["alert"]}
        assert ways == {True, False}, rule["alert"]


@pytest.mark.parametrize("policy", ["Ignore", "Fail"])
def test_each_alert_says_what_is_so_and_leads_to_its_section_of_the_runbook(
    helm: Path, policy: str
) -> None:
    titles = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    anchors = {title.lower() for title in titles}
    for rule in rules(helm, f"admission.failurePolicy={policy}"):
        annotations = rule["annotations"]
        assert annotations["summary"].endswith(".")
        assert annotations["description"].endswith(".")
        assert rule["labels"]["severity"] in ("critical", "warning")
        page, _, anchor = annotations["runbook_url"].partition("#")
        assert page.endswith("/docs/runbook.md")
        assert anchor == rule["alert"].lower()
        assert anchor in anchors


def test_a_registrys_silence_is_each_reason_that_is_an_outage() -> None:
    template = ROOT / "charts" / "initshim" / "templates" / "prometheusrule.yaml"
    [outcomes] = re.findall(r'\$silent := "outcome=~\\"([^\\]+)', template.read_text())
    assert set(outcomes.split("|")) == {each for each in Reason if each.meaning.outage}
