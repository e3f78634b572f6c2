"""What a fitted network is worth, measured on the very picture that is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gamutcli.arrays import BoolArray, FloatArray
from gamutcli.fitting.scene import Scene
from gamutcli.measuring.metrics import Comparison, Scores
from gamutcli.network.shape import Network
from gamutcli.parallel import in_order
from gamutcli.reduce.fit import Fitted
from gamutcli.restore import Restoration

#: Pixels on which what was written is measured, at most, about.
MOST_MEASURED = 1 << 21
#: With fewer of them out of gamut, the whole picture is measured: spots may lie between the bands.
ENOUGH_MEASURED = 1 << 14


@dataclass(frozen=True)
class Judged:
    """How close the picture comes to the original, without the network and with what is stored of it.

    Attributes:
        network: The network to store: the fitted one, if it is any good.
        plain_scores: Of the plain picture.
        scores: Of what the file will restore.
        notes: What to tell the user.
    """

    network: Network | None
    plain_scores: Scores
    scores: Scores
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plain:
    """How close the picture comes to the original without the network.

    Attributes:
        rows: Where that was measured.
        scores: What was found.
    """

    rows: list[slice]
    scores: Scores


def measure_plain(scene: Scene, og_pixels: int) -> Plain:
    """Measure the plain picture, a large one in bands.

    Args:
        scene: The picture.
        og_pixels: How many pixels of the original are out of gamut.
    """
    restoration = Restoration(scene.srgb_codes, scene.adaptation, scene.correction, None)
    rows = scene.bands(MOST_MEASURED)
    found = _compare(scene, restoration.plain, rows)
    if found.og_pixels < min(og_pixels, ENOUGH_MEASURED):
        rows = scene.strips()
        found = _compare(scene, restoration.plain, rows)
    return Plain(rows, found.scores())


def judge(scene: Scene, fitted: Fitted, plain: Plain) -> Judged:
    """Measure the restored picture where the plain one was; a network that does not help is not kept.

    Args:
        scene: The picture.
        fitted: The network.
        plain: The plain picture.
    """
    scores = _measure_restored(scene, fitted, plain.rows)
    if fitted.network is None:
        return Judged(None, plain.scores, scores)
    without = plain.scores
    if scene.correction.compression:  # what was moved comes back without a network
        without = _measure_restored(scene, replace(fitted, network=None), plain.rows)
    if not _is_better(scores, without):
        note = "the network did not come closer than the picture without it, so none is stored"
        return Judged(None, plain.scores, without, (note,))
    return Judged(fitted.network, plain.scores, scores)


def _measure_restored(scene: Scene, fitted: Fitted, rows: list[slice]) -> Scores:
    restoration = Restoration(
        scene.srgb_codes, scene.adaptation, scene.correction, fitted.network, device=fitted.device, blocks=scene.blocks
    )
    return _compare(scene, lambda some: restoration.linear(some)[0].clip(0, 1), rows).scores()


def _compare(scene: Scene, picture: Callable[[slice], FloatArray], rows: list[slice]) -> Comparison:
    """Errors of a picture against the original in some rows; dE out of gamut alone."""
    comparison = Comparison(regions=("og",))

    def strip(some: slice) -> tuple[FloatArray, FloatArray, BoolArray]:
        return picture(some), scene.original.strip(some), scene.original.og_mask(some)

    for found, truth, og in in_order(strip, rows):
        comparison.add(found, truth, og)
    return comparison


def _is_better(scores: Scores, plain: Scores) -> bool:
    # A figure that is not a number compares false.
    return scores.rmse_all is not None and plain.rmse_all is not None and scores.rmse_all < plain.rmse_all
