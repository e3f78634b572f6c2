"""Whether what is marked ``gpu`` can run on this machine."""

from __future__ import annotations

from gamutcli import gpu


def reason_against(thorough: bool) -> str | None:
    """What stands against tests on a GPU; None where they can run.

    Args:
        thorough: Ask torch, which takes seconds to import, even where no trace of a driver is seen.
    """
    if not thorough and not any(path.exists() for path in gpu.DRIVER_FILES):
        return "there is no NVIDIA driver"
    return gpu._lacking()
