"""Read an OpenEXR file, light of 16 or 32 bits, with OpenEXR's own library, which the extra [exr] asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamutcli.color.icc import Profile, profile_of
from gamutcli.color.spaces import D65, SRGB, RGBSpace
from gamutcli.errors import OUT_OF_MEMORY, InputError, is_of_memory
from gamutcli.images.channels import Samples, picture_of
from gamutcli.images.claims import check_samples
from gamutcli.images.files import can_have, damaged
from gamutcli.images.meaning import assumed_profile
from gamutcli.images.picture import Picture, check_size
from gamutcli.images.reading import Reading, choose
from gamutcli.images.silence import silenced
from gamutcli.metadata import Metadata

_RGB, _GREY = ("R", "G", "B"), ("Y",)
_NO_CHROMATICITIES = "names no chromaticities, and is taken as linear Rec. 709, as OpenEXR says"
_CUT = "what lies outside its display window was left out"
# Alpha of half precision is not always 1 where it should be.
_OPAQUE = 0.999
_HEADERS, _BYTES = 1 << 24, 8  # of memory that the library takes at least, and of each sample of all pictures


@dataclass(frozen=True)
class _Layer:
    """A picture in the file: channels of one part that share the beginning of their names."""

    part: int
    prefix: str
    colors: tuple[str, ...]
    has_alpha: bool

    @property
    def title(self) -> str:
        return self.prefix.rstrip(".") or f"part {self.part + 1}"


def read_exr(path: Path, reading: Reading) -> Picture:
    """Read the picture of an OpenEXR file, as light.

    Raises:
        InputError: OpenEXR is not installed, or the file is damaged, deep, or holds several pictures.
    """
    try:
        import OpenEXR
    except ImportError as error:
        raise InputError(
            f"{path}: is an OpenEXR file; export it as a 16-bit ProPhoto TIFF, or have it read: pip install OpenEXR"
        ) from error
    name = str(path)
    needed = _HEADERS
    try:
        with silenced():
            headers = OpenEXR.File(name, separate_channels=True, header_only=True)
        layers = _layers(name, headers)
        samples = sum(_samples(part.header) for part in headers.parts)
        check_samples(name, samples, path.stat().st_size)
        needed += _BYTES * samples
        layer, notes = _chosen(name, layers, reading)
        with silenced():
            part = OpenEXR.File(name, separate_channels=True).parts[layer.part]
        header, found = part.header, {key: channel.pixels for key, channel in part.channels.items()}
        pixels, is_cut = _in_display_window(name, _join(name, found, layer), header)
        profile, told = _meaning(header, reading)
    except MemoryError as error:
        raise InputError(f"{path}: {OUT_OF_MEMORY}") from error
    except (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        # A damaged file makes the library raise any of these, and attributes of other types make us.
        if is_of_memory(error) or not can_have(needed):
            raise InputError(f"{path}: {OUT_OF_MEMORY}") from error
        raise damaged(name, "OpenEXR file") from error
    channels = Samples(pixels, 1, "rgb" if layer.colors == _RGB else "grey", "associated" if layer.has_alpha else None)
    notes += told + ((_CUT,) if is_cut else ())
    return picture_of(name, channels, profile, _metadata(header), reading, notes)


def _layers(name: str, file: Any) -> list[_Layer]:
    """Find the pictures in a file from its headers, and refuse sizes that cannot be."""
    layers: list[_Layer] = []
    for number, part in enumerate(file.parts):
        window = part.header["dataWindow"]
        width, height = (int(high) - int(low) + 1 for low, high in zip(*window, strict=True))
        check_size(name, width, height)
        if "deep" in str(part.header.get("type", "")):
            raise InputError(f"{name}: is a deep picture, of several colours a pixel; flatten it.")
        names = {channel.name: channel for channel in part.header["channels"]}
        for prefix in dict.fromkeys(each.rpartition(".")[0] + "." if "." in each else "" for each in names):
            colors = next((kind for kind in (_RGB, _GREY) if all(prefix + one in names for one in kind)), None)
            if colors == _GREY and prefix + "RY" in names:
                raise InputError(f"{name}: holds luminance and colour differences; save it as RGB.")
            if colors is None:
                continue
            if any(names[prefix + one].xSampling != 1 or names[prefix + one].ySampling != 1 for one in colors):
                raise InputError(f"{name}: its channels are of different sizes; save it as RGB.")
            layers.append(_Layer(number, prefix, colors, prefix + "A" in names))
    if not layers:
        raise InputError(f"{name}: holds no channels R, G and B, nor Y; export its colours.")
    return layers


def _samples(header: Mapping[str, Any]) -> int:
    """How many samples a part claims; all its channels are decoded."""
    window = header["dataWindow"]
    return len(header["channels"]) * prod(int(high) - int(low) + 1 for low, high in zip(*window, strict=True))


def _chosen(name: str, layers: list[_Layer], reading: Reading) -> tuple[_Layer, tuple[str, ...]]:
    """Choose a picture: the user's, or the one without a name of its own, or the only one."""
    unnamed = [layer for layer in layers if not layer.prefix]
    if reading.page is not None or (len(unnamed) != 1 and len(layers) > 1):
        try:
            return layers[choose(name, reading, len(layers))], ()
        except InputError as error:
            named = ", ".join(f"{number} {layer.title}" for number, layer in enumerate(layers[:12], 1))
            raise InputError(f"{str(error).rstrip('.')}: {named}.") from None
    layer = unnamed[0] if unnamed else layers[0]
    others = len(layers) - 1
    what = "another picture in the file was" if others == 1 else f"{others} other pictures in the file were"
    return layer, (f"{what} left out; --page N chooses one",) if others else ()


