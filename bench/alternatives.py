#!/usr/bin/env python3
"""Sets our files beside what one would send instead: total bytes against colour differences, judged on whole files.

Our JPEG with its payload sets the size; every alternative gets the quality whose file comes nearest to it. The PNG is
lossless and as large as it is. The mean over the pictures is printed last.

Use: alternatives.py [--preset NAME] [--quality Q] [--json FILE] [TIFF...]      (default: the pictures of sample_images)
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
from files import listed
from originals import linear_pixels
from PIL import Image

from gamutcli import expand_image, reduce_image, strip_payload
from gamutcli.arrays import FloatArray
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO, REC2020, SRGB, RGBSpace, apply_matrix, rgb_to_rgb
from gamutcli.measuring.metrics import Comparison, Scores
from gamutcli.parallel import strips

FIGURES = ("de2000_og_mean", "de2000_og_p99", "de2000_all_mean", "de2000_all_p99", "psnr_og")
HEAD = ("file", "KB", "out of gamut: mean dE", "p99", "all: mean dE", "p99", "PSNR out of gamut, dB")
AVIF_SPEED, JXL_EFFORT = 6, 7

# One file and how good it is: bytes, then what `FIGURES` names.
Row = list[float]
# From a quality of 1 to 100 to a whole file; from its path to linear ProPhoto RGB.
Encode = Callable[[int], bytes]
Decode = Callable[[Path], FloatArray]


def encoded(original: FloatArray, space: RGBSpace, white: int) -> np.ndarray:
    """(height, width, 3) whole codes from 0 to white of linear ProPhoto RGB in another space, clipped."""
    linear = original if space == PROPHOTO else apply_matrix(original, rgb_to_rgb(PROPHOTO, space))
    codes = np.round(space.cctf_encoding(np.clip(linear, 0, 1)) * white)
    return np.ascontiguousarray(codes, np.uint8 if white < 256 else np.uint16)


def jpeg(original: FloatArray, space: RGBSpace, path: Path) -> tuple[Encode, Decode]:
    """8 bits, colour at full size, with the space's profile."""
    picture = Image.fromarray(encoded(original, space, 255))

    def encode(quality: int) -> bytes:
        picture.save(path, "JPEG", quality=quality, subsampling=0, optimize=True, icc_profile=write_profile(space))
        return path.read_bytes()

    def decode(file: Path) -> FloatArray:
        light = space.cctf_decoding(np.asarray(Image.open(file), np.float32) / 255)
        return light if space == PROPHOTO else apply_matrix(light, rgb_to_rgb(space, PROPHOTO))

    return encode, decode


def avif(original: FloatArray) -> tuple[Encode, Decode]:
    """10 bits, colour at full size, Rec. 2020 by its numbers; read back as gamut reads any AVIF."""
    codes = encoded(original, REC2020, 1023)

    def encode(quality: int) -> bytes:
        return bytes(
            imagecodecs.avif_encode(
                codes,
                level=quality,
                speed=AVIF_SPEED,
                bitspersample=10,
                pixelformat="yuv444",
                primaries=9,
                transfer=14,
                matrix=9,
            )
        )

    return encode, linear_pixels


def jpeg_xl(original: FloatArray) -> tuple[Encode, Decode]:
    """Lossy, from light: what goes beyond sRGB is below 0 or above 1, and the format's own space, XYB, holds it."""
    light = np.ascontiguousarray(apply_matrix(original, rgb_to_rgb(PROPHOTO, SRGB)), np.float32)

    def encode(quality: int) -> bytes:
        distance = 0.05 + (100 - quality) * 0.04
        return bytes(imagecodecs.jpegxl_encode(light, distance=distance, effort=JXL_EFFORT))

    def decode(file: Path) -> FloatArray:
        found = imagecodecs.jpegxl_decode(file.read_bytes())
        return np.clip(apply_matrix(found, rgb_to_rgb(SRGB, PROPHOTO)), 0, None)

    return encode, decode


def nearest(encode: Encode, size: int) -> bytes:
    """The file whose bytes come nearest to a size; larger ones are of higher quality."""
    low, high = 1, 100
    while high - low > 1:
        middle = (low + high) // 2
        if len(encode(middle)) <= size:
            low = middle
        else:
            high = middle
    return min((encode(low), encode(high)), key=lambda data: abs(len(data) - size))


def judged(restored: FloatArray, original: FloatArray) -> Scores:
    """Compare strip by strip, over the same pixels for every file."""
    comparison = Comparison()
    for rows in strips(*original.shape[:2]):
        comparison.add(restored[rows], original[rows])
    return comparison.scores()


def rows(picture: Path, preset: str, quality: int, folder: Path) -> Iterator[tuple[str, Row]]:
    """Measure one picture: a name and its row for each format."""
    original = linear_pixels(picture)

    def row(file: Path, pixels: FloatArray) -> Row:
        scores = judged(pixels, original)
        return [file.stat().st_size, *(getattr(scores, name) for name in FIGURES)]

    def expanded(file: Path) -> FloatArray:
        expand_image(file, folder / "restored.tif", overwrite=True)
        return linear_pixels(folder / "restored.tif")

    decode_srgb = jpeg(original, SRGB, folder / "unused.jpg")[1]
    ours, plain, png = folder / "ours.jpg", folder / "plain.jpg", folder / "ours.png"
    reduce_image(picture, ours, preset=preset, quality=quality, overwrite=True)
    strip_payload(ours, plain, overwrite=True)
    yield "JPEG, sRGB", row(plain, decode_srgb(plain))
    yield "**JPEG, sRGB + payload**", row(ours, expanded(ours))
    size = ours.stat().st_size
    formats = {
        "JPEG, Display P3": jpeg(original, DISPLAY_P3, folder / "p3.jpg"),
        "JPEG, ProPhoto": jpeg(original, PROPHOTO, folder / "prophoto.jpg"),
        "AVIF, 10 bits, Rec. 2020": avif(original),
        "JPEG XL": jpeg_xl(original),
    }
    for name, (encode, decode) in formats.items():
        file = folder / ("file.avif" if decode is linear_pixels else "file")
        file.write_bytes(nearest(encode, size))
        yield name, row(file, decode(file))
    reduce_image(picture, png, preset=preset, overwrite=True)
    yield "**PNG, sRGB + payload**", row(png, expanded(png))


def table(found: dict[str, Row]) -> str:
    """Markdown of one picture, or of the mean."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---|{'---:|' * (len(HEAD) - 1)}"]
    for name, (size, *figures) in found.items():
        *differences, psnr = figures
        cells = [name, f"{size / 1000:,.0f}", *(f"{value:.2f}" for value in differences), f"{psnr:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print a table for each picture, and one of the means."""
    parser = argparse.ArgumentParser(description="Sets our files beside what one would send instead.")
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--quality", type=int, default=95, help="of our JPEG (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write every figure into this file")
    given = parser.parse_args()
    found: dict[str, dict[str, Row]] = {}
    for picture in listed(given.pictures):
        with tempfile.TemporaryDirectory() as folder:
            found[picture.stem] = dict(rows(picture, given.preset, given.quality, Path(folder)))
        print(f"\n{picture.stem}\n\n{table(found[picture.stem])}", flush=True)
    first = next(iter(found.values()))
    mean = {name: [float(x) for x in np.mean([each[name] for each in found.values()], axis=0)] for name in first}
    print(f"\nMean over {len(found)} pictures\n\n{table(mean)}")
    if given.json:
        given.json.write_text(json.dumps({"pictures": found, "mean": mean}, indent=1))


if __name__ == "__main__":
    main()
