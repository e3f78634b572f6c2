"""<gamut-img> keeps the plain picture wherever something is missing: one test for each thing, and for each attack."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from gamutcli.payload.parts import split
from gamutcli.payload.sidecar import payload_of
from gamutcli.viewer.classic import FILE, classic_script
from tests.golden.make import HERE
from tests.support.browsers import Browser, Site, served
from tests.support.elements import POLICY, complaints, page, picture, settled

REDUCED = HERE / "reduced"
PLAIN_SIZE = "return [...document.querySelectorAll('img')].map(one => [one.naturalWidth, one.offsetWidth])"
EVENTS = '<script src="/events.js"></script>'
#: Writes down the events that elements tell; they do not bubble, but can be captured.
LISTENER = """
globalThis.told = [];
for (const name of ["restored", "plain", "error"]) {
  addEventListener(name, event => event.target.localName === "gamut-img" && told.push(name), true);
}
"""


@pytest.fixture(scope="module")
def other() -> Iterator[Site]:
    """Another host."""
    with served() as other:
        content = (REDUCED / "default.jpg").read_bytes()
        other.add("shared.jpg", content, Access_Control_Allow_Origin="*")
        other.add("closed.jpg", content)
        yield other


def png_with(packed: bytes, name: str = "default.png") -> bytes:
    """A golden PNG that carries another payload."""
    content = (REDUCED / name).read_bytes()
    return _with_text(content, split(packed, [len(packed)])[0])


def _with_text(content: bytes, *parts: bytes) -> bytes:
    """The pixels of a PNG, and parts in an XMP packet."""
    values = b"".join(b"<gamut:Payload>" + part + b"</gamut:Payload>" for part in parts)
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:gamut="https://gamutcli.github.io/ns/1.0/">'
        + values
        + b"</x:xmpmeta>"
    )
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    file = io.BytesIO()
    Image.open(io.BytesIO(content)).save(file, "png", pnginfo=info)
    return file.getvalue()


def payload(name: str = "default.png") -> bytearray:
    """The bare payload of a golden picture."""
    path = REDUCED / name
    return bytearray(payload_of(path, path.read_bytes()).payload)


def sealed(packed: bytes) -> bytes:
    """With a checksum that is right."""
    return bytes(packed[:-4]) + zlib.crc32(packed[:-4]).to_bytes(4, "little")


def shown(chromium: Browser, site: Site, name: str, content: bytes | None = None, of_image: str = "") -> list[str]:
    """State, reason and event of one picture; the plain one has to be there in any case."""
    if content is not None:
        site.add(name, content)
    site.add("events.js", LISTENER)
    told = settled(chromium, site, page(EVENTS, picture(name, of_image=of_image)))
    sizes = chromium.run(PLAIN_SIZE)
    assert sizes[0][0] > 0
    assert sizes[0][0] == sizes[0][1]
    assert len(chromium.run("return told")) == 1
    return [*told[0], *chromium.run("return told")]


def test_a_picture_is_asked_for_once(chromium: Browser, site: Site) -> None:
    site.asked.clear()
    site.add("once.jpg", (REDUCED / "default.jpg").read_bytes())
    assert shown(chromium, site, "once.jpg") == ["restored", "", "restored"]
    assert site.asked.count("once.jpg") == 1
    assert complaints(chromium) == []


def test_a_picture_without_a_payload_stays(chromium: Browser, site: Site) -> None:
    assert shown(chromium, site, "sidecar.jpg") == ["plain", "no-payload", "plain"]
    assert complaints(chromium) == []


def test_a_picture_of_another_host_without_crossorigin_stays_and_is_not_asked_for_again(
    chromium: Browser, site: Site, other: Site
) -> None:
    other.asked.clear()
    policy = POLICY.replace("img-src 'self'", f"img-src 'self' {other.address}")
    html = page(picture(f"{other.address}/closed.jpg"))
    assert settled(chromium, site, html, policy=policy) == [["plain", "cors"]]
    assert other.asked == ["closed.jpg"]
    assert complaints(chromium) == []


def test_a_picture_of_another_host_that_allows_it_is_restored_and_asked_for_once(
    chromium: Browser, site: Site, other: Site
) -> None:
    other.asked.clear()
    policy = POLICY.replace(
        "img-src 'self'; connect-src 'self'", f"img-src 'self' {other.address}; connect-src {other.address}"
    )
    html = page(picture(f"{other.address}/shared.jpg", of_image='crossorigin="anonymous"'))
    assert settled(chromium, site, html, policy=policy) == [["restored", ""]]
    assert other.asked == ["shared.jpg"]
    assert complaints(chromium) == []


def test_a_sidecar_that_is_missing_leaves_the_plain_picture(chromium: Browser, site: Site) -> None:
    assert settled(chromium, site, page(picture("default.jpg", "sidecar"))) == [["plain", "cors"]]


def test_a_browser_without_display_p3_on_a_canvas_keeps_the_plain_picture(chromium: Browser, site: Site) -> None:
    site.add("old.js", "CanvasRenderingContext2D.prototype.getContextAttributes = () => ({});")
    html = page('<script src="/old.js"></script>', picture("default.jpg"))
    assert settled(chromium, site, html) == [["plain", "browser"]]
    assert complaints(chromium) == []


def test_a_browser_that_adds_noise_and_has_no_gpu_keeps_the_plain_picture(chromium: Browser, site: Site) -> None:
    site.add(
        "noise.js",
        "const read = CanvasRenderingContext2D.prototype.getImageData;"
        "CanvasRenderingContext2D.prototype.getImageData = function (...given) {"
        "  const image = read.apply(this, given); image.data[0] ^= 1; return image; };",
    )
    html = page(
        '<script src="/noise.js"></script>', *(picture("default.jpg", f'path="{path}"') for path in ("js", "webgl2"))
    )
    assert settled(chromium, site, html) == [["plain", "noise"], ["restored", ""]]
    assert complaints(chromium) == []


def test_a_page_that_allows_no_worker_restores_all_the_same(chromium: Browser, site: Site) -> None:
    html = page(picture("default.jpg", 'path="js"'))
    policy = POLICY.replace("worker-src 'self'", "worker-src 'none'")
    assert settled(chromium, site, html, policy=policy) == [["restored", ""]]


def test_a_crop_counts_as_changed(chromium: Browser, site: Site) -> None:
    image = Image.open(REDUCED / "default.png")
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", image.info["XML:com.adobe.xmp"])
    file = io.BytesIO()
    image.crop((0, 0, image.width - 8, image.height)).save(file, "png", pnginfo=info)
    assert shown(chromium, site, "crop.png", file.getvalue()) == ["plain", "changed", "error"]
    assert complaints(chromium) == []


@pytest.mark.parametrize("first", [True, False])
def test_of_several_payloads_the_one_that_fits_is_taken(chromium: Browser, site: Site, first: bool) -> None:
    """Beside it there are two that were made for other pictures; without it, they are called that, and not damaged."""
    strangers = [(HERE / "payloads" / f"{name}.gamut").read_bytes() for name in ("codes", "one-layer-small-grid")]
    parts = [split(packed, [len(packed)])[0] for packed in (*strangers, bytes(payload()))]
    content = (REDUCED / "default.png").read_bytes()
    several = _with_text(content, *(parts[::-1] if first else parts))
    assert shown(chromium, site, f"several-{first}.png", several) == ["restored", "", "restored"]
    assert shown(chromium, site, "others.png", _with_text(content, *parts[:2])) == ["plain", "changed", "error"]


def test_a_format_that_is_not_read_is_an_error(chromium: Browser, site: Site) -> None:
    assert shown(chromium, site, "default.avif") == ["plain", "unsupported", "error"]


def test_text_and_layout_are_those_of_the_image(chromium: Browser, site: Site) -> None:
    shown(chromium, site, "default.jpg")
    told = chromium.run(
        "const one = document.querySelector('gamut-img'), canvas = one.shadowRoot.querySelector('canvas');"
        "const hidden = canvas.getAttribute('aria-hidden');"
        "return [one.querySelector('img').alt, hidden, one.offsetWidth, one.offsetHeight]"
    )
    assert told == ["A cup", "true", 48, 32]


def test_another_source_is_restored_anew(chromium: Browser, site: Site) -> None:
    shown(chromium, site, "default.jpg")
    told = chromium.run(
        "const image = document.querySelector('img'); image.src = '/sidecar.jpg'; const one = image.parentElement;"
        "const state = () => one.getAttribute('state'), wait = () => new Promise(go => setTimeout(go, 50));"
        "for (let k = 0; k < 200 && state() !== 'plain'; k++) await wait();"
        "const why = one.getAttribute('why'); image.src = '/default.png';"
        "for (let k = 0; k < 200 && state() === 'plain'; k++) await wait();"
        "return [why, state()]"
    )
    assert told == ["no-payload", "restored"]


def test_a_lazy_picture_waits_until_it_is_near(chromium: Browser, site: Site) -> None:
    site.add("far.css", ".far { height: 20000px }")
    site.add("lazy.jpg", (REDUCED / "default.jpg").read_bytes())
    html = page(
        '<link rel="stylesheet" href="/far.css"><div class="far"></div>', picture("lazy.jpg", of_image='loading="lazy"')
    )
    site.add("page.html", html, Content_Security_Policy=f"{POLICY}; style-src 'self'")
    chromium.emulate(color_gamut="p3")  # type: ignore[attr-defined]
    site.asked.clear()
    chromium.open(f"{site.address}/page.html")
    assert (
        chromium.run(
            "return customElements.whenDefined('gamut-img').then(() => document.querySelector('img').complete)"
        )
        is False
    )
    assert "lazy.jpg" not in site.asked
    state = chromium.run(
        "const one = document.querySelector('gamut-img'); one.scrollIntoView();"
        "for (let k = 0; k < 200 && !one.hasAttribute('state'); k++) await new Promise(go => setTimeout(go, 50));"
        "return one.getAttribute('state')"
    )
    assert state == "restored"
    assert site.asked.count("lazy.jpg") == 1


def bomb() -> bytes:
    whole = payload()
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = 44 + 2 * whole[38]
    return sealed(whole[:start] + body.compress(bytes(1 << 28)) + body.flush() + bytes(4))


def changed_at(at: int, value: int) -> bytes:
    whole = payload()
    whole[at] = value
    return sealed(whole)


def flipped() -> bytes:
    whole = payload()
    whole[100] ^= 1
    return bytes(whole)


HOSTILE = {
    "a version from the future": (lambda: changed_at(4, 77), "version"),
    "a checksum that is wrong": (flipped, "damaged"),
    "a bomb": (bomb, "damaged"),
    "a body that is cut short": (lambda: sealed(payload()[:-200]), "damaged"),
    "nine boxes": (lambda: changed_at(38, 9), "damaged"),
    "a width beyond bounds": (lambda: changed_at(11, 200), "damaged"),
    "a grid without blocks": (lambda: changed_at(7, 0), "damaged"),
    "a scale that is no number": (lambda: changed_at(43, 0x7F)[:42] + b"\xc0" + changed_at(43, 0x7F)[43:], "damaged"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_payload_is_an_error_and_the_plain_picture_stays(chromium: Browser, site: Site, what: str) -> None:
    make, why = HOSTILE[what]
    assert shown(chromium, site, "hostile.png", png_with(make())) == ["plain", why, "error"]
    assert complaints(chromium) == []


def test_a_text_chunk_that_is_a_bomb_is_an_error(chromium: Browser, site: Site) -> None:
    content = (REDUCED / "sidecar.jpg").read_bytes()
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", " " * (64 << 20), zip=True)
    file = io.BytesIO()
    Image.open(io.BytesIO(content)).save(file, "png", pnginfo=info)
    assert shown(chromium, site, "bomb.png", file.getvalue()) == ["plain", "damaged", "error"]
    assert complaints(chromium) == []


def test_no_script_of_the_viewer_needs_eval_or_is_inline(site: Site) -> None:
    for name in ("gamut.js", "gamut-pixels.js", "gamut-webgl2.js", "gamut-img.js", "gamut-img.classic.js"):
        text = site.files[name][0].decode()
        assert not re.search(r"\beval\b|new Function|innerHTML|setAttribute\(.on|\.style\s*=\s*[\"'`]", text), name


def test_the_classic_script_holds_what_the_modules_say() -> None:
    assert (Path(__file__).parents[2] / "gamutcli" / "viewer" / FILE).read_text("utf-8") == classic_script()
