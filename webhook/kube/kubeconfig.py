"""A kubeconfig's context as a connection, as the `kubernetes` library reads it: for command lines.

That library merges files and knows certificates, tokens and exec plugins; docs/adr/0003 says why
the webhook in the cluster does without it. Importing this module imports it.
"""
# The library's loaders have no annotations.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import logging
import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from logging.handlers import BufferingHandler
from pathlib import Path

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from yaml import YAMLError

from webhook.core.errors import clause
from webhook.kube.connect import Connection
from webhook.kube.errors import NoCluster

_LONGEST_MESSAGE = 300


def connect(paths: Sequence[Path], *, context: str | None = None) -> Connection:
    """Give the connection of a context: the one named, or the current one. Raises NoCluster."""
    files = os.pathsep.join(map(str, paths))
    configuration = Configuration(host="", proxy="", no_proxy="")  # nothing from the environment
    with _explained(files):
        merged = KubeConfigMerger(files)
        loader = KubeConfigLoader(
            merged.config,
            active_context=context or _current(merged),
            config_base_path=None,  # paths in it start at the file that they stand in
        )
        loader.load_and_set(configuration)
        tls = _tls(configuration)
        namespace = loader.current_context["context"].get("namespace")
    if not configuration.host.startswith(("https://", "http://")):
        raise NoCluster(f"The kubeconfig {files} has no server URL for its cluster")

    def bearer() -> str | None:
        with _explained(files):  # an exec plugin is asked again when its token expires
            scheme, _, token = (
                configuration.get_api_key_with_prefix("BearerToken") or ""
            ).partition(" ")
        if scheme not in {"", "Bearer"}:
            raise NoCluster(
                f"The kubeconfig {files} has a user's name and password, which Kubernetes dropped",
                next_step="Use a token, a client certificate or an exec plugin.",
            )
        return token.strip() or None

    async def token() -> str | None:
        return await asyncio.to_thread(bearer)

    return Connection(
        server=configuration.host,
        tls=tls,
        token=token,
        namespace=namespace or "default",
        proxy=configuration.proxy or None,
        server_name=configuration.tls_server_name,
    )


def _current(merged: KubeConfigMerger) -> str | None:
    """Give the first file's current context, as kubectl does; the library takes the last one's."""
    named = (each.get("current-context") for each in merged.config_files.values())
    return next(filter(None, named), None)


def _tls(configuration: Configuration) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, configuration.key_file)
    return tls


@contextmanager
def _explained(files: str) -> Iterator[None]:
    """Raise NoCluster for what the library raises, and for a failed plugin, which it only logs."""
    heard = BufferingHandler(100)
    heard.setLevel(logging.ERROR)
    logging.getLogger().addHandler(heard)
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:  # it checks few types
        raise NoCluster(f"The kubeconfig {files} is no kubeconfig: {_line(error)}") from error
    except (ConfigException, YAMLError, OSError, ValueError) as error:
        raise _unusable(files, error) from error
    finally:
        logging.getLogger().removeHandler(heard)
    if heard.buffer:
        raise _unusable(files, heard.buffer[0].getMessage())


def _unusable(files: str, why: Exception | str) -> NoCluster:
    return NoCluster(
        f"The kubeconfig {files} can't be used: {_line(why)}",
        next_step="See what `kubectl get --raw /version` says with the same context.",
    )


def _line(error: Exception | str) -> str:
    """Give an error's text as one line, without the entry it quotes: that may hold a secret."""
    text = clause(str(error).partition("/{")[0])
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
