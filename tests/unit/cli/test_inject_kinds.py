"""Where inject finds pods, what it leaves alone and says so, and what it says of mistakes."""

import json
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.kubectl.decoder import HAS_GO, NEWEST, OLDER, decoder
from webhook.cli.main import app
from webhook.cli.manifest import from_json, from_yaml

TEMPLATE = "{spec: {containers: [{name: a, image: x, command: [run]}]}}"
WRAPPED = '["/.initshim/init", "--", run]'


def inject(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(app, ["inject", *map(str, arguments)], input=stdin)


def report(*arguments: str, stdin: str) -> list[dict[str, Any]]:
    result = inject("--report", "-o", "json", *arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    read: list[dict[str, Any]] = json.loads(result.stdout)
    return read


def custom(kind: str, group: str, spec: str) -> str:
    return f"apiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("kind", "group", "spec", "pods"),
    [
        (
            "RayCluster",
            "ray.io",
            "{headGroupSpec: {template: T}, workerGroupSpecs: [{template: T}]}",
            2,
        ),
        ("RayJob", "ray.io", "{rayClusterSpec: {headGroupSpec: {template: T}}}", 1),
        ("JobSet", "jobset.x-k8s.io", "{replicatedJobs: [{template: {spec: {template: T}}}]}", 1),
        (
            "LeaderWorkerSet",
            "leaderworkerset.x-k8s.io",
            "{leaderWorkerTemplate: {workerTemplate: T}}",
            1,
        ),
        ("Job", "batch.volcano.sh", "{tasks: [{template: T}, {template: T}]}", 2),
        ("Job", "batch", "{template: T}", 1),
        (
            "TFJob",
            "kubeflow.org",
            "{tfReplicaSpecs: {PS: {template: T}, Worker: {template: T}}}",
            2,
        ),
        ("PyTorchJob", "kubeflow.org", "{pytorchReplicaSpecs: {Worker: {template: T}}}", 1),
        ("MPIJob", "kubeflow.org", "{mpiReplicaSpecs: {Launcher: {template: T}}}", 1),
        ("Experiment", "argoproj.io", "{templates: [{name: t, template: T}]}", 1),
        ("ScaledJob", "keda.sh", "{jobTargetRef: {template: T}}", 1),
        (
            "AdvancedCronJob",
            "apps.kruise.io",
            "{template: {jobTemplate: {spec: {template: T}}}}",
            1,
        ),
        (
            "UnitedDeployment",
            "apps.kruise.io",
            "{template: {deploymentTemplate: {spec: {template: T}}}}",
            1,
        ),
    ],
)
def test_templates_of_custom_kinds_are_wrapped_where_they_are(
    kind: str, group: str, spec: str, pods: int
) -> None:
    result = inject(
        stdin=custom(kind, group, spec.replace("T}", f"{TEMPLATE}}}").replace("T,", f"{TEMPLATE},"))
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count(WRAPPED) == pods


def test_the_objects_of_an_openshift_template_are_objects() -> None:
    text = (
        "apiVersion: template.openshift.io/v1\nkind: Template\nobjects:\n"
        f"- {{apiVersion: apps/v1, kind: Deployment, spec: {{template: {TEMPLATE}}}}}\n"
    )
    assert WRAPPED in inject(stdin=text).stdout


@pytest.mark.parametrize(
    ("kind", "group", "spec", "why"),
    [
        (
            "Service",
            "serving.knative.dev",
            f"{{template: {TEMPLATE}}}",
            "Knative refuses init containers",
        ),
        ("Configuration", "serving.knative.dev", f"{{template: {TEMPLATE}}}", "Knative refuses"),
        (
            "Workflow",
            "argoproj.io",
            "{templates: [{container: {image: x}}]}",
            "without a pod template",
        ),
        ("Task", "tekton.dev", "{steps: [{image: x, command: [a]}]}", "Tekton runs itself"),
        (
            "SparkApplication",
            "sparkoperator.k8s.io",
            f"{{driver: {{template: {TEMPLATE}}}}}",
            "Spark",
        ),
        ("SidecarSet", "apps.kruise.io", "{containers: [{name: a, image: x}]}", "other kinds make"),
    ],
)
def test_kinds_that_are_left_alone_are_named_with_where_their_pods_are_wrapped(
    kind: str, group: str, spec: str, why: str
) -> None:
    text = custom(kind, group, spec)
    result = inject(stdin=text)
    assert (result.exit_code, result.stdout) == (0, text)
    assert f"{kind}/web is left alone (kind-left)" in result.stderr
    assert why in result.stderr
    assert "its pods are wrapped by the webhook when they are created" in result.stderr
    (row,) = report(stdin=text)
    assert (row["container"], row["outcome"]) == ("*", "kind-left")


def test_a_template_at_an_unknown_place_is_named_and_can_be_given() -> None:
    text = custom("Thing", "example.com", f"{{groups: [{{pod: {TEMPLATE}}}]}}")
    result = inject(stdin=text)
    assert (result.exit_code, result.stdout) == (0, text)
    option = "Thing.example.com=spec.groups.*.pod"
    assert "no pod template found in spec.template" in result.stderr
    assert f"--template-path '{option}'" in result.stderr
    assert WRAPPED in inject("--template-path", option, stdin=text).stdout


@pytest.mark.parametrize("spec", ["3", "[a, b]", "{template: 3}", "{template: [a]}"])
def test_a_kind_without_its_template_is_left_as_it_is(spec: str) -> None:
    text = custom("Deployment", "apps", spec)
    done = inject("-f", "-", stdin=text)
    assert (done.exit_code, done.stdout) == (0, text)


@pytest.mark.parametrize("given", ["Thing", "=spec", "Thing=", "Thing=spec..x", "Thing=spec[0].x"])
def test_a_template_path_that_is_none_is_refused(given: str) -> None:
    result = inject("--template-path", given, stdin="kind: Pod\n")
    assert result.exit_code == 2
    assert "--template-path must be KIND=path" in result.stderr


@pytest.mark.parametrize(
    ("container", "why"),
    [
        ("{name: a, command: [b]}", "container a has no image"),
        ("{name: a, image: x, command: [b], $patch: delete}", "$patch"),
    ],
)
def test_a_patch_is_no_pod_and_left_as_it_is(container: str, why: str) -> None:
    text = f"kind: Deployment\nspec: {{template: {{spec: {{containers: [{container}]}}}}}}\n"
    result = inject(stdin=text)
    assert (result.exit_code, result.stdout) == (0, text)
    assert "(patch)" in result.stderr
    assert why in result.stderr


def test_an_object_without_a_kind_is_left_as_it_is() -> None:
    text = f"spec: {{template: {TEMPLATE}}}\n"
    result = inject(stdin=text)
    assert (result.exit_code, result.stdout) == (0, text)
    assert "it has no kind" in result.stderr


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            "8080",
            'the item 8080 is a number, and Kubernetes takes only strings there: write "8080"',
        ),
        ("on", 'the item on is a boolean, and Kubernetes takes only strings there: write "on"'),
        (
            "0999",
            'the item 0999 is a number, and Kubernetes takes only strings there: write "0999"',
        ),
        ("", 'an item is empty, and Kubernetes takes only strings there: write ""'),
    ],
)
def test_an_argument_that_is_no_string_is_named_with_what_mends_it(item: str, said: str) -> None:
    head = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n    image: x\n"
    text = f"{head}    args:\n    - x\n    - {item}\n"
    result = inject(stdin=text)
    assert result.exit_code == 1
    assert f"line 9: Pod/p, spec.containers[0].args[1]: {said}" in result.stderr


