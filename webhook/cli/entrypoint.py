"""`initshim entrypoint`: what an image runs, who said so, and what to do where nobody does."""

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import click

from webhook.assembly.resolver import images
from webhook.cli import output
from webhook.cli.cluster import connection_to
from webhook.cli.manifest import files
from webhook.cli.output import OutputFormat
from webhook.cli.parameters import NAMESPACE, Image, output_option
from webhook.core import image
from webhook.core.argv import effective
from webhook.core.credentials import Keyring
from webhook.core.errors import BadManifest, InitshimError, LookupFailed
from webhook.core.log_events import LogEvent
from webhook.core.observe import Silent
from webhook.core.pod import Pod
from webhook.core.pod_templates import PodTemplate, pod_templates
from webhook.core.reasons import Reason, remedy
from webhook.kube.client import KubeClient
from webhook.kube.errors import NoCluster
from webhook.kube.pullsecrets import ClusterSecrets, PullSecrets
from webhook.oci.images import Images
from webhook.oci.question import Found
from webhook.settings import load

_AS_POD = "Ask with this pod's (or workload's) pull secrets and architecture; - for standard input."
_OUTPUT = "text, json or yaml."
_NAMESPACE = "Namespace of the pod's secrets, where the manifest names none."


@dataclass(frozen=True, slots=True)
class Caller:
    """As whom a registry is asked."""

    keyring: Keyring = Keyring()  # noqa: RUF009 - frozen, and empty
    architectures: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was found out about an image, and in how many seconds."""

    image: str
    found: Found
    seconds: float

    def plain(self) -> dict[str, Any]:
        """Give it as plain values."""
        config = self.found.config
        return {
            "image": self.image,
            "entrypoint": list(config.entrypoint),
            "cmd": list(config.cmd),
            "runs": list(effective((), (), config)),
            "digest": self.found.digest,
            "registry": self.found.endpoint,
            "credential": self.found.credential,
            "platforms": [str(each) for each in self.found.platforms],
            "seconds": round(self.seconds, 3),
        }


@click.command()
@click.argument("name", type=Image(), metavar="IMAGE")
@click.option("--as-pod", metavar="FILE|-", help=_AS_POD)
@click.option("--namespace", "-n", type=NAMESPACE, metavar="NAME", help=_NAMESPACE)
@output_option(OutputFormat.TEXT, _OUTPUT)
def entrypoint(
    *,
    name: str,
    as_pod: str | None,
    namespace: str | None,
    output_format: OutputFormat,
) -> None:
    """Print what an image runs, as the webhook would find it out.

    Asked from here, with the INITSHIM_… settings of the environment: registries file, docker
    config, proxies. What a pod of the cluster may reach can differ.
    """
    try:
        resolved = asyncio.run(_run(name, as_pod=as_pod, namespace=namespace))
    except InitshimError as error:
        click.echo(f"initshim entrypoint: {failure(error)}", err=True)
        sys.exit(1)
    text = (
        lines(resolved)
        if output_format is OutputFormat.TEXT
        else output.dumps(resolved.plain(), output_format)
    )
    click.echo(text, nl=False)


def lines(resolved: Resolved) -> str:
    """Write it for people: a name and a value per line."""
    shown = {
        key: " ".join(map(repr, value)) if key in ("entrypoint", "cmd", "runs") else value
        for key, value in resolved.plain().items()
    }
    shown["platforms"] = ", ".join(map(str, resolved.found.platforms)) or "one"
    width = max(map(len, shown))
    return "".join(f"{key:<{width}}  {value or '-'}\n" for key, value in shown.items())


def failure(error: InitshimError) -> str:
    """Say what went wrong, the reason's public name, and every remedy there is."""
    said = [f"{error}."]
    if isinstance(error, LookupFailed):
        said.append(f"Reason: {error.key}.")
    if error.next_step:
        said.append(error.next_step)
    if isinstance(error, LookupFailed):
        todo = remedy(Reason(error.key), "CONTAINER")
        said.append(f"In the pod: {todo}." if todo else "")
    return " ".join(filter(None, said))


async def resolve(name: str, *, asked: Images, caller: Caller, seconds: float) -> Resolved:
    """Ask for an image. Raises LookupFailed or BadReference."""
    reference = image.parse(name)
    clock = asyncio.get_running_loop().time
    start = clock()
    found = await asked.find(
        reference,
        keyring=caller.keyring,
        architectures=caller.architectures,
        deadline=start + seconds,
    )
    return Resolved(str(reference), found, clock() - start)


async def _run(name: str, *, as_pod: str | None, namespace: str | None) -> Resolved:
    settings, observer = load(), _ToStderr()
    caller = Caller()
    async with AsyncExitStack() as stack:
        if as_pod is not None:
            workload = pod_in(as_pod)
            try:
                connection = connection_to()
            except NoCluster as error:
                observer.print_line("without pull secrets", error=str(error))
                caller = Caller(architectures=Pod(workload.pod).architectures)
            else:
                client = await stack.enter_async_context(KubeClient(connection))
                clock = asyncio.get_running_loop().time
                secrets = PullSecrets(ClusterSecrets(client), clock=clock, observer=observer)
                where = workload.namespace or namespace or connection.namespace
                caller = await caller_of(workload, secrets, where)
        asked = await stack.enter_async_context(images(settings, observer))
        return await resolve(name, asked=asked, caller=caller, seconds=settings.lookup_seconds)


def pod_in(name: str) -> PodTemplate:
    """Give the first pod or pod template of a manifest. Raises BadManifest."""
    for document in files.read(name).documents:
        for workload in pod_templates(document.content()):
            return workload
    raise BadManifest(f"{name} has no pod and no workload in it")


async def caller_of(workload: PodTemplate, secrets: PullSecrets, namespace: str) -> Caller:
    """Give a pod's credentials and architectures. Raises BadPod."""
    pod = Pod(workload.pod)
    keyring = await secrets.keyring(
        namespace, pod.pull_secrets, service_account=pod.service_account
    )
    return Caller(keyring, pod.architectures)


class _ToStderr(Silent):
    """Says what an operator would read in the log."""

    def note(self, event: LogEvent, **fields: object) -> None:
        """See Observer."""
        self.print_line(event.replace("-", " "), **fields)

    def print_line(self, what: str, **fields: object) -> None:
        """Print a line."""
        said = ", ".join(f"{key}: {value}" for key, value in fields.items() if value)
        click.echo(f"initshim entrypoint: {what} ({said})", err=True)
