"""Makers of small sources of every kind: the name of a file, and what writes it there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import PROPHOTO
from tests.images import test_exr, test_heic, test_jpeg, test_read, test_tiff
from tests.support.pictures import wide_codes, write_tiff

CODES = wide_codes(48, 64)
NARROW = (CODES >> 8).astype(np.uint8)
TAGGED = write_profile(PROPHOTO)

Maker = tuple[str, Callable[[Path], object]]


def tiff(codes: Any = CODES, space: str | None = "prophoto", **settings: Any) -> Maker:
    return "a.tif", lambda path: write_tiff(path, codes, space, **settings)


def pages(*written: tuple[Any, dict[str, Any]]) -> Maker:
    return "a.tif", lambda path: test_tiff.pages(
        path, *((codes, {"iccprofile": TAGGED} | more) for codes, more in written)
    )


def png(*chunks: bytes, codes: Any = CODES) -> Maker:
    return "a.png", lambda path: path.write_bytes(test_read.png(codes, *chunks))


def jpeg(codes: Any = NARROW, mode: str | None = None, **settings: Any) -> Maker:
    return "a.jpg", lambda path: test_jpeg.jpeg(path, codes, mode, **{"icc_profile": TAGGED} | settings)


def by(name: str, function: Callable[..., object], *rest: Any, **settings: Any) -> Maker:
    """A maker of the tests of one format."""
    return name, lambda path: function(path, *rest, **settings)


def cut(maker: Maker) -> Maker:
    """The first two thirds of a file."""

    def make(path: Path) -> None:
        maker[1](path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])

    return maker[0], make


def changed(maker: Maker, change: Callable[[bytes], bytes]) -> Maker:
    def make(path: Path) -> None:
        maker[1](path)
        path.write_bytes(change(path.read_bytes()))

    return maker[0], make


def heic(*rest: Any, icc: bytes | None = None, **settings: Any) -> Maker:
    def make(path: Path) -> None:
        import pillow_heif

        if icc is None:
            test_heic.heic(pillow_heif, path, *rest, **settings)
            return
        image = pillow_heif.from_bytes("RGB;16", (64, 48), CODES.tobytes())
        image.info.update(icc_profile=icc, icc_profile_type="prof")
        image.save(path, quality=-1, chroma=444)

    return "a.heic", make


def heic_of_two(path: Path) -> None:
    import pillow_heif

    file = pillow_heif.from_pillow(Image.fromarray(NARROW))
    file.add_from_pillow(Image.fromarray(255 - NARROW))
    file.save(path, **test_heic.LOSSLESS, **test_heic.P3)


def exr(channels: dict[str, Any], space: str | None = "prophoto") -> Maker:
    def make(path: Path) -> None:
        import OpenEXR

        test_exr.write(OpenEXR, path, channels, **({"chromaticities": test_exr.chromaticities(space)} if space else {}))

    return "a.exr", make


def mpo(path: Path) -> None:
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


def deep_jpeg(path: Path, bits: int) -> None:
    path.write_bytes(
        imagecodecs.jpeg8_encode(CODES >> (16 - bits), 100, lossless=bits == 16, bitspersample=bits, subsampling="444")
    )


def pillow(path: Path, **settings: Any) -> None:
    Image.fromarray(NARROW).save(path, **settings)


def animated(path: Path, format: str, **settings: Any) -> None:
    Image.fromarray(NARROW).save(path, format, save_all=True, append_images=[Image.fromarray(255 - NARROW)], **settings)


def cmyk(icc: bytes | None = None) -> Maker:
    settings = {"space": None, "photometric": "separated", "iccprofile": icc}
    return tiff(np.dstack([NARROW, NARROW[..., 0]]), **settings)


def shown(light: Any) -> Any:
    """A scene of this light, as a camera's preview shows it."""
    return np.repeat(np.round(255 * light**0.45).astype(np.uint8)[..., None], 3, axis=2)
