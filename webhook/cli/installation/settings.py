"""The rules of the webhook that runs in the cluster: its settings, as its Deployment gives them.

What is set here as INITSHIM_… goes first. Rights: get the webhook's Deployment and ConfigMap; who
lacks them audits by the defaults, and is told.
"""

from dataclasses import dataclass, replace

from webhook.cli.installation.selection import Selection
from webhook.core.policy import Rules
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import CONFIG_MAP, DEPLOYMENT, Json, Ref
from webhook.settings import Settings, environment, images_in, load

_PREFIX = "INITSHIM_"
_DECIDE = (
    "architectures",
    "delivery",
    "init_systems",
    "lookup_seconds",
    "lookups",
    "on_unresolved",
    "pull_secrets",
    "reaper_image",
    "runtime_classes",
)
_IMAGES = "images.yaml"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The settings and rules to plan by, and sentences about what could not be read."""

    settings: Settings
    rules: Rules
    notes: tuple[str, ...] = ()


async def read(client: KubeClient, selection: Selection, *, lookup: bool) -> Deployed:
    """Read how the webhook decides. Raises BadSettings; `lookup` False asks no registry."""
    told: dict[str, str] = {}
    written, where = "", ""
    notes: tuple[str, ...] = ()
    if selection.service:
        namespace, name = selection.service
        where = f"ConfigMap {namespace}/{name}, {_IMAGES}"
        try:
            told = _environment(await client.get(Ref(DEPLOYMENT, name, namespace)))
            if told.get("images_file"):
                files = await client.get(Ref(CONFIG_MAP, name, namespace))
                written = str((files.get("data") or {}).get(_IMAGES) or "")
        except KubeError as error:
            said = str(error).rstrip(".")
            notes = (f"{said}. Pods are planned by the settings of this environment instead.",)
    settings = load(**_overrides(told, lookup=lookup))
    rules = settings.rules()
    if written and not settings.images_file:
        rules = replace(rules, images=images_in(written, where))
    return Deployed(settings, rules, notes)


def _environment(deployment: Json) -> dict[str, str]:
    """Give the settings of the first container that has any, by field name."""
    spec = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    for container in spec.get("containers") or ():
        given = {
            str(each.get("name")): str(each["value"])
            for each in container.get("env") or ()
            if each.get("value") and str(each.get("name")).startswith(_PREFIX)
        }
        if given:
            return {name.removeprefix(_PREFIX).lower(): value for name, value in given.items()}
    return {}


def _overrides(told: dict[str, str], *, lookup: bool) -> dict[str, object]:
    own = environment()
    taken: dict[str, object] = {
        name: told[name]
        for name in _DECIDE
        if name in told and not own.get(f"{_PREFIX}{name.upper()}")
    }
    return taken if lookup else {**taken, "lookups": False}
