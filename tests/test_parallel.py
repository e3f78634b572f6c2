"""Strips cover a picture, in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli import parallel
from gamutcli.parallel import strips


@given(height=st.integers(1, 500), width=st.integers(1, 500), pixels=st.integers(1, 3000))
def test_strips_cover_a_picture_once_from_top_to_bottom(height: int, width: int, pixels: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "STRIP_PIXELS", pixels)
        found = list(strips(height, width))
    rows = [row for part in found for row in range(part.start, part.stop)]
    assert rows == list(range(height))
    assert all(part.stop - part.start == 1 or (part.stop - part.start) * width <= pixels for part in found)


def test_a_very_wide_picture_comes_row_by_row() -> None:
    assert list(strips(3, 10 * parallel.STRIP_PIXELS)) == [slice(0, 1), slice(1, 2), slice(2, 3)]
