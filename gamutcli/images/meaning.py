"""What the codes of a picture mean: what its file says, what Exif says, or what the user says."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from gamutcli.arrays import StrPath
from gamutcli.color.icc import MatrixProfile, Profile, profile_of, read_profile
from gamutcli.color.icc.profile import LINEAR
from gamutcli.color.spaces import PROPHOTO, SPACES, SRGB, RGBSpace
from gamutcli.errors import InputError, UsageError
from gamutcli.images.channels import GREY_CURVE
from gamutcli.images.files import read_bytes
from gamutcli.images.named import named_by_exif
from gamutcli.images.picture import Picture
from gamutcli.images.reading import Reading

_PROFILES = (".icc", ".icm")


def meaning_of(path: StrPath, picture: Picture, reading: Reading) -> tuple[Profile, tuple[str, ...]]:
    """Find out what the codes of a picture mean: its own profile comes first, then the user's word, then Exif's.

    Returns:
        A profile, and what to tell the user.

    Raises:
        InputError: Nobody says, or the profile that the user names cannot be used.
        UsageError: An unknown space.
    """
    assumed = None if reading.assume_profile is None else assumed_profile(reading.assume_profile, reading.linear)
    profile, notes = picture.profile, picture.notes
    if profile is not None:
        if assumed is not None and not _is_same(profile, assumed):
            notes += (f"the file's own profile ({profile.title}) was used, not --assume-profile {_called(reading)}",)
    else:
        by_exif = named_by_exif(path, picture.metadata)
        if picture.is_grey and assumed is None and by_exif is None and not reading.linear:
            notes += (GREY_CURVE,)
        profile, notes = (
            _without_profile(path, picture, assumed, by_exif, reading),
            notes + _by_exif(assumed, by_exif, reading),
        )
    if picture.codes.shape[2] != profile.channels:
        raise InputError(
            f"{os.fspath(path)}: has {picture.codes.shape[2]} channels of colour, and {profile.title}, which is to say "
            f"what they mean, is for {profile.channels}; export it as 16-bit RGB."
        )
    if profile.space != PROPHOTO:
        notes += (f"the input is {profile.title}, converted to ProPhoto RGB",)
    if isinstance(profile, MatrixProfile) and not profile.has_neutral_white:
        notes += ("its profile does not make equal codes grey, as those of some cameras do, and was followed",)
    return profile, notes


def assumed_profile(name: str, linear: bool = False) -> Profile:
    """What the user says that codes mean.

    Args:
        name: Of a known space, or the path of an ICC profile.
        linear: Whether the codes are light, whatever curve that space or profile has.

    Raises:
        UsageError: An unknown space, or a profile of tables for light.
        InputError: The profile cannot be read.
    """
    if name in SPACES:
        return profile_of(SPACES[name], linear)
    if not name.lower().endswith(_PROFILES):
        raise UsageError(f"unknown space {name!r}; choose one of {', '.join(SPACES)}, or name an .icc file")
    profile = read_profile(read_bytes(Path(name)), name)
    if not linear:
        return profile
    if not isinstance(profile, MatrixProfile):
        raise UsageError(f"{name}: is made of tables, which mean no light; leave out --linear")
    return replace(profile, curves=(LINEAR, LINEAR, LINEAR))


def _without_profile(
    path: StrPath, picture: Picture, assumed: Profile | None, by_exif: RGBSpace | None, reading: Reading
) -> Profile:
    if assumed is not None:
        return assumed
    if by_exif is not None:
        return profile_of(by_exif, reading.linear)
    if picture.is_grey:
        return profile_of(SRGB, reading.linear)
    hint = "if it is ProPhoto RGB, add --assume-profile prophoto"
    if reading.linear:
        hint = "say which space its light is of, such as --assume-profile rec2020 --linear"
    raise InputError(f"{os.fspath(path)}: does not say which colours it holds; {hint}.")


def _by_exif(assumed: Profile | None, by_exif: RGBSpace | None, reading: Reading) -> tuple[str, ...]:
    """What to tell of what Exif says, which many programs carry on from the camera, true or not."""
    if by_exif is None:
        return ()
    if assumed is None:
        return (f"holds no profile, and is taken as {by_exif.title}, as its Exif says",)
    if assumed.space == by_exif:
        return ()
    return (f"is taken as {_called(reading)}, as --assume-profile says, although its Exif says {by_exif.title}",)


def _is_same(profile: Profile, other: Profile) -> bool:
    return profile.space == other.space if profile.space or other.space else profile.title == other.title


def _called(reading: Reading) -> str:
    return str(reading.assume_profile)
