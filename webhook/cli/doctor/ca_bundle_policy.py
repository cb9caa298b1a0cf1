"""Whether the webhook's account can change no more of its own configuration than `caBundle`.

RBAC can't say that, an admission policy of the chart does. Whether that is there and holds is
tried: as the account, in a dry run, the webhook is given one rule more. So whoever runs doctor
needs the right to impersonate that account.
"""

import copy

from webhook.cli.doctor.cluster import Cluster
from webhook.cli.doctor.finding import Finding, Subject
from webhook.kube.client import KubeClient
from webhook.kube.errors import KubeError, Refused
from webhook.kube.objects import MUTATING_WEBHOOK, Json, Ref

_FAMILY = "rights"
_INVALID = 422  # what a policy's denial is, unless it says otherwise
_ONE_MORE: Json = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE"],
    "resources": ["configmaps"],
}


class Held:
    """The change was refused: by the policy, or because the account may change nothing."""


async def fetch(client: KubeClient, cluster: Cluster) -> Held | KubeError | None:
    """Try it; None where it went through, or the error that keeps it unknown."""
    if cluster.settings.tls != "builtin" or cluster.deployment is None:
        return Held()
    webhooks = copy.deepcopy(cluster.configuration["webhooks"])
    for each in webhooks:
        each["rules"] = [*(each.get("rules") or ()), _ONE_MORE]
    user = f"system:serviceaccount:{cluster.namespace}:{cluster.account}"
    ref = Ref(MUTATING_WEBHOOK, cluster.name)
    try:
        await client.rehearse_change(ref, {"webhooks": webhooks}, user=user)
    except Refused as error:
        return Held() if error.status == _INVALID else error
    except KubeError as error:
        denied = error.lacks_right and "impersonate" not in str(error)
        return Held() if denied else error
    return None


def check(cluster: Cluster, fetched: Held | KubeError | None) -> list[Finding]:
    """Say whether who takes the webhook over takes the cluster."""
    if cluster.settings.tls != "builtin" or cluster.deployment is None:
        return []
    about = Subject(_FAMILY, f"ServiceAccount {cluster.namespace}/{cluster.account}")
    if isinstance(fetched, Held):
        return [about.ok("of its own webhook configuration it can change caBundle alone")]
    if isinstance(fetched, KubeError) and fetched.lacks_right:
        fetched.next_step = (
            f"Grant the verb 'impersonate' on serviceaccounts, name {cluster.account}, in "
            f"{cluster.namespace} to this user: nothing is changed."
        )
    if fetched is not None:
        return [about.unknown(fetched)]
    return [
        about.warning(
            "it can change the rules of its own webhook configuration, and so be asked about "
            "every object of the cluster: nothing refused that in a dry run",
            f"Kubernetes 1.30 and later: {cluster.upgrade('rbac.caBundlePolicy=true')}\n"
            "before that: tls.mode certManager or files",
        )
    ]
