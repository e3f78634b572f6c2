#!/usr/bin/env python3
"""JPEG decoders differ by a code here and there: what does that cost the restored colours?  A table of docs/PIXELS.md.

Every picture is reduced to JPEG, and that file decoded by libjpeg-turbo in each of its ways, and by the browsers that
are installed. What each decoded is restored and judged against the original. "lost" is the PSNR out of gamut, linear
ProPhoto RGB, against the pixels that the payload was made for.

Use: PYTHONPATH=. decoders.py [--preset NAME] [TIFF or folder...]    (default: sample_images; needs djpeg)
"""

from __future__ import annotations

import argparse
import base64
import io
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from files import listed
from originals import linear_pixels
from PIL import Image
from pixels import psnr, restored
from processes import gamut

from gamutcli.arrays import CodeArray
from gamutcli.fingerprint.match import match
from gamutcli.restore import open_reduced
from tests.support.browsers import installed, served

Decode = Callable[[Path], CodeArray]

#: By djpeg.
TURBO = {
    "libjpeg-turbo, islow": ["-dct", "int"],
    "libjpeg-turbo, ifast": ["-dct", "fast"],
    "libjpeg-turbo, float": ["-dct", "float"],
    "libjpeg-turbo, chroma not smoothed": ["-dct", "int", "-nosmooth"],
}
READ = """
const blob = await (await fetch("/" + arguments[0])).blob();
const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
const context = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height })
  .getContext("2d", { willReadFrequently: true });
context.drawImage(bitmap, 0, 0);
const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
let text = "";
for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
return btoa(text);
"""


@dataclass
class Tally:
    """One decoder on all pictures."""

    differing: list[float] = field(default_factory=list)
    most: int = 0
    verdicts: set[str] = field(default_factory=set)
    lost: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        spread = f"{statistics.median(self.differing):.1f} ({max(self.differing):.1f})"
        lost = f"{statistics.median(self.lost):.1f} ({max(self.lost):.1f})"
        return f"{spread} | {self.most} | {', '.join(sorted(self.verdicts))} | {lost}"


@contextmanager
def decoders() -> Iterator[dict[str, Decode]]:
    """Every decoder there is, by name."""

    def by_djpeg(options: list[str]) -> Decode:
        return lambda path: _codes(subprocess.run(["djpeg", *options, path], check=True, capture_output=True).stdout)

    with ExitStack() as stack:
        site = stack.enter_context(served())
        blank = site.add("blank.html", '<!doctype html><link rel="icon" href="data:,">')

        def by_browser(name: str) -> Decode:
            browser = installed()[name]()
            stack.callback(browser.quit)
            browser.open(blank)

            def decode(path: Path) -> CodeArray:
                site.add(path.name, path.read_bytes())
                with Image.open(path) as image:
                    across, down = image.size
                codes = np.frombuffer(base64.b64decode(browser.run(READ, path.name)), np.uint8)
                return np.ascontiguousarray(codes.reshape(down, across, 4)[..., :3])

            return decode

        found = {name: by_djpeg(options) for name, options in TURBO.items()}
        yield {**found, **{name.capitalize(): by_browser(name) for name in installed()}}


def _codes(file: bytes) -> CodeArray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def measure(paths: list[Path], preset: str, subsampling: str) -> dict[str, Tally]:
    """Judge every decoder on every picture."""
    tallies: dict[str, Tally] = {}
    with decoders() as all_of_them, tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(paths):
            file = Path(folder, f"{number}.jpg")
            gamut("reduce", path, file, "--preset", preset, "--subsampling", subsampling, "-q")
            reduced, original = open_reduced(file), linear_pixels(path)
            before = psnr(restored(reduced), original)
            for name, decode in all_of_them.items():
                tally = tallies.setdefault(name, Tally())
                codes = decode(file)
                far = np.abs(codes.astype(int) - reduced.srgb_codes)
                found = match(reduced.payload.fingerprint, codes)
                tally.differing.append(100 * float((far > 0).mean()))
                tally.most = max(tally.most, int(far.max()))
                tally.verdicts.add(str(found.status.value))
                tally.lost.append(before - psnr(restored(replace(reduced, srgb_codes=codes, match=found)), original))
    return tallies


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--subsampling", nargs="+", choices=["4:4:4", "4:2:0"], default=["4:4:4", "4:2:0"])
    given = parser.parse_args()
    for subsampling in given.subsampling:
        print(f"| JPEG 95, {subsampling}, decoded by | codes that differ, % | at most | verdict | lost, dB |")
        print("|---|--:|--:|---|--:|")
        for name, tally in measure(listed(given.pictures), given.preset, subsampling).items():
            print(f"| {name} | {tally} |", flush=True)
        print()


if __name__ == "__main__":
    main()
