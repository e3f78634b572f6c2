"""Every kind of source that is known of: a small file of each, under the heading that it has in docs/INPUTS.md."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO
from gamutcli.images.kinds import identify
from gamutcli.images.reading import AS_IT_IS, Reading
from tests.images.test_channels import grey_profile
from tests.images.test_convert import LIGHT, ink_lab, linear_profile, soft_lab
from tests.images.test_exr import chromaticities, rgb, write
from tests.images.test_heic import heic
from tests.images.test_jpeg import GAIN_MAPS, jpeg
from tests.images.test_jxl import PROPHOTO_LOSSLESS, PROPHOTO_LOSSY, jxl
from tests.images.test_meaning import exif_block, tiff_with_exif
from tests.images.test_read import SRGB_CHRM, chunk, icc_chunk, png
from tests.images.test_read_other import avif
from tests.images.test_tiff import of_luma_and_chroma, pages
from tests.images.test_web_formats import jp2, webp, with_color
from tests.support.camera import with_segments
from tests.support.pictures import wide_codes, write_tiff
from tests.support.profiles import table_profile
from tests.support.raws import dng, scan
from tests.support.strangers import MET

CODES = wide_codes(48, 64)
NARROW = (CODES >> 8).astype(np.uint8)
OPAQUE = np.full(CODES.shape[:2], 65535, np.uint16)
SHEER = np.full(CODES.shape[:2], 30000, np.uint16)
ROSE = np.full((24, 32, 3), (150, 40, 10), np.uint8)  # in CIE L*a*b*, as TIFF stores it
TAGGED = write_profile(PROPHOTO)
FLOATS = (LIGHT.astype(np.float32), {"space": None, "iccprofile": linear_profile("prophoto")})
SCENE = wide_codes(128, 192)[..., 1] / 65535
_HEIC = ("pi_heif", "pillow_heif")
_EXR, _RAW = ("OpenEXR",), ("rawpy",)

Maker = Callable[[Path], object]


@dataclass(frozen=True)
class Input:
    """A kind of source.

    Attributes:
        heading: Where the page lists it.
        kind: What it is called there.
        makers: Each writes a file of that kind, as it is named, into a folder; all of them are treated alike.
        reading: What the user says of it.
        needs: Modules that are not always installed, for reading or for making it.
    """

    heading: str
    kind: str
    makers: tuple[tuple[str, Maker], ...]
    reading: Reading = AS_IT_IS
    needs: tuple[str, ...] = ()


def _tiff(codes: Any = CODES, space: str | None = "prophoto", **settings: Any) -> tuple[str, Maker]:
    return "a.tif", lambda path: write_tiff(path, codes, space, **settings)


def _pages(*written: tuple[Any, dict[str, Any]]) -> tuple[str, Maker]:
    return "a.tif", lambda path: pages(path, *((codes, {"iccprofile": TAGGED} | more) for codes, more in written))


def _png(*chunks: bytes, codes: Any = CODES) -> tuple[str, Maker]:
    return "a.png", lambda path: path.write_bytes(png(codes, *chunks))


def _jpeg(codes: Any = NARROW, mode: str | None = None, **settings: Any) -> tuple[str, Maker]:
    return "a.jpg", lambda path: jpeg(path, codes, mode, **{"icc_profile": TAGGED} | settings)


def _by(name: str, function: Callable[..., object], *rest: Any, **settings: Any) -> tuple[str, Maker]:
    """A maker of the tests of one format."""
    return name, lambda path: function(path, *rest, **settings)


def _cut(maker: tuple[str, Maker]) -> tuple[str, Maker]:
    """The first two thirds of a file."""

    def make(path: Path) -> None:
        maker[1](path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])

    return maker[0], make


def _changed(maker: tuple[str, Maker], change: Callable[[bytes], bytes]) -> tuple[str, Maker]:
    def make(path: Path) -> None:
        maker[1](path)
        path.write_bytes(change(path.read_bytes()))

    return maker[0], make


def _heic(*rest: Any, icc: bytes | None = None, **settings: Any) -> tuple[str, Maker]:
    def make(path: Path) -> None:
        import pillow_heif

        if icc is None:
            heic(pillow_heif, path, *rest, **settings)
            return
        image = pillow_heif.from_bytes("RGB;16", (64, 48), CODES.tobytes())
        image.info.update(icc_profile=icc, icc_profile_type="prof")
        image.save(path, quality=-1, chroma=444)

    return "a.heic", make


def _heic_of_two(path: Path) -> None:
    import pillow_heif

    file = pillow_heif.from_pillow(Image.fromarray(NARROW))
    file.add_from_pillow(Image.fromarray(255 - NARROW))
    file.save(path, quality=-1, chroma=444)


def _exr(channels: dict[str, Any], space: str | None = "prophoto") -> tuple[str, Maker]:
    def make(path: Path) -> None:
        import OpenEXR

        write(OpenEXR, path, channels, **({"chromaticities": chromaticities(space)} if space else {}))

    return "a.exr", make


def _mpo(path: Path) -> None:
    """A JPEG with another picture behind it, as cameras write their large previews and stereo pairs."""
    Image.fromarray(NARROW).save(
        path,
        "MPO",
        save_all=True,
        append_images=[Image.fromarray(NARROW)],
        subsampling=0,
        quality=95,
        icc_profile=TAGGED,
    )


def _deep_jpeg(path: Path, bits: int) -> None:
    path.write_bytes(
        imagecodecs.jpeg8_encode(CODES >> (16 - bits), 100, lossless=bits == 16, bitspersample=bits, subsampling="444")
    )


def _pillow(path: Path, **settings: Any) -> None:
    Image.fromarray(NARROW).save(path, **settings)


def _animated(path: Path, kind: str, **settings: Any) -> None:
    Image.fromarray(NARROW).save(path, kind, save_all=True, append_images=[Image.fromarray(255 - NARROW)], **settings)


def _cmyk(icc: bytes | None = None) -> tuple[str, Maker]:
    settings = {"space": None, "photometric": "separated", "iccprofile": icc}
    return _tiff(np.dstack([NARROW, NARROW[..., 0]]), **settings)


def _shown(light: Any) -> Any:
    """A scene of this light, as a camera's preview shows it."""
    return np.repeat(np.round(255 * light**0.45).astype(np.uint8)[..., None], 3, axis=2)


