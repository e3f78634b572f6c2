"""Browsers and a site of the viewer's files, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest

from tests.golden.make import HERE
from tests.support.browsers import Browser, Site, installed, served

BLANK = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>A page</title>'


def scripts() -> dict[str, bytes]:
    """The viewer's files for web pages, by name."""
    folder = files("gamutcli.viewer")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.endswith((".js", ".ts", ".json"))}


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Each browser that is installed, one after another."""
    yield from started(request.param)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The one browser that shows Display P3."""
    yield from started("chromium")


def started(name: str) -> Iterator[Browser]:
    if name == "chromium":
        pytest.importorskip("selenium.webdriver")
    else:
        pytest.importorskip("websocket")
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    browser: Browser = installed()[name]()
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The viewer's scripts, an empty page, and all golden pictures."""
    with served() as site:
        for name, content in scripts().items():
            site.add(name, content)
        site.add("blank.html", BLANK)
        for path in (HERE / "reduced").iterdir():
            site.add(path.name, path.read_bytes())
        yield site
