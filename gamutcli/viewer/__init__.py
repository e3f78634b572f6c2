"""Restored pictures in any browser: gamut.js, the element <gamut-img>, and the page that `gamut view` makes."""
