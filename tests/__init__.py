"""Tests: they mirror the tree of the package; what several of them share is in support/."""
