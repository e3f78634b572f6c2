"""The forward pass in one kernel of a GPU: a pixel's activations never leave the chip.

Torch's own kernels write them to memory and read them again, layer by layer: four times the time.  Triton, which comes
with torch for CUDA on Linux, compiles this one when it is first used; it needs a C compiler for that, and where it
fails, torch's kernels go on.

Source: as ``gamutcli.network.model``.
"""

# What Triton compiles has no types of Python.
# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import triton
import triton.language as tl

from gamutcli.fingerprint.frame import Frame
from gamutcli.network.features import BOX_STEPS, CONTRAST_LIMIT
from gamutcli.network.shape import Box

#: The widest network whose activations a multiprocessor holds.
MOST_UNITS = 128
#: Pixels that a program works on, and its warps; measured.
BLOCK, WARPS = 32, 4
#: What the kernel's products want each side to have at least.
LEAST = 16

_STEPS, _LIMIT = tl.constexpr(BOX_STEPS), tl.constexpr(CONTRAST_LIMIT)


@triton.jit
def _level(code, total, RADIUS: tl.constexpr, CONTRAST: tl.constexpr):
    """A box's row in its table: the mean of a channel, or what the pixel's own code is beside it."""
    area: tl.constexpr = (2 * RADIUS + 1) * (2 * RADIUS + 1)
    mean = (_STEPS * total + area // 2) // area
    if CONTRAST:
        mean = tl.minimum(tl.maximum(_STEPS * code - mean, -_LIMIT), _LIMIT) + _LIMIT
    return mean


@triton.jit
def _sums(codes, row, column, height, width, RADIUS: tl.constexpr, BLOCK: tl.constexpr):
    """Sums of the codes in the boxes around pixels, edges replicated."""
    reds = tl.zeros((BLOCK,), tl.int32)
    greens = tl.zeros((BLOCK,), tl.int32)
    blues = tl.zeros((BLOCK,), tl.int32)
    for down in range(-RADIUS, RADIUS + 1):
        beside = tl.minimum(tl.maximum(row + down, 0), height - 1).to(tl.int64) * width
        for right in range(-RADIUS, RADIUS + 1):
            at = codes + (beside + tl.minimum(tl.maximum(column + right, 0), width - 1)) * 3
            reds += tl.load(at).to(tl.int32)
            greens += tl.load(at + 1).to(tl.int32)
            blues += tl.load(at + 2).to(tl.int32)
    return reds, greens, blues


# One for all sizes: each is compiled in more than a second.
@triton.jit(do_not_specialize=["count", "height", "width", "top"])
def _forward(
    codes,
    places,
    residuals,
    count,
    height,
    width,
    top,
    to_frame,
    table,
    starts,
    hidden,
    last,
    AROUND: tl.constexpr,
    BOXES: tl.constexpr,
    LAYERS: tl.constexpr,
    UNITS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Look at ``BLOCK`` pixels and put them through the network: rows of tables added, then a product a layer."""
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    is_there = pixel < count
    place = tl.load(places + pixel, mask=is_there, other=0)
    row, column = top + place // width, place % width
    unit = tl.arange(0, UNITS)[None, :]
    y = tl.load(to_frame) * row + tl.load(to_frame + 1) * column + tl.load(to_frame + 2)
    x = tl.load(to_frame + 3) * row + tl.load(to_frame + 4) * column + tl.load(to_frame + 5)
    above = tl.load(table + y[:, None] * UNITS + unit)
    above += tl.load(table + (tl.load(starts + 1) + x)[:, None] * UNITS + unit)
    own = codes + (row.to(tl.int64) * width + column) * 3
    red, green, blue = tl.load(own).to(tl.int32), tl.load(own + 1).to(tl.int32), tl.load(own + 2).to(tl.int32)
    above += tl.load(table + (tl.load(starts + 2) + red)[:, None] * UNITS + unit)
    above += tl.load(table + (tl.load(starts + 3) + green)[:, None] * UNITS + unit)
    above += tl.load(table + (tl.load(starts + 4) + blue)[:, None] * UNITS + unit)
    for box in tl.static_range(AROUND):
        reds, greens, blues = _sums(codes, row, column, height, width, BOXES[box][0], BLOCK)
        start = starts + 5 + 3 * box
        red_level = _level(red, reds, BOXES[box][0], BOXES[box][1])
        green_level = _level(green, greens, BOXES[box][0], BOXES[box][1])
        blue_level = _level(blue, blues, BOXES[box][0], BOXES[box][1])
        above += tl.load(table + (tl.load(start) + red_level)[:, None] * UNITS + unit)
        above += tl.load(table + (tl.load(start + 1) + green_level)[:, None] * UNITS + unit)
        above += tl.load(table + (tl.load(start + 2) + blue_level)[:, None] * UNITS + unit)
    below = tl.arange(0, UNITS)[:, None]
    for layer in tl.static_range(LAYERS):
        weight = tl.load(hidden + layer * UNITS * UNITS + below * UNITS + unit)
        above = tl.dot(tl.maximum(above, 0.0), weight, input_precision="ieee")
    output = tl.arange(0, OUTPUTS)[None, :]
    weight = tl.load(last + below * OUTPUTS + output)
    found = tl.dot(tl.maximum(above, 0.0), weight, input_precision="ieee")
    tl.store(residuals + pixel[:, None] * 3 + output, found, mask=is_there[:, None] & (output < 3))


class Fused:
    """The forward pass of one network over one picture; does what torch's kernels do in ``predict.Predictor``.

    Args:
        codes: (height, width, 3) uint8 on the device.
        table: (values, hidden) what each value of each input adds to the first layer, on the device.
        starts: (inputs,) int32 where those of each input begin.
        weights: (inputs, outputs) of the other layers.
        boxes: What the network sees around a pixel, besides its place and its codes.
        frame: What x and y refer to.
    """

    def __init__(
        self,
        codes: torch.Tensor,
        table: torch.Tensor,
        starts: torch.Tensor,
        weights: Sequence[torch.Tensor],
        boxes: Sequence[Box],
        frame: Frame,
    ) -> None:
        hidden = table.shape[1]
        # A power of two, which all that the kernel works on has to be; what is more are zeros.
        self.units = max(LEAST, 1 << (hidden - 1).bit_length())
        more = self.units - hidden
        pad = torch.nn.functional.pad
        self.codes, self._starts = codes, starts
        self._boxes = tuple((box.radius, box.contrast) for box in boxes)
        self._table = pad(table, (0, more)).contiguous()
        *others, last = weights
        square = torch.stack(others) if others else table.new_zeros(0, hidden, hidden)
        self._hidden = pad(square, (0, more, 0, more)).contiguous()
        self._layers, self._last = len(others), pad(last, (0, LEAST - 3, 0, more)).contiguous()
        self._to_frame = torch.tensor(_affine(frame, codes.shape), dtype=torch.int32).to(codes.device)

    @property
    def kind(self) -> object:
        """What Triton compiles it for."""
        return self.units, self._layers, self._boxes, self.codes.device.type

    def __call__(self, top: int, places: torch.Tensor) -> torch.Tensor:
        """Predict the residuals of some pixels.

        Args:
            top: The first row of a strip.
            places: (n,) int32 flat places in the strip, on the device; at least one.

        Returns:
            (n, 3) float32 on the device.
        """
        height, width, _ = self.codes.shape
        residuals = torch.empty((len(places), 3), device=places.device)
        _forward[(triton.cdiv(len(places), BLOCK),)](
            *(self.codes, places, residuals, len(places), height, width, top, self._to_frame),
            *(self._table, self._starts, self._hidden, self._last),
            AROUND=len(self._boxes),
            BOXES=self._boxes,
            LAYERS=self._layers,
            UNITS=self.units,
            OUTPUTS=LEAST,
            BLOCK=BLOCK,
            num_warps=WARPS,
        )
        return residuals


def _affine(frame: Frame, shape: tuple[int, ...]) -> list[int]:
    """``Frame.positions`` as y = a row + b column + c, and x likewise."""
    zero, down, right = np.stack(frame.positions(np.array([0, 1, 0]), np.array([0, 0, 1]), shape), axis=1).tolist()
    return [number for side in (0, 1) for number in (down[side] - zero[side], right[side] - zero[side], zero[side])]


#: Kernels that Triton could not make: each release has errors of its own, as has a machine without a compiler.
_FAILED: set[object] = set()


def try_out(kernel: Fused) -> Fused | None:
    """See a kernel work on one pixel; None where it cannot be had, which costs speed alone."""
    if kernel.units > MOST_UNITS or kernel.kind in _FAILED:
        return None
    try:
        kernel(0, torch.zeros(1, dtype=torch.int32, device=kernel.codes.device))
    except Exception:
        _FAILED.add(kernel.kind)
        return None
    return kernel
