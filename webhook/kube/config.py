"""Which API server a command line means: a kubeconfig's, as kubectl finds it, or the pod's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from webhook.kube.connect import Connection, in_cluster
from webhook.kube.errors import NoCluster


def load_config(
    environ: Mapping[str, str],
    *,
    home: Path,
    kubeconfig: Path | None = None,
    context: str | None = None,
) -> Connection:
    """Connect as kubectl would: the kubeconfig named, $KUBECONFIG, ~/.kube/config, the pod's."""
    named = [Path(part) for part in environ.get("KUBECONFIG", "").split(":") if part]
    if kubeconfig is not None:
        named = [kubeconfig]
    present = [path for path in named or [home / ".kube" / "config"] if path.is_file()]
    if present:
        return _kubeconfig(present, context)
    if named:
        raise NoCluster(
            f"No kubeconfig at {', '.join(map(str, named))}",
            next_step="Correct --kubeconfig or $KUBECONFIG.",
        )
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster(environ)
    raise NoCluster(
        f"No cluster is configured: no $KUBECONFIG, no {home / '.kube' / 'config'}, and no pod",
        next_step="Name one with --kubeconfig.",
    )


def _kubeconfig(paths: Sequence[Path], context: str | None) -> Connection:
    try:
        from webhook.kube.kubeconfig import connect  # noqa: PLC0415 - see docs/adr/0003
    except ModuleNotFoundError as error:
        raise NoCluster(
            f"To read a kubeconfig, the module {error.name} is missing",
            next_step="pip install 'initshim[cli]'",
        ) from error
    return connect(paths, context=context)
