"""Who leaks, why and how fast, and who is deaf: from looks and what the API server knows."""

from webhook.cli.audit.owners import Workload
from webhook.cli.leaks import advice, rows
from webhook.cli.leaks.capacity import Capacity
from webhook.cli.leaks.findings import Cause, Findings, Leak, findings
from webhook.cli.leaks.observations import Observations, Observed, Term, Zombies
from webhook.cli.leaks.pods import Inventory, Running
from webhook.cli.leaks.report import findings_data
from webhook.core.policy import ClusterRules

WEB, DB = (Workload("shop", "Deployment", name, "apps/v1") for name in ("web", "db"))


def container(workload: Workload, pod: str = "a", *, wrapped: bool = False) -> Running:
    return Running(
        workload=workload, pod=pod, container="app", node="n1", grace=30, wrapped=wrapped
    )


def zombies(
    now: int, *, before: int = 0, stayed: int | None = None, by_pid_1: bool = True
) -> Zombies:
    return Zombies(
        name="sh",
        parent="app" if by_pid_1 else "worker",
        by_pid_1=by_pid_1,
        before=before,
        now=now,
        stayed=before if stayed is None else stayed,
    )


def found(containers: dict[str, Running], seen: dict[str, Observed], most: int = 0) -> Findings:
    return findings([Observations(seconds=10, containers=seen, tasks=100, most=most)], containers)


def only(found: Findings) -> Leak:
    (leak,) = found.leaks
    return leak


def test_the_fastest_comes_first_and_pods_of_a_workload_are_one_row() -> None:
    result = found(
        {"1": container(WEB, "a"), "2": container(WEB, "b"), "3": container(DB)},
        {
            "1": Observed(zombies=(zombies(12, before=10),)),
            "2": Observed(zombies=(zombies(11, before=10),)),
            "3": Observed(zombies=(zombies(500, before=500),)),
        },
    )
    assert [(each.workload, each.pods, each.zombies) for each in result.leaks] == [
        (WEB, 2, 23),
        (DB, 1, 500),
    ]
    assert [each.hourly for each in result.leaks] == [3 / 10 * 3600, 0.0]
    assert (result.zombies, result.containers) == (523, 3)


def test_what_pid_1_leaves_is_told_from_what_another_process_leaves() -> None:
    both = Observed(zombies=(zombies(4, before=4), zombies(9, before=9, by_pid_1=False)))
    result = found({"1": container(WEB)}, {"1": both})
    assert {each.cause: each.zombies for each in result.leaks} == {Cause.PID_1: 4, Cause.PARENT: 9}
    said = {each.cause: advice.of_leak(each, "wrapped") for each in result.leaks}
    assert said[Cause.PID_1] == "mended by initshim"
    assert "not mended by any init: worker" in said[Cause.PARENT]


def test_what_did_not_stay_is_no_leak_and_comes_last() -> None:
    result = found(
        {"1": container(WEB), "2": container(DB)},
        {
            "1": Observed(zombies=(zombies(50, before=50, stayed=0),)),
            "2": Observed(zombies=(zombies(1, before=1),)),
        },
    )
    assert [each.cause for each in result.leaks] == [Cause.PID_1, Cause.LATE]
    assert result.leaks[1].hourly == 0
    assert "only late" in advice.of_leak(result.leaks[1], "wrapped")
    assert "1 leak," in advice.summary(result)[0]


def test_the_time_until_the_node_is_full_is_what_is_left_by_the_rate() -> None:
    growing = {"1": Observed(zombies=(zombies(20, before=10),))}
    room = only(found({"1": container(WEB)}, growing, most=3700)).room
    assert room == Capacity("node", "n1", 100, 3700, (3700 - 100) / 3600)
    assert only(found({"1": container(WEB)}, growing)).room is None


def test_a_pod_that_is_full_before_its_node_is_what_counts() -> None:
    """Its containers share the limit, its sandbox has one of it, and each pod fills on its own."""
    result = findings(
        [
            Observations(
                seconds=10,
                containers={
                    "1": Observed(zombies=(zombies(20, before=10),), tasks=50),
                    "2": Observed(tasks=49),
                    "3": Observed(zombies=(zombies(12, before=10),), tasks=90),
                },
                tasks=4000,
                most=32768,
            )
        ],
        {"1": container(WEB, "a"), "2": container(WEB, "a"), "3": container(WEB, "b")},
        {"n1": 1000, "n2": 10},
    )
    assert only(result).room == Capacity("pod", "shop/a", 100, 1000, 900 / 3600)
    assert only(result).hourly == 12 / 10 * 3600


def test_what_does_not_grow_is_never_full_and_the_fullest_is_named() -> None:
    still = {"1": Observed(zombies=(zombies(9, before=9),), tasks=99)}
    nodes = [Observations(seconds=10, containers=still, tasks=500, most=32768)]
    for limit, room in (
        (200, Capacity("pod", "shop/a", 100, 200)),
        (100_000, Capacity("node", "n1", 500, 32768)),
    ):
        assert only(findings(nodes, {"1": container(WEB)}, {"n1": limit})).room == room


def test_the_time_between_a_containers_own_looks_is_what_its_rate_goes_by() -> None:
    late = Observed(zombies=(zombies(20, before=10),), seconds=20)
    assert only(found({"1": container(WEB)}, {"1": late})).hourly == 10 / 20 * 3600


