"""What people do with their tools, as a table.

In a command line {in} is the file before, {out} the file after, {file} a copy of the file before that the tool edits in
place, and {other} the same copy, but of another picture of the same size without payload, on which {in} may act.
"""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .tools import SHARP_SCRIPT, TOOLS, called

SUFFIX = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif", "avif": ".avif", "jxl": ".jxl"}
EVERY = tuple(SUFFIX)
COMMON = ("jpeg", "png", "webp", "tiff")
WITH_AVIF = (*COMMON, "avif")


class CannotDoThis(Exception):
    """The tool does not do this to such a file, and said so."""


@dataclass(frozen=True)
class Operation:
    """One thing that a tool does to a file.

    Attributes:
        tool: Name of the tool.
        what: What it does, in words.
        how: Its command line, without the command; or a function of the file before and the file after.
        reads: Formats that it is given.
        writes: Format that it makes of them; None: the same.
        part: Left, top, width, height of what is left of the picture; None: all of it.
    """

    tool: str
    what: str
    how: str | Callable[[Path, Path], None]
    reads: tuple[str, ...] = ("jpeg",)
    writes: str | None = None
    part: tuple[int, int, int, int] | None = None

    def __str__(self) -> str:
        return f"{self.tool}: {self.what}"

    def run(self, source: Path, target: Path, other: Path) -> None:
        """Do it.

        Args:
            source: The file before.
            target: The file after; in another folder.
            other: Another picture, of the format of `source` and without payload.

        Raises:
            CannotDoThis: The tool does not do this to such a file.
        """
        if not isinstance(self.how, str):
            try:
                self.how(source, target)
            except (OSError, ValueError, KeyError, RuntimeError) as error:
                raise CannotDoThis(f"{self}: {error}") from error
            return
        if "{file}" in self.how:
            shutil.copyfile(source, target)
        elif "{other}" in self.how:
            shutil.copyfile(other, target)
        command = TOOLS[self.tool].command
        assert command is not None  # who runs a tool looks first whether it is there
        words = [command, *(_filled(word, source, target) for word in shlex.split(self.how))]
        try:
            told = called(words)
        except subprocess.TimeoutExpired as error:
            raise CannotDoThis(f"{self}: takes too long") from error
        if told.returncode or not target.is_file() or not target.stat().st_size:
            raise CannotDoThis(f"{self}: {(told.stderr or told.stdout).strip()[:200]}")


def _filled(word: str, source: Path, target: Path) -> str:
    word = word.replace("{sharp}", str(SHARP_SCRIPT)).replace("{in}", str(source))
    for name in ("{out}", "{file}", "{other}"):
        word = word.replace(name, str(target))
    return word


def _pillow(
    *, keeps: tuple[str, ...] = ("exif", "xmp"), turn: int | None = None, scale: float = 1, **settings: object
) -> Callable[[Path, Path], None]:
    """Open and save with Pillow, handing over the metadata named, as careful people do."""

    def save(source: Path, target: Path) -> None:
        from PIL import Image

        with Image.open(io.BytesIO(source.read_bytes())) as picture:
            picture.load()
            # Where a picture was opened from a PNG, its packet is there as text.
            packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
            handed = {
                "exif": picture.getexif().tobytes(),
                "xmp": packet,
                "icc_profile": picture.info.get("icc_profile"),
            }
            if picture.format == "TIFF" and target.suffix == ".tif":
                del handed["exif"]  # from TIFF to TIFF Pillow hands over the tags by itself, and fails with both
            passed = {name: block for name, block in handed.items() if block and name in (*keeps, "icc_profile")}
            if scale != 1:
                picture = picture.resize([round(side * scale) for side in picture.size], Image.Resampling.LANCZOS)
            if turn is not None:
                picture = picture.transpose(turn)
            picture.save(target, **passed, **settings)

    return save


def _sharp(expression: str) -> str:
    return "{sharp} {in} {out} " + shlex.quote(expression)


def _conversions(tool: str, how: str, formats: tuple[str, ...], note: str = "") -> list[Operation]:
    """One operation for every format that the tool writes, from all others that it reads."""
    return [
        Operation(tool, f"convert to {format}{note}", how, tuple(other for other in formats if other != format), format)
        for format in formats
        if format != "jxl"
    ]


_PART = (16, 16, 256, 176)
_ROTATE, _FLIP = 4, 0  # Pillow's ROTATE_270 (clockwise by 90 degrees) and FLIP_LEFT_RIGHT

