"""Which pictures a benchmark runs on."""

from __future__ import annotations

from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "sample_images"


def listed(given: list[Path]) -> list[Path]:
    """The files given, and those of folders given; the sample pictures when nothing is."""
    found: list[Path] = []
    for path in given or [SAMPLES]:
        found += sorted(path.glob("*.tif")) if path.is_dir() else [path]
    if not found:
        raise SystemExit(f"no *.tif in {' '.join(map(str, given or [SAMPLES]))}")
    return found
