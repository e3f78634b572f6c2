"""What a fitted network is worth, measured on the very picture that is written."""

from __future__ import annotations

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


def judge(scene: Scene, fitted: Fitted, og_pixels: int) -> Judged:
    """Measure the plain and the restored picture, a large one in bands; a network that does not help is not kept.

    Args:
        scene: The picture.
        fitted: The network.
        og_pixels: How many pixels of the original are out of gamut.
    """
    some = scene.bands(MOST_MEASURED)
    plain, restored = _compare(scene, fitted, some)
    if restored.og_pixels < min(og_pixels, ENOUGH_MEASURED):
        some = scene.strips()
        plain, restored = _compare(scene, fitted, some)
    plain_scores, scores = plain.scores(), restored.scores()
    if fitted.network is None:
        return Judged(None, plain_scores, scores)
    without = plain_scores
    if scene.correction.compression:  # what was moved comes back without a network
        without = _compare(scene, replace(fitted, network=None), some)[1].scores()
    if not _is_better(scores, without):
        note = "the network did not come closer than the picture without it, so none is stored"
        return Judged(None, plain_scores, without, (note,))
    return Judged(fitted.network, plain_scores, scores)


def _compare(scene: Scene, fitted: Fitted, some: list[slice]) -> tuple[Comparison, Comparison]:
    """Errors of the plain and the restored picture against the original in some rows; dE out of gamut alone."""
    network, device, blocks = fitted.network, fitted.device, scene.blocks
    restoration = Restoration(
        scene.srgb_codes, scene.adaptation, scene.correction, network, device=device, blocks=blocks
    )
    plain, restored = Comparison(regions=("og",)), Comparison(regions=("og",))

    def strip(rows: slice) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
        restored = restoration.linear(rows)[0].clip(0, 1)
        return scene.original.strip(rows), restoration.plain(rows), restored, scene.original.og_mask(rows)

    for truth, before, after, og in in_order(strip, some):
        plain.add(before, truth, og)
        restored.add(after, truth, og)
    return plain, restored


def _is_better(scores: Scores, plain: Scores) -> bool:
    # A figure that is not a number compares false.
    return scores.rmse_all is not None and plain.rmse_all is not None and scores.rmse_all < plain.rmse_all
