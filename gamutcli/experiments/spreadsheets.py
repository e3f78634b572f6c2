"""Results as CSV, for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from gamutcli.experiments.folder import Row


def csv_bytes(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Rows as CSV (RFC 4180, UTF-8): those columns of theirs, empty where there is nothing."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8", "backslashreplace")
