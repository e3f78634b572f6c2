"""What runs on a GPU gives what the CPU gives; on torch's CPU device where there is no GPU."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from gamutcli import gpu, restore
from gamutcli.errors import DeviceError, UsageError
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.fingerprint.frame import Frame, Orientation
from gamutcli.fitting import fit as numpy_fit
from gamutcli.fitting import presets
from gamutcli.fitting.sample import Sample
from gamutcli.gpu import fit as gpu_fit
from gamutcli.gpu.fit import fit, fit_together
from gamutcli.gpu.predict import Predictor
from gamutcli.network import predict
from gamutcli.network.features import BOX_STEPS, Features
from gamutcli.network.shape import Inputs
from gamutcli.parallel import one_blas_thread
from gamutcli.pretrain import run as pretrain
from gamutcli.pretrain.recipe import Recipe, recipe_of
from gamutcli.reduce import reduce_image
from gamutcli.weights import read_weights
from tests.support.fits import ADAM, MUON, a_sample, assert_finite, unexplained
from tests.support.networks import CODES, CODES_AND_BOXES, EVERY_KIND, PAPERS, box_means, network, noise
from tests.support.pictures import sample_crop, write_tiff
from tests.support.presets import changed_presets

CUDA = pytest.param("cuda", marks=pytest.mark.gpu)
TORCH_CPU = pytest.param("cpu", marks=pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"))
on_both = pytest.mark.parametrize("device", [TORCH_CPU, CUDA])
on_cpu = pytest.mark.parametrize("device", [TORCH_CPU])
on_cuda = pytest.mark.parametrize("device", [CUDA])
every_kind = pytest.mark.parametrize("inputs", EVERY_KIND.values(), ids=EVERY_KIND.keys())
#: Sums are made in another order: rounding of float32, a tenth of the step of a 16-bit file.
ROUNDING = 1.5e-6
both_optimisers = pytest.mark.parametrize("preset", [MUON, ADAM], ids=["muon", "adam"])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small products on one thread, torch's too: on a busy machine threads wait for each other."""
    with one_blas_thread():
        if find_spec("torch"):
            import torch

            torch.set_num_threads(1)
        yield


# The choice of the device.


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """`machine(driver=True, available=None)` pretends to be a machine of that kind; None: without torch."""

    def pretend(driver: bool, available: bool | None, kernels: bool = True) -> None:
        def ones(*shape: int, device: str) -> np.ndarray:
            if not kernels:
                raise RuntimeError("CUDA error: no kernel image is available\nfor execution on the device")
            return np.ones(shape)

        monkeypatch.setattr(gpu, "DRIVER_FILES", (tmp_path if driver else tmp_path / "nothing",))
        there = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: available), ones=ones)
        monkeypatch.setitem(sys.modules, "torch", None if available is None else there)

    return pretend


@pytest.mark.parametrize(
    ("wanted", "seconds", "driver", "available", "found"),
    [
        ("cpu", 1000, True, True, "cpu"),
        ("cuda", 0, True, True, "cuda"),
        ("cuda", 1000, False, True, "cuda"),
        ("auto", 1000, True, True, "cuda"),
        # Work that is done before torch is loaded.
        ("auto", gpu.STARTING, True, True, "cpu"),
        ("auto", 0, True, True, "cpu"),
        # No driver; torch without CUDA; no torch.
        ("auto", 1000, False, True, "cpu"),
        ("auto", 1000, True, False, "cpu"),
        ("auto", 1000, True, None, "cpu"),
    ],
)
def test_the_device_chosen(
    machine: Callable[..., None], wanted: str, seconds: float, driver: bool, available: bool | None, found: str
) -> None:
    machine(driver, available)
    assert gpu.device_for(wanted, seconds) == found


@pytest.mark.parametrize("available", [False, None])
def test_a_gpu_that_is_not_there_is_an_error_that_says_what_to_do(
    machine: Callable[..., None], available: bool | None
) -> None:
    machine(True, available)
    with pytest.raises(DeviceError, match=r"^torch [^\n]*--device cpu[^\n]*pip install torch[^\n]*$"):
        gpu.check("cuda")


