"""Semantics §3: whom to leave alone, reason by reason, and what is said about it."""

from typing import Any

import pytest

from webhook.core import reasons
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadPod
from webhook.core.pod import Json, Pod
from webhook.core.policy import (
    ClusterRules,
    NeedsImage,
    Plan,
    Skip,
    Wrap,
    plan,
    settle,
    warnings,
)
from webhook.core.reasons import UNREAD, UNRESOLVED, Reason, remedy

RULES = ClusterRules(runtime_classes=("wasm*", "kata"))
INIT = ["/.initshim/init", "--", "app"]


def pod(*containers: Json, annotations: dict[str, str] | None = None, **spec: Any) -> Pod:
    app = {"name": "web", "image": "app", "command": ["/app"]}
    return Pod(
        {
            "metadata": {"annotations": annotations or {}},
            "spec": {"containers": list(containers) or [app], **spec},
        }
    )


def only(planned: Plan) -> Wrap | NeedsImage | Skip:
    assert planned.reason is None
    [decision] = planned.decisions
    return decision


def reason_of(container: Json, **spec: Any) -> Reason | None:
    decision = only(plan(pod({"name": "web", "image": "app", **container}, **spec), RULES))
    return decision.reason if isinstance(decision, Skip) else None


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"os": {"name": "windows"}}, "windows"),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, "windows"),
        ({"hostPID": True}, "host-pid"),
        ({"shareProcessNamespace": True}, "shared-process-namespace"),
        ({"runtimeClassName": "wasmtime"}, "runtime-class"),
        ({"runtimeClassName": "kata"}, "runtime-class"),
        ({"volumes": [{"name": "initshim", "configMap": {"name": "x"}}]}, "name-taken"),
        ({"volumes": [{"name": "initshim", "emptyDir": {}}]}, "name-taken"),
        ({"initContainers": [{"name": "initshim", "command": ["sh"]}]}, "name-taken"),
        ({"ephemeralContainers": [{"name": "initshim"}]}, "name-taken"),
        ({"annotations": {"initshim.dev/inject": "false"}}, "opted-out"),
        ({"annotations": {"kubernetes.io/config.mirror": "4c0a"}}, "mirror-pod"),
        ({"annotations": {"initshim.dev/options": "--nice"}}, "bad-annotation"),
    ],
)
def test_a_whole_pod_is_left_alone(spec: Json, reason: str) -> None:
    """Semantics §3, first list."""
    planned = plan(pod(**spec), RULES)
    assert planned.reason == reason
    assert planned.decisions == ()


@pytest.mark.parametrize(
    "spec",
    [
        {"os": {"name": "linux"}},
        {"os": None, "nodeSelector": None, "volumes": None, "runtimeClassName": None},
        {"nodeSelector": {"kubernetes.io/os": "linux"}},
        {"hostPID": False, "shareProcessNamespace": False},
        {"hostNetwork": True, "hostIPC": True},
        {"runtimeClassName": "gvisor"},
        {"volumes": [{"name": "initshim-data", "emptyDir": {}}]},
        {"ephemeralContainers": []},
    ],
)
def test_a_pod_that_only_looks_so_is_not_left_alone(spec: Json) -> None:
    assert isinstance(only(plan(pod(**spec), RULES)), Wrap)


def test_a_label_opts_out_as_well() -> None:
    labelled = Pod({"metadata": {"labels": {"initshim.dev/inject": "false"}}, "spec": {}})
    assert plan(labelled, RULES).reason == "opted-out"


@pytest.mark.parametrize(
    ("values", "windows"),
    [([["windows"]], True), ([["windows", "linux"]], False), ([["windows"], ["linux"]], False)],
)
def test_a_required_affinity_for_windows_nodes_makes_a_windows_pod(
    values: list[list[str]], windows: bool
) -> None:
    terms = [
        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": each}]}
        for each in values
    ]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    planned = plan(pod(affinity={"nodeAffinity": required}), RULES)
    assert (planned.reason == "windows") is windows


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["/sbin/tini", "--", "app"], "has-init"),
        (["tini-static", "--", "app"], "has-init"),
        (["/usr/bin/dumb-init", "app"], "has-init"),
        (["catatonit", "--", "app"], "has-init"),
        (["/dev/init/docker-init"], "has-init"),
        (["podman-init"], "has-init"),
        (["/pid1"], "has-init"),
        (["/sbin/my_init"], "has-init"),
        (["/init"], "needs-pid-1"),
        (["/sbin/init"], "needs-pid-1"),
        (["/lib/systemd/systemd", "--system"], "needs-pid-1"),
        (["runit"], "needs-pid-1"),
        (["/usr/bin/s6-svscan", "/run/service"], "needs-pid-1"),
        (["init"], None),
        (["/app/init"], None),
        (["sh", "-c", "exec tini app"], "has-init"),
        (["/usr/bin/tinyproxy"], None),
        ([""], None),
    ],
)
def test_an_init_is_known_by_its_name(command: list[str], reason: str | None) -> None:
    """Semantics §3, second list: has-init and needs-pid-1, whether from the pod or the image."""
    assert reason_of({"command": command}) == reason
    container = pod({"name": "web", "image": "app"}).containers[0]
    settled = settle(NeedsImage(container), ImageConfig(tuple(command)))
    if command != [""]:
        assert (settled.reason if isinstance(settled, Skip) else None) == reason


