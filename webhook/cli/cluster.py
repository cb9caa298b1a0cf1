"""Whose API server a command asks: the kubeconfig's that was named, or the one that is found."""

from pathlib import Path

from webhook.base.environment import environment
from webhook.kube.config import load_config
from webhook.kube.connect import Connection


def connection_to(kubeconfig: Path | None = None, context: str | None = None) -> Connection:
    """Find the cluster, as kubectl does. Raises InitshimError."""
    return load_config(environment(), home=Path.home(), kubeconfig=kubeconfig, context=context)
