"""What the webhook is measured against; each is a process that serves `POST /mutate` over TLS."""
