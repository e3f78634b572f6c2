"""What holds for any bytes, damaged or not."""

from __future__ import annotations

import contextlib

from gamutcli.errors import InputError, PayloadError
from gamutcli.metadata import Metadata
from gamutcli.payload.carriers import embed, extract, strip


def survive(data: bytes, metadata: Metadata) -> None:
    """Look for a payload, take it out and put another one in: each works, or says in an error of ours why not."""
    for action in (extract, strip, lambda damaged: embed(damaged, b"new", metadata)):
        with contextlib.suppress(InputError, PayloadError):
            action(data)
