"""Measuring: how far one picture is from another, in figures and in maps."""
