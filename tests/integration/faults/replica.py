"""`initshim serve` as in a pod, with the service account's folder from the environment.

`LIVES` compresses time: `watchful` looks at the certificate every 2 s instead of every minute,
`quick` also makes certificates that last seconds, so that a run sees years of rotations.
"""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path

from webhook.assembly.certificates import make_certificates
from webhook.cli import start
from webhook.kube import connect
from webhook.server import parts
from webhook.tls import issue
from webhook.tls.state import Lives

WATCHFUL = Lives(lag=timedelta(seconds=2), every=timedelta(seconds=2))
QUICK = Lives(
    authority=timedelta(seconds=45),
    leaf=timedelta(seconds=12),
    lag=timedelta(seconds=2),
    grace=timedelta(seconds=4),
    every=timedelta(seconds=2),
)


def main() -> None:
    """Run the webhook."""
    folder = Path(os.environ["SERVICE_ACCOUNT"])
    vars(connect)["in_cluster"] = partial(connect.in_cluster, folder=folder)
    lives = {"watchful": WATCHFUL, "quick": QUICK}.get(os.environ.get("LIVES", ""))
    if lives is not None:
        parts.make_certificates = partial(make_certificates, lives=lives)  # type: ignore[attr-defined]
    if lives is QUICK:
        issue.SKEW = timedelta(seconds=5)  # an hour would be longer than any of these lives
    start()


if __name__ == "__main__":
    main()