def _join(name: str, found: Mapping[str, NDArray[Any]], layer: _Layer) -> NDArray[Any]:
    """(height, width, channels) of a picture, alpha last."""
    wanted = [found[layer.prefix + one] for one in (*layer.colors, *(("A",) if layer.has_alpha else ()))]
    if any(channel.dtype.kind != "f" for channel in wanted):
        raise InputError(f"{name}: its samples are whole numbers, not light; export it as floating point.")
    pixels = np.stack(wanted, axis=-1)
    if layer.has_alpha:
        alpha = pixels[..., -1]
        alpha[alpha >= _OPAQUE] = 1
    return pixels


def _in_display_window(name: str, pixels: NDArray[Any], header: Mapping[str, Any]) -> tuple[NDArray[Any], bool]:
    """Cut a picture to what is meant to be seen of it: many renderers add a margin."""
    (left, top), (right, bottom) = (tuple(map(int, corner)) for corner in header["dataWindow"])
    (from_x, from_y), (to_x, to_y) = (tuple(map(int, corner)) for corner in header["displayWindow"])
    rows = slice(max(from_y - top, 0), max(min(to_y, bottom) - top + 1, 0))
    columns = slice(max(from_x - left, 0), max(min(to_x, right) - left + 1, 0))
    cut = pixels[rows, columns]
    if not cut.size:
        raise damaged(name, "OpenEXR file")
    return np.ascontiguousarray(cut), cut.shape != pixels.shape


def _meaning(header: Mapping[str, Any], reading: Reading) -> tuple[Profile, tuple[str, ...]]:
    """The light's primaries and white; what OpenEXR holds is linear, whatever space the user names."""
    if "chromaticities" in header:
        rx, ry, gx, gy, bx, by, wx, wy = map(float, header["chromaticities"])
        own = RGBSpace("own", "light of its own chromaticities", ((rx, ry), (gx, gy), (bx, by)), (wx, wy), SRGB.curve)
        profile = profile_of(own, linear=True)
        return replace(profile, description=f"linear {profile.space.title}") if profile.space else profile, ()
    if reading.assume_profile is not None:
        return assumed_profile(reading.assume_profile, linear=True), ()
    return profile_of(RGBSpace("rec709", "linear Rec. 709", SRGB.primaries, D65, SRGB.curve), linear=True), (
        _NO_CHROMATICITIES,
    )


def _metadata(header: Mapping[str, Any]) -> Metadata:
    """What darktable and others keep in attributes."""
    xmp = header.get("xmp")
    return Metadata(xmp=xmp.encode() if isinstance(xmp, str) and xmp else None)
