"""Hypothesis profiles: `HYPOTHESIS_PROFILE=long pytest tests/unit/core` for a night's search."""

import os

from hypothesis import HealthCheck, settings

_NO_CLOCK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("default", max_examples=150, derandomize=True, **_NO_CLOCK)
settings.register_profile("long", max_examples=5000, **_NO_CLOCK)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
