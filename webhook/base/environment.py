"""The environment that others define; what is a setting in it, webhook/settings.py reads."""

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """Give the environment to those who read what others define there: KUBERNETES_…, NO_PROXY."""
    return os.environ
