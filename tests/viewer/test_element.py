"""<gamut-img>: restored where that can be seen, and the plain <img> everywhere else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.make import HERE
from tests.support.browsers import Browser, Site
from tests.support.elements import CLASSIC, POLICY, SETTLED, page, picture, settled


@pytest.mark.parametrize("name", ["default.jpg", "default.png", "default.webp"])
def test_a_picture_is_restored_under_a_strict_policy(chromium: Browser, site: Site, name: str) -> None:
    assert settled(chromium, site, page(picture(name))) == [["restored", ""]]
    assert [line for line in chromium.complaints() if "GPU stall" not in line] == []
    boxes = chromium.run(
        "const one = document.querySelector('gamut-img'), canvas = one.shadowRoot.querySelector('canvas');"
        "return [one.querySelector('img'), canvas].map(part => { const box = part.getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height]; })"
    )
    assert boxes[0] == boxes[1]


def test_the_classic_script_registers_the_element(chromium: Browser, site: Site) -> None:
    assert settled(chromium, site, page(picture("default.jpg"), script=CLASSIC)) == [["restored", ""]]


def test_a_sidecar_is_read_where_it_is_named(chromium: Browser, site: Site) -> None:
    bodies = [picture("sidecar.jpg", how) for how in ("sidecar", 'sidecar="/sidecar.jpg.gamut"', "")]
    assert settled(chromium, site, page(*bodies)) == [["restored", ""], ["restored", ""], ["plain", "no-payload"]]


def test_nothing_is_fetched_for_a_screen_that_shows_no_more(chromium: Browser, site: Site) -> None:
    html = page(picture("paper.jpg"))
    site.asked.clear()
    assert settled(chromium, site, html, gamut="srgb") == [["plain", "screen"]]
    assert site.asked.count("paper.jpg") == 1
    assert "gamut-webgl2.js" not in site.asked


@pytest.mark.parametrize(("path", "other"), [("webgl2", "gamut-pixels.js"), ("js", "gamut-webgl2.js")])
def test_only_the_path_that_is_taken_is_loaded(chromium: Browser, site: Site, path: str, other: str) -> None:
    site.asked.clear()
    assert settled(chromium, site, page(picture("default.jpg", f'path="{path}"'))) == [["restored", ""]]
    assert "gamut.js" in site.asked
    assert other not in site.asked


def test_a_window_that_moves_to_another_screen_changes_what_is_shown(chromium: Browser, site: Site) -> None:
    assert settled(chromium, site, page(picture("default.jpg")), gamut="srgb") == [["plain", "screen"]]
    wanted = (
        "const one = document.querySelector('gamut-img');"
        "for (let k = 0; k < 200 && one.getAttribute('state') !== arguments[0]; k++)"
        "  await new Promise(go => setTimeout(go, 50)); return one.getAttribute('state')"
    )
    for gamut, state in (("p3", "restored"), ("srgb", "plain"), ("p3", "restored")):
        chromium.emulate(color_gamut=gamut)  # type: ignore[attr-defined]
        assert chromium.run(wanted, state) == state


def test_a_damaged_payload_ends_in_an_error_with_the_plain_picture_in_place(chromium: Browser, site: Site) -> None:
    whole = (HERE / "reduced" / "default.png").read_bytes()
    site.add("damaged.png", whole.replace(b"gamut1:1/1:", b"gamut1:1/2:"))
    assert settled(chromium, site, page(picture("damaged.png"))) == [["plain", "damaged"]]
    assert chromium.run("return document.querySelector('img').naturalWidth") == 48


def test_a_page_of_forty_pictures(chromium: Browser, site: Site) -> None:
    told = settled(chromium, site, page(*(picture(f"default.jpg?{number}") for number in range(40))))
    assert told == [["restored", ""]] * 40
    assert [line for line in chromium.complaints() if "GPU stall" not in line] == []


def test_object_fit_and_css_sizes_are_kept(chromium: Browser, site: Site) -> None:
    site.add("style.css", "img { width: 200px; height: 100px; object-fit: contain; border-radius: 9px }")
    policy: dict[str, Any] = {"Content_Security_Policy": POLICY + "; style-src 'self'"}
    site.add("fit.html", page('<link rel="stylesheet" href="/style.css">', picture("default.jpg")), **policy)
    chromium.emulate(color_gamut="p3")  # type: ignore[attr-defined]
    chromium.open(f"{site.address}/fit.html")
    assert chromium.run(SETTLED) == [["restored", ""]]
    style = chromium.run(
        "const style = getComputedStyle(document.querySelector('gamut-img').shadowRoot.querySelector('canvas'));"
        "return [style.width, style.height, style.objectFit, style.borderRadius]"
    )
    assert style == ["200px", "100px", "contain", "9px"]


def test_firefox_keeps_the_plain_picture(browser: Browser, site: Site) -> None:
    if browser.name != "firefox":
        pytest.skip("of Firefox, which says that no screen is wide")
    site.add("page.html", page(picture("default.jpg")))
    browser.open(f"{site.address}/page.html")
    assert browser.run(SETTLED) == [["plain", "screen"]]
