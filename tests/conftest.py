"""Settings for every test."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no reason to fail, and the same commit gives the same verdict.
settings.register_profile("gamutcli", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gamutcli")
