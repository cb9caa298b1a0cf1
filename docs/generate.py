"""Write what comes from the code: pages, and the version wherever it stands.

Run `python docs/generate.py`.
"""  # noqa: INP001  # a script

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import initshim
from initshim.grammar import OPTIONS, Option
from webhook.cli.manifest import kinds
from webhook.core import inits, shell
from webhook.core.cel.limits import limits
from webhook.core.log_events import LogEvent
from webhook.core.reasons import Reason
from webhook.server.metrics import Metrics
from webhook.settings import PREFIX, Settings

FOLDER = Path(__file__).parent


_CONFIGURATION = f"""\
# Configuration

The webhook reads its settings from the environment, at start. The chart sets them from its
values; `initshim serve --dev` needs none. A setting that can't be used stops the start with a
sentence that names it. An empty variable counts as one that is not set.

Times are seconds, sizes are bytes. This page is written by `docs/generate.py` from
`webhook/settings.py`.

| `{PREFIX}…` | Default | Values | Meaning |
|---|---|---|---|
"""

_LOGS = """\
# Logs

The webhook writes one line an event to standard error: JSON, or text for people with
`INITSHIM_LOG_FORMAT=text`. `event` says what happened, by one of the names below; `level`,
`timestamp` and the fields of the event's row follow. A field that has nothing to say may be
missing. A line with an `error` is a warning, one with an `exception` (a traceback) is an error.

Nothing of a pod but names is written: no command, no environment, no secret. What is longer than
512 characters is cut.

An event's name never changes its meaning, so that an alert or a script may look for it:

```sh
kubectl -n NAMESPACE logs -l app.kubernetes.io/component=webhook |
  grep image-not-resolved
```

This page is written by `docs/generate.py` from `webhook/core/log_events.py`.

| Event | Fields | Meaning |
|---|---|---|
"""

_REASONS = """\
# Reasons

Why a pod or a container is left alone. A reason has one name everywhere: in the pod's annotation
`initshim.dev/status`, in the warning that `kubectl` shows, in the log, in the API server's audit
log, and as the label `outcome` of `initshim_containers_total`. Its meaning never changes.

Those marked with \N{DAGGER} mean that nobody could tell what the container runs: with
`INITSHIM_ON_UNRESOLVED=deny` such a pod is refused.

This page is written by `docs/generate.py` from `webhook/core/reasons.py`.

| Reason | What it means | What to do |
|---|---|---|
"""

_INJECT = """\
# initshim inject

`initshim inject` does to manifests what the webhook does to pods, without a cluster. What it
doesn't change stays byte for byte: comments, order, quotes, line ends, other documents.

```sh
initshim inject -f k8s/ --report                # a table: wrapped or not, and why
initshim inject -f k8s/ --diff                  # what would change
initshim inject -f k8s/ --in-place              # change the files
helm template . | initshim inject | kubectl apply -f -
```

No network is used unless `--lookup` is given. A container without `command:` needs that, or
`--image-config IMAGE=FILE`, or an [annotation](how-it-works.md).

This page is written by `docs/generate.py` from `webhook/cli/manifest/kinds.py`.

## Read as kubectl reads

A manifest means what kubectl's own decoder reads in it; the tests hold the two against each other.
That is not what every YAML reader says:

- A merge (`<<`) goes before the keys above it. Where a `command:` is overridden by a merge below
  it, readers disagree, and the file is refused with the line.
- Of a key that is there twice, the last counts.
- `yes`, `on`, `y` are true, `0999` is a number, `.inf` is refused.
- Documents end at lines that begin with `---`, behind which only a comment may stand. Nothing is
  read behind `...`.
- JSON and YAML files that are printed together become one YAML stream: kubectl before 1.33 reads
  nothing else behind JSON.

## Kinds that are changed

A kind that isn't listed has its pod template at `spec.template`, or none.

| Kind | Pod templates at |
|---|---|
| any other kind | `spec.template` |
{changed}
A list (`List`, `PodList`, `DeploymentList`) and an OpenShift `Template` are looked into.

Where an operator of yours has its templates somewhere else, say so; `*` is every key of a mapping
or every item of a list:

```sh
initshim inject -f k8s/ --template-path 'Thing.example.com=spec.groups.*.template'
```

Only what is a plain pod template belongs there: the operator must take init containers, volumes
and another `command:` in it as Kubernetes does.

## Kinds that are left alone

Their pods are wrapped by the webhook when they are created. The report has a line for each such
object, and standard error, too.

| Kind | Why |
|---|---|
{left}
Besides, these are left alone, each with a sentence:

| Result | What it is |
|---|---|
| `no-template` | Something like a pod template elsewhere; the `--template-path` to add is said. |
| `patch` | A part of an object: `$patch` in it, or a container without an image. |
| `no-kind` | An object that doesn't say what it is. |

Without an image means a patch in the kinds that kustomize merges by the names of containers:
{merged}.

## What is refused

Every refusal names file, document and line. A wrong file keeps no other from being printed or
written; the exit code is 1 at the end. `--fail-fast` prints and writes nothing then.

- An item of `command:` or `args:` that is no string (`8080`, `on`, an empty item), with the quotes
  that mend it.
- What kubectl refuses, or what it would read otherwise than other readers where it matters.
- A Helm template: render it first.
- A style that can't be changed in place; `--output yaml` writes every document anew.
"""

