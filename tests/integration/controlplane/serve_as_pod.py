"""`initshim serve` with a pod's service account from a folder that needs no root to make.

The kubelet mounts it at a fixed path; here its place is the first argument. Nothing else differs,
but where `LIVES` compresses time: with `watchful` it looks at the certificate every 2 s instead of
every minute, with `quick` it also makes certificates that last seconds, so that a run sees years
of rotations.
"""

import os
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

from webhook.assembly.certificates import make_certificates
from webhook.cli import start
from webhook.kube import connect
from webhook.server import parts
from webhook.tls import issue
from webhook.tls.state import Lives

_WATCHFUL = Lives(lag=timedelta(seconds=2), every=timedelta(seconds=2))
_QUICK = Lives(
    authority=timedelta(seconds=45),
    leaf=timedelta(seconds=12),
    lag=timedelta(seconds=2),
    grace=timedelta(seconds=4),
    every=timedelta(seconds=2),
)


def main() -> None:
    """Run the webhook."""
    folder = Path(sys.argv.pop(1))
    vars(connect)["in_cluster"] = partial(connect.in_cluster, folder=folder)
    lives = {"watchful": _WATCHFUL, "quick": _QUICK}.get(os.environ.get("LIVES", ""))
    if lives is not None:
        parts.make_certificates = partial(make_certificates, lives=lives)  # type: ignore[attr-defined]
    if lives is _QUICK:
        issue.SKEW = timedelta(seconds=5)  # an hour would be longer than any of these lives
    start()


if __name__ == "__main__":
    main()
