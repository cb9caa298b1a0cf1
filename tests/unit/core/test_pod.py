"""A pod as it is read: null counts as absent, and types are checked once."""

import pytest

from webhook.core.errors import BadPod
from webhook.core.pod import Json, Pod


def container(**fields: object) -> Pod:
    return Pod({"spec": {"containers": [{"name": "web", **fields}]}})


def test_null_counts_as_absent() -> None:
    nothing = {"command": None, "args": None, "volumeMounts": None, "imagePullPolicy": None}
    [web] = container(
        **nothing, terminationMessagePath=None, image=None, restartPolicy=None
    ).containers
    assert (web.command, web.args, web.mounts) == ((), (), ())
    assert (web.image, web.pull_policy) == ("", "")
    assert not web.fields.termination_message_path
    empty = Pod({"metadata": {"annotations": None, "labels": None, "ownerReferences": None}})
    assert (empty.annotations, empty.labels, empty.owner) == ({}, {}, "")
    assert list(Pod({"spec": {"containers": None, "initContainers": None}}).containers) == []


def test_app_containers_come_before_init_containers() -> None:
    pod = Pod(
        {"spec": {"initContainers": [{"name": "i"}], "containers": [{"name": "a"}, {"name": "b"}]}}
    )
    assert [(each.name, each.path) for each in pod.containers] == [
        ("a", "spec.containers[0]"),
        ("b", "spec.containers[1]"),
        ("i", "spec.initContainers[0]"),
    ]


def test_two_containers_of_one_name_are_told_apart_by_their_place() -> None:
    """The API server refuses them, but only after the webhooks have run."""
    pod = Pod({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "a", "image": "y"}]}})
    assert [each.image for each in pod.containers] == ["x", "y"]


@pytest.mark.parametrize(
    ("owners", "owner"),
    [
        ([], ""),
        ([{"kind": "ReplicaSet", "name": "web-1", "controller": True}], "ReplicaSet/web-1"),
        (
            [{"kind": "Node", "name": "n"}, {"kind": "Job", "name": "j", "controller": True}],
            "Job/j",
        ),
        ([{"kind": "Node", "name": "n", "controller": False}], ""),
    ],
)
def test_the_owner_is_the_controller(owners: list[Json], owner: str) -> None:
    assert Pod({"metadata": {"ownerReferences": owners}}).owner == owner


def term(*rules: tuple[str, str, list[str]]) -> Json:
    return {
        "matchExpressions": [
            {"key": key, "operator": operator, "values": values} for key, operator, values in rules
        ]
    }


ARCH = "kubernetes.io/arch"


@pytest.mark.parametrize(
    ("selector", "terms", "architectures"),
    [
        ({}, [], set()),
        ({ARCH: "arm64"}, [], {"arm64"}),
        ({ARCH: "arm64"}, [term((ARCH, "In", ["amd64"]))], {"arm64"}),
        ({}, [term((ARCH, "In", ["amd64", "arm64"]))], {"amd64", "arm64"}),
        ({}, [term((ARCH, "In", ["amd64"])), term((ARCH, "In", ["arm64"]))], {"amd64", "arm64"}),
        ({}, [term((ARCH, "In", ["amd64"])), term(("zone", "In", ["a"]))], set()),
        ({}, [term((ARCH, "In", ["amd64", "arm64"]), (ARCH, "In", ["arm64", "s390x"]))], {"arm64"}),
        ({}, [term((ARCH, "NotIn", ["amd64"]))], set()),
        ({}, [term((ARCH, "Exists", []))], set()),
        ({}, [term(("zone", "In", ["a"]), (ARCH, "In", ["amd64"]))], {"amd64"}),
    ],
)
def test_the_architecture_comes_from_selector_or_required_affinity(
    selector: dict[str, str], terms: list[Json], architectures: set[str]
) -> None:
    """Semantics §2: terms are alternatives, expressions in a term must all hold."""
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    spec = {"nodeSelector": selector, "affinity": {"nodeAffinity": required}}
    assert Pod({"spec": spec}).architectures == architectures


def test_a_preferred_affinity_decides_nothing() -> None:
    preferred = [{"weight": 1, "preference": term((ARCH, "In", ["arm64"]))}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    assert Pod({"spec": {"affinity": affinity}}).architectures == frozenset()


def test_pull_secrets_and_service_account_have_the_apis_defaults() -> None:
    named = {"imagePullSecrets": [{"name": "a"}, {}, {"name": "b"}], "serviceAccountName": "robot"}
    assert Pod({"spec": named}).pull_secrets == ("a", "b")
    assert Pod({"spec": named}).service_account == "robot"
    assert Pod({}).pull_secrets == ()
    assert Pod({}).service_account == "default"


def test_the_field_of_a_wrong_type_is_named_with_its_place() -> None:
    with pytest.raises(BadPod, match=r"^spec.containers\[0\].args must be a list of strings$"):
        container(args=[1])