def test_an_excluded_container_is_left_alone() -> None:
    web, log = {"name": "web", "command": ["a"]}, {"name": "log", "command": ["b"]}
    planned = plan(pod(web, log, annotations={"initshim.dev/exclude-containers": "log"}), RULES)
    assert [type(each) for each in planned.decisions] == [Wrap, Skip]


def test_a_wrapped_container_stays_wrapped_when_it_is_excluded_later() -> None:
    """It runs /.initshim/init: without mount and volume it could not start."""
    annotations = {"initshim.dev/exclude-containers": "web"}
    decision = only(plan(pod({"name": "web", "command": INIT}, annotations=annotations), RULES))
    assert isinstance(decision, Skip)
    assert decision.reason == "already-wrapped"


def test_an_init_container_is_left_alone_unless_it_is_a_sidecar_or_asked_for() -> None:
    """Semantics §3: native sidecars with `restartPolicy: Always` are wrapped."""
    inits = [
        {"name": "migrate", "command": ["m"]},
        {"name": "once", "command": ["o"], "restartPolicy": "OnFailure"},
        {"name": "proxy", "command": ["p"], "restartPolicy": "Always"},
    ]
    planned = plan(pod(initContainers=inits), RULES)
    assert [getattr(each, "reason", "wrap") for each in planned.decisions] == [
        "wrap",
        "init-container",
        "init-container",
        "wrap",
    ]
    every = {"initshim.dev/include-init-containers": "true"}
    planned = plan(pod(initContainers=inits, annotations=every), RULES)
    assert all(isinstance(each, Wrap) for each in planned.decisions)


@pytest.mark.parametrize(
    ("mount", "taken"),
    [
        ({"name": "data", "mountPath": "/.initshim"}, True),
        ({"name": "data", "mountPath": "/.initshim/"}, True),
        ({"name": "data", "mountPath": "//.initshim/./"}, True),
        ({"name": "data", "mountPath": ".initshim"}, True),
        ({"name": "data", "mountPath": "/.initshim/init"}, True),
        ({"name": "data", "mountPath": "/.initshim/x/y"}, True),
        ({"name": "initshim", "mountPath": "/.initshim/x"}, True),
        ({"name": "data", "mountPath": "/.initshim-not"}, False),
        ({"name": "data", "mountPath": "/a/.initshim"}, False),
        ({"name": "data", "mountPath": "/"}, False),
        ({"name": "initshim", "mountPath": "/.initshim", "readOnly": True}, False),
        ({"name": "initshim", "mountPath": "/.initshim/", "readOnly": True}, False),
    ],
)
def test_a_foreign_mount_at_our_path_or_below_is_in_the_way(mount: Json, taken: bool) -> None:
    """Below is no better: the runtime can't make a mount point in a read-only mount."""
    volumes = [{"name": "data", "emptyDir": {}}]
    container = {"command": ["/app"], "volumeMounts": [mount]}
    assert (reason_of(container, volumes=volumes) == "name-taken") is taken


def test_a_block_device_at_our_path_is_in_the_way() -> None:
    device = {"name": "disk", "devicePath": "/.initshim/init"}
    assert reason_of({"command": ["/app"], "volumeDevices": [device]}) == "name-taken"


@pytest.mark.parametrize("empty", [{}, {"command": []}, {"command": None, "args": None}])
def test_without_a_command_the_image_has_to_be_asked(empty: Json) -> None:
    """Semantics §1: none, [] and null mean the same."""
    assert isinstance(only(plan(pod({"name": "web", "image": "app", **empty}), RULES)), NeedsImage)


