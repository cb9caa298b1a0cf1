"""The settings of the webhook that runs, read from its Deployment by `Settings` itself."""

from collections.abc import Mapping

from webhook.kube.objects import Json
from webhook.settings import Settings, load

PREFIX = "INITSHIM_"
# What decides over a pod; the rest of a plan's settings are those of who runs the command.
_DECIDE = frozenset(
    {
        "architectures",
        "delivery",
        "init_systems",
        "lookup_seconds",
        "lookups",
        "on_unresolved",
        "pull_secrets",
        "reaper_image",
        "runtime_classes",
    }
)


def values_of(pod_spec: Json) -> dict[str, str]:
    """Give the settings of the first container that has any, by their names; no empty ones."""
    for container in pod_spec.get("containers") or ():
        found = {
            str(each["name"]).removeprefix(PREFIX).lower(): str(each["value"])
            for each in container.get("env") or ()
            if each.get("value") and str(each.get("name")).startswith(PREFIX)
        }
        if found:
            return found
    return {}


def planning_settings(
    values: Mapping[str, str], environ: Mapping[str, str], *, lookup: bool
) -> Settings:
    """Give the settings to plan pods by: the webhook's, but for what `environ` says.

    `lookup` False asks no registry. Raises BadSettings.
    """
    taken: dict[str, object] = {
        name: value
        for name, value in values.items()
        if name in _DECIDE and not environ.get(f"{PREFIX}{name.upper()}")
    }
    return load(**{**taken, **({} if lookup else {"lookups": False})})
