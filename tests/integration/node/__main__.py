"""`python -m tests.integration.node up|down|off|on|build|images`: the node by hand.

`make node` is `up`; `off` is the plug pulled, `on` its power again, on the same disk.
"""

import sys
import time
from collections.abc import Callable

from tests.integration.controlplane.assets import Missing
from tests.integration.node import builds, images, machine, options
from tests.integration.node.component import NotReady
from tests.integration.node.components import runtime
from tests.integration.node.layout import OPEN_REGISTRY, PRIVATE_REGISTRY
from tests.integration.node.machine import BootFailed
from tests.integration.node.node import Node

_USE = """
A Kubernetes {minor} of one node with {runtime} is up. In your shell:

  export KUBECONFIG={kubeconfig} PATH={folder}/bin:$PATH
  kubectl get nodes
  {enter} {look}

Its registries hold initshim's images, built from this checkout, and the tests' own:
{open} for all, {private} with a password. Their values for the chart: {values}
Logs are in {logs}.

  make node-test       run the tests on it
  make node-down       end it and leave nothing behind
"""


def say(text: str) -> None:
    """Print at once, with the time that has passed."""
    print(f"{time.monotonic() - _BEGUN:6.1f} s  {text}", flush=True)


def build() -> None:
    """Build programs and images that are not there yet; nothing is started."""
    obstacles = list(builds.obstacles())
    if obstacles:
        raise Missing("; ".join(obstacles))
    builds.build()
    images.build(say)


def up() -> None:
    """Bring the node up, from nothing if need be."""
    node = Node()
    if node.running:
        say("it is up already")
    else:
        build()
        node.on(say)
    images.push(say)
    print(_USE.format(
        minor=options.minor(), runtime=options.runtime(), look=runtime.chosen().look,
        kubeconfig=node.layout.kubeconfig, folder=node.layout.folder,
        enter=" ".join(node.programs.enter()), open=OPEN_REGISTRY, private=PRIVATE_REGISTRY,
        values=images.values_file(node.layout), logs=node.layout.logs,
    ))  # fmt: skip


def down() -> None:
    """End it and leave nothing behind but what was built; look, and fail where something is."""
    node = Node()
    before = machine.kept_settings(node.layout)
    node.down()
    still = [*machine.left(node.layout), *machine.changed(before)]
    if still:
        sys.exit("\n".join(["The node left something behind:", *still]))
    say("it is gone: no process, mount, link, route, cgroup or kernel setting of it is left")


_BEGUN = time.monotonic()
_ORDERS: dict[str, Callable[[], None]] = {
    "up": up,
    "down": down,
    "build": build,
    "off": lambda: Node().off(),
    "on": lambda: Node().on(say),
}

if __name__ == "__main__":
    try:
        _ORDERS[sys.argv[1]]()
    except (Missing, NotReady, BootFailed) as stopped:
        sys.exit(f"No node can run here: {stopped}")
