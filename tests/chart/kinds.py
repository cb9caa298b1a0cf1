"""What each Kubernetes knows of its kinds, by the schemas of kubernetes-validate."""

import json

import kubernetes_validate


def problem(content: str, kube: str) -> str:
    """Say which field is unknown or of a wrong type, or nothing."""
    try:
        # The oldest schema is 1.28's; what 1.27 gets must at least be right there.
        kubernetes_validate.validate(json.loads(content), max(kube, "1.28.0"), strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{json.loads(content)['kind']}: {error.message}"
    return ""
