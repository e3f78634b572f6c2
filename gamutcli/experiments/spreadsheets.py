"""Results as CSV, for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from gamutcli.experiments.folder import Row


def csv_bytes(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Rows as CSV (RFC 4180, UTF-8): those columns of theirs, empty where there is nothing."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _as_text(value) for name, value in row.items()} for row in rows)
    return stream.getvalue().encode("utf-8", "backslashreplace")


def _as_text(value: Any) -> Any:
    """A cell that spreadsheets do not take for a formula: a picture's name is not ours."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
