"""The linters: what each reads, and how it is called.

Exceptions stand in .ci/linters, with their reasons; kube-score's are here, as it has no file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.linters import schemas

ROOT = Path(__file__).parents[2]
CONFIG = ".ci/linters"
DEPLOY = ("deploy/initshim.yaml", "deploy/namespace.yaml")
# The same as for checkov: see .ci/linters/checkov.yaml.
NOT_SCORED = (
    "container-image-pull-policy",
    "container-security-context-user-group-id",
    # The pods repel each other by topologySpreadConstraints, softly: one node must do.
    "deployment-has-host-podantiaffinity",
    # A limit on the CPU; and on the disk, of which it writes nothing: its root is read-only.
    "container-resources",
    "container-ephemeral-storage-request-and-limit",
)


@dataclass(frozen=True, slots=True)
class Linter:
    """`reads` are globs below the root.

    `module` is a Go module to build, `package` one of PyPI that wants a virtual environment of its
    own; what has neither is in the extra `linters`.
    """

    name: str
    reads: Sequence[str]
    command: Callable[[Sequence[str]], Sequence[str]]
    module: str = ""
    package: str = ""
    config: str = ""

    def files(self) -> list[str]:
        """List what it reads, sorted."""
        found = (file for glob in self.reads for file in ROOT.glob(glob))
        return sorted(str(file.relative_to(ROOT)) for file in found if file.is_file())


def _kubeconform(files: Sequence[str]) -> Sequence[str]:
    return ["-strict", "-schema-location", schemas.location(), *files]


LINTERS = (
    Linter(
        "hadolint",
        ("Dockerfile", ".devcontainer/Dockerfile"),
        lambda files: ["--config", f"{CONFIG}/hadolint.yaml", *files],
        config="hadolint.yaml",
    ),
    Linter(
        "yamllint",
        (
            ".*.yaml", "*.yml", ".ci/**/*.yaml", ".github/**/*.yml", "charts/**/*.yaml",
            "deploy/*.yaml", "docs/**/*.yaml", "tests/**/*.yaml", "webhook/**/*.yaml",
        ),
        lambda files: ["--strict", "--config-file", f"{CONFIG}/yamllint.yaml", *files],
        config="yamllint.yaml",
    ),
    Linter(
        "actionlint",
        (".github/workflows/*.yml",),
        lambda files: ["-no-color", *files],
        module="github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
    ),
    Linter(
        "zizmor",
        (".github/workflows/*.yml", ".github/dependabot.yml"),
        lambda files: [
            *("--offline", "--quiet", "--persona", "pedantic"),
            *("--config", f"{CONFIG}/zizmor.yaml"),
            *files,
        ],
        config="zizmor.yaml",
    ),
    Linter(
        "kube-score",
        DEPLOY,
        lambda files: ["score", *(f"--ignore-test={each}" for each in NOT_SCORED), *files],
        module="github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
    ),
    Linter(
        "kubeconform",
        DEPLOY,
        _kubeconform,
        module="github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
    ),
    Linter(
        "checkov",
        ("Dockerfile", *DEPLOY),
        lambda files: ["--config-file", f"{CONFIG}/checkov.yaml", *_each("-f", files)],
        package="checkov==3.3.30",  # it wants other packages' old versions
        config="checkov.yaml",
    ),
)  # fmt: skip


def _each(flag: str, files: Sequence[str]) -> list[str]:
    return [word for file in files for word in (flag, file)]
