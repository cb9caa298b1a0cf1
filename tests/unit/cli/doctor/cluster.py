"""A cluster with initshim in it: what deploy/ installs, RBAC and the webhook's engine included."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

import initshim
from tests.fakes.api_server import ApiServer, Json, Refusal, serving
from tests.fakes.reviews import body, patched, read
from webhook.admission.admit import Engine, admit
from webhook.core.argv import ImageConfig
from webhook.core.mutation import Delivery
from webhook.core.observe import Silent
from webhook.core.pod import Pod
from webhook.core.policy import ClusterRules, Decision, NeedsImage, Plan, Skip, settle
from webhook.core.reasons import Reason
from webhook.core.selector import selects
from webhook.tls import issue
from webhook.tls.pair import Pair

ROOT = Path(__file__).resolve().parents[4]
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
PLURALS = {
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}
OURS = "inject.initshim.dev"
WEBHOOK = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/initshim"
SERVICE = "/api/v1/namespaces/initshim/services/initshim"
DEPLOYMENT = "/apis/apps/v1/namespaces/initshim/deployments/initshim"
SECRET = "/api/v1/namespaces/initshim/secrets/initshim-ca"
SLICE = "/apis/discovery.k8s.io/v1/namespaces/initshim/endpointslices/initshim-x"
BUDGET = "/apis/policy/v1/namespaces/initshim/poddisruptionbudgets/initshim"
POLICY = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/initshim-ca-bundle"
SHOP = "/api/v1/namespaces/shop"
# What nodes say of themselves, before and since kubelets mount images.
OLD = {"kubeletVersion": "v1.34.1", "containerRuntimeVersion": "containerd://2.4.2"}
NEW = {"kubeletVersion": "v1.36.1", "containerRuntimeVersion": "containerd://2.4.2"}


@dataclass
class Answers:
    """A resolver that knows every image but those whose name has one of these words in it."""

    unread: Mapping[str, Reason]

    async def resolve(self, plan: Plan, pod: Pod, namespace: str, *, deadline: float) -> Plan:  # noqa: ARG002
        return replace(plan, decisions=tuple(map(self._settled, plan.decisions)))

    def _settled(self, decision: Decision) -> Decision:
        if not isinstance(decision, NeedsImage):
            return decision
        for word, reason in self.unread.items():
            if word in decision.container.image:
                return Skip(decision.container, reason)
        return settle(decision, ImageConfig(("/app",)))


@dataclass
class Installed:
    """The API server, and switches for what goes wrong between it and the webhook."""

    server: ApiServer
    ca: Pair
    documents: list[Json]
    failure: str = ""
    """Why calls of the webhook fail, "" for good ones."""
    deny: bool = False
    unread: dict[str, Reason] = field(default_factory=lambda: {"private": Reason.UNAUTHORIZED})
    """Why the webhook can't read images, by a word of their names."""
    open: int = 0
    answered: int = 0

    def change(self, path: str, **changes: Any) -> None:
        """Change an object's fields, `a__b` for what is inside."""
        found = json.loads(json.dumps(self.server.objects[path]))
        for key, value in changes.items():
            inner, *rest = key.split("__")[::-1]
            target = found
            for part in rest[::-1]:
                target = target[int(part) if part.isdigit() else part]
            target[int(inner) if inner.isdigit() else inner] = value
        self.server.put(path, found)

    def configure(self, **settings: str) -> None:
        """Give the Deployment these settings, as the chart writes them."""
        names = {f"INITSHIM_{key}": value for key, value in settings.items()}
        (container, *_) = self.server.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"]
        kept = [each for each in container["env"] if each["name"] not in names]
        new = [{"name": name, "value": value} for name, value in names.items()]
        self.change(DEPLOYMENT, spec__template__spec__containers__0__env=[*kept, *new])

    def admit(self, path: str, given: Json) -> tuple[Json, list[str]]:
        """Admit a pod as the API server does: ask the webhook, if it is selected."""
        namespace = path.split("/")[-2]
        configuration = self.server.objects.get(WEBHOOK)
        metadata = self.server.objects[f"/api/v1/namespaces/{namespace}"]["metadata"]
        labels = metadata["labels"]
        if metadata.get("deletionTimestamp"):  # the plugin NamespaceLifecycle comes first
            raise Refusal(
                403,
                "Forbidden",
                f'pods "initshim-doctor" is forbidden: unable to create new content in namespace '
                f"{namespace} because it is being terminated",
            )
        if not configuration or path.rpartition("/")[2] != "pods":
            return given, []
        (webhook,) = (each for each in configuration["webhooks"] if each["name"] == OURS)
        if not selects(webhook["namespaceSelector"], labels):
            return given, []
        if self.failure:
            return self._fail(webhook, given)
        self.answered += 1
        self._count()
        with ThreadPoolExecutor(1) as thread:
            answer = read(thread.submit(asyncio.run, self._asked(given, namespace)).result())
        response = answer
        if not response["allowed"]:
            said = (
                f'admission webhook "inject.initshim.dev" denied: {response["status"]["message"]}'
            )
            raise Refusal(403, "Forbidden", said)
        made = patched(given, response) if "patch" in response else given
        return made, response.get("warnings", [])

    def _fail(self, webhook: Json, given: Json) -> tuple[Json, list[str]]:
        if webhook["failurePolicy"] == "Ignore":
            self.open += 1
            self._count()
            return given, []
        raise Refusal(
            500,
            "InternalError",
            'Internal error occurred: failed calling webhook "inject.initshim.dev": failed to '
            f"call webhook: {self.failure}",
        )

    async def _asked(self, pod: Json, namespace: str) -> bytes:
        delivery = Delivery("ghcr.io/initshim/reaper:1", initshim.__version__)
        resolver = Answers(self.unread)
        engine = Engine(ClusterRules(), delivery, resolver, Silent(), deny_unresolved=self.deny)
        deadline = asyncio.get_running_loop().time() + 5
        content = body(pod, namespace=namespace, dryRun=True)
        return (await admit(content, engine, deadline=deadline)).body

    def _count(self) -> None:
        """Count as k8s.io/apiserver's admission metrics do."""
        if "/metrics" in self.server.texts:
            self.server.texts["/metrics"] = (
                "# TYPE apiserver_admission_webhook_fail_open_count counter\n"
                'apiserver_admission_webhook_fail_open_count{name="inject.initshim.dev",'
                f'type="admitting"}} {self.open}\n'
                "# TYPE apiserver_admission_webhook_request_total counter\n"
                'apiserver_admission_webhook_request_total{code="200",name="inject.initshim.dev",'
                f'operation="CREATE",rejected="false",type="admitting"}} {self.answered}\n'
                'apiserver_admission_webhook_request_total{code="200",name="another.example",'
                f'operation="CREATE",rejected="false",type="admitting"}} {self.open * 7}\n'
            )

    def refuse_change(self, user: str, path: str, old: Json, new: Json) -> str:
        """Go by the chart's policy, where it is there: the account changes caBundle alone."""
        if user != "system:serviceaccount:initshim:initshim" or POLICY not in self.server.objects:
            return ""
        rules = [[each.get("rules") for each in one["webhooks"]] for one in (old, new)]
        denied = "ValidatingAdmissionPolicy 'initshim-ca-bundle' denied request"
        return f"{path}: {denied}" if rules[0] != rules[1] else ""

    def may(self, spec: Json) -> bool:
        """RBAC over the roles that deploy/ binds to the account."""
        asked, account = spec["resourceAttributes"], spec["user"].split(":")[-1]
        kinds = ("Role", "ClusterRole")
        bound = {
            (binding["roleRef"]["kind"], binding["roleRef"]["name"])
            for binding in self.documents
            if binding["kind"].endswith("RoleBinding")
            and any(each["name"] == account for each in binding["subjects"])
            and binding["metadata"].get("namespace") in {None, asked["namespace"]}
        }
        return any(
            _covers(rule, asked)
            for role in self.documents
            if role["kind"] in kinds and (role["kind"], role["metadata"]["name"]) in bound
            for rule in role["rules"]
        )


