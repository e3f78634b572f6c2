"""The paper's method, as it is: float weights, every pixel corrected.

``gamut reduce --preset paper`` is the same recipe with weights rounded to 8 bits, to travel in a file, and residuals in
units of their own root mean square.

Source: Le et al., GamutMLP, CVPR 2023, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gamutcli.arrays import FloatArray
from gamutcli.color.gamut import Correction
from gamutcli.experiments.judging import compare
from gamutcli.fitting.fit import fit
from gamutcli.fitting.presets import PAPER_MODELS, PAPER_RESIDUAL_UNIT, PRESETS, Preset
from gamutcli.fitting.sample import draw_sample_as_the_paper
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import Original, clip_to_srgb
from gamutcli.measuring.maps import ErrorMap
from gamutcli.measuring.metrics import Scores
from gamutcli.network.shape import FloatNetwork, Network
from gamutcli.restore import Restoration

#: Steps from random weights, and from a meta-initialisation.
STEPS, META_STEPS = 9000, 1200


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network of the paper's, and the seconds that its optimisation took."""

    network: FloatNetwork
    seconds: float

    @property
    def float_bytes(self) -> int:
        """What its weights take as float32: what the paper counts."""
        return 4 * sum(weight.size for weight in self.network.weights)


def preset_of(model: str, steps: int = STEPS) -> Preset:
    """The paper's recipe for one of its model sizes (``presets.PAPER_MODELS``)."""
    return replace(PRESETS["paper"], hidden=PAPER_MODELS[model], steps=steps, residual_unit=PAPER_RESIDUAL_UNIT)


def scale_steps(steps: int, scale: float) -> int:
    """A number of steps times a scale, at least one."""
    return max(1, round(steps * scale))


def scene_of(original: Original, preset: Preset) -> Scene:
    """A picture on both sides of a lossless reduction."""
    codes = clip_to_srgb(original, preset.adaptation)
    return Scene(original, codes, preset.adaptation, Correction(0, preset.every_pixel))


def fit_as_the_paper(
    scene: Scene, preset: Preset, seed: int, start_weights: Sequence[FloatArray] | None = None
) -> Fitted:
    """Fit one of the paper's networks to a picture.

    Args:
        scene: The picture.
        preset: From ``preset_of``.
        seed: Of the first weights and of the batches.
        start_weights: What to start from; None: at random.
    """
    sample = draw_sample_as_the_paper(scene, preset.inputs, preset.samples, seed)
    fitted = fit(sample, preset, seed, start_weights=start_weights)
    network = FloatNetwork(preset.inputs, tuple(fitted.weights), fitted.residual_scale)
    return Fitted(network, fitted.seconds)


def judge_fit(
    scene: Scene,
    network: Network | FloatNetwork | None,
    errors: ErrorMap | None = None,
    color_differences: bool = True,
) -> Scores:
    """Errors of the picture that a network restores, None: of the plain clip; the rest is that of ``compared``."""
    restoration = Restoration(scene.srgb_codes, scene.adaptation, scene.correction, network)
    return compare(restoration, scene.original, errors, color_differences)
