"""Neighbours that mean harm: what each does to a webhook in its memory limit, and to the others."""
