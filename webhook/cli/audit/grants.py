"""What to do about a missing right: the commands that grant what an audit reads."""

from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError
from webhook.kube.objects import (
    CONFIG_MAP,
    INTERMEDIATE,
    MUTATING_WEBHOOK,
    NAMESPACE,
    POD,
    SELF_SUBJECT_REVIEW,
    SERVICE,
    WORKLOADS,
)

_ROLE = "initshim-audit"
_READ = (NAMESPACE, POD, SERVICE, CONFIG_MAP, *INTERMEDIATE, *WORKLOADS, MUTATING_WEBHOOK)
_SERVICE_ACCOUNT = "system:serviceaccount:"


async def explain(client: KubeClient, error: KubeError) -> KubeError:
    """Add to a missing right the commands that an administrator grants it with."""
    if error.lacks_right:
        error.next_step = f"{error.next_step} For all that an audit reads:\n{await grant(client)}"
    return error


async def grant(client: KubeClient) -> str:
    """Give two commands, for whoever we are; an API server before 1.28 doesn't say that."""
    try:
        answer = await client.submit(SELF_SUBJECT_REVIEW, {})
        user = str((answer.get("status") or {}).get("userInfo", {}).get("username") or "")
    except KubeError:
        user = ""
    resources = ",".join(kind.resource for kind in _READ)
    return (
        f"  kubectl create clusterrole {_ROLE} --verb=get,list --resource={resources}\n"
        f"  kubectl create clusterrolebinding {_ROLE} --clusterrole={_ROLE} {_subject(user)}"
    )


def _subject(user: str) -> str:
    if user.startswith(_SERVICE_ACCOUNT):
        return f"--serviceaccount={user.removeprefix(_SERVICE_ACCOUNT)}"
    return f"--user={user or 'USER'}"
