"""What the library's functions return: plain figures, as the command line prints them."""

from __future__ import annotations

from dataclasses import dataclass

from gamutcli.measuring.metrics import Scores

__all__ = ["Evaluation", "ExpandResult", "Info", "ReduceResult", "Scores", "Transfer"]


@dataclass(frozen=True)
class ReduceResult:
    """What ``reduce_image`` did, with PSNR in dB over linear ProPhoto RGB.

    It is measured on the written picture, above 8 megapixels on evenly spaced strips of it.  ``clip_*`` are the
    figures of the picture without the network.  A PSNR is None where there is no such pixel, and infinite where there
    is no error.  ``de2000_og_mean`` and ``_p99`` are the mean and the 99th percentile of CIEDE2000 over out-of-gamut
    pixels, at most 200,000 evenly spaced ones, as ``Scores`` has them.  ``fit_seconds`` are those of all ``tries``:
    one, but where ``target_de`` was asked for.  ``intent`` is what was done: "relative" also where "perceptual" was
    asked for and the clip serves better, which ``notes`` say.
    """

    file: str
    source: str
    preset: str
    model: str
    hidden: int
    layers: int
    payload_bytes: int
    carrier: str
    width: int
    height: int
    status: str
    psnr_all: float | None
    psnr_og: float | None
    clip_psnr_all: float | None
    clip_psnr_og: float | None
    de2000_og_mean: float | None
    de2000_og_p99: float | None
    clip_de2000_og_mean: float | None
    clip_de2000_og_p99: float | None
    og_pct: float
    fit_seconds: float
    steps: int
    target_de: float | None
    tries: int
    intent: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ExpandResult:
    """What ``expand_image`` did: ``og_pct`` is the share of pixels that look clipped, which the network corrected."""

    file: str
    source: str
    to: str
    status: str
    width: int
    height: int
    og_pct: float
    clipped_pct: float
    device: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Info:
    """What a reduced file holds, and whether its pixels still fit.

    ``recognised`` says in words what was done to them ("rotated by 180 degrees, resized"), and is empty for nothing.
    Of a payload in a file of its own, without pixels, ``status`` is "payload" and ``difference`` not a number.

    How near its colours come back, no payload records: ``evaluate`` tells, given the original.
    """

    file: str
    model: str
    hidden: int
    layers: int
    payload_bytes: int
    carrier: str
    width: int
    height: int
    status: str
    recognised: str
    difference: float
    format_version: int
    tolerance: int
    adaptation: str
    every_pixel: bool
    intent: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """A picture against its original: the plain picture, without the network, and the restored one.

    ``intent`` is that of a reduced file, and None where a restored one was compared.

    ``fit_seconds`` is always None: how long a fit took is told by ``ReduceResult``, and no file knows it.
    """

    file: str
    reference: str
    width: int
    height: int
    og_pct: float
    payload_bytes: int | None
    fit_seconds: float | None
    plain: Scores
    restored: Scores
    intent: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Transfer:
    """What became of a payload that was moved: the file written, and where the payload is, or was found.

    ``carrier`` is "none" where the payload is gone; ``payload_bytes`` counts what was taken or put there, 0 when it
    was damaged.
    """

    file: str
    source: str
    carrier: str
    payload_bytes: int
    notes: tuple[str, ...] = ()