def test_an_image_that_is_never_pulled_is_not_asked_for() -> None:
    """Semantics §2."""
    assert reason_of({"imagePullPolicy": "Never"}) == "never-pulled"
    assert reason_of({"imagePullPolicy": "Never", "command": ["/app"]}) is None


def test_where_lookups_are_off_nothing_is_asked() -> None:
    decision = only(plan(pod({"name": "web", "image": "app"}), ClusterRules(lookups=False)))
    assert isinstance(decision, Skip)
    assert decision.reason == "lookup-off"


def test_the_annotation_beats_the_administrators_map_and_the_registry() -> None:
    rules = ClusterRules(images=(("docker.io/library/app:*", ImageConfig(("/from-rules",))),))
    web = {"name": "web", "image": "app", "imagePullPolicy": "Never"}
    assert only(plan(pod(web), rules)) == Wrap(
        pod(web).containers[0], ImageConfig(("/from-rules",))
    )
    by_hand = {"initshim.dev/entrypoint.web": '["/by-hand"]'}
    decision = only(plan(pod(web, annotations=by_hand), rules))
    assert isinstance(decision, Wrap)
    assert decision.image == ImageConfig(("/by-hand",))


@pytest.mark.parametrize(
    ("glob", "image"),
    [
        ("app", "app"),
        ("docker.io/library/app:latest", "app"),
        ("registry.example.com/*", "registry.example.com/team/app:1"),
        ("not a *", "not a reference"),
    ],
)
def test_a_glob_is_matched_with_the_reference_as_written_and_in_normal_form(
    glob: str, image: str
) -> None:
    rules = ClusterRules(images=((glob, ImageConfig(("/x",))),))
    assert isinstance(only(plan(pod({"name": "web", "image": image}), rules)), Wrap)


def test_an_image_that_runs_nothing_is_left_alone() -> None:
    """Semantics §1: image has neither, reason no-command."""
    settled = settle(NeedsImage(pod({"name": "web"}).containers[0]), ImageConfig(("",)))
    assert isinstance(settled, Skip)
    assert settled.reason == "no-command"


def test_an_image_that_runs_through_the_reaper_by_itself_is_left_alone() -> None:
    settled = settle(NeedsImage(pod({"name": "web"}).containers[0]), ImageConfig(tuple(INIT)))
    assert isinstance(settled, Skip)
    assert settled.reason == "has-init"


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({"spec": []}, "pod.spec must be an object, not a list"),
        ({"metadata": "x"}, "pod.metadata must be an object, not a string"),
        (
            {"metadata": {"annotations": {"a": 1}}},
            r"metadata.annotations\[\.\.\.\] must be a string",
        ),
        ({"spec": {"containers": {}}}, "spec.containers must be a list of objects"),
        ({"spec": {"containers": [None]}}, "spec.containers must be a list of objects"),
        ({"spec": {"containers": [{"name": 1}]}}, r"spec.containers\[0\].name must be a string"),
        (
            {"spec": {"containers": [{"command": "sh"}]}},
            r"spec.containers\[0\].command must be a list of strings",
        ),
        ({"spec": {"containers": [{"command": ["sh", 1]}]}}, r"\[0\].command must be a list"),
        ({"spec": {"initContainers": [{"args": True}]}}, "args|initContainers"),
        ({"spec": {"volumes": [1]}}, "spec.volumes must be a list of objects"),
        ({"spec": {"os": "linux"}}, "spec.os must be an object, not a string"),
        ({"spec": {"nodeSelector": {"kubernetes.io/os": 1}}}, "spec.nodeSelector"),
        ({"spec": {"affinity": 3}}, "spec.affinity must be an object, not a number"),
        ({"spec": {"containers": [{"volumeMounts": [{"mountPath": 1}]}]}}, "mountPath must be"),
    ],
)
def test_a_field_of_a_wrong_type_is_named(raw: Json, place: str) -> None:
    if "args" in place:
        raw["spec"]["initContainers"][0] |= {"command": ["x"], "restartPolicy": "Always"}
    with pytest.raises(BadPod, match=place):
        plan(Pod(raw), RULES)


@pytest.mark.parametrize("raw", [{}, {"spec": None}, {"metadata": None}, {"spec": {}}])
def test_a_pod_with_nothing_in_it_is_a_plan_with_nothing_in_it(raw: Json) -> None:
    assert plan(Pod(raw), RULES) == Plan()


