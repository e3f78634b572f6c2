"""Commands that write, and the folders in which they run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from gamutcli.payload import carriers
from tests.golden.make import HERE
from tests.support.batches import plain_picture
from tests.support.pictures import wide_codes, write_tiff

_GOLDEN = HERE / "reduced"


@dataclass(frozen=True)
class Scene:
    """A command and what it is to write.

    Attributes:
        name: In the table.
        words: After `gamut`; files are named as they are below the folder.
        targets: What it writes, below the folder.
        former: Of these, what is there before: files of another content, below the folder.
        overwrite: Whether they may be replaced.
    """

    name: str
    words: tuple[str, ...]
    targets: tuple[str, ...]
    former: bool = False

    @property
    def line(self) -> tuple[str, ...]:
        return (*self.words, *(["--overwrite"] if self.former else []))

    @property
    def again(self) -> tuple[str, ...]:
        """The next run, which may replace what this one has written."""
        return (*self.words, "--overwrite")

    @property
    def folder(self) -> str:
        """Where it writes."""
        return self.targets[0].split("/")[0]

    @property
    def is_batch(self) -> bool:
        return self.words[0] == "batch"

    @property
    def is_pair(self) -> bool:
        return any(name.endswith(".jpg.gamut") for name in self.targets)

    def prepare(self, folder: Path) -> dict[str, bytes]:
        """Make a folder for it, and return what its targets hold before."""
        sources(folder)
        (folder / "out").mkdir()
        for name in self.targets if self.former else ():
            if not name.startswith("in/"):
                (folder / name).write_bytes(former_content(name))
        return {name: (folder / name).read_bytes() for name in self.targets if (folder / name).exists()}


def scenes(*, with_batch: bool) -> list[Scene]:
    """All of them: each command onto a free name, and onto one that is taken."""
    found = []
    for former in (False, True):
        found += [Scene(name, words, targets, former) for name, words, targets in _COMMANDS]
    found.append(Scene("strip, in place", ("strip", "in/photo.jpg", "in/photo.jpg"), ("in/photo.jpg",), former=True))
    if with_batch:
        words = ("batch", "reduce", "in/many", "-o", "out", "-j", "2", "--preset", "fast")
        targets = tuple(f"out/{number}.jpg" for number in range(6))
        found += [Scene("batch", words, targets), Scene("batch", words, targets, former=True)]
    return found


_COMMANDS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("reduce", ("reduce", "in/wide.tif", "out/a.jpg", "--preset", "fast"), ("out/a.jpg",)),
    (
        "reduce, sidecar",
        ("reduce", "in/wide.tif", "out/a.jpg", "--preset", "fast", "--carrier", "sidecar"),
        ("out/a.jpg", "out/a.jpg.gamut"),
    ),
    ("expand", ("expand", "in/photo.jpg", "out/a.tif"), ("out/a.tif",)),
    ("expand, PNG", ("expand", "in/photo.jpg", "out/a.png"), ("out/a.png",)),
    ("strip", ("strip", "in/photo.jpg", "out/a.jpg"), ("out/a.jpg",)),
    ("extract", ("extract", "in/photo.jpg", "out/a.gamut"), ("out/a.gamut",)),
    ("embed", ("embed", "in/photo.jpg", "in/payload.gamut", "out/a.jpg"), ("out/a.jpg",)),
    (
        "embed, sidecar",
        ("embed", "in/photo.jpg", "in/payload.gamut", "out/a.jpg", "--carrier", "sidecar"),
        ("out/a.jpg", "out/a.jpg.gamut"),
    ),
)


def sources(folder: Path) -> None:
    """Make the folder `in`, from which all commands read."""
    into = folder / "in"
    into.mkdir(parents=True)
    write_tiff(into / "wide.tif", wide_codes(40, 60))
    shutil.copy(_GOLDEN / "default.jpg", into / "photo.jpg")
    shutil.copy(_GOLDEN / "default.png", into / "photo.png")
    (into / "many").mkdir()
    for number in range(6):
        plain_picture(into / "many" / f"{number}.tif", number)
    found = carriers.extract((into / "photo.jpg").read_bytes())
    assert found is not None
    (into / "payload.gamut").write_bytes(found.payload)


def former_content(name: str) -> bytes:
    """What lies under the name of a target before: a sound picture or payload of other pixels."""
    other = _GOLDEN / ("sidecar.jpg.gamut" if name.endswith(".gamut") else "sidecar.jpg")
    return other.read_bytes() + (b"former" if not name.endswith((".jpg", ".gamut")) else b"")
