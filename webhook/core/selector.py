"""Label selectors as the API server evaluates them (apimachinery, pkg/apis/meta/v1 helpers).

An absent selector, and an empty one, selects everything.
"""

from collections.abc import Mapping
from typing import Any


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Tell whether every requirement holds; NotIn also holds where the label is absent."""
    asked = selector or {}
    wanted = asked.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(rule, labels) for rule in asked.get("matchExpressions") or ())


def _holds(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    held, values = labels.get(str(rule.get("key"))), rule.get("values") or ()
    match rule.get("operator"):
        case "In":
            return held in values
        case "NotIn":
            return held not in values
        case "Exists":
            return held is not None
        case "DoesNotExist":
            return held is None
    return False
