"""Names that come one by one, from a program that may still be looking for them."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from typing import BinaryIO

#: Names wait to be taken in bundles of so many bytes; when there are so many bundles, the program has to wait.
_BYTES, _BUNDLES = 1 << 16, 16
#: How long to wait for a name before saying that there is none at the moment, seconds.
_PATIENCE = 0.05


def names_in(stream: BinaryIO, end: bytes) -> Iterator[str | None]:
    """Go through the names in a stream as they come; None where there is none at the moment.

    Args:
        stream: It is read by a thread of its own, so that nobody has to wait for a program that is slow.
        end: Of every name: a line's, or NUL.
    """
    bundles: queue.Queue[list[bytes] | None] = queue.Queue(_BUNDLES)
    threading.Thread(target=_read, args=(stream, end, bundles), daemon=True).start()
    while True:
        try:
            bundle = bundles.get(timeout=_PATIENCE)
        except queue.Empty:
            yield None
            continue
        if bundle is None:
            return
        for name in bundle:
            decoded = os.fsdecode(name.removesuffix(b"\r") if end == b"\n" else name)
            if decoded:
                yield decoded


def _read(stream: BinaryIO, end: bytes, bundles: queue.Queue[list[bytes] | None]) -> None:
    rest = b""
    read = getattr(stream, "read1", stream.read)
    while data := read(_BYTES):
        *whole, rest = (rest + data).split(end)
        if whole:
            bundles.put(whole)
    bundles.put([rest] if rest else [])
    bundles.put(None)