_INITS = """\
# Inits and init systems

A container that starts an init of its own needs no second one, and an init system that has to be
PID 1 must not be wrapped at all. Both are known by what the container runs: `command` and `args`,
or the image's ENTRYPOINT and CMD. This page is written by `docs/generate.py` from
`webhook/core/inits.py`.

## Inits: `has-init`

Known by the base name of the program that the container becomes, also behind
{prefixes}, and as the first word of a shell's `-c` string or of an `exec` in it.

| Init | Base name |
|---|---|
{inits}
## Init systems: `needs-pid-1`

Known anywhere in the argv: behind an entry script, behind `env`, and as a word of a command in a
shell's `-c` string. A base name counts as the program, as an argument that is no option's value,
and as a path into a folder of programs (`bin`, `sbin`, `libexec`, `command`, `systemd`).
Arguments of `echo`, `cat`, `rm`, `pgrep`, `apt-get` and others that only read, print, look for or
install don't count. So
`app --config /init.d`, `init-db`, `fluent-bit -i systemd` and `sh -c 'echo /sbin/init'` are
wrapped.

| Init system | Base name | Path | With |
|---|---|---|---|
{systems}
## What an image or a pod tells

Where a container gives no command, its image can tell of an init system that its entry script
starts in the end:

- STOPSIGNAL {signals};
- a variable whose name begins with `S6_`;
- the label {labels}.

The pod itself can tell the same way, by a variable in the container's `env` whose name begins with
`S6_`, or by `lifecycle.stopSignal: SIGRTMIN+3`. Its image is then not looked up.

A container that runs something else of such an image all the same says so with `command:` or
[`initshim.dev/entrypoint.<container>`](how-it-works.md).

## Others

Add programs that only your images have with the chart's value `initSystems`: base names, or
absolute paths.

```yaml
initSystems: [/opt/vendor/boot, vendor-init]
```
"""

_METRICS = """\
# Metrics

`GET /metrics` on the plain port (8080) answers in Prometheus' text format; with the chart's value
`serviceMonitor.enabled` the Prometheus operator finds it, `prometheusRule.enabled` brings
[alerts](runbook.md), and `grafanaDashboard.enabled` a dashboard. Each pod counts for itself: sum
over the pods.

With `INITSHIM_EXEMPLARS=true`, and [traces](traces.md) on, whoever asks for OpenMetrics gets the
trace id of a review beside the bucket that it was counted in.

The labels of a counter whose values are known are there from the start, at zero. A pod's author
chooses the registries that are asked, so the label `registry` has at most 50 values beside those
that are configured.

This page is written by `docs/generate.py` from `webhook/server/metrics.py`.

| Metric | Type | Labels | Meaning |
|---|---|---|---|
"""

_METRICS_END = """
The metrics whose names begin with `process_` (CPU, memory, file descriptors, start time) are those
that every program with a Prometheus client has.

## What the webhook can not count

A pod that was created while the webhook could not be reached is one that it never saw. The API
server counts it, in metrics of its own, with the label `name="inject.initshim.dev"`:

- `apiserver_admission_webhook_fail_open_count`: pods admitted without an answer, under
  `failurePolicy: Ignore`;
- `apiserver_admission_webhook_rejection_count`: pods refused, under `failurePolicy: Fail` for want
  of an answer (`error_type="calling_webhook_error"`), or by our own answer (`no_error`);
- `apiserver_admission_webhook_admission_duration_seconds`: what a review costs, network and TLS
  included.

Prometheus has to scrape the API server for these; the alert on missed pods needs it. They don't
see a pod for which the API server had no reason to ask: a namespace without the label, a webhook
configuration that was deleted or rewritten. `initshim audit` looks at the pods themselves.
"""