Ill = Callable[[Installed], Any]
"""What is done to a cluster."""


def setting(name: str, value: str) -> Ill:
    """Give the webhook another setting."""
    return lambda cluster: cluster.configure(**{name: value})


def without_role(cluster: Installed) -> None:
    """Take the rights in its own namespace from the webhook."""
    cluster.documents[:] = [each for each in cluster.documents if each["kind"] != "RoleBinding"]


@contextmanager
def installed(now: datetime = NOW) -> Iterator[tuple[Installed, str]]:
    """Give the cluster and its URL: healthy, with the namespace shop opted in."""
    ca = issue.authority(now=now, life=timedelta(days=700))
    text = (ROOT / "deploy" / "initshim.yaml").read_text()
    documents = [each for each in yaml.load_all(text, yaml.CSafeLoader) if each]
    cluster = Installed(ApiServer(), ca, documents)
    server = cluster.server
    for each in documents:
        server.put(_path(each), each)
    encoded = base64.b64encode(ca.chain).decode()
    cluster.change(WEBHOOK, webhooks__0__clientConfig__caBundle=encoded)
    cluster.change(SECRET, data={"ca.crt": encoded})
    status = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2}
    cluster.change(DEPLOYMENT, status=status)
    ready = [{"conditions": {"ready": True}}, {"conditions": {"ready": True}}]
    server.put(
        SLICE,
        {"metadata": {"labels": {"kubernetes.io/service-name": "initshim"}}, "endpoints": ready},
    )
    for name in ("default", "initshim", "kube-system", "shop"):
        labels = {"kubernetes.io/metadata.name": name}
        if name == "shop":
            labels["initshim.dev/inject"] = "enabled"
        server.put(f"/api/v1/namespaces/{name}", {"metadata": {"labels": labels}})
    server.admit = cluster.admit
    server.may = cluster.may
    server.refuse_change = cluster.refuse_change
    server.texts["/metrics"] = ""
    with serving(server) as url:
        yield cluster, url


def workload(name: str, *images: str, **spec: Any) -> tuple[str, Json]:
    """Give a Deployment of containers without a command, and its path."""
    containers = [{"name": f"c{at}", "image": image} for at, image in enumerate(images)]
    template = {"metadata": {}, "spec": {"containers": containers, **spec}}
    return f"/apis/apps/v1/namespaces/shop/deployments/{name}", {"spec": {"template": template}}


def _path(document: Json) -> str:
    version, kind = document["apiVersion"], document["kind"]
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = document["metadata"].get("namespace")
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{where}/{plural}/{document['metadata']['name']}"


def _covers(rule: Json, asked: Json) -> bool:
    resource = asked["resource"] + (f"/{asked['subresource']}" if asked["subresource"] else "")
    return (
        asked["group"] in rule["apiGroups"]
        and resource in rule["resources"]
        and asked["verb"] in rule["verbs"]
        and ("resourceNames" not in rule or asked["name"] in rule["resourceNames"])
    )