def test_a_gpu_without_kernels_is_no_gpu(machine: Callable[..., None]) -> None:
    machine(True, True, kernels=False)
    assert gpu.device_for("auto", 1000) == "cpu"
    with pytest.raises(DeviceError, match=r"^[^\n]*no kernel image is available\)[^\n]*--device cpu[^\n]*$"):
        gpu.check("cuda")


@on_cuda
def test_auto_takes_the_gpu_for_long_work_only(device: str) -> None:
    assert gpu.device_for("auto", 1000) == device
    assert gpu.device_for("auto", 1) == "cpu"


def test_torch_that_does_not_load_is_no_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.12: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(gpu, "DRIVER_FILES", (tmp_path,))
    assert gpu.device_for("auto", 1000) == "cpu"
    with pytest.raises(DeviceError, match="cannot be loaded"):
        gpu.check("cuda")


def test_what_a_driver_warns_of_is_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_available() -> bool:
        warnings.warn("the driver on your system is too old", UserWarning, stacklevel=1)
        return False

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(is_available=is_available)))
    with pytest.raises(DeviceError):
        gpu.check("cuda")


def test_an_unknown_device_is_an_error() -> None:
    with pytest.raises(UsageError, match="auto, cpu, cuda"):
        gpu.check("tpu")


def test_auto_does_not_import_torch_where_there_is_no_driver() -> None:
    script = (
        "import sys; from gamutcli import gpu; gpu.DRIVER_FILES = ()\n"
        "sys.exit(gpu.device_for('auto', 1e9) != 'cpu' or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_larger_work_takes_longer() -> None:
    named = presets.PRESETS
    assert gpu.fit_seconds(named["fast"]) < gpu.STARTING < gpu.fit_seconds(named["best"])
    large, small = network(CODES_AND_BOXES, hidden=64), network(CODES_AND_BOXES, hidden=16)
    assert gpu.prediction_seconds(small, 10_000) < gpu.prediction_seconds(large, 10_000) < 0.1
    assert gpu.prediction_seconds(large, 100_000_000) > gpu.STARTING


# Prediction.


@on_both
@every_kind
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 57)])
def test_residuals_are_those_of_numpy(device: str, inputs: Inputs, size: tuple[int, int]) -> None:
    codes, net = noise(*size), network(inputs, depth=3)
    rows = slice(size[0] // 3, size[0])
    inside = np.arange((rows.stop - rows.start) * size[1])[::2]
    found = Predictor(net, codes, "bradford", device).residuals(rows, inside)
    expected = predict.Predictor(net, codes, "bradford").residuals(rows, inside)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=ROUNDING)