def metrics() -> str:
    """Give the page of metrics: a row for each of our own, in the order of the code."""
    observer = Metrics("")
    observer.lookup("docker.io", "ok", 0.0)
    observer.watch_certificate(lambda: {"leaf": 0.0})
    rows = []
    for family in observer.collect():
        if not family.name.startswith("initshim_"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = dict.fromkeys(label for each in family.samples for label in each.labels)
        shown = ", ".join(f"`{label}`" for label in labels if label != "le")
        rows.append(f"| `{name}` | {family.type} | {shown} | {_cell(family.documentation)} |\n")
    return (
        _METRICS
        + "".join(rows)
        + _METRICS_END.replace("process_...", "process_\N{HORIZONTAL ELLIPSIS}")
    )


def logs() -> str:
    """Give the page of the log's events."""
    return _LOGS + "".join(map(_event, LogEvent))


def configuration() -> str:
    """Give the page of settings: a row for each, in the order of the code."""
    texts = meanings(Settings)
    fields = Settings.model_fields.items()
    return _CONFIGURATION + "".join(_setting(name, field, texts[name]) for name, field in fields)


def meanings(model: type) -> dict[str, str]:
    """Give what is written below each field; pydantic would read it at every start."""
    [definition] = ast.parse(inspect.getsource(model)).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101
    return {
        field.target.id: inspect.cleandoc(str(text.value.value))
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def reasons() -> str:
    """Give the page of reasons: a row for each, in the order of the code."""
    return _REASONS + "".join(map(_reason, Reason))


def init_programs() -> str:
    """Give the page of inits: a row for each program that is known."""
    return _INITS.format(
        prefixes=", ".join(f"`{name}`" for name in shell.PREFIXES if name not in shell.BUILTINS),
        inits="".join(f"| {_link(each)} | `{_cell(each.name)}` |\n" for each in inits.INITS),
        systems="".join(map(_system, inits.SYSTEMS)),
        signals=" or ".join(f"`{signal}`" for signal in inits.STOP_SIGNALS),
        labels=", ".join(f"`{name}` that is `{pattern}`" for name, pattern in inits.LABELS),
    )


_LIMITS = "<!-- limits: written by docs/generate.py -->\n\n"


def engines() -> str:
    """Give the page with the policy's limits in it; the rest is written by hand."""
    rows = "".join(f"| `{each.name}` | {each.sentence} |\n" for each in limits())
    before, _, rest = (FOLDER / "engines.md").read_text().partition(_LIMITS)
    table = f"| Condition | Such a pod is left |\n|---|---|\n{rows}\n"
    return f"{before}{_LIMITS}{table}<{rest.partition('<')[2]}"


def inject() -> str:
    """Give the page of inject: a row for each kind that is known."""
    changed = (
        (kind, ", ".join(f"`{'.'.join(path)}`" if path else "the object itself" for path in paths))
        for kind, paths in kinds.KNOWN.paths.items()
    )
    return _INJECT.format(
        changed="".join(f"| `{kind}` | {paths} |\n" for kind, paths in changed),
        left="".join(f"| `{kind}` | {why} |\n" for kind, why in kinds.KNOWN.left.items()),
        merged=", ".join(sorted(kinds.MERGED_BY_NAME)),
    )


def _system(program: inits.Program) -> str:
    name = f"`{_cell(program.name)}`" if program.name else ""
    paths = ", ".join(f"`{path}`" for path in program.paths)
    subcommands = " or ".join(f"`{word}`" for word in program.subcommands)
    return f"| {_link(program)} | {name} | {paths} | {subcommands} |\n"


def _link(program: inits.Program) -> str:
    return f"[{program.title}]({program.source})"


def _setting(name: str, field: FieldInfo, text: str) -> str:
    meaning = " ".join(text.split())
    return f"| `{name.upper()}` | {_default(field)} | {_values(field)} | {_cell(meaning)} |\n"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined or value in (None, "", ()):
        return ""
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, tuple):
        value = ",".join(value)
    elif isinstance(value, float):
        value = f"{value:g}"
    return f"`{value}`"


def _values(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) is UnionType:
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) is tuple:
        return "a list, comma-separated"
    if kind in (int, float):
        return _range(field)
    return {bool: "`true`, `false`", Path: "a path"}.get(kind, "text")


