"""Maps of the error, and how they are drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gamutcli.arrays import CodeArray, FloatArray
from gamutcli.measuring.maps import ErrorMap, render_maps, ticks, viridis

DARKEST, BRIGHTEST = viridis()[0], viridis()[-1]


def gathered(squared: FloatArray, rows: int) -> FloatArray:
    """The map of a picture that is added in strips of so many rows."""
    errors = ErrorMap(*squared.shape)
    for top in range(0, len(squared), rows):
        errors.add(squared[top : top + rows])
    return errors.rmse


def drawn(
    *panels: tuple[str, FloatArray], limit: float = 0.05, picture: tuple[str, CodeArray] | None = None
) -> CodeArray:
    with Image.open(io.BytesIO(render_maps(panels, limit, picture))) as figure:
        assert (figure.format, figure.mode) == ("PNG", "RGB")
        return np.asarray(figure)


def flat(value: float, height: int = 300, width: int = 400) -> FloatArray:
    return np.full((height, width), value, np.float32)


def count(figure: CodeArray, color: NDArray[np.uint8]) -> int:
    return int((figure == color).all(axis=-1).sum())


def noise(height: int, width: int) -> FloatArray:
    return np.random.default_rng(1).random((height, width), dtype=np.float32)


# Gathering


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_a_small_map_holds_the_root_of_every_pixel(rows: int) -> None:
    squared = noise(50, 70)
    np.testing.assert_allclose(gathered(squared, rows), np.sqrt(squared), rtol=1e-6)


def test_a_large_map_averages_the_squares_of_blocks() -> None:
    squared = noise(1200, 3000)
    expected = np.sqrt(squared.reshape(400, 3, 1000, 3).mean(axis=(1, 3), dtype=np.float64))
    np.testing.assert_allclose(gathered(squared, 64), expected, rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 5, 16, 64])
def test_the_height_of_the_strips_does_not_matter(rows: int) -> None:
    squared = noise(1501, 613)
    np.testing.assert_allclose(gathered(squared, rows), gathered(squared, 1501), rtol=1e-6)


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [
        (1, 1, (1, 1)),
        (1000, 1000, (1000, 1000)),
        (1001, 999, (1000, 998)),
        (667, 1500, (445, 1000)),
        (6000, 4000, (1000, 667)),
        (3, 9000, (1, 1000)),
    ],
)
def test_a_map_has_at_most_1000_cells_a_side_and_keeps_the_proportions(
    height: int, width: int, shape: tuple[int, int]
) -> None:
    rmse = gathered(flat(0.25, height, width), 128)
    assert rmse.shape == shape
    assert rmse.dtype == np.float32
    np.testing.assert_allclose(rmse, 0.5, rtol=1e-6)


# Drawing


def test_every_panel_has_the_color_of_its_errors() -> None:
    figure = drawn(("clip 35.8 dB", flat(0.02)), ("restored 57.2 dB", flat(0.01)))
    for step in (102, 51):
        assert count(figure, viridis()[step]) >= 300 * 400


def test_the_panels_lie_beside_each_other_in_their_order() -> None:
    figure = drawn(("clip", flat(0.02)), ("restored", flat(0.01)))
    first, second = (np.argwhere((figure == viridis()[step]).all(axis=-1))[:120_000] for step in (102, 51))
    assert first[:, 0].min() == second[:, 0].min()
    assert first[:, 1].max() < second[:, 1].min()


def test_pixels_are_drawn_as_they_are() -> None:
    rmse = noise(300, 400) * np.float32(0.05)
    expected = viridis()[np.rint(rmse / 0.05 * 255).astype(int)]
    top, left = np.argwhere((drawn(("clip", flat(0.02))) == viridis()[102]).all(axis=-1))[0]
    figure = drawn(("clip", rmse))
    np.testing.assert_array_equal(figure[top : top + 300, left : left + 400], expected)


def test_errors_above_the_limit_have_the_last_color() -> None:
    assert count(drawn(("clip", flat(0.9))), BRIGHTEST) >= 300 * 400


def test_the_limit_sets_the_scale() -> None:
    assert count(drawn(("clip", flat(0.02)), limit=0.02), BRIGHTEST) >= 300 * 400
    assert count(drawn(("clip", flat(0.02)), limit=0.1), viridis()[51]) >= 300 * 400


def test_the_bar_shows_the_whole_scale_whatever_the_panels_hold() -> None:
    figure = drawn(("clip", flat(0)), ("restored", flat(0)))
    shown = {tuple(color) for color in figure.reshape(-1, 3).tolist()}
    assert {tuple(color) for color in viridis().tolist()} <= shown


def test_titles_are_written() -> None:
    assert not np.array_equal(drawn(("clip 35.8 dB", flat(0))), drawn(("clip 35.9 dB", flat(0))))


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (60, 90), (20, 3000), (3000, 20), (1500, 2000)])
@pytest.mark.parametrize("limit", [0.05, 0.0123, 3e-7])
def test_any_shape_has_white_margins_and_no_text_is_cut_off(shape: tuple[int, int], limit: float) -> None:
    figure = drawn(("clip 35.8 dB", flat(0, *shape)), ("restored 57.2 dB", flat(0, *shape)), limit=limit)
    for border in (figure[:12], figure[-12:], figure[:, :12], figure[:, -12:]):
        assert (border == 255).all()
    assert figure.shape[1] <= 2 * 1000 + 200
    assert figure.shape[0] <= 1000 + 350


def test_a_single_pixel_is_enlarged_until_it_can_be_seen() -> None:
    assert count(drawn(("clip", flat(0.02, 1, 1))), viridis()[102]) >= 400 * 400


def test_a_large_map_is_reduced_by_its_squares() -> None:
    rmse = np.tile(np.array([0, 0.05], np.float32), (1500, 1000))
    assert count(drawn(("clip", rmse)), viridis()[round(255 / 2**0.5)]) >= 1000 * 750


def test_drawing_gives_the_same_bytes_again() -> None:
    panels = [("clip", noise(40, 60))]
    assert render_maps(panels, 0.05) == render_maps(panels, 0.05)


@pytest.mark.parametrize("shape", [(300, 400), (1500, 2000), (40, 30), (1, 1), (1, 1500)])
def test_a_picture_is_shown_before_the_maps_in_their_size(shape: tuple[int, int]) -> None:
    orange = np.full((*shape, 3), (255, 128, 0), np.uint8)
    errors = ErrorMap(*shape)
    errors.add(flat(0.02**2, *shape))
    figure = drawn(("clip", errors.rmse), picture=("sRGB", orange))
    shown = np.argwhere((figure == (255, 128, 0)).all(axis=-1))
    mapped = np.argwhere((figure == viridis()[102]).all(axis=-1))
    # The scale below has the map's colour too.
    mapped = mapped[mapped[:, 0] <= shown[:, 0].max()]
    assert (np.ptp(shown, axis=0) == np.ptp(mapped, axis=0)).all()
    assert shown[:, 0].min() == mapped[:, 0].min()
    assert shown[:, 1].max() < mapped[:, 1].min()


# The scale


def test_viridis_is_that_of_matplotlib() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    theirs = 255 * np.array(matplotlib.colormaps["viridis"].colors)
    assert np.abs(viridis() - theirs).max() <= 2


def test_viridis_gets_brighter_all_the_way() -> None:
    # Every eighth, as single steps are no more than the rounding to codes.
    luminance = viridis()[::8] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 0).all()


@pytest.mark.parametrize(
    ("limit", "marks"),
    [
        (0.05, [0, 0.01, 0.02, 0.03, 0.04, 0.05]),
        (0.1, [0, 0.02, 0.04, 0.06, 0.08, 0.1]),
        (0.0123, [0, 0.0025, 0.005, 0.0075, 0.01, 0.0123]),
        (0.3, [0, 0.1, 0.2, 0.3]),
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (7e-7, [0, 2e-7, 4e-7, 6e-7, 7e-7]),
        (200, [0, 50, 100, 150, 200]),
    ],
)
def test_the_bar_is_marked_at_round_figures(limit: float, marks: list[float]) -> None:
    assert ticks(limit) == pytest.approx(marks)
