"""A network knows how large it is, and its inputs how many features they are."""

from __future__ import annotations

from gamutcli.network.shape import Box, Inputs, Shape
from tests.support.networks import CODES, network


def test_a_network_knows_its_shape() -> None:
    fitted = network(CODES, hidden=24, depth=3)
    assert fitted.shape == Shape(fitted.inputs, 24, 3)


def test_the_papers_network_has_120_features() -> None:
    assert Inputs(12, 12, color="prophoto_linear", first_octave=0).size == 120


def test_every_octave_of_every_input_is_two_features() -> None:
    assert Inputs(1, 1, (Box(2, 3),)).size == 4 + 6 + 18
