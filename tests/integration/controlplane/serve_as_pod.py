"""`initshim serve` with a pod's service account from a folder that needs no root to make.

The kubelet mounts it at a fixed path; here its place is the first argument. Nothing else differs.
"""

import sys
from functools import partial
from pathlib import Path

from webhook.cli import start
from webhook.kube import connect

if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    vars(connect)["in_cluster"] = partial(connect.in_cluster, folder=folder)
    start()
