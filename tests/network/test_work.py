"""Work is counted where it is done, and what gamut itself makes of photographs is done unasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gamutcli.color.gamut import Correction
from gamutcli.fitting.presets import WIDTHS, choose
from gamutcli.network import work
from gamutcli.network.shape import Box, Inputs
from gamutcli.parallel import STRIP_PIXELS
from tests.support.networks import zeros

BOXED = Inputs(1, 1, (Box(4, 1),))


@pytest.mark.parametrize(("height", "width"), [(1, 1 << 20), (1 << 20, 1)])
def test_pixels_around_a_long_picture_count(height: int, width: int) -> None:
    boxes = Inputs(1, 1, (Box(64, 1), Box(64, 1, contrast=True)))
    across = work.box_work_a_pixel(boxes, 1 << 10, 1 << 10)
    assert work.box_work_a_pixel(boxes, height, width) > 70 * across


@pytest.mark.parametrize("model", ["best", "11kb", "137kb", "widest"])
def test_what_gamut_itself_makes_of_100_megapixels_is_no_such_work(model: str) -> None:
    preset = choose("best") if model in ("best", "widest") else choose("paper", model)
    preset = replace(preset, hidden=WIDTHS[-1]) if model == "widest" else preset
    a_pixel = work.work_a_pixel(zeros(preset.hidden, preset.depth, preset.inputs))
    assert preset.hidden <= work.WIDEST
    assert a_pixel <= work.MOST_A_PIXEL
    megapixels = 40 if model == "widest" else 100
    assert megapixels * 1e6 * (a_pixel + work.box_work_a_pixel(preset.inputs, 8_000, 12_000)) <= work.MOST_WORK


def test_boxes_count_in_strips_where_a_pixel_is_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "WORK_A_BYTE", 0)
    width, rows = 64, STRIP_PIXELS // 64
    codes = np.full((4 * rows, width, 3), 99, np.uint8)
    network, correction = zeros(8, 1, BOXED), Correction(0)
    a_strip = STRIP_PIXELS * work.box_work_a_pixel(BOXED, *codes.shape[:2])
    monkeypatch.setattr(work, "LITTLE_WORK", a_strip + 2 * work.work_a_pixel(network))
    assert work.excess_work(network, correction, codes, 100) is None
    codes[rows, :2, 0] = 255
    assert work.excess_work(network, correction, codes, 100) is None
    codes[rows, 2, 0] = 255
    assert "on 3 pixels" in str(work.excess_work(network, correction, codes, 100))
    codes[rows, 1:3] = 99
    codes[-1, -1, 0] = 255
    assert "on 2 pixels" in str(work.excess_work(network, correction, codes, 100))
