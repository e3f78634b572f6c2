"""First weights as the reproduction made them: one plain descent after the other, from picture to picture.

The paper calls its first weights meta-learned, by Reptile: after every picture they move a part of the way towards what
was fitted to it.  The reproduction goes all the way each time, so that its weights are those of the last pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gamutcli.experiments.pictures import open_subject
from gamutcli.experiments.recipe import scale_steps, scene_of
from gamutcli.fitting.fit import Matrices, fit
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.sample import draw_sample_as_the_paper

#: Of the paper's inner steps.
RATE = 1e-2
#: Over all pictures, as many as the paper's inner fits take.
STEPS = 10_000


def descend(pictures: Sequence[Path], preset: Preset, steps_scale: float, seed: int) -> Matrices:
    """Weights after plain gradient descent on one picture after the other, in equal shares of all steps.

    Args:
        pictures: To train on, in this order; at least one.
        preset: The paper's recipe, from ``recipe.preset_of``.
        steps_scale: Multiplies the number of steps; there is at least one a picture.
        seed: Of the first weights and of the batches.

    Raises:
        InputError: A picture cannot be read.
    """
    share = scale_steps(STEPS, steps_scale / len(pictures))
    descent = replace(preset, optimizer="sgd", rate=RATE, steps=share)
    weights: Matrices | None = None
    for path in pictures:
        sample = draw_sample_as_the_paper(
            scene_of(open_subject(path).original, descent), descent.inputs, descent.samples, seed
        )
        weights = fit(sample, descent, seed, start_weights=weights).weights
    assert weights is not None
    return weights
