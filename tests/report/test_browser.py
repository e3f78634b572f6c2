"""The report in a real browser: it loads in silence, can be used with the keyboard, and fits a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gamutcli import reduce_image, write_report
from tests.support.pictures import wide_codes, write_tiff
from tests.support.presets import changed_presets

DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on two pictures, one with a name that is long and another that is not for HTML. Read only."""
    folder = tmp_path_factory.mktemp("report")
    photo = write_tiff(folder / "photo.tif", wide_codes(600, 900))
    names = ("a-very-long-name-without-a-space-as-cameras-and-people-like-to-give-them.jpg", "<b>&.jpg")
    with changed_presets("fast", steps=40):
        for name in names:
            reduce_image(photo, folder / name, preset="fast")
    write_report([(folder / name, photo) for name in names], folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    if DRIVER is None:
        pytest.skip("chromedriver is not installed")
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def load(browser: Any, report: Path, width: int = 1280, **features: str) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    browser.get(report.as_uri())


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_loads_in_silence_and_fits(browser: Any, report: Path, width: int, scheme: str) -> None:
    load(browser, report, width, prefers_color_scheme=scheme)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    assert browser.execute_script("return [...document.images].every(image => image.naturalWidth > 0)")
    assert browser.execute_script(
        "return performance.getEntriesByType('resource').every(e => e.name.startsWith('data:'))"
    )


def test_dark_and_light_differ(browser: Any, report: Path) -> None:
    papers = set()
    for scheme in ("light", "dark"):
        load(browser, report, prefers_color_scheme=scheme)
        papers.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2


def test_the_slider_moves_by_keyboard(browser: Any, report: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    load(browser, report)
    slide = browser.find_element("css selector", ".slide")
    clip = "return getComputedStyle(document.querySelector('.over')).clipPath"
    assert "50%" in browser.execute_script(clip)
    slide.send_keys(Keys.ARROW_RIGHT * 3)
    assert "53%" in browser.execute_script(clip)
    slide.send_keys(Keys.HOME)
    assert slide.get_attribute("value") == "0"
    assert slide.accessible_name.startswith("Border between")
    assert slide.get_attribute("aria-valuetext").startswith("plain up to 0 %")


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(browser: Any, report: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    load(browser, report)
    reached = []
    for _ in range(20):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.switch_to.active_element.get_attribute("class"))
    assert {"slide", "mark", "scroll"} <= set(reached)
    browser.execute_script("document.querySelector('.stage').scrollIntoView()")
    browser.find_element("css selector", ".slide").send_keys(Keys.ARROW_LEFT)
    assert "solid" in browser.execute_script("return getComputedStyle(document.querySelector('.stage')).outlineStyle")


@pytest.mark.parametrize("gamut", ["srgb", "p3"])
def test_what_the_screen_cannot_show_is_marked_when_asked(browser: Any, report: Path, gamut: str) -> None:
    load(browser, report, color_gamut=gamut)
    visibility = "return getComputedStyle(document.querySelector('.beyond')).visibility"
    mask = "return getComputedStyle(document.querySelector('.beyond')).maskImage"
    wanted = "return getComputedStyle(document.querySelector('.beyond')).getPropertyValue(arguments[0])"
    assert browser.execute_script(visibility) == "hidden"
    address = browser.execute_script(wanted, f"--{gamut}").strip().removeprefix("url('").removesuffix("')")
    assert address in browser.execute_script(mask)
    browser.find_element("css selector", ".mark").click()
    assert browser.execute_script(visibility) == "visible"
    browser.find_element("css selector", ".mark").click()
    assert browser.execute_script(visibility) == "hidden"


@pytest.mark.parametrize("width", [320, 360, 412, 899, 900, 1280])
def test_no_figure_lies_out_of_sight(browser: Any, report: Path, width: int) -> None:
    load(browser, report, width)
    cells = browser.execute_script(
        "return [...document.querySelectorAll('td, th')].map(cell => cell.getBoundingClientRect())"
        ".filter(box => box.width).map(box => [box.left, box.right])"
    )
    assert len(cells) > 50
    assert all(left >= 0 and right <= width for left, right in cells)


@pytest.mark.parametrize("width", [360, 412])
def test_a_phone_shows_psnr_and_color_differences_first_and_with_their_names(
    browser: Any, report: Path, width: int
) -> None:
    load(browser, report, width)
    labels = browser.execute_script(
        "return [...document.querySelectorAll('.overview tbody tr')].map(row => [...row.querySelectorAll('td')]"
        ".sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)"
        ".map(cell => getComputedStyle(cell, '::before').content))"
    )
    kinds = [f"{figure}, {kind}" for figure in ("PSNR OG, dB", "ΔE2000 OG") for kind in ("plain", "restored")]
    assert [[label.strip('"') for label in row[:4]] for row in labels] == [kinds, kinds]
    assert browser.find_element("css selector", ".overview tbody td").aria_role == "cell"


def test_every_triangle_is_drawn(browser: Any, report: Path) -> None:
    load(browser, report, color_gamut="srgb")
    shown = (
        "return [...document.querySelectorAll('.triangle')].filter(e => e.getBoundingClientRect().width > 50).length"
    )
    assert browser.execute_script(shown) == 2 * 3 * 3
