"""`initshim inject`: manifests in, manifests out, and what it says about them."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonpatch
import pytest
from click.testing import CliRunner, Result

from tests.fakes.registry import Registry, config_bytes
from tests.integration.registry.registries import in_thread
from webhook.cli.main import app
from webhook.cli.manifest import from_yaml

DEPLOYMENT = dedent("""\
    # the shop
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name:   web      # aligned
      namespace: shop
    spec:
      template:
        metadata:
          labels: {app: web}
        spec:
          containers:
          - name: app
            image: "registry.example/web:1"   # quoted
            command: [ 'sleep',  "1_000" ]
            env:
            - {name: MODE, value: "0755"}

          # without a command
          - name: side
            image: nginx
    """)
SERVICE = "apiVersion: v1\nkind:   Service\nmetadata: {name: web}   # not a workload\n"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def inject(*arguments: str | Path, stdin: str = "") -> Result:
    """Run the command; nothing is mocked, no network is used."""
    return CliRunner().invoke(app, ["inject", *map(str, arguments)], input=stdin)


def objects(text: str) -> list[Any]:
    return [document.content() for document in from_yaml.parse(text) if document.root]


def added_only(before: str, after: str) -> bool:
    """Tell whether every line is still there, in its order."""
    left = iter(after.splitlines())
    return all(any(line == other for other in left) for line in before.splitlines())


def test_a_deployment_comes_out_wrapped_and_otherwise_as_it_was() -> None:
    result = inject(stdin=DEPLOYMENT)
    assert result.exit_code == 0
    wrapped = """[ "/.initshim/init", "--", 'sleep',  "1_000" ]"""
    assert wrapped in result.stdout
    untouched = DEPLOYMENT.replace("""[ 'sleep',  "1_000" ]""", wrapped)
    assert added_only(untouched, result.stdout)
    (made,) = objects(result.stdout)
    spec = made["spec"]["template"]["spec"]
    assert [each["name"] for each in spec["initContainers"]] == ["initshim"]
    assert spec["containers"][0]["env"] == [{"name": "MODE", "value": "0755"}]


def test_what_has_no_workload_comes_out_byte_for_byte() -> None:
    odd = f"--- # head\n{SERVICE}...\n\n--- \n# nothing\n---\nyes: no   \n\n"
    result = inject(stdin=odd)
    assert (result.exit_code, result.stdout) == (0, odd)


def test_a_second_pass_changes_nothing() -> None:
    once = inject(stdin=DEPLOYMENT).stdout
    assert inject(stdin=once).stdout == once


def test_json_stays_json_in_its_own_style() -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [
        {"name": "a", "image": "x", "command": ["run"]}]}}  # fmt: skip
    for indent in (None, 2, 4, "\t"):
        text = json.dumps(pod, indent=indent) + "\n"
        out = inject(stdin=text).stdout
        made = json.loads(out)
        assert made["spec"]["containers"][0]["command"] == ["/.initshim/init", "--", "run"]
        assert out == json.dumps(made, indent=indent) + "\n"


def test_every_kind_of_workload_is_found_in_lists_and_streams() -> None:
    template = "{spec: {containers: [{name: a, image: x, command: [run]}]}}"
    text = (
        f"kind: List\nitems:\n- {{kind: Job, spec: {{template: {template}}}}}\n"
        f"- {{kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {template}}}}}}}}}\n"
        f"---\nkind: Rollout\nspec: {{template: {template}}}\n"
        "---\nkind: Pod\nspec: {containers: [{name: a, image: x, command: [run]}]}\n"
    )
    report = json.loads(inject("--report", "-o", "json", stdin=text).stdout)
    found = [(each["document"], each["kind"], each["outcome"]) for each in report]
    assert found == [
        (1, "Job", "wrapped"),
        (1, "CronJob", "wrapped"),
        (2, "Rollout", "wrapped"),
        (3, "Pod", "wrapped"),
    ]


def test_a_word_that_kubectl_takes_for_true_is_taken_for_true() -> None:
    text = "kind: Pod\nspec:\n  hostPID: yes\n  containers: [{name: a, command: [run]}]\n"
    assert inject(stdin=text).stdout == text
    (row,) = json.loads(inject("--report", "-o", "json", stdin=text).stdout)
    assert (row["container"], row["outcome"]) == ("*", "host-pid")


def test_the_report_is_a_table_of_objects_and_reasons() -> None:
    result = inject("--report", stdin=DEPLOYMENT)
    assert result.exit_code == 0
    assert result.stdout == dedent("""\
        OBJECT                CONTAINER   RESULT       NOTE
        shop/Deployment/web   app         wrapped
        shop/Deployment/web   side        lookup-off   set `command:` or annotate %s
        """) % ("initshim.dev/entrypoint.side")


def test_the_report_of_several_files_names_them(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(DEPLOYMENT)
    head, *rows = inject("--report", "-f", tmp_path).stdout.splitlines()
    assert head.startswith("FILE")
    named = [Path(row.split()[0]).name for row in rows]
    assert named == ["a.yaml", "a.yaml", "b.yaml", "b.yaml"]


def test_a_container_that_needs_a_hand_is_named_on_standard_error() -> None:
    said = inject(stdin=DEPLOYMENT).stderr
    assert said == (
        "initshim inject: standard input: shop/Deployment/web, container side is left alone "
        "(lookup-off): asking its registry is switched off; set `command:` or annotate "
        "initshim.dev/entrypoint.side\n"
    )


def test_the_diff_applies_with_patch_and_shows_only_what_changed(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(DEPLOYMENT)
    shown = inject("--diff", "-f", tmp_path / "d.yaml").stdout
    lines = shown.splitlines()
    assert lines[0].startswith("--- a/")
    assert [line for line in lines[2:] if line.startswith("-")] == [
        """-        command: [ 'sleep',  "1_000" ]"""
    ]
    assert "\x1b" not in shown


def test_the_diff_is_coloured_on_a_terminal_and_not_with_no_color(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # stands for the terminal
    assert "\x1b[32m+" in inject("--diff", stdin=DEPLOYMENT).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in inject("--diff", stdin=DEPLOYMENT).stdout


def test_a_diff_of_a_text_without_a_last_line_break_says_so() -> None:
    shown = inject("--diff", stdin=DEPLOYMENT.rstrip("\n")).stdout
    assert "\\ No newline at end of file" in shown


@pytest.mark.parametrize(
    "config",
    [
        {"os": "linux", "config": {"Cmd": ["-g", "$X"], "Entrypoint": ["/n"]}},
        [{"Id": "sha256:0", "Config": {"Cmd": ["-g", "$X"], "Entrypoint": ["/n"]}}],
        {"entrypoint": ["/n"], "cmd": ["-g", "$X"]},
    ],
)  # fmt: skip
def test_an_image_config_stands_in_for_the_registry(tmp_path: Path, config: Any) -> None:
    file = tmp_path / "nginx.json"
    file.write_text(json.dumps(config))
    result = inject("--image-config", f"nginx={file}", stdin=DEPLOYMENT)
    side = objects(result.stdout)[0]["spec"]["template"]["spec"]["containers"][1]
    assert side["command"] == ["/.initshim/init", "--", "/n"]
    assert side["args"] == ["-g", "$$X"]  # semantics §1: what came from the image is doubled
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nginx", "--image-config must be IMAGE=FILE, not 'nginx'"),
        ("nginx=/no/such", "--image-config nginx: /no/such can't be read: No such file"),
        ("nginx={file}", "c.json: the image's entrypoint is no list of strings"),
        (
            "nginx=/dev/null",
            "says nothing about what an image runs. Give an OCI image configuration",
        ),
    ],
)
def test_an_image_config_that_is_none_is_refused(tmp_path: Path, given: str, said: str) -> None:
    file = tmp_path / "c.json"
    file.write_text('{"entrypoint": "sh -c"}')
    result = inject("--image-config", given.format(file=file), stdin=DEPLOYMENT)
    assert (result.exit_code, result.stdout) == (1 if "=" in given else 2, "")
    assert said in result.stderr


def test_with_lookup_the_registry_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Registry()
    served.push("shop/side", "v1", config_bytes(["/side", "run"]))
    with in_thread(served) as host:
        entry = {"plainHTTP": True, "addresses": "127.0.0.0/8"}
        (tmp_path / "registries.json").write_text(json.dumps({host.authority: entry}))
        monkeypatch.setenv("INITSHIM_REGISTRIES_FILE", str(tmp_path / "registries.json"))
        image = f"{host.authority}/shop/side:v1"
        text = f"kind: Pod\nspec: {{containers: [{{name: a, image: '{image}'}}]}}\n"
        result = inject("--lookup", stdin=text)
    assert result.exit_code == 0, result.stderr
    (pod,) = objects(result.stdout)
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["/.initshim/init", "--", "/side", "run"]


def test_bad_input_is_named_with_its_line_and_to_fail_fast_writes_nothing(tmp_path: Path) -> None:
    good, bad, worse = (tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml"))
    good.write_text(DEPLOYMENT)
    bad.write_text(f"{SERVICE}---\nkind: Pod\n- kind\n")
    worse.write_text("kind: Pod\nspec: {containers: [{name: a, command: [sleep, 5]}]}\n")
    for options in ([], ["--in-place"], ["--report"], ["--diff"]):
        result = inject(*options, "--fail-fast", "-f", tmp_path)
        assert (result.exit_code, result.stdout) == (1, "")
        number = (
            "Pod/(no name), spec.containers[0].command[1]: the item 5 is a number, and Kubernetes "
            'takes only strings there: write "5"'
        )
        assert result.stderr.splitlines() == [
            (
                f"initshim inject: {bad}, document 2, line 6: did not find expected key, while "
                "parsing a block mapping"
            ),
            f"initshim inject: {worse}, document 1, line 2: {number}",
        ]
    assert good.read_text() == DEPLOYMENT


@pytest.mark.parametrize("text", ["- a\n- b\n", "only words\n"])
def test_what_is_no_kubernetes_object_is_refused(text: str) -> None:
    result = inject(stdin=f"{SERVICE}---\n{text}")
    assert result.exit_code == 1
    assert "standard input, document 2, line 5: this is no Kubernetes object" in result.stderr


def test_a_bad_annotation_leaves_the_pod_untouched_and_explains() -> None:
    text = DEPLOYMENT.replace("{app: web}", '{initshim.dev/inject: "perhaps"}')
    result = inject(stdin=text)
    assert (result.exit_code, result.stdout) == (0, text)
    assert 'must be "true" or "false"' in result.stderr


def test_in_place_writes_only_what_changed(tmp_path: Path) -> None:
    web, service = tmp_path / "web.yaml", tmp_path / "service.yaml"
    web.write_bytes(b"\xef\xbb\xbf" + DEPLOYMENT.replace("\n", "\r\n").encode())
    service.write_text(SERVICE)
    before = service.stat().st_mtime_ns, service.stat().st_ino
    result = inject("-i", "-f", tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert (service.stat().st_mtime_ns, service.stat().st_ino) == before
    raw = web.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf# the shop\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n") > DEPLOYMENT.count("\n")


def test_in_place_refuses_standard_input_and_other_outputs(tmp_path: Path) -> None:
    for arguments in (["-i"], ["-i", "-f", "-"], ["-i", "--diff", "-f", str(tmp_path)]):
        result = inject(*arguments, stdin=DEPLOYMENT)
        assert result.exit_code == 2
        assert "--in-place needs files" in result.stderr


@pytest.mark.slow
def test_a_full_disk_is_said_in_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", "from webhook.cli import start; start()", "inject"],
            input=DEPLOYMENT.encode(), stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.decode() == (
        "initshim inject: standard output can't be written: No space left on device\n"
    )


def test_several_files_come_out_as_one_stream(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SERVICE.rstrip("\n"))
    (tmp_path / "b.yaml").write_text(f"---\n{SERVICE}")
    (tmp_path / "c.json").write_text('{"kind": "Service"}')
    out = inject("-f", tmp_path).stdout
    assert out == f'{SERVICE}---\n{SERVICE}---\n{{"kind": "Service"}}'
    assert len(objects(out)) == 3


def test_a_folder_without_manifests_and_a_missing_file_are_said(tmp_path: Path) -> None:
    assert f"no .yaml, .yml or .json file in {tmp_path}" in inject("-f", tmp_path).stderr
    missing = inject("-f", tmp_path / "x.yaml")
    assert missing.exit_code == 1
    assert "x.yaml can't be read: No such file or directory" in missing.stderr


def test_output_json_and_yaml_say_the_same_as_text() -> None:
    text = f"{SERVICE}---\n{DEPLOYMENT}"
    as_text = objects(inject(stdin=text).stdout)
    as_json = json.loads(inject("-o", "json", stdin=text).stdout)
    assert as_json == {"apiVersion": "v1", "kind": "List", "items": as_text}
    assert objects(inject("-o", "yaml", stdin=text).stdout) == as_text
    assert json.loads(inject("-o", "json", stdin=DEPLOYMENT).stdout) == as_text[1]


def test_a_text_that_cannot_be_changed_in_place_says_what_to_do() -> None:
    container = "{name: a, image: x, command: [run]}"
    text = f"kind: Pod\nspec: {{containers: [{container}], ? volumes}}\n"
    result = inject(stdin=text)
    assert result.exit_code == 1
    assert "line 2: it is written in a way that can't be changed in place" in result.stderr
    assert "Or try --output yaml" in result.stderr
    (pod,) = objects(inject("-o", "yaml", stdin=text).stdout)
    assert pod["spec"]["containers"][0]["command"] == ["/.initshim/init", "--", "run"]


def test_reaper_image_and_delivery_are_flags_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITSHIM_REAPER_IMAGE", "registry.example/a:1")
    assert "registry.example/a:1" in inject(stdin=DEPLOYMENT).stdout
    out = inject("--reaper-image", "registry.example/b:2", stdin=DEPLOYMENT).stdout
    assert "registry.example/a:1" not in out
    volume = inject("--delivery", "imageVolume", stdin=DEPLOYMENT).stdout
    spec = objects(volume)[0]["spec"]["template"]["spec"]
    assert "initContainers" not in spec
    assert spec["volumes"][0]["image"]["reference"] == "registry.example/a:1"


def test_the_engine_is_the_webhooks_own() -> None:
    """The patch that the webhook sends leads to the same pod: both use one engine."""
    import asyncio
    import base64

    import initshim
    from webhook.admission.admit import admit
    from webhook.assembly.engine import make_engine
    from webhook.assembly.no_lookups import NoLookups
    from webhook.core.observe import Silent
    from webhook.settings import given

    (made,) = objects(DEPLOYMENT)
    pod = made["spec"]["template"]
    review = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "operation": "CREATE",
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "object": pod,
        },
    }
    engine = make_engine(
        given({"lookups": False}),
        version=initshim.__version__,
        resolver=NoLookups(),
        observer=Silent(),
    )
    answer = asyncio.run(admit(json.dumps(review).encode(), engine, deadline=1e9))
    patch = json.loads(base64.b64decode(json.loads(answer.body)["response"]["patch"]))
    (injected,) = objects(inject(stdin=DEPLOYMENT).stdout)
    assert injected["spec"]["template"] == jsonpatch.apply_patch(pod, patch)


def test_without_a_setting_the_engine_is_that_of_the_settings_defaults() -> None:
    from webhook.assembly.default_engine import default_engine
    from webhook.assembly.engine import make_engine
    from webhook.assembly.no_lookups import NoLookups
    from webhook.core.observe import Silent
    from webhook.settings import given

    resolver, observer = NoLookups(), Silent()
    short = default_engine(resolver, version="1.2.3", observer=observer)
    settings = given({"lookups": False})
    whole = make_engine(settings, version="1.2.3", resolver=resolver, observer=observer)
    assert dataclasses.replace(short, checks=whole.checks, resolver=whole.resolver) == whole


def test_a_manifest_without_options_imports_what_it_needs_and_no_more(tmp_path: Path) -> None:
    """What it starts with is most of its time: tests/benchmarks/manifests.py has the figures."""
    file = tmp_path / "web.yaml"
    file.write_text(DEPLOYMENT)
    script = (
        "import sys; from webhook.cli.main import app\n"
        f"try: app(['inject', '-f', {str(file)!r}])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    clean = {key: os.environ[key] for key in os.environ if not key.startswith("INITSHIM_")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=clean, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "/.initshim/init" in done.stdout
    imported = {name.partition(".")[0] for name in done.stderr.split()}
    heavy = {"asyncio", "pydantic", "httpx", "fastapi", "kubernetes", "cryptography"}
    assert "yaml" in imported
    assert not heavy & imported
