"""Fitting: from a picture on both sides of the clip to a quantised network."""
