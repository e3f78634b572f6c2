"""What this machine has, or what the part of it that this process may use: processors and memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

#: Of the memory, that pictures may take.
SHARE = 0.7
#: An even smaller limit is no limit but a mistake; also what is assumed where nothing is known.
_LEAST, _UNKNOWN = 256 << 20, 4 << 30
_GROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """How many processors this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for text in _limits("cpu.max"):
        quota, _, period = text.partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            allowed = min(allowed, max(1, int(quota) // int(period)))
    return allowed


def memory() -> int:
    """How many bytes of memory this machine has, or the control group that this process is in."""
    limits = [int(text) for text in _limits("memory.max") if text.isdecimal()]
    old = _read(_GROUPS / "memory/memory.limit_in_bytes")
    if old.isdecimal():
        limits.append(int(old))
    return min([_physical(), *(limit for limit in limits if limit >= _LEAST)])


def _limits(name: str) -> Iterator[str]:
    """What a control group says of this process's limits, and those that it is in."""
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        number, _, rest = line.partition(":")
        if number != "0":
            continue
        group = _GROUPS / rest.partition(":")[2].lstrip("/")
        for folder in (group, *group.parents):
            if folder == _GROUPS.parent:
                break
            text = _read(folder / name)
            if text:
                yield text


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _physical() -> int:
    if sys.platform == "win32":
        return _of_windows()
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return _UNKNOWN


def _of_windows() -> int:
    """Ask Windows; source: Win32 API, MEMORYSTATUSEX."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        )

    status = Status(length=ctypes.sizeof(Status))
    known = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined,unused-ignore]
    return int(status.total) if known else _UNKNOWN
