"""What is installed in a cluster: found once, for doctor and audit alike."""
