"""Some pixels of a picture, read and written."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from gamutcli.arrays import put_pixels, take_pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_pixels_that_were_read_are_written_to_where_they_are(dtype: DTypeLike) -> None:
    image = np.arange(4 * 5 * 3).astype(dtype).reshape(4, 5, 3)
    places = np.array([0, 7, 19, 7])
    read = take_pixels(image, places)
    np.testing.assert_array_equal(read, [image[0, 0], image[1, 2], image[3, 4], image[1, 2]])
    other = np.zeros_like(image)
    put_pixels(other, places, read)
    np.testing.assert_array_equal(other[1, 2], image[1, 2])
    assert np.count_nonzero(other.any(axis=-1)) == 3


def test_no_pixel_is_read_and_written_as_well() -> None:
    image, none = np.ones((2, 2, 3), np.float32), np.array([], np.intp)
    put_pixels(image, none, take_pixels(image, none))
    assert (image == 1).all()


def test_a_picture_that_lies_in_pieces_is_not_written_into_a_copy() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        put_pixels(np.ones((2, 6, 3), np.float32)[:, ::2], np.array([0]), np.zeros((1, 3), np.float32))
