"""Where the pods are: workloads, lists, custom resources, and what is no workload."""

from typing import Any

import pytest

from webhook.core.pod import Json
from webhook.core.pod_templates import pod_templates

TEMPLATE: Json = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "web"}]}}


def manifest(kind: str, api: str = "apps/v1", **fields: Any) -> Json:
    named = {"name": "x", "namespace": "shop"}
    return {"apiVersion": api, "kind": kind, "metadata": named, **fields}


@pytest.mark.parametrize(
    ("kind", "api"),
    [
        ("Deployment", "apps/v1"),
        ("StatefulSet", "apps/v1"),
        ("DaemonSet", "apps/v1"),
        ("ReplicaSet", "apps/v1"),
        ("ReplicationController", "v1"),
        ("Job", "batch/v1"),
        ("Rollout", "argoproj.io/v1alpha1"),
        ("Service", "serving.knative.dev/v1"),
    ],
)
def test_the_template_is_at_spec_template(kind: str, api: str) -> None:
    document = manifest(kind, api, spec={"replicas": 2, "template": TEMPLATE})
    [found] = pod_templates(document)
    assert found.pod is document["spec"]["template"]
    assert (found.kind, found.name, found.namespace) == (kind, "x", "shop")
    assert str(found) == f"{kind}/x"


def test_a_pod_is_its_own_template() -> None:
    document = manifest("Pod", "v1", spec=TEMPLATE["spec"])
    [found] = pod_templates(document)
    assert found.pod is document


def test_a_cron_job_has_it_two_levels_deeper() -> None:
    document = manifest(
        "CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"template": TEMPLATE}}}
    )
    [found] = pod_templates(document)
    assert found.pod is TEMPLATE


def test_a_pod_template_has_it_at_the_top() -> None:
    [found] = pod_templates(manifest("PodTemplate", "v1", template=TEMPLATE))
    assert found.pod is TEMPLATE


def test_a_list_gives_what_its_items_give_in_order() -> None:
    items = [
        manifest("Service", "v1", spec={"ports": []}),
        manifest("Job", spec={"template": TEMPLATE}),
        {"kind": "List", "items": [manifest("Pod", spec=TEMPLATE["spec"])]},
    ]
    assert [str(each) for each in pod_templates({"kind": "List", "items": items})] == [
        "Job/x",
        "Pod/x",
    ]


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        ("PodList", {"metadata": {"name": "x"}, "spec": TEMPLATE["spec"]}),
        ("DeploymentList", {"metadata": {"name": "x"}, "spec": {"template": TEMPLATE}}),
        (
            "CronJobList",
            {"metadata": {"name": "x"}, "spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}},
        ),
    ],
)
def test_the_items_of_the_apis_own_lists_need_not_say_their_kind(kind: str, item: Json) -> None:
    assert [str(each) for each in pod_templates({"kind": kind, "items": [item]})] == [
        f"{kind.removesuffix('List')}/x"
    ]


@pytest.mark.parametrize(
    "document",
    [
        None, "text", 3, [], {}, {"kind": None}, {"kind": "List"}, {"kind": "List", "items": None},
        {"kind": "List", "items": [None, 1, "x", []]},
        manifest("Service", "v1", spec={"selector": {}}),
        manifest("ConfigMap", "v1", data={"template": "x"}),
        manifest("Certificate", spec={"template": {"spec": {"dnsNames": []}}}),
        manifest("SealedSecret", spec={"template": {"metadata": {}}}),
        manifest("Deployment", spec=None), manifest("Deployment", spec={"template": None}),
        manifest("Deployment", spec={"template": {"spec": {"containers": None}}}),
        manifest("CronJob", spec={"jobTemplate": None}), manifest("Pod", spec=[]),
        manifest("Pod"), manifest("Job", spec={"template": {"spec": "x"}}),
    ],
)  # fmt: skip
def test_what_makes_no_pods_is_no_workload(document: Any) -> None:
    assert list(pod_templates(document)) == []


def test_a_name_may_be_missing_or_generated() -> None:
    spec = {"template": TEMPLATE}
    named = [
        next(iter(pod_templates({"kind": "Job", "metadata": metadata, "spec": spec})))
        for metadata in (None, {}, {"generateName": "backup-"})
    ]
    assert [str(each) for each in named] == ["Job/(no name)", "Job/(no name)", "Job/backup-"]
