"""`admit` as the API server sees it: semantics §5, line by line."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from tests.fakes.reviews import SECRET, body, patched, pod, read, review, unresolved
from webhook.admission.admit import Answer, Engine, Resolver, admit
from webhook.admission.in_time import InTime
from webhook.core import mutation
from webhook.core import pod as limits
from webhook.core.annotations import STATUS
from webhook.core.argv import ImageConfig
from webhook.core.errors import BadReview, PatchFailed
from webhook.core.mutation import Delivery
from webhook.core.observe import Silent
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, NeedsImage, Plan, Skip, settle
from webhook.core.reasons import UNRESOLVED, Reason


@dataclass
class Resolves:
    """A resolver that knows one answer: a configuration, a reason, or a failure of its own."""

    answer: ImageConfig | Reason | Exception = Reason.UNREACHABLE
    deadlines: list[float] = field(default_factory=list)
    waits: bool = False

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        self.deadlines.append(deadline)
        if self.waits:
            await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return replace(plan, decisions=tuple(map(self._decide, plan.decisions)))

    def _decide(self, decision: Any) -> Any:
        if not isinstance(decision, NeedsImage):
            return decision
        if isinstance(self.answer, ImageConfig):
            return settle(decision, self.answer)
        assert isinstance(self.answer, Reason)
        return Skip(decision.container, self.answer)


class Hangs:
    """A resolver that does not keep its promise."""

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        await asyncio.Event().wait()
        raise AssertionError


@dataclass
class Notes(Silent):
    """An observer that remembers."""

    outcomes: list[str] = field(default_factory=list)
    notes: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def containers(self, outcomes: Iterable[str]) -> None:
        self.outcomes += outcomes

    def note(self, event: str, **fields: object) -> None:
        self.notes.append((event, fields))


def answered(
    sent: bytes,
    resolver: Resolver | None = None,
    *,
    deny: bool = False,
    seconds: float = 5.0,
    observer: Notes | None = None,
) -> Answer:
    observer = observer or Notes()
    engine = Engine(
        ClusterRules(),
        Delivery("reaper:1", "1.0"),
        InTime(resolver or Resolves(), observer),
        observer,
        deny_unresolved=deny,
    )

    async def run() -> Answer:
        return await admit(sent, engine, deadline=asyncio.get_running_loop().time() + seconds)

    return asyncio.run(run())


@pytest.mark.parametrize("by_nodes", [True, False])
def test_nodes_may_decide_how_the_reaper_comes(by_nodes: bool) -> None:
    asked = []

    def as_volume(pod: Pod) -> bool:
        asked.append(pod)
        return by_nodes

    engine = Engine(
        ClusterRules(), Delivery("reaper:1", "1.0"), Resolves(), Notes(), as_volume=as_volume
    )

    async def run() -> Answer:
        return await admit(body(), engine, deadline=asyncio.get_running_loop().time() + 5)

    after = patched(pod(), read(asyncio.run(run()).body))
    spec, said = after["spec"], json.loads(after["metadata"]["annotations"][STATUS])
    assert len(asked) == 1
    assert said["delivery"] == ("imageVolume" if by_nodes else "initContainer")
    assert ("image" in spec["volumes"][-1]) is by_nodes
    assert ("initContainers" in spec) is not by_nodes


def test_the_uid_is_echoed_and_the_patch_applies_semantics_5() -> None:
    before = pod()
    answer = answered(body(before, uid="a-uid"))
    response = read(answer.body, "a-uid")
    after = patched(before, response)
    assert response["allowed"] is True
    assert after["spec"]["containers"][0]["command"] == ["/.initshim/init", "--", "/app/server"]
    assert after["spec"]["initContainers"][0]["name"] == "initshim"
    assert (answer.result, answer.owner) == ("patched", "ReplicaSet/shop-7d9c5b8f6")
    assert answer.containers == {"app": "wrapped"}


def test_there_is_no_patch_where_nothing_changes_semantics_5() -> None:
    once = patched(pod(), read(answered(body()).body))
    answer = answered(body(once))
    response = read(answer.body)
    assert "patch" not in response
    assert "patchType" not in response
    assert answer.result == "unchanged"


def test_what_was_decided_goes_to_the_audit_log() -> None:
    two = pod(containers=[*pod()["spec"]["containers"], unresolved("other")])
    response = read(answered(body(two)).body)
    assert response["auditAnnotations"] == {"wrapped": "app", "skipped": "other=unreachable"}
    three = pod(containers=[*pod()["spec"]["containers"], unresolved("one"), unresolved("two")])
    response = read(answered(body(three)).body)
    assert response["auditAnnotations"]["skipped"] == "one=unreachable,two=unreachable"
    assert read(answered(body()).body)["auditAnnotations"] == {"wrapped": "app"}
    (app,) = pod()["spec"]["containers"]
    both = read(answered(body(pod(containers=[app, {**app, "name": "web"}]))).body)
    assert both["auditAnnotations"] == {"wrapped": "app,web"}


def test_a_pod_of_one_hundred_unresolved_containers_gets_warnings_within_the_limits() -> None:
    names = [f"container-{number:02}-{'x' * 45}" for number in range(100)]
    response = read(answered(body(pod(containers=[unresolved(name) for name in names]))).body)
    *shown, last = response["warnings"]
    assert len(shown) >= 30  # `read` has checked the limits
    assert all(name[:12] in warning for name, warning in zip(names, shown, strict=False))
    assert last == f"initshim has {100 - len(shown)} more warnings for this pod"


@pytest.mark.parametrize("reason", sorted(UNRESOLVED))
def test_an_unresolved_container_is_left_alone_with_its_reason_and_a_remedy_semantics_3(
    reason: Reason,
) -> None:
    before = pod(containers=[unresolved()])
    response = read(answered(body(before), Resolves(reason)).body)
    (warning,) = response["warnings"]
    assert response["allowed"] is True
    assert "patch" not in response
    assert "app" in warning
    assert reason in warning
    assert "set" in warning  # `command:`, or an annotation


@pytest.mark.parametrize("reason", sorted(UNRESOLVED))
def test_a_cluster_may_choose_to_deny_such_a_pod_semantics_3(reason: Reason) -> None:
    answer = answered(body(pod(containers=[unresolved()])), Resolves(reason), deny=True)
    response = read(answer.body)
    assert response["allowed"] is False
    assert response["status"]["code"] == 403
    assert "app" in response["status"]["message"]
    assert reason in response["status"]["message"]
    assert "patch" not in response
    assert answer.result == "denied"


def test_deny_is_for_what_is_unresolved_and_not_for_what_is_left_alone_on_purpose() -> None:
    excluded = pod()
    excluded["metadata"]["annotations"] = {"initshim.dev/exclude-containers": "app"}
    assert read(answered(body(excluded), deny=True).body)["allowed"] is True


def test_a_resolved_container_runs_what_its_image_says() -> None:
    before = pod(containers=[unresolved()])
    config = ImageConfig(("/entry",), ("serve",))
    after = patched(before, read(answered(body(before), Resolves(config)).body))
    (container,) = after["spec"]["containers"]
    assert container["command"] == ["/.initshim/init", "--", "/entry"]
    assert container["args"] == ["serve"]


@pytest.mark.parametrize(
    "sent",
    [
        body(operation="UPDATE"),
        body(operation="DELETE", object=None),
        body(operation="CONNECT"),
        body(subResource="ephemeralcontainers"),
        body(subResource="binding"),
        body(resource="configmaps"),
        body({"kind": "Deployment"}, resource="deployments"),
        body(resource="pods", operation="UPDATE", object=None),
    ],
)
def test_a_review_of_anything_but_a_pods_creation_passes_untouched_semantics_5(sent: bytes) -> None:
    answer = answered(sent, Resolves(AssertionError("nobody asked")))
    assert read(answer.body, "705ab4f5-6393-11e8-b7cc-42010a800002") == {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "allowed": True,
    }
    assert answer.result == "ignored"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "no JSON"),
        (b"null", "no AdmissionReview"),
        (b"[]", "no AdmissionReview"),
        (b'{"kind":"Pod","apiVersion":"v1"}', "no AdmissionReview"),
        (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}', "apiVersion"),
        (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', "no request"),
        (json.dumps(review(uid="")).encode(), "no uid"),
        (json.dumps(review(uid=7)).encode(), "no uid"),  # type: ignore[arg-type]  # on purpose
        (body(object=None), "no object"),
        (body([1]), "no object"),
        (body()[:-7], "no JSON"),
    ],
)
def test_what_is_no_review_is_said_to_be_none(sent: bytes, said: str) -> None:
    with pytest.raises(BadReview, match=said) as caught:
        answered(sent)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "error", [RuntimeError("boom"), KeyError("x"), RecursionError(), TimeoutError(), OSError(5)]
)
@pytest.mark.parametrize(("deny", "waits"), [(False, False), (True, False), (False, True)])
def test_a_failure_of_our_own_lets_the_pod_pass_with_a_warning_semantics_5(
    error: Exception, deny: bool, waits: bool
) -> None:
    notes = Notes()
    sent = body(pod(containers=[unresolved()]), uid="u")
    answer = answered(sent, Resolves(error, waits=waits), deny=deny, observer=notes)
    response = read(answer.body, "u")
    (warning,) = response["warnings"]
    assert response["allowed"] is True
    assert "patch" not in response
    assert "Traceback" not in warning
    assert "boom" not in warning
    ((event, fields),) = notes.notes
    assert event == "review-failed"
    assert fields["exception"] is error
    assert (fields["uid"], fields["namespace"]) == ("u", "shop")


def test_a_resolver_that_hangs_is_stopped_soon_after_its_deadline() -> None:
    both = pod(containers=[*pod()["spec"]["containers"], unresolved("other")])
    notes = Notes()
    answer = answered(body(both), Hangs(), seconds=0.05, observer=notes)
    assert answer.containers == {"app": "wrapped", "other": "timed-out"}
    assert read(answer.body)["allowed"] is True
    assert [event for event, _ in notes.notes] == ["lookups-stopped"]


def test_only_what_is_looked_up_is_a_part_of_the_trace_and_says_how_much() -> None:
    class Spans(Notes):
        begun: ClassVar[list[tuple[str, dict[str, Any]]]] = []

        def span(self, name: str, attributes: Any, *, outside: bool = False) -> Any:
            self.begun.append((name, dict(attributes)))
            return super().span(name, attributes, outside=outside)

    observer = Spans()
    answered(body(), observer=observer)
    assert observer.begun == []
    answered(body(pod(containers=[unresolved(), unresolved("b")])), Resolves(), observer=observer)
    assert observer.begun == [("resolve", {"initshim.images": 2})]


def test_a_deadline_that_has_passed_still_lets_a_pod_with_a_command_be_wrapped() -> None:
    assert answered(body(), seconds=-1.0).result == "patched"


def test_a_resolver_has_the_time_to_answer_that_it_is_late() -> None:
    class Late(Resolves):
        async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:
            await asyncio.sleep(0)
            return await super().resolve(plan, pod, namespace, deadline=deadline)

    sent = body(pod(containers=[unresolved()]))
    notes = Notes()
    answer = answered(sent, Late(Reason.TIMED_OUT), seconds=0, observer=notes)
    assert answer.containers == {"app": "timed-out"}
    assert notes.notes == []  # it said so itself: it was not stopped


def test_a_patch_that_does_not_lead_to_the_planned_pod_is_never_sent_semantics_5(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong: Sequence[Mapping[str, Any]] = [{"op": "add", "path": "/nowhere/x", "value": 1}]
    monkeypatch.setattr(mutation, "operations", lambda *_: wrong)
    notes = Notes()
    answer = answered(body(), observer=notes)
    assert answer.result == "failed"
    assert "patch" not in read(answer.body)
    assert isinstance(notes.notes[0][1]["exception"], PatchFailed)


def test_a_patch_that_can_not_be_written_as_json_lets_the_pod_pass() -> None:
    config = ImageConfig((b"/entry",), ())  # type: ignore[arg-type]  # a mistake of our own
    answer = answered(body(pod(containers=[unresolved()])), Resolves(config))
    assert answer.result == "failed"
    assert read(answer.body)["allowed"] is True


def test_half_of_a_surrogate_pair_from_an_image_is_sent_as_json_can_say_it() -> None:
    before = pod(containers=[unresolved()])
    config = ImageConfig(("/entry", "\ud800"), ())
    after = patched(before, read(answered(body(before), Resolves(config)).body))
    assert after["spec"]["containers"][0]["command"][-1] == "\ud800"


@pytest.mark.parametrize(
    "broken",
    [
        {"containers": {"name": "app"}},
        {"containers": [7]},
        {"containers": [{"name": "app", "command": "sh -c x"}]},
        {"containers": [{"name": "app", "command": ["a"], "volumeMounts": "x"}]},
        {"containers": [{"name": "app", "command": ["a"], "resources": {"limits": []}}]},
        {"nodeSelector": {"kubernetes.io/os": 1}},
        {"os": "linux"},
    ],
)
def test_a_pod_with_a_field_of_a_wrong_type_is_left_to_the_api_server(broken: Any) -> None:
    notes = Notes()
    answer = answered(body(pod(**broken)), observer=notes)
    (warning,) = read(answer.body)["warnings"]
    assert "must be" in warning
    assert notes.notes[0][1]["exception"] is None, "somebody else's mistake is worth no traceback"


def test_a_pod_out_of_all_proportion_does_not_keep_the_others_waiting() -> None:
    """150,000 containers without names took hours: every one was compared with every other."""
    many = [{"command": ["a"]} for _ in range(limits.MOST_CONTAINERS + 1)]
    (warning,) = read(answered(body(pod(containers=many))).body)["warnings"]
    assert f"{limits.MOST_CONTAINERS + 1} containers" in warning


def test_a_pod_of_volumes_without_end_does_not_keep_the_others_waiting() -> None:
    """200,000 of them, in a body below the limit, held the event loop for more than a second."""
    many = [{"name": f"v{n}", "emptyDir": {}} for n in range(limits.MOST_VOLUMES + 1)]
    (warning,) = read(answered(body(pod(volumes=many))).body)["warnings"]
    assert "4097 volumes" in warning


def test_annotations_beyond_the_api_servers_own_limit_are_not_read() -> None:
    large = pod()
    large["metadata"]["annotations"] = {"initshim.dev/options": "\\" * (256 << 10)}
    (warning,) = read(answered(body(large)).body)["warnings"]
    assert "annotations are larger" in warning


def test_every_container_is_counted_once() -> None:
    notes = Notes()
    two = pod(containers=[*pod()["spec"]["containers"], unresolved("other")])
    answered(body(two), observer=notes)
    assert notes.outcomes == ["wrapped", "unreachable"]


def test_nothing_of_the_environment_is_told_to_observers() -> None:
    notes = Notes()
    answered(body(pod(containers=[7])), observer=notes)
    answered(body(), Resolves(RuntimeError()), observer=notes)
    assert SECRET not in repr(notes)


def test_a_pod_that_is_left_alone_as_a_whole_counts_once_under_a_star() -> None:
    each = pod()
    each["metadata"]["annotations"] = {"initshim.dev/inject": "false"}
    assert answered(body(each)).containers == {"*": "opted-out"}