def test_zombies_behind_the_reaper_are_not_promised_to_be_mended() -> None:
    leak = only(
        found(
            {"1": container(WEB, wrapped=True)},
            {"1": Observed(zombies=(zombies(3, before=3, by_pid_1=False),), term=Term.DEFAULT)},
        )
    )
    assert not advice.mended(leak, "wrapped")


def test_zombies_of_a_pid_1_behind_the_reaper_are_to_be_reported() -> None:
    leak = only(
        found({"1": container(WEB, wrapped=True)}, {"1": Observed(zombies=(zombies(3, before=3),))})
    )
    said = "not mended: app is PID 1 behind the reaper; report this"
    assert advice.of_leak(leak, "wrapped") == said


def test_zombies_that_are_gone_are_no_leak() -> None:
    gone = Observed(zombies=(zombies(0, before=3),))
    assert found({"1": container(WEB)}, {"1": gone}).leaks == ()


def test_zombies_of_the_nodes_own_services_are_told_apart() -> None:
    result = findings([Observations(seconds=10, elsewhere=3)], {})
    assert "3 zombies of the nodes' own services." in advice.summary(result)


def test_hours_are_said_as_a_person_does_and_given_to_a_program() -> None:
    seen = {"1": Observed(zombies=(zombies(12, before=10),))}
    result = found({"1": container(WEB)}, seen, most=3700)
    (leak,) = findings_data(result, [], {})["leaks"]
    assert leak["room"]["hours"] == 5.0
    said = [rows.hours(time) for time in (None, 0.001, 0.5, 5.0, 47.0, 72.0)]
    assert said == ["", "1 min", "30 min", "5 h", "47 h", "3 days"]


def test_what_initshim_would_leave_alone_is_said_with_its_reason() -> None:
    leak = only(found({"1": container(WEB)}, {"1": Observed(zombies=(zombies(3, before=3),))}))
    assert advice.of_leak(leak, "host-pid") == "left alone by initshim: host-pid"
    assert not advice.mended(leak, "host-pid")
    assert advice.mended(leak, "wrapped")


def test_programs_without_a_handler_for_sigterm_are_named_with_what_a_stop_costs() -> None:
    result = found(
        {
            "1": container(WEB, "a"),
            "2": container(WEB, "b"),
            "3": container(DB),
            "4": container(DB, "w", wrapped=True),
        },
        {
            "1": Observed(pid_1="app", term=Term.DEFAULT),
            "2": Observed(pid_1="app", term=Term.DEFAULT),
            "3": Observed(pid_1="db", term=Term.HANDLED),
            "4": Observed(pid_1="init:0", term=Term.DEFAULT),
        },
    )
    (deaf,) = result.deaf
    assert (deaf.workload, deaf.pods, deaf.program, deaf.grace) == (WEB, 2, "app", 30)
    assert "ends it at once" in advice.of_deaf(deaf, "wrapped")
    assert advice.of_deaf(deaf, "host-pid") == "left alone by initshim: host-pid"


def test_one_that_ignores_sigterm_is_not_promised_to_end() -> None:
    (deaf,) = found({"1": container(WEB)}, {"1": Observed(pid_1="x", term=Term.IGNORED)}).deaf
    assert "changes nothing" in advice.of_deaf(deaf, "wrapped")


def test_zombies_of_a_container_that_no_pod_has_are_counted_apart() -> None:
    result = found({}, {"9": Observed(zombies=(zombies(2, before=2),))})
    assert (result.zombies, result.unknown, result.leaks) == (0, 2, ())
    assert any("pods that were not listed" in line for line in advice.summary(result))


def test_containers_are_found_by_id_with_the_owner_that_a_person_knows() -> None:
    pod = {
        "metadata": {
            "namespace": "shop",
            "name": "web-1-a",
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "web-1",
                    "controller": True,
                }
            ],
        },
        "spec": {
            "nodeName": "n1",
            "terminationGracePeriodSeconds": 5,
            "containers": [{"name": "app"}, {"name": "old"}],
        },
        "status": {
            "containerStatuses": [
                {"name": "app", "containerID": "containerd://abc", "state": {"running": {}}},
                {"name": "old", "containerID": "cri-o://def", "state": {"terminated": {}}},
            ]
        },
    }
    inventory = Inventory(ClusterRules())
    inventory.add(pod)
    assert [kind.name for kind in inventory.between()] == ["ReplicaSet"]
    inventory.made_by({Workload("shop", "ReplicaSet", "web-1", "apps/v1"): WEB})
    listed = inventory.running()
    assert inventory.forecasts()[WEB, "app"] == "wrapped"
    assert list(listed) == ["abc"]
    assert (listed["abc"].workload, listed["abc"].grace, listed["abc"].node) == (WEB, 5, "n1")


def test_of_a_pod_that_is_left_alone_every_container_is_said_to_be() -> None:
    pod = {
        "metadata": {"annotations": {"initshim.dev/inject": "false"}},
        "spec": {"containers": [{"name": "app"}, {"name": "side"}]},
        "status": {
            "containerStatuses": [
                {"name": name, "containerID": f"containerd://{name}", "state": {"running": {}}}
                for name in ("app", "side")
            ]
        },
    }
    inventory = Inventory(ClusterRules())
    inventory.add(pod)
    assert set(inventory.running()) == {"app", "side"}
    assert set(inventory.forecasts().values()) == {"opted-out"}
