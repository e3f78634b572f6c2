"""The page of `gamut view`: the scripts and the pictures in one file that asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from gamutcli import images, storage
from gamutcli.arrays import StrPath
from gamutcli.containers import Metadata
from gamutcli.errors import GamutError, InputError, NoPayload, UsageError
from gamutcli.payload import carriers
from gamutcli.payload.carriers import SIDECAR
from gamutcli.payload.sidecar import payload_of
from gamutcli.restore import unpack_found
from gamutcli.viewer.classic import FILE

#: Formats that gamut.js reads; others are shown as PNG, which keeps every pixel.
SHOWN = ("jpeg", "png", "webp")


@dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Attributes:
        name: What it is called.
        data: The file, in base64.
        sidecar: Its payload in base64, where that stands beside it; otherwise "".
        words: What to tell of it; may be "".
    """

    name: str
    data: str
    sidecar: str = ""
    words: str = ""


def open_picture(source: StrPath) -> Picture:
    """Read a picture for the page.

    A picture without a payload is shown plain; one whose payload is damaged too, and the page says so.

    Raises:
        InputError: It cannot be read as a picture.
    """
    path = Path(source)
    data = images.read_bytes(path)
    found, words = None, ""
    try:
        found = payload_of(path, data)
        unpack_found(path, found)
    except NoPayload:
        words = "This picture holds no payload: it is shown as it is."
    except GamutError as error:
        words = str(error).replace(str(path), path.name)  # where it lay is nobody's concern who is sent the page
    if images.sniff(data) in SHOWN:
        sidecar = _base64(found.payload) if found and found.carrier == SIDECAR else ""
        return Picture(path.name, _base64(data), sidecar, words)
    codes = images.decode_reduced(data, str(path))
    try:
        data = images.encode_reduced(codes, "png")
    except UsageError as error:
        height, width, _ = codes.shape
        raise InputError(f"{path}: {width} x {height} pixels are more a side than a page can show; cut it.") from error
    if found:
        data = carriers.embed(data, found.payload, Metadata(), "xmp").data
    words = f"{words} Browsers do not show this format everywhere: the page holds the same pixels as PNG.".strip()
    return Picture(f"{path.name}.png", _base64(data), words=words)


def page_of(pictures: Sequence[Picture]) -> bytes:
    """Put the page together: HTML, UTF-8."""
    title = pictures[0].name if len(pictures) == 1 else f"{len(pictures)} pictures"
    style, script = _file("view.css"), _file("view.js")
    # JSON within HTML: nothing in it may look like the end of its element.
    held = json.dumps([asdict(picture) for picture in pictures]).replace("<", "\\u003c")
    html = Template(_file("page.html")).substitute(
        title=escape(title),
        style=style,
        script=script,
        files=held,
        gamut=_file(FILE),
        policy=(
            f"default-src 'none'; script-src 'sha256-{_sha256(script)}' blob:; style-src 'sha256-{_sha256(style)}'; "
            "img-src blob: data:; worker-src blob:; base-uri 'none'; form-action 'none'"
        ),
    )
    return html.encode("utf-8", "replace")


@images.heeding_allow_large
def write_page(
    sources: Sequence[StrPath], target: StrPath, *, allow_large: bool = False, overwrite: bool = False
) -> None:
    """Write a page that shows reduced pictures, plain and restored.

    Args:
        sources: The pictures.
        target: An .html file.
        allow_large: Show it although a file claims more than the limits of SECURITY.md allow.
        overwrite: Whether it may be replaced.

    Raises:
        InputError, OutputError: See ``gamutcli.errors``; nothing is left behind.
    """
    storage.check_target(target, overwrite)
    storage.publish(target, page_of([open_picture(source) for source in sources]), overwrite)


def _file(name: str) -> str:
    return files(__package__ or "gamutcli.viewer").joinpath(name).read_text("utf-8")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