OPERATIONS = (
    Operation("exiftool", "edit a tag", "-q -m -overwrite_original -Artist=Ann -XMP-dc:Title=Day {file}", EVERY),
    Operation(
        "exiftool", "remove GPS, set orientation", "-q -m -overwrite_original -gps:all= -Orientation#=6 {file}", EVERY
    ),
    Operation("exiftool", "strip EXIF", "-q -m -overwrite_original -EXIF:all= {file}", EVERY),
    Operation("exiftool", "strip XMP", "-q -m -overwrite_original -XMP:all= {file}", EVERY),
    Operation("exiftool", "strip all", "-q -m -overwrite_original -all= {file}", EVERY),
    Operation(
        "exiftool",
        "copy all tags to another picture",
        "-q -m -overwrite_original -TagsFromFile {in} -all:all -xmp {other}",
        ("jpeg", "png", "webp", "tiff"),
    ),
    Operation("exiv2", "edit a tag", "-M 'set Exif.Image.Artist Ann' -M 'set Xmp.dc.title Day' {file}", COMMON),
    Operation("exiv2", "strip the thumbnail", "-dt rm {file}"),
    Operation("exiv2", "strip all", "-da rm {file}", COMMON),
    Operation("jpegtran", "optimise, -copy all", "-copy all -optimize -outfile {out} {in}"),
    Operation("jpegtran", "progressive, -copy all", "-copy all -progressive -outfile {out} {in}"),
    Operation("jpegtran", "rotate, -copy all", "-copy all -rotate 90 -outfile {out} {in}"),
    Operation("jpegtran", "flip, -copy all", "-copy all -flip horizontal -outfile {out} {in}"),
    Operation("jpegtran", "crop, -copy all", "-copy all -crop 256x176+16+16 -outfile {out} {in}", part=_PART),
    Operation("jpegtran", "grey, -copy all", "-copy all -grayscale -outfile {out} {in}"),
    Operation("jpegtran", "optimise, default", "-optimize -outfile {out} {in}"),
    Operation("jpegoptim", "optimise", "-q -f {file}"),
    Operation("jpegoptim", "quality 75", "-q -f -m75 {file}"),
    Operation("jpegoptim", "strip all", "-q -f -s {file}"),
    Operation("jhead", "write a comment", "-q -cl Hello {file}"),
    Operation("jhead", "strip EXIF", "-q -de {file}"),
    Operation("jhead", "strip XMP", "-q -dx {file}"),
    Operation("jhead", "strip all", "-q -purejpg {file}"),
    Operation("ImageMagick", "re-save, quality 85", "{in} -quality 85 {out}", WITH_AVIF),
    Operation("ImageMagick", "re-save, quality 50", "{in} -quality 50 {out}", ("jpeg", "webp", "avif")),
    Operation("ImageMagick", "resize to 50 %", "{in} -resize 50% {out}", WITH_AVIF),
    Operation("ImageMagick", "rotate", "{in} -rotate 90 {out}", WITH_AVIF),
    Operation("ImageMagick", "flip", "{in} -flop {out}", COMMON),
    Operation("ImageMagick", "crop", "{in} -crop 256x176+16+16 +repage {out}", COMMON, part=_PART),
    Operation("ImageMagick", "16 bits", "{in} -depth 16 {out}", ("png", "tiff")),
    Operation("ImageMagick", "brighten by 5 %", "{in} -modulate 105 {out}", COMMON),
    Operation("ImageMagick", "grey", "{in} -colorspace Gray {out}", COMMON),
    Operation("ImageMagick", "convert to CMYK", "{in} -colorspace CMYK {out}", ("jpeg", "tiff")),
    Operation("ImageMagick", "strip all", "{in} -strip {out}", COMMON),
    *_conversions("ImageMagick", "{in} -quality 90 {out}", WITH_AVIF),
    Operation("GraphicsMagick", "re-save, quality 85", "convert {in} -quality 85 {out}", COMMON),
    Operation("GraphicsMagick", "resize to 50 %", "convert {in} -resize 50% {out}", COMMON),
    Operation("GraphicsMagick", "rotate", "convert {in} -rotate 90 {out}", COMMON),
    Operation("GraphicsMagick", "strip all", "convert {in} -strip {out}", COMMON),
    *_conversions("GraphicsMagick", "convert {in} -quality 90 {out}", COMMON),
    Operation("vips", "re-save", "copy {in} {out}", EVERY),
    Operation("vips", "re-save, quality 85", "copy {in} {out}[Q=85]", ("jpeg", "webp", "avif", "jxl")),
    Operation("vips", "resize to 50 %", "resize {in} {out} 0.5", EVERY),
    Operation("vips", "rotate", "rot {in} {out} d90", EVERY),
    Operation("vips", "flip", "flip {in} {out} horizontal", EVERY),
    Operation("vips", "crop", "crop {in} {out} 16 16 256 176", COMMON, part=_PART),
    Operation("vips", "strip all", "copy {in} {out}[strip]", COMMON),
    *_conversions("vips", "copy {in} {out}", EVERY),
    Operation("vips", "convert to jxl", "copy {in} {out}", COMMON, "jxl"),
    Operation("vipsthumbnail", "256 pixels", "{in} -s 256x256 -o {out}", EVERY),
    Operation("sharp", "re-save, quality 85", _sharp("image.keepMetadata().jpeg({quality: 85})")),
    Operation("sharp", "re-save", _sharp("image.keepMetadata()"), WITH_AVIF),
    Operation("sharp", "resize to 50 %", _sharp("image.resize(192).keepMetadata()"), WITH_AVIF),
    Operation("sharp", "rotate", _sharp("image.rotate(90).keepMetadata()"), WITH_AVIF),
    Operation("sharp", "flip", _sharp("image.flop().keepMetadata()"), COMMON),
    Operation(
        "sharp",
        "crop",
        _sharp("image.extract({left: 16, top: 16, width: 256, height: 176}).keepMetadata()"),
        COMMON,
        part=_PART,
    ),
    Operation("sharp", "sharpen", _sharp("image.sharpen().keepMetadata()"), COMMON),
    Operation("sharp", "saturate by 10 %", _sharp("image.modulate({saturation: 1.1}).keepMetadata()"), COMMON),
    Operation("sharp", "convert to Display P3", _sharp("image.keepMetadata().withIccProfile('p3')"), COMMON),
    Operation("sharp", "default (strips)", _sharp("image"), WITH_AVIF),
    *_conversions("sharp", _sharp("image.keepMetadata()"), WITH_AVIF),
    Operation("Pillow", "save(exif=, xmp=)", _pillow(), WITH_AVIF),
    Operation("Pillow", "save(exif=, xmp=, quality=85)", _pillow(quality=85), ("jpeg", "webp", "avif")),
    Operation("Pillow", "save(exif=)", _pillow(keeps=("exif",)), WITH_AVIF),
    Operation("Pillow", "save()", _pillow(keeps=()), WITH_AVIF),
    Operation("Pillow", "resize to 50 %", _pillow(scale=0.5), WITH_AVIF),
    Operation("Pillow", "rotate", _pillow(turn=_ROTATE), WITH_AVIF),
    Operation("Pillow", "flip", _pillow(turn=_FLIP), COMMON),
    *[
        Operation(
            "Pillow", f"convert to {format}", _pillow(), tuple(other for other in WITH_AVIF if other != format), format
        )
        for format in WITH_AVIF
    ],
    Operation(
        "cwebp",
        "convert to webp, -metadata all",
        "-quiet -q 90 -metadata all {in} -o {out}",
        ("jpeg", "png", "tiff"),
        "webp",
    ),
    Operation(
        "cwebp", "lossless, -metadata all", "-quiet -lossless -metadata all {in} -o {out}", ("jpeg", "png"), "webp"
    ),
    Operation("cwebp", "convert to webp, default", "-quiet {in} -o {out}", ("jpeg", "png", "webp"), "webp"),
    Operation("dwebp", "convert to png", "-quiet {in} -o {out}", ("webp",), "png"),
    Operation("webpmux", "strip EXIF", "-strip exif {in} -o {out}", ("webp",)),
    Operation("webpmux", "strip XMP", "-strip xmp {in} -o {out}", ("webp",)),
    Operation("webpmux", "strip ICC", "-strip icc {in} -o {out}", ("webp",)),
    Operation("optipng", "optimise", "-quiet -o1 {file}", ("png",)),
    Operation("optipng", "interlace", "-quiet -o1 -i1 {file}", ("png",)),
    Operation("optipng", "strip all", "-quiet -o0 -strip all {file}", ("png",)),
    Operation("oxipng", "optimise", "-q -o1 {file}", ("png",)),
    Operation("oxipng", "strip safe", "-q -o0 --strip safe {file}", ("png",)),
    Operation("oxipng", "strip all", "-q -o0 --strip all {file}", ("png",)),
)
