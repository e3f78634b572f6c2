"""Weights that fits start from: which they are, and when they know the pictures already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gamutcli.errors import InputError
from gamutcli.experiments.folder import Record
from gamutcli.experiments.recipe import preset_of
from gamutcli.experiments.starts import identity, tell_flattered, weights_named
from gamutcli.fitting.presets import PAPER_INPUTS, PRESETS
from gamutcli.weights import Weights, find_shipped, pack_weights

PRESET = preset_of("11kb")


@pytest.fixture
def weights() -> Weights:
    shapes = [(16, PAPER_INPUTS.size), (16, 16), (3, 16)]
    layers = tuple(np.full(shape, 0.5, np.float32) for shape in shapes)
    return Weights(PAPER_INPUTS, layers, 0.5, {"pictures": "dahlia-0.tif, dahlia-1.tif, rocket.tif"})


def records_of(*names: str) -> list[Record]:
    return [Record(name, "", (), (), ()) for name in names]


def test_weights_are_named_by_their_file_or_ship(tmp_path: Path, weights: Weights) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(pack_weights(weights))
    for named in (file, str(file)):
        found = weights_named(named, PRESET)
        assert found
        assert found.digest == weights.digest
    ours = find_shipped(PRESET.shape)
    assert ours
    assert weights_named("shipped", PRESET) is weights_named(None, PRESET) is ours
    assert weights_named("shipped", PRESETS["fast"]) is None
    with pytest.raises(InputError, match="cannot be read"):
        weights_named(tmp_path / "shipped", PRESET)


def test_other_numbers_or_units_are_other_weights(weights: Weights) -> None:
    others = [replace(weights, residual_unit=None), replace(weights, weights=tuple(2 * w for w in weights.weights))]
    assert len({identity(each) for each in (weights, *others)}) == 3


def test_pictures_that_were_learned_from_are_told(weights: Weights) -> None:
    (note,) = tell_flattered(records_of("dahlia.tif", "rocket.png", "rock.tif", "fabrics.tif"), [weights])
    assert note.startswith("dahlia.tif, rocket.png: the weights of the meta-initialisation were learned from versions")
    assert "flatter" in note
    assert tell_flattered(records_of("dahlia.tif"), []) == ()
    assert tell_flattered(records_of("fabrics.tif"), [weights]) == ()


def test_the_weights_that_ship_know_five_of_the_sample_pictures() -> None:
    names = ["astronaut", "dahlia", "espresso", "fabrics", "pavilion", "rocket"]
    ours = weights_named("shipped", PRESET)
    assert ours
    (note,) = tell_flattered(records_of(*(f"{name}.tif" for name in names)), [ours])
    assert note.split(":")[0] == "astronaut.tif, dahlia.tif, espresso.tif, pavilion.tif, rocket.tif"
