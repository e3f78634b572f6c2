#!/usr/bin/env python3
"""What other tools do to a reduced picture: is it recognised, and what does it cost?  The table of docs/PIXELS.md.

Every picture is reduced once.  Then its pixels are changed as other tools change them, and the library judges them as
`gamut expand` does.  What it would expand is expanded, and compared with the original, which has been turned, cropped
or resized likewise.  "lost" is the PSNR out of gamut, over linear ProPhoto RGB, that this costs against doing the same
to the restored picture; "kept" is what it still gains over a picture without a network.

An original is resized as its unclipped sRGB codes, for that is how tools resize a reduced file.

Use: pixels.py [--ext jpg|png] [--preset NAME] [--only WORD] [TIFF or folder...]    (default: sample_images)
"""

from __future__ import annotations

import argparse
import io
import math
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from files import listed
from originals import linear_pixels
from PIL import Image, ImageEnhance, ImageFilter
from processes import gamut

from gamutcli.arrays import FloatArray
from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.fingerprint.match import Status, match
from gamutcli.images import encode_reduced
from gamutcli.measuring.metrics import Comparison
from gamutcli.parallel import strips
from gamutcli.restore import Reduced, open_reduced

Picture = Image.Image
Change = Callable[[Picture], Picture]
Move = Callable[[FloatArray], FloatArray]
Filter, Turn = Image.Resampling, Image.Transpose


@dataclass(frozen=True)
class Operation:
    """What a tool does: to a reduced picture, and the same to linear pixels as far as these move.

    A lossy one ends in a JPEG, whatever the reduced file was.
    """

    change: Change
    move: Move = lambda pixels: pixels
    lossy: bool = False

    def then(self, other: Operation) -> Operation:
        """One after the other."""
        return Operation(
            lambda picture: other.change(self.change(picture)),
            lambda pixels: other.move(self.move(pixels)),
            self.lossy or other.lossy,
        )


@dataclass
class Tally:
    """One operation on all pictures."""

    differences: list[float] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    lost: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)


def saved(format: str, **options: object) -> Operation:
    """Compressed again."""

    def change(picture: Picture) -> Picture:
        file = io.BytesIO()
        picture.save(file, format, **options)
        return Image.open(file).convert("RGB")

    return Operation(change, lossy=True)


def jpeg(quality: int, subsampling: int = 2) -> Operation:
    """Compressed again as JPEG; 4:2:0 is Pillow's 2."""
    return saved("JPEG", quality=quality, subsampling=subsampling)


def resized(factor: float, method: Filter = Filter.LANCZOS) -> Operation:
    """Scaled."""

    def size(width: int, height: int) -> tuple[int, int]:
        return round(width * factor), round(height * factor)

    def move(pixels: FloatArray) -> FloatArray:
        codes = _signed_codes(apply_matrix(pixels, rgb_to_rgb(PROPHOTO, SRGB)))
        wanted = size(codes.shape[1], codes.shape[0])
        channels = [np.asarray(Image.fromarray(codes[..., c]).resize(wanted, method)) for c in range(3)]
        return apply_matrix(_signed_light(np.stack(channels, axis=-1)), rgb_to_rgb(SRGB, PROPHOTO))

    return Operation(lambda picture: picture.resize(size(*picture.size), method), move)


def _signed_codes(light: FloatArray) -> FloatArray:
    size = np.abs(light)
    curved = np.where(size <= 0.0031308, 12.92 * size, 1.055 * size ** np.float32(1 / 2.4) - np.float32(0.055))
    return np.copysign(curved, light).astype(np.float32)


