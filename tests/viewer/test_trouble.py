"""GPUs that are lost, that are played by software, and browsers that add noise to pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.browsers import Browser, Site, installed
from tests.support.elements import CLASSIC, MODULE, complaints, page, picture, settled
from tests.viewer.test_paths import RESTORE, expanded, restored

#: Keeps all WebGL2 contexts that scripts make.
SPY = """
globalThis.contexts = [];
const make = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  const context = make.call(this, kind, ...rest);
  if (kind === "webgl2" && context) contexts.push(context);
  return context;
};
"""
RENDER = """
const { render } = await import("/gamut.js");
const [name, options] = arguments, bytes = new Uint8Array(await (await fetch("/" + name)).arrayBuffer());
const { path, status } = await render(document.createElement("canvas"), bytes, options);
return [path, status];
"""


@pytest.fixture(scope="module")
def noisy() -> Iterator[Browser]:
    """Firefox as it protects from fingerprinting."""
    pytest.importorskip("websocket")
    if "firefox" not in installed():
        pytest.skip("firefox is not installed")
    browser: Browser = installed()["firefox"](privacy_resistFingerprinting=True)
    yield browser
    browser.quit()


def test_a_gpu_that_was_lost_is_taken_again(browser: Browser, site: Site) -> None:
    browser.open(f"{site.address}/blank.html")
    told = browser.run(
        f"{SPY} const restored = async function () {{ {RESTORE} }}, given = ['default.png', {{ path: 'webgl2' }}];"
        "const first = await restored(...given);"
        "contexts[0].getExtension('WEBGL_lose_context').loseContext();"
        "const second = await restored(...given);"
        "return [first.path, second.path, first.data === second.data, contexts.length]"
    )
    assert told == ["webgl2", "webgl2", True, 2]


def test_a_gpu_that_is_lost_midway_is_taken_again(browser: Browser, site: Site) -> None:
    browser.open(f"{site.address}/blank.html")
    told = browser.run(
        f"{SPY} const draw = WebGL2RenderingContext.prototype.drawArrays;"
        "WebGL2RenderingContext.prototype.drawArrays = function (...given) {"
        "  draw.apply(this, given);"
        "  if (this === contexts[0]) this.getExtension('WEBGL_lose_context').loseContext(); };"
        + RENDER.replace("return [path", "return [contexts.length, path"),
        "default.png",
        {"path": "webgl2"},
    )
    assert told == [2, "webgl2", "ok"]


def test_where_software_plays_the_gpu_javascript_is_taken(browser: Browser, site: Site) -> None:
    """SwiftShader in Chromium, llvmpipe in Firefox: they are what these tests run on."""
    browser.complaints()
    codes, told = restored(browser, site, "default.png")
    assert told["path"] == "js"
    assert np.abs(codes - np.round(expanded("default.png") / 257)).max() <= 2
    assert complaints(browser) == []


@pytest.mark.parametrize(
    ("name", "path"),
    [("ANGLE (NVIDIA, GeForce)", "webgl2"), ("WebKit WebGL", "webgl2"), ("Mozilla", "webgl2"), ("softpipe", "js")],
)
def test_a_gpu_of_another_name_is_taken(browser: Browser, site: Site, name: str, path: str) -> None:
    """As where a browser hides what the GPU is called."""
    browser.open(f"{site.address}/blank.html")
    browser.run(
        "const ask = WebGL2RenderingContext.prototype.getParameter, [name] = arguments;"
        "WebGL2RenderingContext.prototype.getParameter = function (which) {"
        "  return which === 0x1F01 || which === 0x9246 ? name : ask.call(this, which); };",
        name,
    )
    assert browser.run(RENDER, "default.png", {}) == [path, "ok"]


def test_where_the_gpu_is_none_javascript_is_taken(browser: Browser, site: Site) -> None:
    browser.open(f"{site.address}/blank.html")
    browser.run(
        "const make = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind === 'webgl2' ? null : make.call(this, kind, ...rest); };"
    )
    assert browser.run(RENDER, "default.png", {}) == ["js", "ok"]
    with pytest.raises(RuntimeError, match="WebGL2 is not to be had"):
        browser.run(RENDER, "default.png", {"path": "webgl2"})


def test_where_pixels_get_noise_nothing_is_called_damaged(noisy: Browser, site: Site) -> None:
    noisy.open(f"{site.address}/blank.html")
    exact = noisy.run(
        "const context = document.createElement('canvas').getContext('2d'); context.fillStyle = '#123456';"
        "context.fillRect(0, 0, 99, 99); return context.getImageData(0, 0, 99, 99).data.every((code, k) =>"
        "  code === [0x12, 0x34, 0x56, 255][k % 4]);"
    )
    assert not exact
    assert noisy.run(RENDER, "default.png", {}) == ["webgl2", "unchecked"]
    with pytest.raises(RuntimeError, match="adds noise"):
        noisy.run(RENDER, "default.png", {"path": "js"})
    with pytest.raises(RuntimeError, match="adds noise"):
        noisy.run(RESTORE, "default.png", {})


@pytest.mark.parametrize("script", [MODULE, CLASSIC])
def test_forty_pictures_share_one_context(chromium: Browser, site: Site, script: str) -> None:
    site.add("spy.js", SPY)
    pictures = (picture(f"default.jpg?gpu{number}", 'path="webgl2"') for number in range(40))
    told = settled(chromium, site, page('<script src="/spy.js"></script>', *pictures, script=script))
    assert told == [["restored", ""]] * 40
    assert chromium.run("return contexts.length") == 1
    assert complaints(chromium) == []
