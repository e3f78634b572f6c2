"""The forward pass on a GPU.

Source: as ``gamutcli.network.model``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from gamutcli.arrays import CodeArray, FloatArray, IndexArray
from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.color.spaces import Adaptation
from gamutcli.fingerprint.frame import Frame
from gamutcli.gpu import working
from gamutcli.network.features import BOX_STEPS, CONTRAST_LIMIT, Features
from gamutcli.network.shape import FloatNetwork, Network

#: A torch.Tensor; torch has no part in the types, as it need not be installed.
Tensor = Any

#: Pixels that go through the network at once: few kernels, and little memory.
CHUNK = 1 << 18
#: Pixels after which a process takes the trouble to compile a kernel of our own: by then torch's have taken as long.
FUSED_AFTER = 1 << 27


class Predictor:
    """Runs a network over a picture on a GPU; does what ``network.predict.Predictor`` does.

    Args:
        network: The network, quantised or not.
        srgb_codes: (height, width, 3) the picture that the decoder has; copied to the device once.
        adaptation: Between sRGB's white and ProPhoto's.
        device: A torch device.
        frame: What x and y refer to; the picture itself where None.

    Attributes:
        pixels_by_torch: How many pixels this process has put through torch's own kernels.
    """

    pixels_by_torch: ClassVar[int] = 0

    def __init__(
        self,
        network: Network | FloatNetwork,
        srgb_codes: CodeArray,
        adaptation: Adaptation,
        device: str = "cuda",
        frame: Frame | None = None,
    ) -> None:
        import torch

        self.inputs, self.srgb_codes, self.adaptation, self.device = network.inputs, srgb_codes, adaptation, device
        features = Features(network.inputs, srgb_codes, adaptation, frame)
        self._frame = features.frame
        first, *others = [weight.T for weight in network.weights]
        others[-1] = others[-1] * np.float32(network.residual_scale)
        widths = [table.shape[1] for table in features.tables]
        # The waves of linear colour, which no table holds, lie behind those of the place.
        place, waved = sum(widths[:2]), first.shape[0] - sum(widths)
        parts = np.split(np.delete(first, np.s_[place : place + waved], axis=0), np.cumsum(widths[:-1]))
        tables = [table @ part for table, part in zip(features.tables, parts, strict=True)]
        starts = np.cumsum([0, *[len(table) for table in tables[:-1]]])
        with working():
            self._codes = torch.tensor(srgb_codes, device=device)
            #: All tables in one, and where each starts.
            self._table = torch.tensor(np.concatenate(tables), device=device)
            self._starts = torch.tensor(starts, dtype=torch.int32, device=device)
            self._color_weight = torch.tensor(first[place : place + waved], device=device)
            self._weights = [torch.tensor(weight, device=device) for weight in others]
            self._fused = self._fuse()

    def residuals(self, rows: slice, inside: IndexArray) -> FloatArray:
        """Predict the residuals of some pixels of a strip.

        Args:
            rows: The strip.
            inside: (n,) flat places of the pixels in the strip.

        Returns:
            (n, 3) float32, linear ProPhoto RGB.
        """
        import torch

        if not inside.size:
            return np.empty((0, 3), np.float32)
        with working():
            places = torch.tensor(inside, dtype=torch.int32, device=self.device)
            colors = None
            if self.inputs.color == "prophoto_linear":
                # From numpy: the highest octave shows the last bit.
                codes = self.srgb_codes[rows].reshape(-1, 3)[inside]
                colors = torch.tensor(codes_to_prophoto(codes, self.adaptation), device=self.device)
            residuals: FloatArray = self.on_device(rows, places, colors).cpu().numpy()
            return residuals

    def on_device(self, rows: slice, places: Tensor, colors: Tensor | None = None) -> Tensor:
        """``residuals`` without the transfers, for as many rows as the device holds.

        Args:
            rows: The strip.
            places: (n,) int32 flat places of the pixels in the strip, on the device; at least one.
            colors: (n, 3) float32 their linear ProPhoto RGB, where the network wants that.

        Returns:
            (n, 3) float32 on the device.
        """
        if self._fused:
            return self._fused(rows.start, places)
        Predictor.pixels_by_torch += len(places)
        return self._by_torch(rows, places, colors)

    @property
    def is_fused(self) -> bool:
        """Whether a kernel of our own does it all."""
        return self._fused is not None

    def _fuse(self) -> Callable[[int, Tensor], Tensor] | None:
        """Put all that torch's kernels would do into one, where that pays and can be had."""
        if Predictor.pixels_by_torch < FUSED_AFTER or self.inputs.color != "srgb_codes":
            return None
        try:
            from gamutcli.gpu import fused
        except ImportError:
            return None
        weights, boxes = self._weights, self.inputs.boxes
        return fused.try_out(fused.Fused(self._codes, self._table, self._starts, weights, boxes, self._frame))

    def _by_torch(self, rows: slice, places: Tensor, colors: Tensor | None) -> Tensor:
        import torch

        means = {box.radius: self.box_means(rows, box.radius).reshape(-1, 3) for box in self.inputs.boxes}
        residuals = []
        for start in range(0, len(places), CHUNK):
            part = slice(start, start + CHUNK)
            # One kernel looks up and adds the rows of all tables.
            indices = self._indices(rows, means, places[part]) + self._starts
            hidden = torch.nn.functional.embedding_bag(indices, self._table, mode="sum")
            if colors is not None:
                hidden.addmm_(self._color_waves(colors[part]), self._color_weight)
            for weight in self._weights:
                hidden = hidden.relu_() @ weight
            residuals.append(hidden)
        return torch.cat(residuals)

    def box_means(self, rows: slice, radius: int) -> Tensor:
        """Mean codes of the box around each pixel of some rows, in quarter codes, as ``Features`` has them.

        Returns:
            (rows, width, 3) int32 on the device.
        """
        import torch

        side, (height, width, _) = 2 * radius + 1, self._codes.shape
        around = self._codes
        for axis, (wanted, edge) in enumerate(((rows, height), (slice(0, width), width))):
            reach = torch.arange(wanted.start - radius, wanted.stop + radius, device=self.device)
            around = around.index_select(axis, reach.clamp_(0, edge - 1))
        # As float32, which holds these sums exactly; a window of a column, then one of a row.
        sums = around.permute(2, 0, 1).float()
        for window in ((side, 1), (1, side)):
            sums = torch.nn.functional.avg_pool2d(sums, window, stride=1, divisor_override=1)
        return (BOX_STEPS * sums.permute(1, 2, 0).int() + side**2 // 2) // side**2

    def _indices(self, rows: slice, means: Mapping[int, Tensor], places: Tensor) -> Tensor:
        """(n, tables) int32 table indices, in the order of ``network.features.Features.tables``."""
        import torch

        width = self._codes.shape[1]
        codes = self._codes[rows].reshape(-1, 3).index_select(0, places).int()
        place = self._frame.positions(places // width + rows.start, places % width, self.srgb_codes.shape)
        found = [side[:, None] for side in place]
        if self.inputs.color == "srgb_codes":
            found.append(codes)
        for box in self.inputs.boxes:
            around = means[box.radius].index_select(0, places)
            if box.contrast:
                around = (BOX_STEPS * codes - around).clamp_(-CONTRAST_LIMIT, CONTRAST_LIMIT) + CONTRAST_LIMIT
            found.append(around)
        return torch.cat(found, dim=1)

    def _color_waves(self, colors: Tensor) -> Tensor:
        """(n, 6 * octaves) waves of linear ProPhoto RGB, as ``network.features.Features.color_waves``."""
        import torch

        octaves = self.inputs.first_octave + torch.arange(self.inputs.color_octaves, device=self.device)
        angles = (2 * colors.double() - 1)[:, :, None] * (math.pi * 2.0 ** octaves.double())
        return torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1).float()