@on_both
@pytest.mark.parametrize("inputs", [CODES_AND_BOXES, PAPERS], ids=["codes", "the paper's"])
def test_many_pixels_go_through_the_network_in_parts(
    device: str, inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, net = noise(20, 30), network(inputs)
    inside = np.arange(600)
    predictor = Predictor(net, codes, "cat02", device)
    whole = predictor.residuals(slice(0, 20), inside)
    monkeypatch.setattr("gamutcli.gpu.predict.CHUNK", 128)
    np.testing.assert_allclose(predictor.residuals(slice(0, 20), inside), whole, atol=ROUNDING)


@on_both
def test_a_part_that_was_turned_is_seen_as_in_the_whole(device: str) -> None:
    codes, net = noise(20, 30), network()
    frame = Frame(50, 44, top=9, left=7, orientation=Orientation(transposed=True, columns_reversed=True))
    rows, inside = slice(4, 15), np.arange(0, 330, 3)
    found = Predictor(net, codes, "bradford", device, frame).residuals(rows, inside)
    expected = predict.Predictor(net, codes, "bradford", frame).residuals(rows, inside)
    np.testing.assert_allclose(found, expected, atol=ROUNDING)
    assert np.abs(expected - predict.Predictor(net, codes, "bradford").residuals(rows, inside)).max() > 1e-3


@on_both
def test_no_pixel_is_no_residual(device: str) -> None:
    found = Predictor(network(), noise(4, 5), "bradford", device).residuals(slice(0, 4), np.arange(0))
    assert (found.shape, found.dtype) == ((0, 3), np.float32)


@on_both
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (12, 10), (30, 41)])
@pytest.mark.parametrize("radius", [1, 2, 4, 16, 64])
def test_box_means_are_those_of_numpy_bit_for_bit(device: str, size: tuple[int, int], radius: int) -> None:
    codes = noise(*size)
    predictor = Predictor(network(CODES), codes, "bradford", device)
    for rows in (slice(0, size[0]), slice(size[0] // 2, size[0] // 2 + 1)):
        found = predictor.box_means(rows, radius).cpu().numpy()
        np.testing.assert_array_equal(found, box_means(codes, rows, radius))


@on_both
def test_white_boxes_do_not_overflow(device: str) -> None:
    codes = np.full((300, 260, 3), 255, np.uint8)
    found = Predictor(network(CODES), codes, "bradford", device).box_means(slice(0, 300), 64)
    assert (found.cpu().numpy() == 255 * BOX_STEPS).all()


@on_cpu
@pytest.mark.parametrize(
    ("error", "told"), [("OutOfMemoryError", "memory"), ("RuntimeError", r"the GPU failed \(no kernel image\)")]
)
def test_a_gpu_that_fails_is_one_line(device: str, error: str, told: str) -> None:
    import torch

    kind = RuntimeError if error == "RuntimeError" else torch.cuda.OutOfMemoryError
    with pytest.raises(DeviceError, match=f"^[^\n]*{told}[^\n]*--device cpu[^\n]*$"), gpu.working():
        raise kind("no kernel image\nCompile with `TORCH_USE_CUDA_DSA`")


@on_cuda
def test_a_picture_too_large_for_the_gpu_is_one_line(device: str) -> None:
    import torch

    with pytest.raises(DeviceError, match=r"^[^\n]*memory[^\n]*--device cpu[^\n]*$"), gpu.working():
        torch.empty(1 << 50, device=device)


@on_cuda
def test_products_are_exact_whatever_was_set_before(device: str) -> None:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_float32_matmul_precision("high")
    first, second = np.random.default_rng(0).standard_normal((2, 256, 256)).astype(np.float32)
    with gpu.working():
        found = (torch.tensor(first, device=device) @ torch.tensor(second, device=device)).cpu().numpy()
    np.testing.assert_allclose(found, first.astype(np.float64) @ second, atol=1e-4)


@on_cpu
def test_what_torch_says_about_its_precision_is_kept_back(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    told: list[str] = []

    def warn_once(precision: str) -> None:
        told.append(precision)
        if len(told) == 1:
            warnings.warn("Please use the new settings", UserWarning, stacklevel=1)

    monkeypatch.setattr(torch, "set_float32_matmul_precision", warn_once)
    gpu._set_up.cache_clear()
    with gpu.working():
        assert not torch.is_grad_enabled()
    assert set(told) == {"highest"}


# The fit.


@on_both
@pytest.mark.parametrize("inputs", [CODES, CODES_AND_BOXES], ids=["codes", "boxes"])
def test_a_fit_looks_features_up_on_the_device_as_numpy_does(device: str, inputs: Inputs) -> None:
    lookups = Features(inputs, noise(40, 50), "bradford").lookups(slice(0, 40), np.arange(2000))
    residuals = np.random.default_rng(0).standard_normal((2000, 3)).astype(np.float32)
    sample = Sample(lookups, residuals, np.ones(2000, np.float32), 2000)
    few = replace(MUON, inputs=inputs, steps=10)
    found, expected = (fit(each, few, 0, device=device) for each in (sample, replace(sample, features=lookups[:])))
    for mine, other in zip(found.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(mine, other)


@on_both
@both_optimisers
def test_a_fit_takes_the_same_way_as_numpys(device: str, preset: presets.Preset) -> None:
    sample = a_sample()
    few = replace(preset, steps=10)
    for found, expected in zip(
        fit(sample, few, 3, device=device).weights, numpy_fit.fit(sample, few, 3).weights, strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@on_both
@pytest.mark.parametrize("fixed", [0, 1])
@pytest.mark.parametrize("preset", [MUON, ADAM, replace(ADAM, optimizer="sgd", rate=0.1)], ids=["muon", "adam", "sgd"])
def test_a_fit_from_given_weights_takes_the_same_way_as_numpys(device: str, preset: presets.Preset, fixed: int) -> None:
    sample = a_sample()
    few = replace(preset, steps=10)
    start = numpy_fit.fit(sample, replace(MUON, steps=20), 1).weights
    kept = [weight.copy() for weight in start]
    found = fit(sample, few, 3, start_weights=start, device=device, fixed=fixed).weights
    numpys = numpy_fit.fit(sample, few, 3, start_weights=start, fixed=fixed).weights
    for index, (mine, expected, begun) in enumerate(zip(found, numpys, kept, strict=True)):
        np.testing.assert_allclose(mine, expected, atol=1e-4)
        if index < fixed:
            np.testing.assert_array_equal(mine, begun)
        else:
            assert np.abs(mine - begun).max() > 1e-4
    # What was given is not changed.
    for weight, same in zip(start, kept, strict=True):
        np.testing.assert_array_equal(weight, same)


@pytest.mark.fit
@on_both
@both_optimisers
@pytest.mark.parametrize("hidden", [12, 48])
def test_a_fit_comes_as_close_as_numpys(device: str, preset: presets.Preset, hidden: int) -> None:
    """Whether the hidden layers are narrower than the inputs, or wider."""
    sample = a_sample()
    preset = replace(preset, hidden=hidden, depth=3)
    found, expected = fit(sample, preset, 0, device=device), numpy_fit.fit(sample, preset, 0)
    assert [weight.shape for weight in found.weights] == [weight.shape for weight in expected.weights]
    assert unexplained(found, sample) == pytest.approx(unexplained(expected, sample), rel=0.3)
    assert found.loss == pytest.approx(expected.loss, rel=0.1)
    assert (found.steps, found.residual_scale) == (expected.steps, expected.residual_scale)


@on_cuda
@pytest.mark.parametrize("preset", [MUON, ADAM, replace(ADAM, optimizer="sgd", rate=0.1)], ids=["muon", "adam", "sgd"])
def test_a_captured_step_does_what_a_step_does(
    device: str, preset: presets.Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, short = a_sample(), replace(preset, steps=40)
    captured = fit(sample, short, 0, device=device)
    monkeypatch.setattr("gamutcli.gpu.fit.WARM_UP", short.steps)
    one_by_one = fit(sample, short, 0, device=device)
    for mine, expected in zip(captured.weights, one_by_one.weights, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-4)


@pytest.mark.fit
@on_both
def test_uneven_draws_are_made_up_for(device: str) -> None:
    sample = a_sample()
    sample.residuals[::2] = 0.5
    sample.importance[::2], sample.importance[1::2] = 0, 2
    assert unexplained(fit(sample, MUON, 0, device=device), sample) < 0.1


@on_both
@both_optimisers
def test_the_same_seed_gives_the_same_network(device: str, preset: presets.Preset) -> None:
    sample, short = a_sample(), replace(preset, steps=30)
    first, second, other = (fit(sample, short, seed, device=device) for seed in (5, 5, 6))
    for index, weight in enumerate(first.weights):
        np.testing.assert_array_equal(weight, second.weights[index])
        assert not np.array_equal(weight, other.weights[index])


@on_both
def test_progress_is_told_now_and_then_and_at_the_end(device: str) -> None:
    told: list[tuple[int, int, float]] = []
    fit(a_sample(), MUON, 0, lambda *state: told.append(state), device=device)
    assert [step for step, _, _ in told] == [64, 128, 150]
    assert {steps for _, steps, _ in told} == {150}
    assert told[-1][2] < told[0][2]


@on_both
@both_optimisers
@pytest.mark.parametrize("count", [1, 2, 257])
def test_small_samples_are_fitted(device: str, preset: presets.Preset, count: int) -> None:
    assert_finite(fit(a_sample(count), replace(preset, steps=20), 0, device=device))


@on_both
def test_no_step_changes_nothing(device: str) -> None:
    fitted = fit(a_sample(), replace(MUON, steps=0), 0, device=device)
    assert fitted.steps == 0
    assert (fitted.weights[-1] == 0).all()


@pytest.mark.fit
@on_both
def test_a_fit_ends_when_no_error_is_left_to_see(device: str) -> None:
    assert fit(a_sample(scale=5e-5), MUON, 0, device=device).steps < MUON.steps


@on_both
@both_optimisers
@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_a_fit_that_diverges_gives_finite_weights(device: str, preset: presets.Preset, rate: float) -> None:
    assert_finite(fit(a_sample(), replace(preset, rate=rate, steps=200), 0, device=device))


@pytest.mark.fit
@on_both
def test_a_fit_that_diverges_late_gives_what_it_had_before(device: str) -> None:
    sample = a_sample(40_000)
    sample.features[-200] = 1e30
    fitted = fit(sample, replace(MUON, steps=1000), 0, device=device)
    assert 64 < fitted.steps < 1000
    assert_finite(fitted)
    assert unexplained(fitted, a_sample()) < 0.5


# The whole way.


@pytest.fixture
def photo(tmp_path: Path) -> Iterator[Path]:
    """A small photograph, and presets that take little time."""
    with changed_presets("fast", "paper"):
        yield write_tiff(tmp_path / "photo.tif", sample_crop("espresso", 224, 288))


def on(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make "cuda" mean torch's CPU device, where that is what is tested."""
    if device == "cpu":
        monkeypatch.setattr(gpu, "_lacking", lambda: None)
        monkeypatch.setattr(restore, "GpuPredictor", partial(Predictor, device="cpu"))
        monkeypatch.setattr(gpu_fit, "fit_together", partial(fit_together, device="cpu"))


def codes_of(path: Path) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = tifffile.imread(path).astype(np.int64)
    return codes


@pytest.mark.fit
@on_both
@pytest.mark.parametrize(("preset", "kind"), [("fast", "png"), ("fast", "jpg"), ("paper", "png")])
def test_both_devices_restore_the_same_picture_within_2_codes(
    device: str, preset: str, kind: str, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(device, monkeypatch)
    reduced = photo.with_suffix(f".{kind}")
    reduce_image(photo, reduced, preset=preset, device="cpu")
    pictures = []
    for where in ("cpu", "cuda"):
        restored = photo.with_name(f"{where}.tif")
        assert expand_image(reduced, restored, device=where).device == where
        pictures.append(codes_of(restored))
    assert np.abs(pictures[0] - pictures[1]).max() <= 2


@pytest.mark.fit
@on_both
@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_a_fit_on_a_gpu_is_worth_one_on_the_cpu(
    device: str, preset: str, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(device, monkeypatch)
    gains = []
    for where in ("cpu", "cuda"):
        reduced = photo.with_name(f"{where}.png")
        result = reduce_image(photo, reduced, preset=preset, device=where)
        judged = evaluate(reduced, photo, device=where)
        assert result.psnr_og is not None
        assert judged.restored.psnr_og == pytest.approx(result.psnr_og, abs=0.01)
        gains.append(result.psnr_og)
    assert gains[1] == pytest.approx(gains[0], abs=0.5)


@on_both
def test_weights_learned_on_a_gpu_are_worth_the_cpus(device: str, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(device, monkeypatch)
    network = replace(recipe_of("balanced", "11kb")[0], hidden=16, batch=512)
    recipe = Recipe("adam", 10, 5e-3, 256, "adam", 2e-3, meta_batch=1, epochs=6)
    learned = []
    for where in ("cpu", "cuda"):
        target = photo.with_name(f"{where}.safetensors")
        result = pretrain.pretrain([photo], target, network, recipe, device=where)
        assert result.crops == 6
        learned.append((result.loss, read_weights(target).weights))
    assert learned[1][0] == pytest.approx(learned[0][0], rel=0.02)
    for mine, expected in zip(learned[1][1], learned[0][1], strict=True):
        # A step of Adam is as long as its rate, also where the way is next to nothing and rounding decides its sign.
        assert np.abs(mine - expected).mean() < 0.05 * recipe.outer_rate


@pytest.mark.parametrize("function", ["reduce", "expand", "evaluate"])
def test_without_a_gpu_nothing_is_begun(function: str, machine: Callable[..., None], tmp_path: Path) -> None:
    machine(False, None)
    missing, target = tmp_path / "missing.jpg", tmp_path / "target.tif"
    calls: dict[str, Callable[[], object]] = {
        "reduce": lambda: reduce_image(missing, tmp_path / "target.jpg", device="cuda"),
        "expand": lambda: expand_image(missing, target, device="cuda"),
        "evaluate": lambda: evaluate(missing, missing, device="cuda"),
    }
    # Not that the source is missing.
    with pytest.raises(DeviceError):
        calls[function]()
    assert list(tmp_path.iterdir()) == []