_JP2 = _by("a.jp2", jp2)
_INKS = np.dstack([NARROW, NARROW[..., 0]])
_PHOTOSHOP = (37724, 7, 40, b"Adobe Photoshop Document Data Block\0".ljust(40, b"\0"), True)

_Row = tuple[Any, ...]
# Kind, maker or makers, and where it matters what the user says and what must be installed.
_KNOWN: dict[str, list[_Row]] = {
    "TIFF and BigTIFF": [
        ("16 bits, with a ProPhoto profile", _tiff(), _tiff(bigtiff=True), _tiff(byteorder=">")),
        ("with the profile of another space by primaries and curves", _tiff(space="adobergb")),
        ("10, 12 or 14 bits", *(_tiff(CODES >> (16 - bits), bitspersample=bits) for bits in (10, 12, 14))),
        ("8 bits", _tiff(NARROW)),
        (
            "packed by LZW, Deflate, Zstandard, PackBits, LZMA, PNG, JPEG 2000 or JPEG XL; tiles, planes",
            *(
                _tiff(compression=kind)
                for kind in ("lzw", "zlib", "zstd", "packbits", "lzma", "png", "jpeg2000", "jpegxl")
            ),
            _tiff(tile=(32, 32)),
            _tiff(np.ascontiguousarray(np.moveaxis(CODES, 2, 0)), planarconfig="separate"),
        ),
        (
            "8 bits packed by JPEG or WebP",
            _tiff(NARROW, compression="jpeg", subsampling=(1, 1)),
            _tiff(NARROW, compression="webp"),
        ),
        ("8 bits packed by JPEG, 4:2:0", _tiff(NARROW, compression="jpeg", subsampling=(2, 2))),
        ("YCbCr, 4:2:0, with `--assume-profile`", _by("a.tif", of_luma_and_chroma, 2, 2), Reading("prophoto")),
        ("without a profile", _tiff(space=None)),
        ("without a profile, with `--assume-profile prophoto`", _tiff(space=None), Reading("prophoto")),
        ("with a profile, with `--assume-profile` of another", _tiff(), Reading("adobergb")),
        ("without a profile, Adobe RGB by Exif", _by("a.tif", tiff_with_exif, 65535, b"R03\0")),
        ("with a profile of tables (scanners, printers, cameras)", _tiff(iccprofile=table_profile(3, 9, soft_lab))),
        ("grey, without a profile", _tiff(CODES[..., 0], None, photometric="minisblack")),
        ("grey, with a profile", _tiff(CODES[..., 0], photometric="minisblack", iccprofile=grey_profile(2.2))),
        ("black and white, 1 bit", _tiff(CODES[..., 0] > 30000, None, photometric="minisblack")),
        (
            "a palette",
            _tiff(NARROW[..., 0], photometric="palette", colormap=np.arange(768, dtype=np.uint16).reshape(3, 256) * 85),
        ),
        ("with an alpha channel, opaque everywhere", _tiff(np.dstack([CODES, OPAQUE]), extrasamples=["unassalpha"])),
        ("transparent in places", _tiff(np.dstack([CODES, SHEER]), extrasamples=["unassalpha"])),
        (
            "transparent in places, with `--background white`",
            _tiff(np.dstack([CODES, SHEER]), extrasamples=["unassalpha"]),
            Reading(background=(255, 255, 255)),
        ),
        ("with a mask, a spot colour or infrared", _tiff(np.dstack([CODES, SHEER]), extrasamples=["unspecified"])),
        ("with a pyramid of smaller copies, marked so", _pages((CODES, {}), (CODES[::2, ::2], {"subfiletype": 1}))),
        ("with a smaller picture that is not marked", _pages((CODES, {}), (CODES[::2, ::2], {}))),
        (
            "hung below its thumbnail, as Nikon does",
            _pages((NARROW[::8, ::8], {"subfiletype": 1, "subifds": 1}), (CODES, {})),
        ),
        ("with the layers of Photoshop beside the flat picture", _tiff(extratags=[_PHOTOSHOP])),
        ("several pictures of full size", _pages((CODES, {}), (CODES[::-1], {}))),
        ("several pictures of full size, with `--page 2`", _pages((CODES, {}), (CODES[::-1], {})), Reading(page=2)),
        (
            "floating point of 16, 32 or 64 bits, with a linear profile",
            *(_tiff(LIGHT.astype(kind), **FLOATS[1]) for kind in ("float16", "float32", "float64")),
        ),
        ("floating point beyond 0 to 1", _tiff(FLOATS[0] * 2, **FLOATS[1])),
        ("the same, with `--exposure -1`", _tiff(FLOATS[0] * 2, **FLOATS[1]), Reading(exposure=-1)),
        ("floating point without a profile, with `--linear` alone", _tiff(FLOATS[0], None), Reading(linear=True)),
        (
            "the same, with `--assume-profile prophoto --linear`",
            _tiff(FLOATS[0], None),
            Reading("prophoto", linear=True),
        ),
        ("CMYK with a profile, 8 bits", _cmyk(table_profile(4, 5, ink_lab))),
        ("CMYK without a profile", _cmyk()),
        ("CMYK of floating point", _tiff(np.zeros((4, 5, 4), np.float32), None, photometric="separated")),
        (
            "Lab, 8 or 16 bits",
            *(_tiff(lab, space=None, photometric="cielab") for lab in (ROSE, ROSE.astype(np.uint16) * 256)),
        ),
        ("signed samples", _tiff(CODES.astype(np.int16))),
        ("whole numbers of 32 bits", _tiff(CODES.astype(np.uint32))),
        ("a damaged profile", _tiff(iccprofile=TAGGED[:200])),
        ("cut short", _cut(_tiff())),
    ],
    "PNG": [
        ("16 bits, with a ProPhoto profile", _png(icc_chunk("prophoto"))),
        ("8 bits", _png(icc_chunk("prophoto"), codes=NARROW)),
        ("colours by cICP", _png(chunk(b"cICP", bytes([12, 13, 0, 1])))),
        ("cICP of PQ", _png(chunk(b"cICP", bytes([9, 16, 0, 1])))),
        ("cICP of HLG", _png(chunk(b"cICP", bytes([9, 18, 0, 1])))),
        ("colours by an sRGB chunk", _png(chunk(b"sRGB", b"\0"))),
        ("colours by gAMA and cHRM", _png(chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", SRGB_CHRM))),
        ("colours by Exif", _png(chunk(b"eXIf", exif_block(65535, b"R03\0")))),
        ("no word of colours", _png()),
        ("grey", _png(codes=CODES[..., 0])),
        ("transparent in places", _png(icc_chunk("prophoto"), codes=np.dstack([CODES, SHEER]))),
        ("animated", _by("a.png", _animated, "PNG", icc_profile=TAGGED)),
        ("cut short", _cut(_png(icc_chunk("prophoto")))),
    ],
    "JPEG": [
        ("with a profile, 4:4:4", _jpeg()),
        (
            "with a profile, 4:2:0, baseline or progressive",
            _jpeg(subsampling=2),
            _jpeg(subsampling=2, progressive=True),
        ),
        ("without a profile, Adobe RGB by Exif", _jpeg(icc_profile=None, exif=exif_block(65535, b"R03\0"))),
        ("without a profile, sRGB by Exif", _jpeg(icc_profile=None, exif=exif_block(1))),
        ("no word of colours", _jpeg(icc_profile=None)),
        (
            "with a gain map (Ultra HDR, ISO 21496-1, Apple)",
            *(_changed(_jpeg(), lambda data, part=part: with_segments(data, part)) for part in GAIN_MAPS.values()),
        ),
        ("several pictures in one file (MPF)", _by("a.jpg", _mpo)),
        (
            "12 bits, or 16 lossless, with `--assume-profile`",
            _by("a.jpg", _deep_jpeg, 12),
            _by("a.jpg", _deep_jpeg, 16),
            Reading("prophoto"),
        ),
        ("grey", _jpeg(NARROW[..., 0], icc_profile=None)),
        ("CMYK with a profile", _jpeg(_INKS, "CMYK", icc_profile=table_profile(4, 5, ink_lab))),
        ("CMYK without a profile", _jpeg(_INKS, "CMYK", icc_profile=None)),
        ("cut short", _cut(_jpeg())),
    ],
    "HEIC and HIF (extra `heic`)": [
        ("10 bits, 4:4:4, colours by numbers (nclx)", _heic(), _HEIC),
        ("8 bits, 4:2:0", _heic(NARROW, "RGB", chroma=420), _HEIC),
        ("with a profile", _heic(icc=TAGGED), _HEIC),
        ("no word of colours", _heic(save_nclx_profile=False), _HEIC),
        ("PQ", _heic(color_primaries=9, transfer_characteristics=16), _HEIC),
        ("HLG", _heic(color_primaries=9, transfer_characteristics=18), _HEIC),
        ("transparent in places", _heic(np.dstack([CODES, SHEER]), "RGBA;16"), _HEIC),
        ("several pictures in one file", _by("a.heic", _heic_of_two), _HEIC),
        ("cut short", _cut(_heic()), _HEIC),
    ],
    "AVIF": [
        ("10 or 12 bits, colours by numbers (nclx)", _by("a.avif", avif, 10), _by("a.avif", avif, 12)),
        ("8 bits", _by("a.avif", avif, 8)),
        ("8 bits, 4:2:0, with a profile", _by("a.avif", _pillow, subsampling="4:2:0", icc_profile=TAGGED)),
        ("colours that H.273 does not name", _by("a.avif", avif, primaries=1, transfer=9)),
        ("PQ", _by("a.avif", avif, primaries=9, transfer=16, matrix=9)),
        ("HLG", _by("a.avif", avif, primaries=9, transfer=18, matrix=9)),
        ("no word of colours", _by("a.avif", avif, primaries=2, transfer=2)),
        ("cut short", _cut(_by("a.avif", avif))),
    ],
    "JPEG XL": [
        ("16 bits, colours by numbers", _by("a.jxl", jxl, CODES, DISPLAY_P3)),
        ("8 bits, with a profile", ("a.jxl", lambda path: path.write_bytes(PROPHOTO_LOSSLESS))),
        ("8 bits, lossy", ("a.jxl", lambda path: path.write_bytes(PROPHOTO_LOSSY))),
        ("floating point", _by("a.jxl", jxl, (CODES / 65535).astype(np.float32))),
        ("grey", _by("a.jxl", jxl, CODES[..., 0])),
        ("transparent in places", _by("a.jxl", jxl, np.dstack([CODES, SHEER]))),
        ("animated", _by("a.jxl", jxl, np.stack([CODES, CODES[::-1]]))),
        ("animated, with `--page 2`", _by("a.jxl", jxl, np.stack([CODES, CODES[::-1]])), Reading(page=2)),
        ("cut short", _cut(_by("a.jxl", jxl))),
    ],
    "WebP": [
        ("lossless, with a profile", _by("a.webp", webp, NARROW, icc_profile=TAGGED)),
        ("lossy, with a profile", _by("a.webp", webp, NARROW, icc_profile=TAGGED, lossless=False)),
        ("no word of colours", _by("a.webp", webp, NARROW)),
        ("animated", _by("a.webp", _animated, "WEBP", duration=100)),
        ("cut short", _cut(_by("a.webp", webp, NARROW))),
    ],
    "JPEG 2000": [
        ("16 bits, with a profile", _changed(_JP2, lambda data: with_color(data, b"\2\0\0" + TAGGED))),
        ("colours by a number", _JP2),
        (
            "colours by a number that is not known",
            _changed(_JP2, lambda data: with_color(data, b"\1\0\0" + struct.pack(">I", 14))),
        ),
        ("a bare codestream", _by("a.j2k", jp2)),
        ("signed samples", _by("a.jp2", jp2, (CODES >> 1).astype(np.int16))),
        ("cut short", _cut(_JP2)),
    ],
    "OpenEXR (extra `exr`)": [
        ("with chromaticities, 16 or 32 bits", _exr(rgb(LIGHT, kind="float16")), _exr(rgb(LIGHT)), _EXR),
        ("without chromaticities", _exr(rgb(LIGHT / 4), None), _EXR),
        ("without chromaticities, with `--assume-profile`", _exr(rgb(LIGHT), None), Reading("prophoto"), _EXR),
        ("light beyond 0 to 1", _exr(rgb(LIGHT * 4)), _EXR),
        ("light beyond 0 to 1, with `--exposure -2`", _exr(rgb(LIGHT * 4)), Reading(exposure=-2), _EXR),
        ("luminance alone", _exr({"Y": LIGHT[..., 1].astype(np.float32)}), _EXR),
        ("with layers beside the picture", _exr({**rgb(LIGHT), **rgb(LIGHT, "diffuse.")}), _EXR),
        ("layers alone", _exr({**rgb(LIGHT, "left."), **rgb(LIGHT, "right.")}), _EXR),
        ("transparent in places", _exr({**rgb(LIGHT), "A": np.full(LIGHT.shape[:2], 0.5, np.float32)}), _EXR),
        ("whole numbers", _exr(rgb(LIGHT * 100, kind="uint32")), _EXR),
        ("depth alone", _exr({"Z": LIGHT[..., 1].astype(np.float32)}), _EXR),
    ],
    "Camera RAW (extra `raw`)": [
        ("a mosaic that LibRaw develops", _by("a.dng", dng, SCENE), _RAW),
        ("cut short", _cut(_by("a.dng", dng, SCENE)), _RAW),
        ("that LibRaw does not develop", ("a.nef", lambda path: path.write_bytes(b"II*\0" + bytes(range(200)))), _RAW),
        (
            "developed otherwise than the preview in it shows",
            _by("a.dng", dng, np.random.default_rng(1).uniform(0.1, 0.9, SCENE.shape), preview=_shown(SCENE)),
            _RAW,
        ),
        ("under another name (.tif)", _by("a.tif", dng, SCENE)),
        ("a Coolscan's NEF", _by("a.nef", scan, CODES)),
        ("a Coolscan's NEF, with `--assume-profile`", _by("a.nef", scan, CODES), Reading("prophoto")),
    ],
}


def _input(heading: str, kind: str, *rest: Any) -> Input:
    """A kind by its row, in which makers, reading and needs are told apart by what they are."""
    makers = tuple(item for item in rest if isinstance(item, tuple) and callable(item[-1]))
    reading = next((item for item in rest if isinstance(item, Reading)), AS_IT_IS)
    needs = next((item for item in rest if isinstance(item, tuple) and isinstance(item[-1], str)), ())
    return Input(heading, kind, makers, reading, needs)


def _strangers() -> dict[str, tuple[str, bytes]]:
    """A name and the bytes of one file of each kind that is refused by name."""
    found: dict[str, tuple[str, bytes]] = {}
    for name, (data, _, _) in MET.items():
        found.setdefault(identify(name, data), (name, data))
    return found


INPUTS = [_input(heading, *row) for heading, rows in _KNOWN.items() for row in rows]
STRANGERS = [
    Input("Anything else", f"`{name}`", ((name, lambda path, data=data: path.write_bytes(data)),))
    for name, data in _strangers().values()
]
