"""How close a restored picture comes to its original, as every experiment counts it."""

from __future__ import annotations

from gamutcli.arrays import BoolArray, FloatArray
from gamutcli.images.original import Original
from gamutcli.measuring.maps import ErrorMap
from gamutcli.measuring.metrics import Comparison, Scores, squared_error
from gamutcli.parallel import in_order, strips
from gamutcli.restore import Restoration


def compare(
    restoration: Restoration, original: Original, errors: ErrorMap | None = None, color_differences: bool = True
) -> Scores:
    """Errors of a restored picture, rounded to 16 bits as a file keeps it.

    Args:
        restoration: The picture.
        original: What it is held against, of the same size.
        errors: A new map, which gathers them by place as well.
        color_differences: Whether CIEDE2000 is wanted, which takes more time than all else.
    """
    comparison = Comparison(color_differences)

    def strip(rows: slice) -> tuple[FloatArray, FloatArray, BoolArray]:
        return restoration.rounded(rows), original.strip(rows), original.og_mask(rows)

    for restored, truth, og in in_order(strip, strips(*original.size)):
        comparison.add(restored, truth, og)
        if errors:
            errors.add(squared_error(restored, truth))
    return comparison.scores()
