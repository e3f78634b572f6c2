"""Heads of files, read without their pixels."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from gamutcli.batch.headers import read_head
from tests.golden.make import HERE


def test_a_chunk_that_claims_gigabytes_asks_for_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own read takes memory for all that it is asked for, before it reads."""
    path = tmp_path / "a.png"
    path.write_bytes((HERE / "reduced" / "default.png").read_bytes()[:33] + struct.pack(">I4s", 0xFFFFFFF0, b"eXIf"))
    asked: list[int] = []
    read = os.read
    monkeypatch.setattr(os, "read", lambda file, size: asked.append(size) or read(file, size))
    assert read_head(path) == path.read_bytes()
    assert max(asked) <= path.stat().st_size
