"""The classic script: what the modules hold, in one file that needs no modules. `make classic` writes it."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

FILE = "gamut-img.classic.js"

HEAD = """\
// gamut-img.classic.js: gamut.js, gamut-pixels.js, gamut-webgl2.js and gamut-img.js in one classic script: it registers
// <gamut-img> and gives pages `gamut.render` and its like. Made from them by `make classic`; change those. MIT licence.
(() => {
"use strict";
const SCRIPT = globalThis.document?.currentScript?.src;
"""
FOOT = "globalThis.gamut = { GamutError, decodePayload, render, restore, restorePixels };\n})();\n"

#: What a classic script has no words for, and what stands for it. Each is there once.
WORDS = {
    'new Worker(new URL("./gamut-pixels.js", import.meta.url), { type: "module", name': "new Worker(SCRIPT, { name",
    'import("./gamut-pixels.js")': "Promise.resolve({ restoreInScript, restoreTile })",
    'import("./gamut-webgl2.js")': "Promise.resolve(gpuPath)",
}


def classic_script() -> str:
    """Put the script together."""
    core, pixels, gpu, element = (
        _module(name) for name in ("gamut.js", "gamut-pixels.js", "gamut-webgl2.js", "gamut-img.js")
    )
    # Made once, as modules are: all pictures share a context. A worker runs the same file, and has no elements.
    script = (
        f"{HEAD}{core}\n{pixels}\nconst gpuPath = (() => {{\n{gpu}return {{ SIDE, restoreOnGpu, speed }};\n}})();\n"
        f"\nif (globalThis.HTMLElement) {{\n{element}}}\n{FOOT}"
    )
    for word, other in WORDS.items():
        if script.count(word) != 1:
            raise ValueError(f"the modules no longer say {word}")
        script = script.replace(word, other)
    return script


def _module(name: str) -> str:
    """A module's text without what it imports, and says that it exports."""
    text = files(__package__ or "gamutcli.viewer").joinpath(name).read_text("utf-8")
    text = re.sub(r"^import \{[^}]*\} from [^;]*;\n|^export \{[^}]*\};\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?=(async )?(function|class|const) )", "", text, flags=re.MULTILINE)


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(classic_script(), "utf-8")
