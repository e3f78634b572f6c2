"""Runs operations over a subject and judges what comes out, by what is known of the subject and not by what gamut says.

Every verdict but one is as it should be; WRONG is what must never be: gamut says that all is well and it is not, or
cries wolf, or gives back other bytes than were stored, or restores colours that are further off than none.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from gamutcli import expand_image, inspect_image
from gamutcli.arrays import Code16Array, CodeArray, FloatArray
from gamutcli.color.gamut import codes_to_prophoto, og_mask
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, encoding_table, rgb_to_rgb
from gamutcli.errors import GamutError, InputError, NoPayload, PayloadError, PixelsChanged
from gamutcli.images import decode_reduced
from gamutcli.payload.format import unpack
from gamutcli.payload.sidecar import SIDECAR, path_beside, payload_of

from .album import STEM, Subject
from .operations import SUFFIX, Operation

#: Turned back, a picture may be restored so much differently, 16-bit codes: sums are made in another order.
ROUNDING = 4
#: What expand says of a loss are medians over photographs. The worst of them lost so much more, dB (docs/PIXELS.md):
#: those whose own file was lossy, and those whose file was lossless, which have more to lose.
ABOUT = {"lossy": 4, "lossless": 12}


class Verdict(StrEnum):
    """What became of a payload."""

    KEPT = "kept"
    RESAVED = "re-saved"
    EDITED = "edited"
    LOST = "lost"
    TORN = "torn"
    UNREADABLE = "unreadable"
    WRONG = "WRONG"


MEANING = {
    Verdict.KEPT: "payload kept to the bit, pixels too (perhaps turned): `info` says ok, `expand` gives what it gave",
    Verdict.RESAVED: "payload kept to the bit, pixels changed: `info` says recompressed, `expand` warns",
    Verdict.EDITED: "payload kept to the bit, pixels changed: `info` says changed, `expand` refuses (exit 4)",
    Verdict.LOST: "the tool dropped the payload: reported as no payload (exit 3)",
    Verdict.TORN: "the tool dropped or damaged a part of the payload: reported as damaged (exit 4)",
    Verdict.UNREADABLE: "the tool wrote something else than an opaque RGB picture: refused (exit 1)",
    Verdict.WRONG: "wrong and silent",
}


@dataclass(frozen=True)
class Outcome:
    """A verdict, and its reasons.

    Attributes:
        verdict: The verdict.
        detail: Why, in words.
        gain: Of a picture that was saved again: how much closer to the original the restored picture is than the
            plain one out of gamut, dB.
    """

    verdict: Verdict
    detail: str = ""
    gain: float | None = None


def outcome_of(subject: Subject, operations: Sequence[Operation], folder: Path) -> Outcome:
    """Run operations one after the other, as a person would who saves over the file, and judge the last one's file.

    Args:
        subject: The file at the start.
        operations: What is done to it.
        folder: An empty folder to work in.

    Raises:
        CannotDoThis: A tool does not do this to such a file.
    """
    current = folder / subject.file.name
    shutil.copyfile(subject.file, current)
    if subject.carrier == SIDECAR:
        shutil.copyfile(path_beside(subject.file), path_beside(current))
    format, truth = subject.format, _floats(subject.truth)
    for operation in operations:
        format = operation.writes or format
        target = folder / "out" / f"{STEM}{SUFFIX[format]}"
        target.parent.mkdir()
        operation.run(current, target, subject.other)
        current.unlink()
        current = folder / target.name
        target.rename(current)
        shutil.rmtree(target.parent)
        if operation.part and truth is not None:
            left, top, width, height = operation.part
            truth = truth[top : top + height, left : left + width]
        truth = None if truth is None else _followed(truth, current)
    return _judged(subject, current, truth)


def gain_of(subject: Subject) -> float:
    """How much closer to the original the restored picture is than the plain one, untouched: out of gamut, dB."""
    truth = _floats(subject.truth)
    return _off(_plain(subject, subject.codes), truth) - _off(_floats(subject.restored), truth)


def _judged(subject: Subject, file: Path, truth: FloatArray | None) -> Outcome:
    restored = file.with_name("restored.tif")
    try:
        told = inspect_image(file)
    except GamutError as error:
        try:
            expand_image(file, restored, device="cpu")
        except type(error):
            return _refused(subject, file, error)
        return Outcome(Verdict.WRONG, f"info refuses, expand does not: {error}")
    data = file.read_bytes()
    if payload_of(file, data).payload != subject.payload:
        return Outcome(Verdict.WRONG, "another payload came out than went in")
    codes = decode_reduced(data)
    try:
        expanded = expand_image(file, restored, device="cpu", compression="none")
    except PixelsChanged as error:
        if told.status != "changed":
            return Outcome(Verdict.WRONG, f"info says {told.status}, expand refuses: {error}")
        if np.array_equal(codes, subject.codes):
            return Outcome(Verdict.WRONG, "the pixels are the same, and are called changed")
        return Outcome(Verdict.EDITED, str(error))
    if expanded.status != told.status or told.status == "changed":
        return Outcome(Verdict.WRONG, f"info says {told.status}, expand {expanded.status}")
    result: Code16Array = tifffile.imread(restored)
    if told.status == "ok":
        return _compared(subject, codes, result)
    if np.array_equal(codes, subject.codes):
        return Outcome(Verdict.WRONG, "the pixels are the same, and are called recompressed")
    if not expanded.notes:
        return Outcome(Verdict.WRONG, "recompressed, and expand says not a word")
    assert truth is not None  # the picture can be decoded, so it was followed
    off = _off(_floats(result), truth)
    gain = _off(_plain(subject, codes), truth) - off
    loss = off - _off(_floats(subject.restored), _floats(subject.truth))
    stated = stated_loss(expanded.notes[0])
    if gain <= 0:
        return Outcome(Verdict.WRONG, f"the restored picture is {-gain:.1f} dB further off than the plain one", gain)
    if loss > stated + ABOUT["lossy" if subject.format in ("jpeg", "avif") else "lossless"]:
        return Outcome(Verdict.WRONG, f"{loss:.1f} dB were lost, at most {stated} are admitted", gain)
    return Outcome(Verdict.RESAVED, f"{loss:.1f} dB lost: {expanded.notes[0]}", gain)


def stated_loss(note: str) -> int:
    """The largest loss that a note of expand admits, dB: "about 2 dB less exact, and 11 more where ..." is 13."""
    numbers = [int(number) for number in re.findall(r"([0-9]+) (?:dB|more)", note)]
    return sum(numbers) if " more " in note else max(numbers, default=0)


def _refused(subject: Subject, file: Path, error: GamutError) -> Outcome:
    if isinstance(error, NoPayload):
        # A stretch from the middle of what was written: whatever holds it, gamut should have found it.
        if _trace(subject) in file.read_bytes():
            return Outcome(Verdict.WRONG, "the payload is there, and gamut does not find it")
        return Outcome(Verdict.LOST, str(error))
    if isinstance(error, PayloadError):
        return Outcome(Verdict.TORN, str(error))
    if isinstance(error, InputError):
        return Outcome(Verdict.UNREADABLE, str(error))
    return Outcome(Verdict.WRONG, f"{type(error).__name__}: {error}")


def _trace(subject: Subject) -> bytes:
    import base64

    return base64.b64encode(subject.payload[: len(subject.payload) // 6 * 3])[-120:-4]


def _compared(subject: Subject, codes: CodeArray, result: Code16Array) -> Outcome:
    """Judge a picture that gamut calls ok: the same pixels, turned at most, and restored as they were before."""
    for turned in range(8):
        if np.array_equal(_turned(subject.codes, turned), codes):
            off = np.abs(_turned(subject.restored, turned).astype(np.int32) - result).max()
            if off > (ROUNDING if turned else 0):
                return Outcome(Verdict.WRONG, f"the pixels are the same, the restored ones {off} codes off")
            return Outcome(Verdict.KEPT)
    return Outcome(Verdict.WRONG, "info says ok, and the pixels differ")


def _followed(truth: FloatArray, file: Path) -> FloatArray | None:
    """Turn and scale the original as the tool turned and scaled the picture; None where that cannot be decoded."""
    try:
        codes = decode_reduced(file.read_bytes())
    except InputError:
        return None
    plain = encoding_table(PROPHOTO, 65536).codes(codes_to_prophoto(codes, "bradford"))
    height, width, _ = codes.shape
    candidates = [_scaled(_turned(truth, turned), height, width) for turned in range(8)]
    # The upright one comes first, and wins where they are all alike.
    return min(candidates, key=lambda candidate: float(np.abs(candidate - plain).mean()))


def _scaled(codes: FloatArray, height: int, width: int) -> FloatArray:
    if codes.shape[:2] == (height, width):
        return codes
    channels = [
        Image.fromarray(codes[..., channel]).resize((width, height), Image.Resampling.LANCZOS) for channel in range(3)
    ]
    return np.stack([np.asarray(channel, np.float32) for channel in channels], -1)


def _turned(codes: Any, turned: int) -> Any:
    """One of the eight ways to lay a picture; 0 is as it is."""
    mirrored = codes[:, ::-1] if turned >= 4 else codes
    return np.ascontiguousarray(np.rot90(mirrored, turned % 4))


def _plain(subject: Subject, codes: CodeArray) -> FloatArray:
    return _floats(encoding_table(PROPHOTO, 65536).codes(codes_to_prophoto(codes, unpack(subject.payload).adaptation)))


def _floats(codes: Code16Array) -> FloatArray:
    return codes.astype(np.float32)


def _off(codes: FloatArray, truth: FloatArray) -> float:
    """Mean squared error out of gamut, in linear light, as dB: the less, the better.

    Args:
        codes: (height, width, 3) ROMM RGB codes, 0 to 65535.
        truth: The original's.
    """
    linear, true_linear = (PROPHOTO.cctf_decoding(each.clip(0, 65535) / np.float32(65535)) for each in (codes, truth))
    outside = og_mask(apply_matrix(true_linear, rgb_to_rgb(PROPHOTO, SRGB)))
    return 10 * float(np.log10(np.square(linear - true_linear)[outside].mean(dtype=np.float64) + 1e-12))
