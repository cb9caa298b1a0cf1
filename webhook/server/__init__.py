"""The HTTP side: routes, TLS, metrics and logs around the engine."""
