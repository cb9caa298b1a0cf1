"""Manifests as text and as data: read with places, edited in place, every other byte kept."""
