"""The network as one kernel of a GPU gives what numpy gives; without a GPU by Triton's interpreter, where that is."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from gamutcli.fingerprint.frame import Frame, Orientation
from gamutcli.gpu import predict as on_gpu
from gamutcli.gpu.predict import Predictor
from gamutcli.network import predict
from gamutcli.network.shape import Box, Inputs
from tests.support.networks import CODES, CODES_AND_BOXES, PAPERS, network, noise

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
on_cuda = pytest.mark.gpu
#: Sums are made in another order: rounding of float32, a tenth of the step of a 16-bit file.
ROUNDING = 1.5e-6
WIDE_BOX = Inputs(4, 3, (Box(64, 1), Box(3, 2, contrast=True)))
TURNED = Frame(50, 44, top=9, left=7, orientation=Orientation(transposed=True, columns_reversed=True))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel is compiled for the first pixel."""
    monkeypatch.setattr(on_gpu, "FUSED_AFTER", 0)


@on_cuda
@needs_triton
@pytest.mark.parametrize("inputs", [CODES, CODES_AND_BOXES, WIDE_BOX], ids=["codes", "boxes", "a wide box"])
@pytest.mark.parametrize(("hidden", "depth"), [(12, 1), (40, 3), (104, 3)])
@pytest.mark.parametrize("frame", [None, TURNED], ids=["whole", "turned"])
def test_residuals_are_those_of_numpy(inputs: Inputs, hidden: int, depth: int, frame: Frame | None) -> None:
    check("cuda", inputs, hidden, depth, frame)


@needs_triton
@pytest.mark.parametrize("frame", ["None", "TURNED"])
def test_so_they_are_by_the_interpreter(frame: str) -> None:
    """In a process of its own, which knows before the import that it is to interpret."""
    script = (
        "import os; os.environ['TRITON_INTERPRET'] = '1'\n"
        "from tests.gpu.test_fused import *; on_gpu.FUSED_AFTER = 0\n"
        f"check('cpu', CODES_AND_BOXES, 12, 3, {frame}); check('cpu', CODES, 12, 1, {frame})"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def check(device: str, inputs: Inputs, hidden: int, depth: int, frame: Frame | None) -> None:
    """Compare a strip in the middle of a picture."""
    codes, net = noise(20, 30), network(inputs, hidden=hidden, depth=depth)
    rows, inside = slice(4, 15), np.arange(0, 330, 3)
    predictor = Predictor(net, codes, "bradford", device, frame)
    assert predictor.is_fused
    expected = predict.Predictor(net, codes, "bradford", frame).residuals(rows, inside)
    np.testing.assert_allclose(predictor.residuals(rows, inside), expected, atol=ROUNDING)


@on_cuda
@needs_triton
def test_what_the_kernel_cannot_hold_goes_through_torch() -> None:
    codes = noise(4, 5)
    assert not Predictor(network(CODES, hidden=136), codes, "bradford").is_fused
    assert not Predictor(network(PAPERS), codes, "cat02").is_fused


@on_cuda
def test_a_process_that_does_little_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_gpu, "FUSED_AFTER", 300)
    monkeypatch.setattr(Predictor, "pixels_by_torch", 0)
    codes, net = noise(10, 20), network()
    for is_fused in (False, False, find_spec("triton") is not None):
        predictor = Predictor(net, codes, "bradford")
        assert predictor.is_fused == is_fused
        predictor.residuals(slice(0, 10), np.arange(200))


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_without_triton_torchs_kernels_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gamutcli.gpu.fused", raising=False)
    monkeypatch.setitem(sys.modules, "triton", None)
    codes, net = noise(10, 20), network()
    predictor = Predictor(net, codes, "bradford", "cpu")
    assert not predictor.is_fused
    expected = predict.Predictor(net, codes, "bradford").residuals(slice(0, 10), np.arange(200))
    np.testing.assert_allclose(predictor.residuals(slice(0, 10), np.arange(200)), expected, atol=ROUNDING)
