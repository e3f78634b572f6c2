"""Results as figures, drawn by matplotlib (the extra [plots]); without it, a note says so.

Nothing here touches matplotlib's global state: figures are objects, drawn without a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from gamutcli.experiments.folder import ResultsFolder

#: The same bytes for the same figures; text as outlines, for fonts differ.
STYLE = {"svg.hashsalt": "gamutcli", "svg.fonttype": "path", "font.size": 9, "axes.axisbelow": True}
FORMATS = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
DPI = 160
INK = "#303030"


@dataclass(frozen=True)
class Curve:
    """Some points of a plot that belong together.

    Attributes:
        label: What they are.
        points: Bytes or steps, and decibels, of each.
        style: Of ``Axes.plot``: color, marker and line, so that it can be told apart without the color.
    """

    label: str
    points: Sequence[tuple[float, float]]
    style: dict[str, Any]


def file_names(stem: str) -> tuple[str, ...]:
    """The files that a figure is published as."""
    return tuple(f"{stem}.{format}" for format in FORMATS)


def publish(folder: ResultsFolder, stem: str, render: Callable[[], Any]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Render a figure into the files of ``file_names``.

    Args:
        folder: Takes the files.
        stem: Their name.
        render: Gives a ``matplotlib.figure.Figure``.

    Returns:
        What was written, and what to tell the user: matplotlib may be missing.
    """
    try:
        import matplotlib
    except ImportError:
        return left_out(folder, stem, "matplotlib is not installed (pip install matplotlib)")
    with matplotlib.rc_context(STYLE):
        figure = render()
        return tuple(folder.publish(f"{stem}.{format}", _encode(figure, format)) for format in FORMATS), ()


def left_out(folder: ResultsFolder, stem: str, reason: str) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Draw nothing, and let no figure of an earlier run stand beside new tables; returns what ``publish`` does."""
    for name in file_names(stem):
        folder.retract(name)
    return (), (f"{' and '.join(file_names(stem))} were not drawn, as {reason}",)


def quality_by_size(curves: Sequence[Curve], clip: float | None, title: str) -> Any:
    """PSNR against bytes, the bytes on a logarithmic scale: a ``matplotlib.figure.Figure``.

    Args:
        curves: In the order of the legend; at least one has a point.
        clip: PSNR without any bytes, a line across; None: no line.
        title: What the figures are of.
    """
    figure, axes = _quality(curves, title, "payload (1 KB = 1,000 bytes)", lambda size: f"{size / 1000:g} KB")
    if clip is not None:
        axes.axhline(clip, color=INK, linewidth=1, linestyle=(0, (1, 2)), label="clip: no payload")
    figure.legend(loc="outside right upper", frameon=False, handlelength=3.2)
    return figure


def quality_by_steps(curves: Sequence[Curve], title: str) -> Any:
    """PSNR against steps of the optimiser, these on a logarithmic scale: a ``matplotlib.figure.Figure``."""
    figure, axes = _quality(curves, title, "steps", lambda steps: f"{steps:g}")
    axes.legend(loc="lower right", frameon=False, handlelength=3.2)
    return figure


def _quality(curves: Sequence[Curve], title: str, across: str, told: Callable[[float], str]) -> tuple[Any, Any]:
    """A figure with curves of decibels over a logarithmic scale, and its axes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(8.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    for curve in curves:
        if curve.points:
            axes.plot(*zip(*curve.points, strict=True), label=curve.label, **curve.style)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: told(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(title=title, xlabel=across, ylabel="PSNR out of gamut, dB (linear ProPhoto RGB)")
    axes.grid(color="#e4e4e4", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _encode(figure: Any, format: str) -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format=format, dpi=DPI, metadata=FORMATS[format])
    return stream.getvalue()
