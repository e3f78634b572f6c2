"""Every kind of source that is known of: a small file of each, under the heading that it has in docs/INPUTS.md."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from gamutcli.color.spaces import DISPLAY_P3
from gamutcli.images.identify import identify
from gamutcli.images.reading import AS_IT_IS, Reading
from tests.images.test_channels import grey_profile
from tests.images.test_convert import LIGHT, ink_lab, linear_profile, soft_lab
from tests.images.test_exr import rgb
from tests.images.test_jpeg import GAIN_MAPS
from tests.images.test_jxl import PROPHOTO_LOSSLESS, PROPHOTO_LOSSY, jxl
from tests.images.test_meaning import exif_block, tiff_with_exif
from tests.images.test_read import SRGB_CHRM, chunk, icc_chunk
from tests.images.test_read_other import avif
from tests.images.test_tiff import of_luma_and_chroma
from tests.images.test_web_formats import jp2, webp, with_color
from tests.support.camera import with_segments
from tests.support.pictures import wide_codes
from tests.support.profiles import table_profile
from tests.support.raws import dng, scan
from tests.support.sources import (
    CODES,
    NARROW,
    TAGGED,
    Maker,
    animated,
    by,
    changed,
    cmyk,
    cut,
    deep_jpeg,
    exr,
    heic,
    heic_of_two,
    jpeg,
    mpo,
    pages,
    pillow,
    png,
    shown,
    tiff,
)
from tests.support.strangers import MET

OPAQUE = np.full(CODES.shape[:2], 65535, np.uint16)
SHEER = np.full(CODES.shape[:2], 30000, np.uint16)
ROSE = np.full((24, 32, 3), (150, 40, 10), np.uint8)  # in CIE L*a*b*, as TIFF stores it
FLOATS = LIGHT.astype(np.float32)
_LINEAR = {"space": None, "iccprofile": linear_profile("prophoto")}
SCENE = wide_codes(128, 192)[..., 1] / 65535
_HEIC = ("pi_heif", "pillow_heif")
_EXR, _RAW = ("OpenEXR",), ("rawpy",)


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
    makers: tuple[Maker, ...]
    reading: Reading = AS_IT_IS
    needs: tuple[str, ...] = ()


_JP2 = by("a.jp2", jp2)
_INKS = np.dstack([NARROW, NARROW[..., 0]])
_PHOTOSHOP = (37724, 7, 40, b"Adobe Photoshop Document Data Block\0".ljust(40, b"\0"), True)

_Row = tuple[Any, ...]
# Kind, maker or makers, and where it matters what the user says and what must be installed.
_KNOWN: dict[str, list[_Row]] = {
    "TIFF and BigTIFF": [
        ("16 bits, with a ProPhoto profile", tiff(), tiff(bigtiff=True), tiff(byteorder=">")),
        ("with the profile of another space by primaries and curves", tiff(space="adobergb")),
        ("10, 12 or 14 bits", *(tiff(CODES >> (16 - bits), bitspersample=bits) for bits in (10, 12, 14))),
        ("8 bits", tiff(NARROW)),
        (
            "packed by LZW, Deflate, Zstandard, PackBits, LZMA, PNG, JPEG 2000 or JPEG XL; tiles, planes",
            *(
                tiff(compression=kind)
                for kind in ("lzw", "zlib", "zstd", "packbits", "lzma", "png", "jpeg2000", "jpegxl")
            ),
            tiff(tile=(32, 32)),
            tiff(np.ascontiguousarray(np.moveaxis(CODES, 2, 0)), planarconfig="separate"),
        ),
        (
            "8 bits packed by JPEG or WebP",
            tiff(NARROW, compression="jpeg", subsampling=(1, 1)),
            tiff(NARROW, compression="webp"),
        ),
        ("8 bits packed by JPEG, 4:2:0", tiff(NARROW, compression="jpeg", subsampling=(2, 2))),
        ("YCbCr, 4:2:0, with `--assume-profile`", by("a.tif", of_luma_and_chroma, 2, 2), Reading("prophoto")),
        ("without a profile", tiff(space=None)),
        ("without a profile, with `--assume-profile prophoto`", tiff(space=None), Reading("prophoto")),
        ("with a profile, with `--assume-profile` of another", tiff(), Reading("adobergb")),
        ("without a profile, Adobe RGB by Exif", by("a.tif", tiff_with_exif, 65535, b"R03\0")),
        ("with a profile of tables (scanners, printers, cameras)", tiff(iccprofile=table_profile(3, 9, soft_lab))),
        ("grey, without a profile", tiff(CODES[..., 0], None, photometric="minisblack")),
        ("grey, with a profile", tiff(CODES[..., 0], photometric="minisblack", iccprofile=grey_profile(2.2))),
        ("black and white, 1 bit", tiff(CODES[..., 0] > 30000, None, photometric="minisblack")),
        (
            "a palette",
            tiff(NARROW[..., 0], photometric="palette", colormap=np.arange(768, dtype=np.uint16).reshape(3, 256) * 85),
        ),
        ("with an alpha channel, opaque everywhere", tiff(np.dstack([CODES, OPAQUE]), extrasamples=["unassalpha"])),
        ("transparent in places", tiff(np.dstack([CODES, SHEER]), extrasamples=["unassalpha"])),
        (
            "transparent in places, with `--background white`",
            tiff(np.dstack([CODES, SHEER]), extrasamples=["unassalpha"]),
            Reading(background=(255, 255, 255)),
        ),
        ("with a mask, a spot colour or infrared", tiff(np.dstack([CODES, SHEER]), extrasamples=["unspecified"])),
        ("with a pyramid of smaller copies, marked so", pages((CODES, {}), (CODES[::2, ::2], {"subfiletype": 1}))),
        ("with a smaller picture that is not marked", pages((CODES, {}), (CODES[::2, ::2], {}))),
        (
            "hung below its thumbnail, as Nikon does",
            pages((NARROW[::8, ::8], {"subfiletype": 1, "subifds": 1}), (CODES, {})),
        ),
        ("with the layers of Photoshop beside the flat picture", tiff(extratags=[_PHOTOSHOP])),
        ("several pictures of full size", pages((CODES, {}), (CODES[::-1], {}))),
        ("several pictures of full size, with `--page 2`", pages((CODES, {}), (CODES[::-1], {})), Reading(page=2)),
        (
            "floating point of 16, 32 or 64 bits, with a linear profile",
            *(tiff(LIGHT.astype(kind), **_LINEAR) for kind in ("float16", "float32", "float64")),
        ),
        ("floating point beyond 0 to 1", tiff(FLOATS * 2, **_LINEAR)),
        ("the same, with `--exposure -1`", tiff(FLOATS * 2, **_LINEAR), Reading(exposure=-1)),
        ("floating point without a profile, with `--linear` alone", tiff(FLOATS, None), Reading(linear=True)),
        (
            "the same, with `--assume-profile prophoto --linear`",
            tiff(FLOATS, None),
            Reading("prophoto", linear=True),
        ),
        ("CMYK with a profile, 8 bits", cmyk(table_profile(4, 5, ink_lab))),
        ("CMYK without a profile", cmyk()),
        ("CMYK of floating point", tiff(np.zeros((4, 5, 4), np.float32), None, photometric="separated")),
        (
            "Lab, 8 or 16 bits",
            *(tiff(lab, space=None, photometric="cielab") for lab in (ROSE, ROSE.astype(np.uint16) * 256)),
        ),
        ("signed samples", tiff(CODES.astype(np.int16))),
        ("whole numbers of 32 bits", tiff(CODES.astype(np.uint32))),
        ("a damaged profile", tiff(iccprofile=TAGGED[:200])),
        ("cut short", cut(tiff())),
    ],
    "PNG": [
        ("16 bits, with a ProPhoto profile", png(icc_chunk("prophoto"))),
        ("8 bits", png(icc_chunk("prophoto"), codes=NARROW)),
        ("colours by cICP", png(chunk(b"cICP", bytes([12, 13, 0, 1])))),
        ("cICP of PQ", png(chunk(b"cICP", bytes([9, 16, 0, 1])))),
        ("cICP of HLG", png(chunk(b"cICP", bytes([9, 18, 0, 1])))),
        ("colours by an sRGB chunk", png(chunk(b"sRGB", b"\0"))),
        ("colours by gAMA and cHRM", png(chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", SRGB_CHRM))),
        ("colours by Exif", png(chunk(b"eXIf", exif_block(65535, b"R03\0")))),
        ("no word of colours", png()),
        ("grey", png(codes=CODES[..., 0])),
        ("transparent in places", png(icc_chunk("prophoto"), codes=np.dstack([CODES, SHEER]))),
        ("animated", by("a.png", animated, "PNG", icc_profile=TAGGED)),
        ("cut short", cut(png(icc_chunk("prophoto")))),
    ],
    "JPEG": [
        ("with a profile, 4:4:4", jpeg()),
        (
            "with a profile, 4:2:0, baseline or progressive",
            jpeg(subsampling=2),
            jpeg(subsampling=2, progressive=True),
        ),
        ("without a profile, Adobe RGB by Exif", jpeg(icc_profile=None, exif=exif_block(65535, b"R03\0"))),
        ("without a profile, sRGB by Exif", jpeg(icc_profile=None, exif=exif_block(1))),
        ("no word of colours", jpeg(icc_profile=None)),
        (
            "with a gain map (Ultra HDR, ISO 21496-1, Apple)",
            *(changed(jpeg(), lambda data, part=part: with_segments(data, part)) for part in GAIN_MAPS.values()),
        ),
        ("several pictures in one file (MPF)", by("a.jpg", mpo)),
        (
            "12 bits, or 16 lossless, with `--assume-profile`",
            by("a.jpg", deep_jpeg, 12),
            by("a.jpg", deep_jpeg, 16),
            Reading("prophoto"),
        ),
        ("grey", jpeg(NARROW[..., 0], icc_profile=None)),
        ("CMYK with a profile", jpeg(_INKS, "CMYK", icc_profile=table_profile(4, 5, ink_lab))),
        ("CMYK without a profile", jpeg(_INKS, "CMYK", icc_profile=None)),
        ("cut short", cut(jpeg())),
    ],
    "HEIC and HIF (extra `heic`)": [
        ("10 bits, 4:4:4, colours by numbers (nclx)", heic(), _HEIC),
        ("8 bits, 4:2:0", heic(NARROW, "RGB", chroma=420), _HEIC),
        ("with a profile", heic(icc=TAGGED), _HEIC),
        ("no word of colours", heic(save_nclx_profile=False), _HEIC),
        ("PQ", heic(color_primaries=9, transfer_characteristics=16), _HEIC),
        ("HLG", heic(color_primaries=9, transfer_characteristics=18), _HEIC),
        ("transparent in places", heic(np.dstack([CODES, SHEER]), "RGBA;16"), _HEIC),
        ("several pictures in one file", by("a.heic", heic_of_two), _HEIC),
        ("cut short", cut(heic()), _HEIC),
    ],
    "AVIF": [
        ("10 or 12 bits, colours by numbers (nclx)", by("a.avif", avif, 10), by("a.avif", avif, 12)),
        ("8 bits", by("a.avif", avif, 8)),
        ("8 bits, 4:2:0, with a profile", by("a.avif", pillow, subsampling="4:2:0", icc_profile=TAGGED)),
        ("colours that H.273 does not name", by("a.avif", avif, primaries=1, transfer=9)),
        ("PQ", by("a.avif", avif, primaries=9, transfer=16, matrix=9)),
        ("HLG", by("a.avif", avif, primaries=9, transfer=18, matrix=9)),
        ("no word of colours", by("a.avif", avif, primaries=2, transfer=2)),
        ("cut short", cut(by("a.avif", avif))),
    ],
    "JPEG XL": [
        ("16 bits, colours by numbers", by("a.jxl", jxl, CODES, DISPLAY_P3)),
        ("8 bits, with a profile", ("a.jxl", lambda path: path.write_bytes(PROPHOTO_LOSSLESS))),
        ("8 bits, lossy", ("a.jxl", lambda path: path.write_bytes(PROPHOTO_LOSSY))),
        ("floating point", by("a.jxl", jxl, (CODES / 65535).astype(np.float32))),
        ("grey", by("a.jxl", jxl, CODES[..., 0])),
        ("transparent in places", by("a.jxl", jxl, np.dstack([CODES, SHEER]))),
        ("animated", by("a.jxl", jxl, np.stack([CODES, CODES[::-1]]))),
        ("animated, with `--page 2`", by("a.jxl", jxl, np.stack([CODES, CODES[::-1]])), Reading(page=2)),
        ("cut short", cut(by("a.jxl", jxl))),
    ],
    "WebP": [
        ("lossless, with a profile", by("a.webp", webp, NARROW, icc_profile=TAGGED)),
        ("lossy, with a profile", by("a.webp", webp, NARROW, icc_profile=TAGGED, lossless=False)),
        ("no word of colours", by("a.webp", webp, NARROW)),
        ("animated", by("a.webp", animated, "WEBP", duration=100)),
        ("cut short", cut(by("a.webp", webp, NARROW))),
    ],
    "JPEG 2000": [
        ("16 bits, with a profile", changed(_JP2, lambda data: with_color(data, b"\2\0\0" + TAGGED))),
        ("colours by a number", _JP2),
        (
            "colours by a number that is not known",
            changed(_JP2, lambda data: with_color(data, b"\1\0\0" + struct.pack(">I", 14))),
        ),
        ("a bare codestream", by("a.j2k", jp2)),
        ("signed samples", by("a.jp2", jp2, (CODES >> 1).astype(np.int16))),
        ("cut short", cut(_JP2)),
    ],
    "OpenEXR (extra `exr`)": [
        ("with chromaticities, 16 or 32 bits", exr(rgb(LIGHT, kind="float16")), exr(rgb(LIGHT)), _EXR),
        ("without chromaticities", exr(rgb(LIGHT / 4), None), _EXR),
        ("without chromaticities, with `--assume-profile`", exr(rgb(LIGHT), None), Reading("prophoto"), _EXR),
        ("light beyond 0 to 1", exr(rgb(LIGHT * 4)), _EXR),
        ("light beyond 0 to 1, with `--exposure -2`", exr(rgb(LIGHT * 4)), Reading(exposure=-2), _EXR),
        ("luminance alone", exr({"Y": LIGHT[..., 1].astype(np.float32)}), _EXR),
        ("with layers beside the picture", exr({**rgb(LIGHT), **rgb(LIGHT, "diffuse.")}), _EXR),
        ("layers alone", exr({**rgb(LIGHT, "left."), **rgb(LIGHT, "right.")}), _EXR),
        ("transparent in places", exr({**rgb(LIGHT), "A": np.full(LIGHT.shape[:2], 0.5, np.float32)}), _EXR),
        ("whole numbers", exr(rgb(LIGHT * 100, kind="uint32")), _EXR),
        ("depth alone", exr({"Z": LIGHT[..., 1].astype(np.float32)}), _EXR),
    ],
    "Camera RAW (extra `raw`)": [
        ("a mosaic that LibRaw develops", by("a.dng", dng, SCENE), _RAW),
        ("cut short", cut(by("a.dng", dng, SCENE)), _RAW),
        ("that LibRaw does not develop", ("a.nef", lambda path: path.write_bytes(b"II*\0" + bytes(range(200)))), _RAW),
        (
            "developed otherwise than the preview in it shows",
            by("a.dng", dng, np.random.default_rng(1).uniform(0.1, 0.9, SCENE.shape), preview=shown(SCENE)),
            _RAW,
        ),
        ("under another name (.tif)", by("a.tif", dng, SCENE)),
        ("a Coolscan's NEF", by("a.nef", scan, CODES)),
        ("a Coolscan's NEF, with `--assume-profile`", by("a.nef", scan, CODES), Reading("prophoto")),
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
