"""`engine: policy` is two objects and no process; `both` is those beside all that `webhook` is."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.chart.render import CHART, Object, objects, one, text

ENGINES = ("webhook", "both", "policy")
POLICY = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")


def rendered(helm: Path, engine: str, *more: str) -> list[Object]:
    return objects(helm, None, "--set", f"engine={engine}", *more)


def test_a_policy_alone_is_two_objects(helm: Path) -> None:
    """No Deployment, no Service, no certificate, no rights, and no test of a webhook."""
    found = rendered(helm, "policy")
    assert sorted(each["kind"] for each in found) == sorted(POLICY)
    policy, binding = (one(found, kind) for kind in POLICY)
    assert binding["spec"] == {"policyName": policy["metadata"]["name"]}
    assert "namespace" not in policy["metadata"]


def test_both_is_the_webhook_and_the_policy(helm: Path) -> None:
    both, webhook = (rendered(helm, engine) for engine in ("both", "webhook"))
    others = [each for each in both if each["kind"] not in POLICY]
    assert [each["kind"] for each in others] == [each["kind"] for each in webhook]
    assert len(both) == len(others) + 2


def test_both_sides_are_about_the_same_pods(helm: Path) -> None:
    chosen = ("--set", "mode=optOut,platform=openshift,excludeNamespaces={a}")
    found = rendered(helm, "both", *chosen)
    policy = one(found, "MutatingAdmissionPolicy")["spec"]
    (webhook,) = one(found, "MutatingWebhookConfiguration")["webhooks"]
    constraints = policy["matchConstraints"]
    assert constraints["namespaceSelector"] == webhook["namespaceSelector"]
    assert constraints["resourceRules"] == webhook["rules"]
    for field in ("failurePolicy", "reinvocationPolicy"):
        assert policy[field] == webhook[field]
    names = [each["name"] for each in policy["matchConditions"]]
    assert "not-openshift-system" in names
    assert len(names) == len(set(names))


def test_the_webhook_alone_is_asked_about_all(helm: Path) -> None:
    for engine, expected in (("webhook", False), ("both", True)):
        (webhook,) = one(rendered(helm, engine), "MutatingWebhookConfiguration")["webhooks"]
        names = [each["name"] for each in webhook["matchConditions"]]
        assert ("left-to-the-webhook" in names) is expected


def test_the_image_and_its_delivery_are_the_charts(helm: Path) -> None:
    digest = f"sha256:{'a' * 64}"
    chosen = (
        "--set", f"reaperImage.registry=mirror.example.com,reaperImage.digest={digest}",
        "--set", "reaperImage.pullPolicy=Always,delivery=imageVolume",
    )  # fmt: skip
    code = "".join(expressions(one(rendered(helm, "policy", *chosen), POLICY[0])))
    assert f'"mirror.example.com/initshim/reaper@{digest}"' in code
    assert 'pullPolicy: "Always"' in code
    assert "(true ? Object.spec.volumes{" in code


def test_it_delivers_by_image_volume_only_where_that_is_said(helm: Path) -> None:
    """`auto`, where the chart has it, is the init container here: a policy can't see the nodes."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    ways = schema["properties"]["delivery"]["enum"]
    assert {"initContainer", "imageVolume"} <= set(ways)
    for way in ways:
        for engine in ("both", "policy"):
            found = rendered(helm, engine, "--set", f"delivery={way}")
            code = "".join(expressions(one(found, POLICY[0])))
            chosen = "true" if way == "imageVolume" else "false"
            assert f"({chosen} ? Object.spec.volumes{{" in code
            assert f"!(variables.lacksVolume && {chosen})" in code


def test_no_value_of_the_patch_is_a_list_of_objects(helm: Path) -> None:
    """Kubernetes 1.36 panics over one and refuses the pod, whatever failurePolicy says."""
    policy = one(rendered(helm, "policy"), POLICY[0])["spec"]
    [code] = expressions(policy["mutations"])
    listed = re.findall(r"value: \[(.{0,40})", code)
    assert len(listed) >= 3
    assert not [each for each in listed if "Object" in each]


def expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "expression":
                yield each
            yield from expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions(each)


@pytest.mark.parametrize(
    "glob", ["wasm*", "a.b?c", "kata-[a-c]x", "kata-[!a-c]x", "a+b(c)|d", "$x^", "a\\b", "x{1,2}"]
)
def test_a_glob_means_the_same_to_the_policy(helm: Path, glob: str, tmp_path: Path) -> None:
    """The pattern is RE2's; what is in it, Python's `re` reads alike."""
    values = tmp_path / "values.yaml"
    values.write_text(f"engine: policy\nruntimeClasses: ['{glob}']\n")
    policy = one(objects(helm, values), POLICY[0])["spec"]
    (code,) = (
        each["expression"]
        for each in policy["matchConditions"]
        if each["name"] == "not-runtime-class"
    )
    found = re.search(r'matches\("((?:[^"\\]|\\.)*)"\)', code)
    assert found
    pattern = re.compile(found[1].encode().decode("unicode_escape"))
    for name in (*_NAMES, glob):
        assert bool(pattern.search(name)) == fnmatchcase(name, glob), name


_NAMES = (
    "wasm", "wasmtime", "a.bxc", "axbxc", "kata-ax", "kata-dx", "kata-[a-c]x", "a+b(c)|d", "d",
    "$x^", "a\\b", "x{1,2}", "xx", "", "a.b\nc",
)  # fmt: skip


def test_no_line_is_left_of_the_template_language(helm: Path) -> None:
    for engine in ENGINES:
        assert "{{" not in text(helm, None, "--set", f"engine={engine}").replace("{{{", "")
