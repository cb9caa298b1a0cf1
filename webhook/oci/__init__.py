"""Asking registries what an image runs: over HTTP, with care for whom is asked and who asks."""
