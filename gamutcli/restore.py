"""From a reduced file to wide-gamut pixels: open it, check it, predict, add."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from gamutcli import gpu, images
from gamutcli.arrays import Code16Array, CodeArray, FloatArray, StrPath, put_pixels, take_pixels
from gamutcli.color import tolerance
from gamutcli.color.gamut import Correction, codes_to_prophoto
from gamutcli.color.spaces import PROPHOTO, Adaptation, RGBSpace, apply_matrix, encoding_table, rgb_to_rgb
from gamutcli.containers import Metadata
from gamutcli.errors import InputError, PayloadError, PixelsChanged
from gamutcli.fingerprint.blocks import LostBlocks
from gamutcli.fingerprint.frame import Frame
from gamutcli.fingerprint.match import Match, Status, match
from gamutcli.gpu.predict import Predictor as GpuPredictor
from gamutcli.images.lying import stated_orientation
from gamutcli.metadata import read_metadata, turn_metadata
from gamutcli.network.predict import Predictor
from gamutcli.network.shape import FloatNetwork, Network
from gamutcli.network.work import excess_work
from gamutcli.parallel import in_order, strips
from gamutcli.payload import carriers
from gamutcli.payload.carriers import SIDECAR, Extracted
from gamutcli.payload.format import MAGIC, Payload, unpack
from gamutcli.payload.parts import MAX_PAYLOAD
from gamutcli.payload.sidecar import all_payloads_of, former_sidecars, path_beside

#: Scales from which on resizing costs so many decibels, measured there too: where the picture was lossy, and where not.
RESIZED_COSTS = ((1.75, 2, 4), (0.85, 1, 3), (0.65, 2, 5), (0.45, 6, 10), (0.3, 11, 13), (0.0, 15, 16))

#: Payloads of one picture that are looked at: a foreign one may come before its own.
MOST_COPIES = 4


@dataclass(frozen=True, eq=False)
class Reduced:
    """A reduced file, opened."""

    data: bytes
    srgb_codes: CodeArray
    payload: Payload
    found: Extracted
    match: Match

    @property
    def metadata(self) -> Metadata:
        """The metadata of the file, without the payload; how it is to be turned is what the file itself says."""
        found = carriers.metadata_beside(self.found, read_metadata(self.data))
        stated = stated_orientation(self.data)
        return found if stated is None else turn_metadata(found, stated)

    @property
    def correction(self) -> Correction:
        """Which pixels go through the network: more of them where a tool has moved codes."""
        correction = self.payload.correction
        if self._is_exact:
            return correction
        return replace(correction, tolerance=max(correction.tolerance, tolerance.AFTER_TOOLS))

    def restoration(self, space: RGBSpace, device: str) -> Restoration:
        """What it takes to restore the picture into an RGB space."""
        payload = self.payload
        return Restoration(
            self.srgb_codes,
            payload.adaptation,
            self.correction,
            payload.network,
            space,
            device,
            self.match.frame,
            payload.blocks,
            self._is_exact,
        )

    @property
    def _is_exact(self) -> bool:
        """Whether the codes are those that were written."""
        cut_losslessly = self.match.cropped and images.sniff(self.data) in ("png", "tiff")
        return self.match.status is Status.OK or cut_losslessly


def open_reduced(source: StrPath) -> Reduced:
    """Open a reduced file: its pixels, its payload, and whether they fit."""
    path = Path(source)
    data = images.read_bytes(path)
    if data.startswith(MAGIC):
        raise InputError(f"{path}: is a payload alone; name the picture that it belongs to.")
    codes: CodeArray | None = None
    chosen: Reduced | None = None
    for found, payload in sound_payloads(path, data):
        codes = images.decode_reduced(data, str(path)) if codes is None else codes
        opened = Reduced(data, codes, payload, found, match(payload.fingerprint, codes))
        if opened.match.status is not Status.CHANGED:
            return opened
        chosen = chosen or opened
    assert chosen is not None
    return chosen


def sound_payloads(path: Path, data: bytes) -> Iterator[tuple[Extracted, Payload]]:
    """Unpack the payloads of a picture file, in it and beside it: one at least, those that are damaged left out.

    Raises:
        NoPayload: There is none.
        PayloadError: None of them is sound.
        InputError: The file is damaged.
    """
    failure: PayloadError | None = None
    sound = False
    for found in islice(all_payloads_of(path, data), MOST_COPIES):
        try:
            payload = unpack_found(path, found)
        except PayloadError as error:
            failure = failure or error
            continue
        sound = True
        yield found, payload
    if failure and not sound:
        raise failure


def payload_alone(source: StrPath) -> Payload | None:
    """Unpack a file that is a payload and nothing else; None for any other file.

    Raises:
        PayloadError: It is damaged.
        InputError: The file cannot be read.
    """
    path = Path(source)
    if images.read_bytes(path, len(MAGIC)) != MAGIC:
        return None
    return unpack_found(path, Extracted(images.read_bytes(path, MAX_PAYLOAD + 1), "file"))


def unpack_found(path: Path, found: Extracted) -> Payload:
    """Unpack the payload that was found for a picture.

    Raises:
        PayloadError: It is damaged.
    """
    try:
        return unpack(found.payload)
    except PayloadError as error:
        raise PayloadError(f"{path_beside(path) if found.carrier == SIDECAR else path}: {error}") from error


def check_pixels(source: StrPath, reduced: Reduced, force: bool) -> tuple[str, ...]:
    """What to tell the user of changed pixels.

    Raises:
        PixelsChanged: They were edited, and ``force`` is false.
    """
    matched = reduced.match
    if matched.status is Status.OK:
        done = matched.recognised
        return (f"the picture was {done} after it was reduced; it is restored so, without loss",) if done else ()
    if matched.status is Status.CHANGED:
        if not force and reduced.found.carrier == SIDECAR:
            kept = "; ".join(("", *former_sidecars(source)))
            raise PixelsChanged(
                f"{path_beside(source)}: belongs to another picture, or {os.fspath(source)} was edited after it was "
                f"reduced ({matched.recognised}: block means differ by {matched.difference:.1f} codes){kept}; "
                "use --force to expand it all the same."
            )
        if not force:
            raise PixelsChanged(
                f"{os.fspath(source)}: the picture was edited after it was reduced ({matched.recognised}: block means "
                f"differ by {matched.difference:.1f} codes); use --force to expand it all the same."
            )
        return ("the picture was edited after it was reduced: the restored colours are a guess",)
    done = f"the picture was {matched.recognised} after it was reduced, or edited too little to tell"
    return (f"{done}: {_cost(reduced)}",)


def check_work(source: StrPath, reduced: Reduced, allow_slow: bool) -> None:
    """Refuse work that a payload may ask for, but that no picture is known to need.

    Raises:
        InputError: There is so much, and ``allow_slow`` is false.
    """
    network = reduced.payload.network
    if network is None or allow_slow:
        return
    excess = excess_work(network, reduced.correction, reduced.srgb_codes, len(reduced.data))
    if excess:
        raise InputError(
            f"{os.fspath(source)}: its payload asks for {excess}: more than a picture is known to need; use "
            "--allow-slow to do it all the same."
        )


def _cost(reduced: Reduced) -> str:
    """What it costs out of gamut, in round decibels: the medians of docs/PIXELS.md."""
    matched, known = reduced.match, reduced.payload.fingerprint
    # A lossless picture has more to lose.
    lossless = reduced.payload.correction.tolerance == 0
    if matched.cropped:
        most = 19 if lossless else 12
        return f"colours are as exact as before, or up to about {most} dB less where it was compressed as well"
    if matched.resized:
        scale = math.sqrt(matched.frame.height * matched.frame.width / (known.height * known.width))
        loss = next(losses[lossless] for above, *losses in RESIZED_COSTS if scale >= above)
        more = 14 if lossless else 11
        return f"colours are typically {loss} dB less exact, and {more} more where it was compressed as well"
    least, most = (10, 19) if lossless else (1, 12)
    return f"colours are less exact, typically by {least} dB (JPEG quality 95, 4:4:4) to {most} dB (quality 50)"


@dataclass(frozen=True)
class Counts:
    """How many pixels the network corrected, and how many the space cannot hold, which were clipped."""

    corrected: int = 0
    clipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.corrected + other.corrected, self.clipped + other.clipped)


class Restoration:
    """The wide-gamut picture of a reduced one, strip by strip.

    Args:
        srgb_codes: (height, width, 3) the reduced picture, decoded.
        adaptation: Between sRGB's white and ProPhoto's.
        correction: Which pixels go through the network.
        network: None where there is nothing to restore.
        space: The RGB space wanted.
        device: Where the network is to run: "auto", "cpu" or "cuda".
        frame: What x and y of the network refer to; the picture itself where None.
        blocks: Where pixels are corrected; None: everywhere.
        exact: Whether the codes are those that were written.

    Attributes:
        device: Where it runs: "cpu" or "cuda".
    """

    def __init__(
        self,
        srgb_codes: CodeArray,
        adaptation: Adaptation,
        correction: Correction,
        network: Network | FloatNetwork | None,
        space: RGBSpace = PROPHOTO,
        device: str = "cpu",
        frame: Frame | None = None,
        blocks: LostBlocks | None = None,
        exact: bool = True,
    ) -> None:
        self.srgb_codes = srgb_codes
        self.adaptation = adaptation
        self.correction = correction
        self.space = space
        self._frame, self._blocks, self._exact = frame, blocks, exact
        self.device = "cpu"
        self._predictor: Predictor | GpuPredictor | None = None
        if network:
            # Every eighth row tells about how many there are.
            pixels = 8 * int(np.count_nonzero(correction.mask(srgb_codes[::8])))
            self.device = gpu.device_for(device, gpu.prediction_seconds(network, pixels))
            runs = GpuPredictor if self.device == "cuda" else Predictor
            self._predictor = runs(network, srgb_codes, adaptation, frame=frame)

    def plain(self, rows: slice) -> FloatArray:
        """(rows, width, 3) linear ProPhoto RGB of the picture as everyone sees it."""
        return codes_to_prophoto(self.srgb_codes[rows], self.adaptation)

    def linear(self, rows: slice) -> tuple[FloatArray, int]:
        """(rows, width, 3) linear ProPhoto RGB, unclipped, and how many pixels were corrected."""
        prophoto_linear = self.plain(rows)
        if self._predictor is None and self.correction.compression is None:
            return prophoto_linear, 0
        inside = np.flatnonzero(self.correction.mask(self.srgb_codes[rows]))
        if self._blocks:
            inside = self._blocks.keep(rows, inside, self.srgb_codes.shape, self._frame)
        if self.correction.compression:
            some = take_pixels(self.srgb_codes[rows], inside)
            corrected = self.correction.before(some, self.adaptation, self._exact)
        else:
            corrected = take_pixels(prophoto_linear, inside)
        if self._predictor:
            corrected += self._predictor.residuals(rows, inside)
        put_pixels(prophoto_linear, inside, corrected)
        return prophoto_linear, inside.size

    def rounded(self, rows: slice) -> FloatArray:
        """(rows, width, 3) linear ProPhoto RGB as a 16-bit file keeps it."""
        return PROPHOTO.cctf_decoding(self._encode(rows)[0].astype(np.float32) / np.float32(65535))

    def encoded_strips(self) -> Generator[Code16Array, None, Counts]:
        """The whole picture in 16-bit codes of the space, from top to bottom; returns what was done to its pixels."""
        counts = Counts()
        for codes, of_strip in in_order(self._encode, strips(*self.srgb_codes.shape[:2])):
            counts += of_strip
            yield codes
        return counts

    def _encode(self, rows: slice) -> tuple[Code16Array, Counts]:
        linear, corrected = self.linear(rows)
        clipped = 0
        if self.space != PROPHOTO:
            linear = apply_matrix(linear, rgb_to_rgb(PROPHOTO, self.space))
            # More than a code of 8 bits outside: less is rounding.
            clipped = int(((linear < -0.0003) | (linear > 1.002)).any(axis=-1).sum())
        codes = encoding_table(self.space, 65536).codes(linear)
        return codes.astype(np.uint16, copy=False), Counts(corrected, clipped)