def _signed_light(codes: FloatArray) -> FloatArray:
    size = np.abs(codes)
    light = np.where(size <= 0.04045, size / 12.92, ((size + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4))
    return np.copysign(light, codes).astype(np.float32)


def turned(how: Turn) -> Operation:
    """Turned or mirrored, losslessly."""
    moves: dict[Turn, Move] = {
        Turn.FLIP_LEFT_RIGHT: np.fliplr,
        Turn.FLIP_TOP_BOTTOM: np.flipud,
        Turn.ROTATE_90: np.rot90,
        Turn.ROTATE_180: lambda p: np.rot90(p, 2),
        Turn.ROTATE_270: lambda p: np.rot90(p, 3),
        Turn.TRANSPOSE: lambda p: p.swapaxes(0, 1),
    }
    return Operation(lambda picture: picture.transpose(how), moves[how])


def cropped(percent: float) -> Operation:
    """So much of each side's length cut off, unevenly; at least a pixel."""

    def box(width: int, height: int) -> tuple[int, int, int, int]:
        x, y = max(1, round(width * percent / 100)), max(1, round(height * percent / 100))
        left, top = round(0.7 * x), round(0.2 * y)
        return left, top, width - x + left, height - y + top

    def move(pixels: FloatArray) -> FloatArray:
        left, top, right, bottom = box(pixels.shape[1], pixels.shape[0])
        return pixels[top:bottom, left:right]

    return Operation(lambda picture: picture.crop(box(*picture.size)), move)


def enhanced(kind: Callable[[Picture], ImageEnhance._Enhance], factor: float) -> Operation:
    """Toned as Pillow does it: codes are cut to whole ones, not rounded."""
    return Operation(lambda picture: kind(picture).enhance(factor))


def curved(*curves: Callable[[float], float]) -> Operation:
    """A curve for each channel, codes of 0 to 1; rounded."""
    table = [min(255, max(0, round(255 * curve(code / 255)))) for curve in curves for code in range(256)]
    return Operation(lambda picture: picture.point(table))


def gains(red: float, green: float, blue: float) -> Operation:
    """Another white balance, or brightness."""
    return curved(lambda code: code * red, lambda code: code * green, lambda code: code * blue)


def contrast(factor: float) -> Operation:
    """Around the middle."""
    return curved(*[lambda code: 0.5 + factor * (code - 0.5)] * 3)


def gamma(power: float) -> Operation:
    """Midtones up or down."""
    return curved(*[lambda code: code**power] * 3)


def filtered(by: ImageFilter.Filter) -> Operation:
    """Sharpened, blurred."""
    return Operation(lambda picture: picture.filter(by))


def lettered(percent: float) -> Operation:
    """A grey square so wide, percent of the width, is painted over it."""

    def change(picture: Picture) -> Picture:
        side = max(1, round(picture.width * percent / 100))
        painted = picture.copy()
        painted.paste(
            (128, 128, 128),
            (picture.width // 3, picture.height // 3, picture.width // 3 + side, picture.height // 3 + side),
        )
        return painted

    return Operation(change)


def hidden(percent: float) -> Operation:
    """A square so wide, percent of the width, is blurred to its mean, as faces and number plates are."""

    def change(picture: Picture) -> Picture:
        side, left, top = max(1, round(picture.width * percent / 100)), picture.width // 3, picture.height // 3
        box = (left, top, left + side, top + side)
        blurred = picture.copy()
        blurred.paste(picture.crop(box).resize((1, 1), Filter.BOX).resize((side, side)), box)
        return blurred

    return Operation(change)


def hue_turned(degrees: float) -> Operation:
    """All hues turned, around the greys."""
    angle = math.radians(degrees)
    along, across = (1 - math.cos(angle)) / 3, math.sin(angle) / math.sqrt(3)
    same, next_, last = along + math.cos(angle), along - across, along + across
    rows = (same, next_, last, 0, last, same, next_, 0, next_, last, same, 0)
    return Operation(lambda picture: picture.convert("RGB", rows))


def reds_turned(degrees: float) -> Operation:
    """Only the hues within 20 degrees of red turned."""
    step = round(degrees * 256 / 360)

    def change(picture: Picture) -> Picture:
        codes = np.asarray(picture.convert("HSV")).copy()
        hue = codes[..., 0].astype(int)
        is_red = ((hue + 14) % 256 <= 28) & (codes[..., 1] > 25)
        codes[..., 0] = (hue + step) % 256
        turned_codes = np.asarray(Image.fromarray(codes, "HSV").convert("RGB"))
        return Image.fromarray(np.where(is_red[..., None], turned_codes, np.asarray(picture)))

    return Operation(change)


def operations() -> Iterator[tuple[str, dict[str, Operation]]]:
    """Groups of named operations."""
    yield (
        "Compressed again",
        {
            **{f"JPEG {q}, 4:4:4": jpeg(q, 0) for q in (98, 95, 90, 85, 70, 50)},
            **{f"JPEG {q}, 4:2:0": jpeg(q) for q in (98, 95, 90, 85, 70, 50)},
            "JPEG 80, 70, 85, 4:2:0": jpeg(80).then(jpeg(70)).then(jpeg(85)),
            "WebP 80": saved("WEBP", quality=80),
            "WebP 50": saved("WEBP", quality=50),
        },
    )
    yield (
        "Resized",
        {
            **{f"{percent} %, Lanczos": resized(percent / 100) for percent in (25, 33, 50, 75, 90, 110, 150, 200)},
            "50 %, bicubic": resized(0.5, Filter.BICUBIC),
            "50 %, bilinear": resized(0.5, Filter.BILINEAR),
            "50 %, box": resized(0.5, Filter.BOX),
            "50 %, nearest": resized(0.5, Filter.NEAREST),
            "75 %, JPEG 85": resized(0.75).then(jpeg(85)),
            "50 %, JPEG 85": resized(0.5).then(jpeg(85)),
            "50 %, JPEG 50": resized(0.5).then(jpeg(50)),
            "25 %, JPEG 70": resized(0.25).then(jpeg(70)),
            "80 %, WebP 75": resized(0.8).then(saved("WEBP", quality=75)),
        },
    )
    yield (
        "Turned",
        {
            "rotated by 90": turned(Turn.ROTATE_90),
            "rotated by 180": turned(Turn.ROTATE_180),
            "rotated by 270": turned(Turn.ROTATE_270),
            "flipped": turned(Turn.FLIP_LEFT_RIGHT),
            "flopped": turned(Turn.FLIP_TOP_BOTTOM),
            "transposed": turned(Turn.TRANSPOSE),
            "rotated by 90, JPEG 85": turned(Turn.ROTATE_90).then(jpeg(85)),
            "flipped, 50 %": turned(Turn.FLIP_LEFT_RIGHT).then(resized(0.5)),
        },
    )
    yield (
        "Cropped",
        {
            "by a pixel": cropped(0),
            **{f"by {percent} %": cropped(percent) for percent in (1, 5, 10, 20, 30)},
            "by 10 %, JPEG 85": cropped(10).then(jpeg(85)),
            "by 30 %, JPEG 70": cropped(30).then(jpeg(70)),
            "by 10 %, rotated, JPEG 85": cropped(10).then(turned(Turn.ROTATE_90)).then(jpeg(85)),
            "by 10 %, 50 %": cropped(10).then(resized(0.5)),
            "by 10 %, saturation +5 %": cropped(10).then(enhanced(ImageEnhance.Color, 1.05)),
        },
    )
    yield (
        "Toned",
        {
            **{f"brightness {percent:+} %": gains(*[1 + percent / 100] * 3) for percent in (-5, -2, -1, 1, 2, 5, 20)},
            "brightness +1 %, Pillow": enhanced(ImageEnhance.Brightness, 1.01),
            **{f"contrast {percent:+} %": contrast(1 + percent / 100) for percent in (-5, -2, -1, 1, 2, 5, 20)},
            **{f"gamma {power}": gamma(power) for power in (0.98, 0.99, 1.01, 1.1)},
            **{
                f"saturation {percent:+} %": enhanced(ImageEnhance.Color, 1 + percent / 100)
                for percent in (-20, -5, -2, -1, 1, 2, 5, 20)
            },
            "black and white": Operation(lambda picture: picture.convert("L").convert("RGB")),
            **{
                f"white balance {percent} %": gains(1 + percent / 100, 1, 1 - percent / 100)
                for percent in (1, 2, 5, 20)
            },
            **{f"red {percent:+} %": gains(1 + percent / 100, 1, 1) for percent in (1, 2, 5)},
            **{f"hue by {degrees} degrees": hue_turned(degrees) for degrees in (2, 3, 5, 20)},
            **{f"reds by {degrees} degrees": reds_turned(degrees) for degrees in (5, 20)},
            "brightness +2 %, JPEG 85": gains(1.02, 1.02, 1.02).then(jpeg(85)),
            "saturation +2 %, JPEG 85": enhanced(ImageEnhance.Color, 1.02).then(jpeg(85)),
            "contrast +2 %, 50 %, JPEG 70": contrast(1.02).then(resized(0.5)).then(jpeg(70)),
        },
    )
    yield (
        "Sharpened, painted",
        {
            "sharpened, 1 px, 50 %": filtered(ImageFilter.UnsharpMask(1, 50, 0)),
            "sharpened, 2 px, 150 %": filtered(ImageFilter.UnsharpMask(2, 150, 3)),
            "sharpened, 3 px, 200 %": filtered(ImageFilter.UnsharpMask(3, 200, 0)),
            "50 %, sharpened, 1 px, 80 %": resized(0.5).then(filtered(ImageFilter.UnsharpMask(1, 80, 0))),
            "blurred, 1 px": filtered(ImageFilter.GaussianBlur(1)),
            "a square of 1 % of the width": lettered(1),
            "a square of 3 %": lettered(3),
            "a square of 5 %": lettered(5),
            "a square of 10 %": lettered(10),
            **{f"a square of {percent} % to its mean": hidden(percent) for percent in (5, 10, 20)},
        },
    )


class Subject:
    """One picture: reduced, restored, and its original."""

    def __init__(self, path: Path, extension: str, preset: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            reduced = Path(folder, f"reduced.{extension}")
            gamut("reduce", path, reduced, "--preset", preset, "-q")
            self.reduced = open_reduced(reduced)
        self.original = linear_pixels(path)
        self.restored = restored(self.reduced)

    def tally(self, operation: Operation, into: Tally) -> None:
        """Do it, judge it, and expand it where it would be."""
        codes = np.asarray(operation.change(Image.fromarray(self.reduced.srgb_codes)))
        found = match(self.reduced.payload.fingerprint, codes)
        into.differences.append(found.difference)
        into.verdicts["refused" if found.status is Status.CHANGED else found.recognised or "unchanged"] += 1
        if found.status is Status.CHANGED:
            return
        truth = np.ascontiguousarray(operation.move(self.original))
        # Of the file, expand wants to know no more than its format.
        data = encode_reduced(codes[:1, :1], "jpeg") if operation.lossy else self.reduced.data
        now = psnr(restored(replace(self.reduced, data=data, srgb_codes=codes, match=found)), truth)
        before = psnr(np.ascontiguousarray(operation.move(self.restored)), truth)
        plain = psnr(codes_to_prophoto(codes, self.reduced.payload.adaptation), truth)
        if math.isfinite(before - now):
            into.lost.append(before - now)
            into.kept.append(now - plain)


def restored(reduced: Reduced) -> FloatArray:
    """(height, width, 3) linear ProPhoto RGB."""
    restoration = reduced.restoration(PROPHOTO, "cpu")
    return np.concatenate([restoration.linear(rows)[0] for rows in strips(*reduced.srgb_codes.shape[:2])]).clip(0, 1)


def psnr(pixels: FloatArray, truth: FloatArray) -> float:
    """Out of gamut, dB; not a number where nothing is."""
    comparison = Comparison(color_differences=False)
    for rows in strips(*truth.shape[:2]):
        comparison.add(pixels[rows], truth[rows])
    value = comparison.scores().psnr_og
    return math.nan if value is None else value


def shown(name: str, tally: Tally) -> str:
    """One row of the table."""
    spread = [min(tally.differences), statistics.median(tally.differences), max(tally.differences)]
    pictures = len(tally.differences)
    verdicts = [
        verdict if count == pictures else f"{verdict} {count}/{pictures}"
        for verdict, count in tally.verdicts.most_common()
    ]
    lost = f"{statistics.median(tally.lost):.1f} ({max(tally.lost):.1f})" if tally.lost else "-"
    kept = f"{statistics.median(tally.kept):.1f} ({min(tally.kept):.1f})" if tally.kept else "-"
    return f"| {name} | {' / '.join(f'{value:.2f}' for value in spread)} | {'; '.join(verdicts)} | {lost} | {kept} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Changes reduced pictures as other tools do, and judges them.")
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--ext", choices=("jpg", "png"), default="jpg", help="format of the reduced files")
    parser.add_argument("--preset", default="fast", help="of the reduction (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="WORD", help="operations whose group or name holds this word")
    given = parser.parse_args(arguments)
    groups = {
        group: {name: each for name, each in some.items() if given.only.lower() in f"{group} {name}".lower()}
        for group, some in operations()
    }
    tallies = {(group, name): Tally() for group, some in groups.items() for name in some}
    for path in listed(given.pictures):
        subject = Subject(path, given.ext, given.preset)
        for (group, name), tally in tallies.items():
            subject.tally(groups[group][name], tally)
    for group in filter(groups.get, groups):
        print(f"\n| {group} | difference, min / median / max | verdict | lost, dB | kept, dB |\n|---|---|---|--:|--:|")
        for (of, name), tally in tallies.items():
            if of == group:
                print(shown(name, tally))


if __name__ == "__main__":
    main()
