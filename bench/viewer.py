#!/usr/bin/env python3
"""How long browsers take to restore a reduced picture, on each path, beside decoding it.  Milliseconds, best of some.

Use: PYTHONPATH=. viewer.py [--runs N] REDUCED...
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tests.support.browsers import installed, served
from tests.viewer.conftest import BLANK, scripts

MEASURE = """
globalThis.told = null;
const measure = async (given) => {
const [name, path, runs] = given, { render } = await import("/gamut.js");
const bytes = new Uint8Array(await (await fetch("/" + name)).arrayBuffer());
const times = { whole: Infinity, decode: Infinity };
let told;
for (let k = 0; k < runs; k++) {
  let start = performance.now();
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const { width, height } = bitmap;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  context.getImageData(0, 0, 1, 1);
  times.decode = Math.min(times.decode, performance.now() - start);
  start = performance.now();
  const canvas = document.createElement("canvas");
  told = await render(canvas, bytes, { path });
  canvas.getContext("2d").getImageData(0, 0, 1, 1);
  times.whole = Math.min(times.whole, performance.now() - start);
}
return [told.path, told.width * told.height / 1e6, times.decode, times.whole];
};
const tell = (what) => { globalThis.told = what; };
measure(arguments).then(tell, error => tell([String(error), 0, 0, 0]));
"""


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--paths", nargs="+", choices=["js", "webgl2"], default=["js", "webgl2"])
    given = parser.parse_args()
    print("| browser | path | megapixels | decoded, ms | restored and drawn, ms |\n|---|---|--:|--:|--:|")
    with served() as site:
        for name, content in {**scripts(), "blank.html": BLANK.encode()}.items():
            site.add(name, content)
        for name, start in installed().items():
            browser = start()
            try:
                for picture in given.pictures:
                    site.add(picture.name, picture.read_bytes())
                    for path in given.paths:
                        browser.open(f"{site.address}/blank.html")
                        # A script that takes minutes is asked again and again: what drives browsers waits for two.
                        browser.run(MEASURE, picture.name, path, given.runs)
                        while (told := browser.run("return globalThis.told")) is None:
                            time.sleep(1)
                        taken, size, decode, whole = told
                        print(
                            f"| {name.capitalize()} | {taken} | {size:.1f} | {decode:,.0f} | {whole:,.0f} |", flush=True
                        )
            finally:
                browser.quit()


if __name__ == "__main__":
    main()
