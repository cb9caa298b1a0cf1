"""The Kubernetes API server as the webhook needs it: find it, and a few careful calls."""
