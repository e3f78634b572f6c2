"""Colour: RGB spaces, what sRGB can hold, ICC profiles, colours named by numbers. Arrays in, arrays out; no files."""
