"""A cluster whose API server wraps by itself: the chart's policy, alone or beside the webhook."""

import json
from collections.abc import Callable

import pytest
import yaml

import initshim
from tests.fakes.api_server import Json
from tests.unit.cli.doctor.cluster import DEPLOYMENT, ROOT, SERVICE, WEBHOOK, Installed
from webhook.core.mutation import Delivery
from webhook.core.policy import ClusterRules
from webhook.core.selector import selects

_GROUP = "/apis/admissionregistration.k8s.io/v1"
POLICY = f"{_GROUP}/mutatingadmissionpolicies/initshim"
BINDING = f"{_GROUP}/mutatingadmissionpolicybindings/initshim"
_PATHS = {"MutatingAdmissionPolicy": POLICY, "MutatingAdmissionPolicyBinding": BINDING}
_LEFT = "left-to-the-webhook"

Admit = Callable[[str, Json], tuple[Json, list[str]]]


def by_policy(there: Installed, delivery: str = "initContainer") -> None:
    """Take the webhook away: the chart's policy of `engine: policy` alone is there."""
    for path in (WEBHOOK, DEPLOYMENT, SERVICE):
        del there.server.objects[path]
    _put_policy(there, delivery)


def both(there: Installed) -> None:
    """Put the policy beside the webhook, and the webhook's condition, as `engine: both` does."""
    _put_policy(there, "initContainer")
    from tests.fakes.admission_policy import AdmissionPolicy

    left = AdmissionPolicy(ClusterRules(), _delivery()).left_to_webhook
    conditions = there.server.objects[WEBHOOK]["webhooks"][0]["matchConditions"]
    condition = {"name": _LEFT, "expression": left}
    there.change(WEBHOOK, webhooks__0__matchConditions=[*conditions, condition])


def evaluated(there: Installed) -> None:
    """Have the API server go by the policy, where one is bound, before it asks the webhook."""
    fakes = pytest.importorskip("tests.fakes.admission_policy", exc_type=ImportError)
    ours, ask = fakes.AdmissionPolicy(ClusterRules(), _delivery()), there.admit

    def admit(path: str, given: Json) -> tuple[Json, list[str]]:
        if path.rpartition("/")[2] != "pods":
            return ask(path, given)
        if _holds(there, path.split("/")[-2]):
            given = ours.applied(fakes.stored(given))
        configuration = there.server.objects.get(WEBHOOK) or {}
        for webhook in configuration.get("webhooks") or ():
            conditions = [each["name"] for each in webhook.get("matchConditions") or ()]
            if _LEFT in conditions and not ours.asks(fakes.stored(given)):
                return given, []
        return ask(path, given)

    there.server.admit = admit


def _delivery() -> Delivery:
    version = initshim.__version__
    return Delivery(f"ghcr.io/initshim/reaper:{version}", version)


def _holds(there: Installed, namespace: str) -> bool:
    """Tell whether the policy is there, is bound, and selects a namespace."""
    objects = there.server.objects
    bound = objects.get(BINDING, {}).get("spec", {}).get("policyName") == "initshim"
    if POLICY not in objects or not bound:
        return False
    labels = objects[f"/api/v1/namespaces/{namespace}"]["metadata"]["labels"]
    return selects(objects[POLICY]["spec"]["matchConstraints"]["namespaceSelector"], labels)


def _put_policy(there: Installed, delivery: str) -> None:
    for each in yaml.safe_load_all((ROOT / "deploy" / "policy.yaml").read_text()):
        text = json.dumps(each)
        if delivery == "imageVolume":
            text = text.replace("value: (false ?", "value: (true ?")
        if path := _PATHS.get(each["kind"]):
            there.server.put(path, json.loads(text))