def test_a_helm_template_is_called_one() -> None:
    result = inject(stdin="kind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n")
    assert result.exit_code == 1
    assert "line 3: this is a Helm template: render it first" in result.stderr


def test_one_bad_file_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    text = f"kind: Job\nspec: {{template: {TEMPLATE}}}\n"
    good.write_text(text)
    bad.write_text("kind: [\n")
    result = inject("-i", "--fail-fast", "-f", tmp_path)
    assert (result.exit_code, good.read_text()) == (1, text)
    result = inject("-i", "-f", tmp_path)
    assert result.exit_code == 1
    assert f"{bad}, document 1, line 2" in result.stderr
    assert WRAPPED in good.read_text()


def test_utf_16_that_kubectl_reads_is_written_back_as_utf_16(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    text = f"\ufeffkind: Job\nspec: {{template: {TEMPLATE}}} # ä\n"
    file.write_bytes(text.encode("utf-16-be"))
    assert inject("-i", "-f", file).exit_code == 0
    assert WRAPPED in file.read_bytes().decode("utf-16-be")


def test_a_merge_at_the_end_stays_in_its_own_container() -> None:
    text = dedent("""\
        kind: Pod
        spec:
          containers:
          - name: web
            image: x
            command: [web]
            <<: &common
              imagePullPolicy: Always
          - name: worker
            image: x
            command: [worker]
            <<: *common
        """)
    out = inject(stdin=text).stdout
    (pod,) = (each.content() for each in from_yaml.parse(out))
    (installer,) = pod["spec"]["initContainers"]
    assert installer["command"] == ["/init", "--install", "/.initshim/init"]
    assert [each["imagePullPolicy"] for each in pod["spec"]["containers"]] == ["Always", "Always"]


def test_a_command_that_a_later_merge_overrides_is_refused_or_written_anew() -> None:
    text = (
        "kind: Pod\nspec:\n  containers:\n  - image: x\n    command: [a]\n    <<: {command: [b]}\n"
    )
    result = inject(stdin=text)
    assert result.exit_code == 1
    assert "line 5: command is set here, and << below sets it again" in result.stderr
    (pod,) = (each.content() for each in from_yaml.parse(inject("-o", "yaml", stdin=text).stdout))
    assert pod["spec"]["containers"][0]["command"] == ["/.initshim/init", "--", "b"]


@pytest.mark.skipif(not HAS_GO, reason="kubectl's decoder is built with Go")
def test_json_and_yaml_joined_are_read_by_every_kubectl(tmp_path: Path) -> None:
    pod = {
        "kind": "Pod",
        "spec": {"containers": [{"name": "a/ü😀", "image": "x", "command": ["r"]}]},
    }
    (tmp_path / "a.json").write_text(json.dumps(pod, indent="\t").replace("/", "\\/") * 2)
    (tmp_path / "b.yaml").write_text("\ufeffkind: Service\nx: |\n  last")
    (tmp_path / "c.json").write_text('{"kind": "Secret"}')
    out = inject("-f", tmp_path).stdout.encode()
    for modules in (NEWEST, OLDER):
        with decoder(modules) as kubectl:
            answer = kubectl.read(out)
            assert answer.error == ""
            assert [each["kind"] for each in answer.documents] == [
                "Pod",
                "Pod",
                "Service",
                "Secret",
            ]
            (container,) = answer.documents[0]["spec"]["containers"]
            assert container["name"] == "a/ü😀"
            assert answer.documents[2]["x"] == "last\n"


def test_a_number_that_yaml_reads_as_another_kind_is_the_same_number(tmp_path: Path) -> None:
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "x", "command": ["r"]}]}}
    (tmp_path / "a.json").write_text(json.dumps({**pod, "x": 1 << 64}))
    (tmp_path / "b.yaml").write_text("kind: Service\n")
    first, second = from_yaml.parse(inject("-f", tmp_path).stdout)
    assert first.content()["x"] == 1 << 64
    assert second.content() == {"kind": "Service"}


def test_json_alone_stays_json(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"kind": "Secret"}')
    assert len(from_json.parse(inject("-f", tmp_path).stdout)) == 2


def test_the_time_grows_with_the_size_and_not_with_its_square(tmp_path: Path) -> None:
    """Counted in calls of functions, which no machine's speed changes."""

    def calls(count: int) -> int:
        item = f"- {{kind: Job, metadata: {{name: web}}, spec: {{template: {TEMPLATE}}}}}\n"
        file = tmp_path / f"{count}.yaml"
        file.write_text(f"kind: List\nitems:\n{item * count}")
        done = 0

        def count_call(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal done
            done += event == "call"

        sys.setprofile(count_call)
        try:
            assert inject("-i", "-f", file).exit_code == 0
        finally:
            sys.setprofile(None)
        return done

    calls(1)  # imports
    base = calls(1)
    assert (calls(200) - base) / (calls(50) - base) < 5
