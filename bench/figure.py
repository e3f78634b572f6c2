#!/usr/bin/env python3
"""Draws the README's picture: what an sRGB file shows of the lost colours, and what comes back.

No sRGB page can show wide colours.  So all three pictures are drawn with the same smaller chroma, small enough that the
original fits: the differences between them stay, and what was clipped to one colour stays flat.  Below, the colour
difference of each pixel, CIEDE2000.

Use: figure.py [--write] OUT.jpg [TIFF]      (default: the dahlia of sample_images)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from figures import publish
from files import SAMPLES
from originals import linear_pixels
from PIL import Image, ImageDraw, ImageFont
from processes import gamut

from gamutcli.arrays import CodeArray, FloatArray
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, prophoto_linear_to_lab, rgb_to_rgb, rgb_to_xyz
from gamutcli.measuring.metrics import ciede2000

CROP = (slice(130, 310), slice(215, 415))  # rows and columns: the heart of the blossom
SCALE = 6.0  # dE2000 of the brightest colour
GAP, HEAD, ZOOM = 12, 34, 2.0


def pale(prophoto_linear: FloatArray, chroma: float) -> CodeArray:
    """(height, width, 3) sRGB codes of linear ProPhoto RGB with its distance from grey multiplied."""
    grey = (prophoto_linear @ rgb_to_xyz(PROPHOTO)[1].astype(np.float32))[..., None]
    srgb_linear = apply_matrix(grey + chroma * (prophoto_linear - grey), rgb_to_rgb(PROPHOTO, SRGB))
    return np.round(255 * SRGB.cctf_encoding(srgb_linear.clip(0, 1))).astype(np.uint8)


def chroma_that_fits(prophoto_linear: FloatArray) -> float:
    """The largest factor with which all but one pixel in a thousand fit into sRGB."""
    to_srgb = rgb_to_rgb(PROPHOTO, SRGB)
    grey = (prophoto_linear @ rgb_to_xyz(PROPHOTO)[1].astype(np.float32))[..., None]
    distance = apply_matrix(prophoto_linear - grey, to_srgb)
    room = np.where(distance > 0, (1 - grey) / np.maximum(distance, 1e-9), grey / np.maximum(-distance, 1e-9))
    return min(1.0, float(np.quantile(room.min(axis=-1), 0.001)))


def heat(difference: FloatArray) -> CodeArray:
    """(height, width, 3) codes: black for none, pale yellow from SCALE on."""
    ramp = matplotlib.colormaps["inferno"](np.linspace(0, 1, 256))[:, :3]
    codes = (255 * ramp).round().astype(np.uint8)
    return codes[np.minimum(difference / SCALE * 255, 255).astype(int)]


def enlarged(codes: CodeArray) -> Image.Image:
    """As large as it is drawn."""
    picture = Image.fromarray(codes)
    return picture.resize((round(picture.width * ZOOM), round(picture.height * ZOOM)), Image.Resampling.LANCZOS)


def legend(width: int, height: int, chroma: float) -> Image.Image:
    """What the lower row shows, with its scale."""
    panel = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(panel), ImageFont.load_default(17)
    lines = (
        "Above: all three with the chroma",
        f"reduced to {100 * chroma:.0f} %, so that an sRGB",
        "page can hold the original.",
        "",
        "Right: colour difference of each",
        "pixel from the original, dE2000.",
        "1: just to be seen, side by side.",
    )
    draw.multiline_text((4, 8), "\n".join(lines), "black", font, spacing=7)
    top, inner = height - 62, width - 28
    panel.paste(Image.fromarray(heat(np.tile(np.linspace(0, SCALE, inner, dtype=np.float32), (22, 1)))), (4, top))
    for value in range(0, int(SCALE) + 1):
        text = f"{value}" if value < SCALE else f"{value}+"
        draw.text((4 + value / SCALE * inner, top + 28), text, "black", font, anchor="ma" if value else "la")
    return panel


def drawn(panels: list[tuple[str, Image.Image]]) -> Image.Image:
    """Panels in two rows of three, each below its title."""
    width, height = panels[0][1].size
    figure = Image.new("RGB", (3 * width + 4 * GAP, 2 * (height + HEAD) + GAP), "white")
    draw, font = ImageDraw.Draw(figure), ImageFont.load_default(19)
    for number, (title, panel) in enumerate(panels):
        left, top = GAP + number % 3 * (width + GAP), number // 3 * (height + HEAD)
        draw.text((left + 2, top + 7), title, "black", font)
        figure.paste(panel, (left, top + HEAD))
    return figure


def main() -> None:
    """Reduce to a JPEG, restore, and draw; the caption's figures are those of `gamut eval` on the whole picture."""
    parser = argparse.ArgumentParser(description="Draws the README's picture.")
    parser.add_argument("out", type=Path)
    parser.add_argument("picture", nargs="?", type=Path, default=SAMPLES / "dahlia.tif")
    parser.add_argument("--write", action="store_true", help="put the caption into the README")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for extension in ("png", "jpg"):
            reduced, restored, plain = (
                f"{folder}/{name}" for name in (f"r.{extension}", f"{extension}.tif", f"{extension}-plain.tif")
            )
            gamut("reduce", given.picture, reduced, "-q")
            gamut("expand", reduced, restored, "-q")
            found[extension] = gamut("eval", reduced, "--gt", given.picture, "--json", "-q").json
        pixels = [linear_pixels(Path(path))[CROP] for path in (given.picture, restored)]
        shown = np.asarray(Image.open(reduced).convert("RGB"))[CROP]
    original, back = pixels
    plain = apply_matrix(SRGB.cctf_decoding(shown / np.float32(255)).astype(np.float32), rgb_to_rgb(SRGB, PROPHOTO))
    chroma = chroma_that_fits(original)
    lab = prophoto_linear_to_lab(original)
    differences = [ciede2000(prophoto_linear_to_lab(each), lab) for each in (plain, back)]
    top = [enlarged(pale(each, chroma)) for each in (original, plain, back)]
    maps = [enlarged(heat(each)) for each in differences]
    titles = (
        "original, 16-bit ProPhoto",
        "plain sRGB JPEG",
        "after gamut expand",
        "",
        "lost in the JPEG",
        "still missing",
    )
    figure = drawn(list(zip(titles, [*top, legend(*top[0].size, chroma), *maps], strict=True)))
    figure.save(given.out, quality=90)
    jpeg, png = found["jpg"], found["png"]
    publish(
        "caption",
        f"*PSNR over the out-of-gamut pixels of this picture: the JPEG {jpeg['plain']['psnr_og']:.1f} dB, after "
        f"`gamut expand` {jpeg['restored']['psnr_og']:.1f} dB; their\nmean colour difference, dE2000: "
        f"{jpeg['plain']['de2000_og_mean']:.1f} and {jpeg['restored']['de2000_og_mean']:.1f}. From a PNG, which adds "
        f"no losses of its own: {png['plain']['psnr_og']:.1f} and {png['restored']['psnr_og']:.1f} dB, dE2000\n"
        f"{png['plain']['de2000_og_mean']:.1f} and {png['restored']['de2000_og_mean']:.1f}.*",
        given.write,
    )


if __name__ == "__main__":
    main()
