"""The tools: how they are called here, where they come from, which are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "survival"
SHARP_SCRIPT = HERE / "run_sharp.js"


@dataclass(frozen=True)
class Tool:
    """A tool that other people use.

    Attributes:
        name: As people know it.
        commands: Names of its command; the first that is there is used. None for what runs inside Python.
        package: Of Debian; of npm for sharp; empty where Debian has none.
        version: What makes it tell its version.
    """

    name: str
    commands: tuple[str, ...]
    package: str
    version: tuple[str, ...] = ("--version",)

    @property
    def command(self) -> str | None:
        """The path of the command; None where the tool is not installed."""
        if self.name == "sharp" and not (BUILD / "node_modules" / "sharp").is_dir():
            return None
        return next(filter(None, map(shutil.which, self.commands)), None)

    @property
    def is_there(self) -> bool:
        """Whether it can be run."""
        return not self.commands or self.command is not None


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("exiftool", ("exiftool",), "libimage-exiftool-perl", ("-ver",)),
        Tool("exiv2", ("exiv2",), "exiv2"),
        Tool("jpegtran", ("jpegtran",), "libjpeg-turbo-progs", ("-version",)),
        Tool("jpegoptim", ("jpegoptim",), "jpegoptim"),
        Tool("jhead", ("jhead",), "jhead", ("-V",)),
        Tool("ImageMagick", ("magick", "convert"), "imagemagick"),
        Tool("GraphicsMagick", ("gm",), "graphicsmagick", ("version",)),
        Tool("vips", ("vips",), "libvips-tools"),
        Tool("vipsthumbnail", ("vipsthumbnail",), "libvips-tools", ("--vips-version",)),
        Tool("sharp", ("node",), "sharp", (str(SHARP_SCRIPT), "--version")),
        Tool("Pillow", (), ""),
        Tool("cwebp", ("cwebp",), "webp", ("-version",)),
        Tool("dwebp", ("dwebp",), "webp", ("-version",)),
        Tool("webpmux", ("webpmux",), "webp", ("-version",)),
        Tool("optipng", ("optipng",), "optipng"),
        Tool("oxipng", ("oxipng",), "oxipng"),
    )
}


def environment() -> dict[str, str]:
    """Of every command: one thread, for the processors are shared, and npm's modules from build/survival."""
    return {
        **os.environ,
        "NODE_PATH": str(BUILD / "node_modules"),
        "OMP_NUM_THREADS": "1",
        "VIPS_CONCURRENCY": "1",
    }


def called(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command line, however it ends."""
    return subprocess.run(
        words, capture_output=True, text=True, errors="replace", timeout=60, env=environment(), check=False
    )


@cache
def version(tool: Tool) -> str:
    """The tool's version as one word; "" where it is not installed."""
    if tool.name == "Pillow":
        import PIL

        return PIL.__version__
    if tool.command is None:
        return ""
    told = called([tool.command, *tool.version])
    words = (told.stdout + " " + told.stderr).replace("-", " ").split()
    return next((word.strip("v,") for word in words if word.strip("v,")[:1].isdigit()), "unknown")


def install() -> None:
    """Install what is missing where this user may; say what stays missing."""
    missing = {tool.package for tool in TOOLS.values() if tool.package and tool.command is None}
    debian = sorted(missing - {"sharp"}) + ([] if shutil.which("npm") else ["npm"])
    apt = shutil.which("apt-get")
    if debian and apt and os.geteuid() == 0:
        subprocess.run([apt, "update", "-qq"], check=False)
        # One by one: that a release lacks one of them is no reason to do without the others.
        for package in debian:
            subprocess.run([apt, "install", "-y", "-qq", "--no-install-recommends", package], check=False)
    elif debian:
        print(f"not installed: {' '.join(debian)} (with the rights to: apt-get install {' '.join(debian)})")
    npm = shutil.which("npm")
    if npm and not (BUILD / "node_modules" / "sharp").is_dir():
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", BUILD, "sharp"], check=False)
    for tool in TOOLS.values():
        if not tool.is_there:
            print(f"{tool.name} is missing: what it does is skipped")
