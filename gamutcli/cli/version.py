"""gamut --version: what a bug report needs. The first line is `gamut` and the version, for scripts."""

from __future__ import annotations

import platform
import re

import click

from gamutcli import __version__
from gamutcli.cli.console import say

PACKAGE = "gamutcli"


def show_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print all versions and end, where that is wanted."""
    if not wanted or context.resilient_parsing:
        return
    say(f"gamut {__version__}")
    for name, value in _facts().items():
        say(f"  {name:<10} {value}")
    context.exit()


def _facts() -> dict[str, str]:
    from gamutcli.payload.format import VERSION
    from gamutcli.weights import all_shipped

    needed, extras = _requirements()
    return {
        "format": f"payload version {VERSION}",
        "weights": ", ".join(f"{name} ({weights.digest[:8]})" for name, weights in all_shipped().items()) or "none",
        "python": f"{platform.python_version()} ({platform.python_implementation()}), {platform.platform()}",
        "numpy": f"{_version('numpy')}, {_kernels()}",
        "torch": f"{_version('torch')}, {_device()}",
        "libraries": ", ".join(f"{name} {_version(name)}" for name in needed if name != "numpy") or "not installed",
        "extras": ", ".join(f"{name}: {_present(names)}" for name, names in extras.items()) or "not installed",
    }


def _version(name: str) -> str:
    from importlib import metadata  # takes as long to load as all help

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _kernels() -> str:
    """The matrix library that numpy has loaded: its name, version and the processor that it takes this one for."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))  # has it loaded
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return (
        "; ".join(
            f"{library['internal_api']} {library['version']} {library.get('architecture') or ''}".rstrip()
            + f" ({library['num_threads']} threads)"
            for library in found
        )
        or "a matrix library that does not tell its name"
    )


def _device() -> str:
    """Where networks can run. Without a driver, torch is not asked: that takes seconds."""
    from gamutcli import gpu

    if not any(path.exists() for path in gpu.DRIVER_FILES):
        return "no NVIDIA driver: cpu"
    return gpu.device_name()


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """What this package says that it needs, and what each of its extras does."""
    from importlib import metadata

    try:
        lines = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:  # run from its source, not installed
        lines = []
    needed: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in lines:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"""extra == ['"]([\w.-]+)['"]""", line)
        if name and extra:
            extras.setdefault(extra[1], []).append(name[0])
        elif name:
            needed.append(name[0])
    return needed, extras


def _present(names: list[str]) -> str:
    """Which packages of an extra are there."""
    missing = [name for name in names if name != PACKAGE and _version(name) == "not installed"]
    there = [f"{name} {_version(name)}" for name in names if name not in missing and name != PACKAGE]
    return "no" if not there else ("yes" if not missing else "in part") + f" ({', '.join(there)})"
