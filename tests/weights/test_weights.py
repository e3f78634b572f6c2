"""Weights files keep what they were given, and say what is wrong with others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gamutcli.errors import InputError
from gamutcli.fitting.fit import first_weights
from gamutcli.fitting.presets import NEIGHBOURHOOD_INPUTS, PAPER_INPUTS, PAPER_MODELS, PRESETS
from gamutcli.network.shape import Inputs, Shape
from gamutcli.weights import (
    FORMAT,
    Weights,
    all_shipped,
    find_shipped,
    pack_tensors,
    pack_weights,
    read_weights,
    unpack_tensors,
    unpack_weights,
)


def some_weights(inputs: Inputs = NEIGHBOURHOOD_INPUTS, hidden: int = 6, unit: float | None = None) -> Weights:
    matrices = first_weights(replace(PRESETS["paper"], inputs=inputs, hidden=hidden), np.random.default_rng(1))
    return Weights(inputs, tuple(matrices), unit, {"command": "gamut pretrain x -o y", "pictures": "a.tif, ü.tif"})


@pytest.mark.parametrize("inputs", [NEIGHBOURHOOD_INPUTS, PAPER_INPUTS])
@pytest.mark.parametrize("unit", [None, 0.5])
def test_what_is_written_is_read(tmp_path: Path, inputs: Inputs, unit: float | None) -> None:
    weights = some_weights(inputs, unit=unit)
    file = tmp_path / "w.safetensors"
    file.write_bytes(pack_weights(weights))
    found = read_weights(file)
    assert found.inputs == weights.inputs
    assert found.residual_unit == unit
    assert found.provenance == weights.provenance
    assert found.digest == weights.digest
    for got, put in zip(found.weights, weights.weights, strict=True):
        np.testing.assert_array_equal(got, put)


def test_the_file_is_plain_safetensors_with_named_layers() -> None:
    data = pack_weights(some_weights())
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert set(header) == {"__metadata__", "layer0", "layer1", "layer2"}
    assert header["layer0"]["dtype"] == "F32"
    assert header["layer0"]["shape"] == [6, NEIGHBOURHOOD_INPUTS.size]
    assert header["__metadata__"]["format"] == FORMAT


def test_they_suit_a_network_of_their_own_shape_only() -> None:
    weights = some_weights(hidden=6)
    assert weights.shape == Shape(NEIGHBOURHOOD_INPUTS, 6, 2)


def test_they_know_the_pictures_that_they_were_learned_from() -> None:
    weights = replace(some_weights(), provenance={"pictures": "dahlia-0.tif, dahlia-12.tif, scene-01.tif, rocket.png"})
    for name in ("dahlia.tif", "dahlia-0.png", "rocket.tif", "scene.tif"):
        assert weights.learned_from(name)
    for name in ("dahli.tif", "dahlia-x.tif", "rocket-1.tif", "1.tif"):
        assert not weights.learned_from(name)


def changed(**described: str) -> bytes:
    """A weights file whose words were changed."""
    tensors, words = unpack_tensors(pack_weights(some_weights()), "w")
    return pack_tensors(tensors, {**words, **described})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04not a pickle either",
        pack_weights(some_weights())[:-8],
        pack_tensors({"layer0": np.zeros((2, 2), np.float32)}, {}),
        changed(format="gamutcli weights 9"),
        changed(sha256="0" * 64),
        changed(inputs="{}"),
        changed(provenance="[]"),
        changed(provenance="[" * 100_000),
        changed(inputs='{"boxes":' * 50_000),
        changed(residual_unit="1" + "0" * 400),
        changed(residual_unit="0"),
        changed(residual_unit="NaN"),
        pack_tensors({}, {"format": FORMAT, "inputs": "{}", "residual_unit": "null", "provenance": "{}"}),
        changed(inputs=json.dumps({"position_octaves": "x", "color_octaves": 3, "boxes": []})),
        changed(inputs=json.dumps({"position_octaves": 3, "color_octaves": 3, "boxes": []})),
    ],
    ids=[
        "nothing",
        "junk",
        "cut",
        "other",
        "version",
        "digest",
        "inputs",
        "provenance",
        "deep",
        "deeper",
        "beyond a float",
        "zero",
        "nan",
        "empty",
        "octaves",
        "shape",
    ],
)
def test_what_is_no_weights_file_is_told_in_a_line(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^w\.safetensors: .*gamut pretrain"):
        unpack_weights(data, "w.safetensors")


def test_a_weight_that_is_not_a_number_is_refused() -> None:
    weights = some_weights()
    weights.weights[1][0, 0] = np.nan
    with pytest.raises(InputError):
        unpack_weights(pack_weights(weights), "w")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_weights(tmp_path / "nothing.safetensors")


# What ships.


def test_every_size_of_the_papers_network_has_weights() -> None:
    assert set(all_shipped()) == {f"paper-{model}" for model in PAPER_MODELS}
    for model, hidden in PAPER_MODELS.items():
        found = find_shipped(Shape(PAPER_INPUTS, hidden, 2))
        assert found is all_shipped()[f"paper-{model}"]


def test_none_ship_for_our_own_presets_as_they_do_not_pay() -> None:
    for name in ("fast", "balanced", "best"):
        preset = PRESETS[name]
        assert find_shipped(preset.shape) is None


def test_shipped_weights_say_where_they_come_from_and_the_readme_lists_their_digests() -> None:
    readme = (Path(__file__).parents[2] / "gamutcli" / "weights" / "README.md").read_text(encoding="utf-8")
    for name, weights in all_shipped().items():
        assert weights.provenance["command"].startswith("gamut pretrain")
        assert int(weights.provenance["crops"]) >= 300
        assert f"| `{name}` |" in readme
        assert weights.digest in readme


def reworded(change: dict[str, object] | None) -> bytes:
    """A weights file with other words about its inputs; without any words where None."""
    data = pack_weights(some_weights())
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    words = header["__metadata__"]
    header["__metadata__"] = change and {**words, "inputs": json.dumps(json.loads(words["inputs"]) | change)}
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + data[8 + length :]


def test_a_file_without_words_is_none_of_ours() -> None:
    with pytest.raises(InputError, match=r"a\.safetensors: holds no weights of gamutcli"):
        unpack_weights(reworded(None), "a.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"first_octave": 1 << 20},
        {"first_octave": -1.0},
        {"position_octaves": True},
        {"color": "cmyk"},
        {"boxes": [{"radius": 65, "octaves": 1, "contrast": False}]},
        {"boxes": [{"radius": 1, "octaves": 1, "contrast": 2}]},
    ],
)
def test_inputs_that_no_payload_could_name_are_damage(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"a\.safetensors: is damaged"):
        unpack_weights(reworded(change), "a.safetensors")
