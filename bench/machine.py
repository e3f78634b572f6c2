#!/usr/bin/env python3
"""Tells in a line on what figures were measured.

Use: machine.py
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def described() -> str:
    """Processor, cores, system, and versions; the kernel of BLAS is asked of another process, for numpy is large."""
    program = "import numpy, threadpoolctl as t; print(*(i.get('architecture') for i in t.threadpool_info()[:1]))"
    kernel = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "imagecodecs", "Pillow"))
    return (
        f"{_processor()}, {_cores()} cores, {platform.system()}, Python {platform.python_version()}, {libraries}, "
        f"BLAS kernel {kernel or 'unknown'}"
    )


def _processor() -> str:
    """Name of the processor; a virtual machine may hide it, so what kind of vector unit it has stands there too."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return platform.processor() or platform.machine()
    told = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
    found = {key.strip(): value.strip() for key, value in told.items()}
    flags = found.get("flags", "").split()
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else ""
    name = found.get("model name", platform.machine()).replace("(R)", "")
    return f"{name} ({vectors})" if vectors else name


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    print(described())
