"""What the manifests of earlier runs say of a result, found without holding them in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from gamutcli.batch.manifest import FOLDER, SUFFIX, Record
from gamutcli.batch.shard import stable_hash

#: How every line begins.
_FILE = re.compile(rb'\{"file": ("(?:[^"\\]|\\.)*")')
#: A place is the number of a manifest and an offset in it.
_OFFSET_BITS = 44


class History:
    """The last line on every result, by the time at which the manifests were begun.

    Args:
        folder: Of the results.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._files: list[Path] = []
        self._read_to: list[int] = []
        # Numbers only: a million lines are too many to keep.
        self._places: dict[int, int] = {}
        self.catch_up()

    def catch_up(self) -> None:
        """Read what has been written down since, by whichever run."""
        known = set(self._files)
        new = sorted(path for path in self._folder.glob(f"*{SUFFIX}") if path not in known)
        self._files += new
        self._read_to += [0] * len(new)
        for number, path in enumerate(self._files):
            for name, offset, end in _lines(path, self._read_to[number]):
                self._read_to[number] = end
                self._places[stable_hash(name)] = number << _OFFSET_BITS | offset

    def __len__(self) -> int:
        return len(self._places)

    def find(self, file: str) -> Record | None:
        """Return the last line on a result; None where there is none."""
        place = self._places.get(stable_hash(file))
        return None if place is None else self._read(place, file)

    def records(self) -> Iterator[Record]:
        """Go through the last lines on all results."""
        for place in self._places.values():
            record = self._read(place)
            if record is not None:
                yield record

    def _read(self, place: int, file: str | None = None) -> Record | None:
        number, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
        try:
            with self._files[number].open("rb") as lines:
                lines.seek(offset)
                record = Record.read(lines.readline())
        except OSError:
            return None
        return record if record is not None and file in (None, record.file) else None


def _lines(path: Path, offset: int) -> Iterator[tuple[str, int, int]]:
    """Go through the lines of a manifest that are whole: the result that each is about, where it begins and ends."""
    try:
        with path.open("rb") as lines:
            lines.seek(offset)
            for line in lines:
                found = _FILE.match(line)
                if found and line.endswith(b"}\n"):
                    yield json.loads(found[1]), offset, offset + len(line)
                offset += len(line)
    except OSError:
        return
