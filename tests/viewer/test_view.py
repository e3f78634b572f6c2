"""`gamut view`: one page that restores its pictures in silence, without a network, and can be used by everyone."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from gamutcli import reduce_image
from gamutcli.cli import run
from gamutcli.errors import InputError
from gamutcli.viewer.page import write_page
from tests.golden.make import HERE
from tests.support.browsers import Browser
from tests.support.pictures import wide_codes, write_tiff
from tests.support.presets import changed_presets

DONE = """
for (let k = 0; k < 600 && !("done" in document.body.dataset); k++) await new Promise(ready => setTimeout(ready, 50));
return "done" in document.body.dataset;
"""
#: Waits until the marks are there, or ten seconds are over.
UNTIL_SHOWN = "for (let k = 0; k < 200 && canvas.hidden; k++) await new Promise(ready => setTimeout(ready, 50));"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of one picture of every kind."""
    folder = tmp_path_factory.mktemp("view")
    photo = write_tiff(folder / "photo.tif", wide_codes(300, 450))
    with changed_presets("fast", steps=40):
        reduce_image(photo, folder / "</script><b>&.jpg".replace("/", "")[-12:], preset="fast")
    pictures = [path for path in folder.iterdir() if path.suffix == ".jpg"]
    golden = [
        HERE / "reduced" / name
        for name in ("default.png", "sidecar.jpg", "default.webp", "default.tif", "default.avif")
    ]
    write_page([*pictures, *golden], folder / "page.html")
    return folder / "page.html"


def load(browser: Browser, page: Path) -> None:
    browser.complaints()
    browser.open(page.as_uri())
    assert browser.run(DONE)


def test_every_picture_is_restored_in_silence(browser: Browser, page: Path) -> None:
    load(browser, page)
    assert [line for line in browser.complaints() if "GPU stall" not in line] == []
    told = browser.run(
        "return [...document.querySelectorAll('article')].map(one => [one.querySelector('.name').textContent,"
        "!one.querySelector('.unrestored'), one.querySelector('.facts').textContent])"
    )
    assert len(told) == 6
    for name, restored, facts in told:
        assert restored, name
        # Conversion of AVIF to RGB was done before: as PNG its pixels may differ from the digest's by a code.
        assert "unchanged" in facts or "avif" in name, (name, facts)


def test_the_page_asks_nobody_for_anything(browser: Browser, page: Path) -> None:
    load(browser, page)
    asked = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name.slice(0, 5))")
    assert set(asked) <= {"blob:", "data:"}
    assert not browser.run("return fetch('data:,x').then(() => true, () => false)")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_a_phone(chromium: Browser, page: Path, width: int) -> None:
    chromium.emulate(width)  # type: ignore[attr-defined]
    load(chromium, page)
    assert chromium.run("return document.documentElement.scrollWidth") == width


def test_the_border_moves_by_keyboard(chromium: Browser, page: Path) -> None:
    load(chromium, page)
    moved = chromium.run(
        "const slide = document.querySelector('.slide'); slide.value = 53; slide.dispatchEvent(new Event('input'));"
        "return [getComputedStyle(document.querySelector('.restored')).clipPath, slide.getAttribute('aria-valuetext')]"
    )
    assert "53%" in moved[0]
    assert moved[1].startswith("plain up to 53 %")


def test_marks_are_where_srgb_ends(chromium: Browser, page: Path) -> None:
    load(chromium, page)
    share = chromium.run(
        "const mark = document.querySelector('.mark'), canvas = document.querySelector('.beyond'); mark.click();"
        f"{UNTIL_SHOWN}"
        "const codes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
        "return codes.filter((code, k) => k % 4 === 3 && code).length / codes.length * 4"
    )
    assert 0.02 < share < 0.9


def test_marks_say_that_they_are_at_work_and_what_they_show(chromium: Browser, page: Path) -> None:
    load(chromium, page)
    said = chromium.run(
        "const one = document.querySelector('article'), mark = one.querySelector('.mark');"
        "const words = one.querySelector('.doing');"
        "const canvas = one.querySelector('.beyond'), said = [];"
        "const tell = () => said.push([words.textContent, one.getAttribute('aria-busy'), canvas.hidden]);"
        "tell(); mark.click(); tell();"
        f"{UNTIL_SHOWN}"
        "tell(); mark.click(); await new Promise(ready => setTimeout(ready, 50)); tell(); return said;"
    )
    assert said == [
        ["", "false", True],
        ["Looking for colours beyond sRGB …", "true", True],
        ["Striped: beyond sRGB.", "false", False],
        ["", "false", True],
    ]


def test_the_screen_is_spoken_of(chromium: Browser, page: Path) -> None:
    for gamut, words in (("p3", "This screen shows Display P3"), ("srgb", "sRGB only")):
        chromium.emulate(color_gamut=gamut)  # type: ignore[attr-defined]
        load(chromium, page)
        assert words in chromium.run("return document.querySelector('.screen').textContent")


def test_a_picture_that_is_dropped_is_restored(chromium: Browser, page: Path) -> None:
    load(chromium, page)
    shown = chromium.run(
        "const letters = JSON.parse(document.getElementById('files').textContent)[1].data;"
        "const file = new File([Uint8Array.from(atob(letters), letter => letter.charCodeAt(0))], 'dropped.png');"
        "const dataTransfer = new DataTransfer(); dataTransfer.items.add(file);"
        "dispatchEvent(new DragEvent('drop', { dataTransfer }));"
        "for (let k = 0; k < 200 && document.querySelectorAll('article[data-done]').length < 7; k++)"
        "  await new Promise(ready => setTimeout(ready, 50));"
        "const last = [...document.querySelectorAll('article')].at(-1);"
        "return [last.querySelector('.name').textContent, !last.querySelector('.unrestored')]"
    )
    assert shown == ["dropped.png", True]


def test_the_command_writes_the_page_and_replaces_nothing_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "page.html"
    assert run(["view", os.fspath(HERE / "reduced" / "default.png"), "-o", os.fspath(target)]) == 0
    assert capsys.readouterr().out.strip() == os.fspath(target)
    assert "<!doctype html>" in target.read_text("utf-8")
    before = target.read_bytes()
    assert run(["view", os.fspath(HERE / "reduced" / "default.jpg"), "-o", os.fspath(target)]) != 0
    assert target.read_bytes() == before


def test_the_command_opens_the_page_in_the_default_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []
    monkeypatch.setenv("TMPDIR", os.fspath(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert run(["view", os.fspath(HERE / "reduced" / "default.png")]) == 0
    assert run(["view", os.fspath(HERE / "reduced" / "default.png"), "--no-open"]) == 0
    assert len(opened) == 1
    assert opened[0].startswith("file:")


def test_a_picture_without_a_payload_is_shown_plain(chromium: Browser, tmp_path: Path) -> None:
    alone = tmp_path / "plain.jpg"
    alone.write_bytes((HERE / "reduced" / "sidecar.jpg").read_bytes())
    write_page([alone], tmp_path / "page.html")
    load(chromium, tmp_path / "page.html")
    assert chromium.run("return document.querySelector('.plain').naturalWidth") == 48
    assert "holds no payload" in chromium.run("return document.querySelector('.note').textContent")


def test_a_picture_that_no_page_can_show_is_named(tmp_path: Path) -> None:
    long = write_tiff(tmp_path / "long.tif", np.zeros((1, 1_000_001, 3), np.uint8), "srgb", compression="zlib")
    with pytest.raises(InputError, match=r"long\.tif: 1000001 x 1 pixels are more a side than a page can show"):
        write_page([long], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
