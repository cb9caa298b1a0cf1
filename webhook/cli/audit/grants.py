"""What to do about a missing right: the commands that grant what an audit reads."""

from webhook.kube.client import KubeClient
from webhook.kube.errors import Forbidden, KubeError
from webhook.kube.objects import SELF_SUBJECT_REVIEW

_ROLE = "initshim-audit"
_READ = (
    "namespaces,pods,services,configmaps,replicasets.apps,deployments.apps,statefulsets.apps,daemonsets.apps,"
    "jobs.batch,cronjobs.batch,mutatingwebhookconfigurations.admissionregistration.k8s.io"
)
_SERVICE_ACCOUNT = "system:serviceaccount:"


async def explain(client: KubeClient, error: KubeError) -> KubeError:
    """Add to a missing right the commands that an administrator grants it with."""
    if isinstance(error, Forbidden) and error.status == 403:
        error.next_step = f"{error.next_step} For all that an audit reads:\n{await grant(client)}"
    return error


async def grant(client: KubeClient) -> str:
    """Give two commands, for whoever we are; an API server before 1.28 doesn't say that."""
    try:
        answer = await client.submit(SELF_SUBJECT_REVIEW, {})
        user = str((answer.get("status") or {}).get("userInfo", {}).get("username") or "")
    except KubeError:
        user = ""
    return (
        f"  kubectl create clusterrole {_ROLE} --verb=get,list --resource={_READ}\n"
        f"  kubectl create clusterrolebinding {_ROLE} --clusterrole={_ROLE} {_subject(user)}"
    )


def _subject(user: str) -> str:
    if user.startswith(_SERVICE_ACCOUNT):
        return f"--serviceaccount={user.removeprefix(_SERVICE_ACCOUNT)}"
    return f"--user={user or 'USER'}"