def _range(field: FieldInfo) -> str:
    words = []
    for limit in field.metadata:
        if isinstance(limit, Ge):
            words.append(f"from {limit.ge}")
        elif isinstance(limit, Gt):
            words.append(f"above {limit.gt}")
        elif isinstance(limit, Le):
            words.append(f"to {limit.le}")
    return " ".join(words)


def _reason(reason: Reason) -> str:
    meaning = reason.meaning
    mark = " \N{DAGGER}" if meaning.unresolved else ""
    remedy = _cell(meaning.remedy.replace("{container}", "<name>")) or "nothing"
    if meaning.administration:
        remedy += f"; or [{meaning.administration.todo}]({meaning.administration.page})"
    return f"| `{reason}`{mark} | {_cell(meaning.sentence)} | {remedy} |\n"


def _event(event: LogEvent) -> str:
    fields = ", ".join(f"`{each}`" for each in event.fields)
    return f"| `{event}` | {fields} | {_cell(event.meaning)} |\n"


def _cell(text: str) -> str:
    """Keep a text within its cell, and `<name>` from being taken for HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;")


_OPTIONS = re.compile(
    r"(?<=<!-- options: written by docs/generate.py from initshim/grammar.py -->\n).*?(?=\n\n)",
    re.DOTALL,
)


def with_options(readme: str) -> str:
    """Give the README with the table of the reaper's options that a pod may set."""
    rows = [_option(option) for option in OPTIONS if option.pod]
    return _OPTIONS.sub(lambda _: "\n".join(["| option | effect |", "|---|---|", *rows]), readme)


def _option(option: Option) -> str:
    name = f"--{option.name} {option.shown}".rstrip()
    return f"| `{option.short}`, `{name}` | {_cell(option.effect)} |"


PAGES = {
    "configuration.md": configuration,
    "inits.md": init_programs,
    "engines.md": engines,
    "inject.md": inject,
    "logs.md": logs,
    "metrics.md": metrics,
    "reasons.md": reasons,
}

# Where the version stands, beside `initshim.__version__`, its only source.
_VERSION = re.compile(
    r"""(?x)
    (?<= ^version:\ ) [^\s"]+                           # Chart.yaml
    | (?<= ^appVersion:\ ") [^"]+
    | (?<= ^ARG\ VERSION= ) \S+                          # Dockerfile
    | (?<= ghcr\.io/initshim/reaper: ) [0-9][0-9a-z.]*   # the pages' examples
    | (?<= ghcr\.io/initshim/webhook: ) [0-9][0-9a-z.]*
    | (?<= \{"version":" ) [^"]+
    | (?<= targetRevision:\ ) [0-9][0-9a-z.]*            # docs/gitops.md
    | (?<= \ tag:\ ) [0-9][0-9a-z.]*
    | (?<= charts/initshim\ --version\ ) [0-9][0-9a-z.]*
    | (?<= releases/download/v ) [0-9][0-9a-z.]*[0-9a-z]
    | (?<= release\.yml@refs/tags/v ) [0-9][0-9a-z.]*[0-9a-z]
    | (?<= ^\ \ version\ {10}=\ ") [^"]+
    """,
    re.MULTILINE,
)


def versioned() -> list[Path]:
    """Give the files that name the version."""
    root = FOLDER.parent
    forms = (root / ".github" / "ISSUE_TEMPLATE").glob("*.yml")
    chart = root / "charts" / "initshim" / "Chart.yaml"
    return [chart, root / "Dockerfile", *FOLDER.glob("*.md"), *forms]


def stamped(text: str) -> str:
    """Give a file's text with this version in it."""
    return _VERSION.sub(initshim.__version__, text)


def main() -> None:
    """Write every page, and the version."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
    readme = FOLDER.parent / "README.md"
    readme.write_text(with_options(readme.read_text()))
    for file in versioned():
        file.write_text(stamped(file.read_text()))


if __name__ == "__main__":
    main()
