"""Weights that fits start from: which they are, and which pictures they know already."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from gamutcli.arrays import StrPath
from gamutcli.experiments.folder import Record
from gamutcli.fitting.presets import Preset
from gamutcli.weights import SHIPPED, Weights, find_shipped, read_weights


def weights_named(init: StrPath | None, preset: Preset) -> Weights | None:
    """The weights that fits shall start from.

    Args:
        init: Their file, or ``weights.SHIPPED``; None: those that ship, too.
        preset: Whose network they are for.

    Returns:
        None where none ship for this network.  Those of a file may be for another.

    Raises:
        InputError: The file holds no weights.
    """
    if init is None or init == SHIPPED:
        return find_shipped(preset.shape)
    return read_weights(Path(init))


def identity(weights: Weights) -> str:
    """What tells weights from others; in other units, the same numbers are other weights."""
    return f"{weights.digest[:12]} in units of {weights.residual_unit or 'the residual'}"


def tell_flattered(records: Sequence[Record], weights: Collection[Weights]) -> tuple[str, ...]:
    """A note on the pictures of which the first weights know a version, as far as names tell; none if there is none."""
    names = [record.picture for record in records if any(each.learned_from(record.picture) for each in weights)]
    if not names:
        return ()
    return (
        f"{', '.join(names)}: the weights of the meta-initialisation were learned from versions of these pictures, by "
        "their names, so their figures with it flatter",
    )
