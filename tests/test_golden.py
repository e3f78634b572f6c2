"""Files that were written once and must decode for ever; tests/golden/make.py wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from gamutcli.expand import expand_image
from gamutcli.images import read_bytes
from gamutcli.payload.format import unpack
from gamutcli.payload.sidecar import payload_of
from gamutcli.payload_files import inspect_image
from tests.golden.make import FIELDS, REDUCED, SPLIT, described, residuals
from tests.golden.make import payloads as made_now

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = json.loads((GOLDEN / "payloads.json").read_text("utf-8"))
#: Codes of 16 bits: floating point is not the same on every machine.
TOLERANCE = 2

payloads = pytest.mark.parametrize("name", EXPECTED)
PICTURES = [*REDUCED, *SPLIT, FIELDS]
reduced = pytest.mark.parametrize("name", PICTURES)


def test_every_kind_of_payload_is_there() -> None:
    assert {path.stem for path in (GOLDEN / "payloads").iterdir()} == set(EXPECTED) == set(made_now())


@payloads
def test_a_payload_says_what_it_said(name: str) -> None:
    payload = unpack((GOLDEN / "payloads" / f"{name}.gamut").read_bytes())
    expected = {key: value for key, value in EXPECTED[name].items() if key != "residuals"}
    assert described(payload) == expected


@payloads
def test_a_payload_is_of_the_version_that_it_needs(name: str) -> None:
    has_fields = "blocks" in name or "perceptual" in name
    assert (GOLDEN / "payloads" / f"{name}.gamut").read_bytes()[4] == (2 if has_fields else 1)


@payloads
def test_a_network_predicts_what_it_predicted(name: str) -> None:
    payload = unpack((GOLDEN / "payloads" / f"{name}.gamut").read_bytes())
    expected = np.array(EXPECTED[name]["residuals"], np.float32).reshape(-1, 3)
    np.testing.assert_allclose(residuals(payload), expected, rtol=1e-4, atol=2e-6)


def test_every_reduced_picture_is_there() -> None:
    assert {path.name for path in (GOLDEN / "reduced").iterdir() if path.suffix != ".gamut"} == set(PICTURES)


@reduced
def test_the_payload_is_where_it_was(name: str) -> None:
    path = GOLDEN / "reduced" / name
    carrier = SPLIT[name][1] if name in SPLIT else REDUCED.get(name, (None, {}))[1].get("carrier", "xmp")
    assert payload_of(path, read_bytes(path)).carrier == carrier
    assert inspect_image(path).status == "ok" or name.endswith(".avif")  # whose conversion to RGB may differ by a code


@reduced
def test_a_reduced_picture_expands_to_what_it_did(name: str, tmp_path: Path) -> None:
    expand_image(GOLDEN / "reduced" / name, tmp_path / "restored.tif", device="cpu")
    restored = tifffile.imread(tmp_path / "restored.tif").astype(int)
    expected = tifffile.imread(GOLDEN / "restored" / f"{name}.tif").astype(int)
    difference = np.abs(restored - expected)
    if name.endswith(".avif"):
        assert np.median(difference) <= TOLERANCE
    else:
        assert difference.max() <= TOLERANCE