@pytest.mark.parametrize("reason", sorted(UNRESOLVED))
@pytest.mark.parametrize("length", [1, 3, 16, 20, 40, 52, 53, 63])
def test_a_warning_names_container_reason_and_remedy(reason: Reason, length: int) -> None:
    """Semantics §3 and §5: all three within 120 characters, however long the name is."""
    name = ("web-of-many-words-" * 4)[:length]
    skip = Skip(pod({"name": name}).containers[0], reason)
    [warning] = warnings(Plan((skip,)))
    assert len(warning) <= 120
    assert f"alone ({reason}): " in warning
    shown = warning.removeprefix("initshim left ").partition(" alone (")[0]
    begin, _, end = shown.partition("…")
    assert name.startswith(begin)
    assert name.endswith(end)
    assert len(shown) >= min(length, 20)
    assert remedy(reason, name) in warning or remedy(reason, "<name>") in warning


def test_a_short_name_stands_in_the_remedy_to_be_copied() -> None:
    skip = Skip(pod({"name": "web"}).containers[0], Reason.UNAUTHORIZED)
    assert warnings(Plan((skip,))) == [
        (
            "initshim left web alone (unauthorized): "
            "set `command:` or annotate initshim.dev/entrypoint.web"
        )
    ]


def test_no_annotation_is_advised_that_the_api_server_would_refuse() -> None:
    """An annotation's name has at most 63 characters, and `entrypoint.` is eleven of them."""
    assert "initshim.dev/entrypoint." in remedy(Reason.TIMED_OUT, "a" * 52)
    assert remedy(Reason.TIMED_OUT, "a" * 53) == "set `command:`"


@pytest.mark.parametrize("reason", [each for each in Reason if not each.meaning.needs_hand])
def test_what_needs_no_hand_is_not_warned_of(reason: Reason) -> None:
    skip = Skip(pod().containers[0], reason)
    assert warnings(Plan((skip,))) == []
    assert warnings(Plan(reason=reason)) == []
    assert reason.meaning.sentence


def test_a_pod_left_alone_is_told_why_and_what_to_do() -> None:
    taken = plan(pod(volumes=[{"name": "initshim", "hostPath": {"path": "/x"}}]), RULES)
    assert warnings(taken) == [
        (
            "initshim left the pod alone: the name initshim or the path /.initshim is taken; "
            "rename what uses initshim or /.initshim"
        )
    ]
    bad = plan(pod(annotations={"initshim.dev/options": "-e 256"}), RULES)
    assert warnings(bad) == [
        (
            "initshim left the pod alone: initshim.dev/options: -e can't take '256'; "
            "correct the annotation"
        )
    ]
    long = plan(pod(annotations={"initshim.dev/entrypoint.web": "/usr/bin/app --flag"}), RULES)
    assert warnings(long) == [
        (
            "initshim left the pod alone: initshim.dev/entrypoint.web must be a JSON list of "
            "strings, not '/usr/bin/app --flag'"
        )
    ]


def test_every_reason_has_a_meaning_and_every_unresolved_one_a_remedy() -> None:
    assert all(reason.meaning.sentence for reason in Reason)
    assert all(reason.meaning.needs_hand for reason in UNRESOLVED)
    assert reasons.LONGEST_WARNING == 120


def test_what_could_not_be_read_is_unresolved_and_more_is() -> None:
    """An image that runs nothing, or several things, was read all the same."""
    decided = {Reason.NO_COMMAND, Reason.PLATFORMS_DISAGREE, Reason.LEFT_TO_WEBHOOK}
    assert decided == UNRESOLVED - UNREAD
    assert UNREAD < UNRESOLVED


def test_an_entry_without_a_meaning_stops_the_program() -> None:
    make = getattr(Reason, "_new_member_")  # noqa: B009 - the enum's own, unknown to mypy
    with pytest.raises(TypeError, match="forgotten has no meaning"):
        make(Reason, "forgotten")


def test_a_reaper_of_somebodys_own_at_our_path_is_left_alone() -> None:
    """The API server refuses a second mount at one path, and the pod with it."""
    own = {"name": "tools", "mountPath": "/.initshim"}
    app = {"name": "web", "image": "app", "command": INIT, "volumeMounts": [own]}
    (decision,) = plan(Pod({"spec": {"containers": [app]}}), ClusterRules()).decisions
    assert isinstance(decision, Skip)
    assert decision.reason is Reason.NAME_TAKEN
