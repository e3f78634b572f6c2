"""Pages of <gamut-img>, and what becomes of them."""

from __future__ import annotations

from tests.support.browsers import Browser, Site

#: As strict as a policy can be that lets a page show pictures: no eval, no inline script or style, nobody else's host.
POLICY = "default-src 'none'; script-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'"
MODULE = '<script type="module" src="/gamut-img.js"></script>'
CLASSIC = '<script src="/gamut-img.classic.js" defer></script>'
SETTLED = """
const all = [...document.querySelectorAll("gamut-img")];
const ready = () => all.every(one => one.hasAttribute("state"));
for (let k = 0; k < 400 && !ready(); k++) await new Promise(go => setTimeout(go, 50));
return all.map(one => [one.getAttribute("state"), one.getAttribute("why")]);
"""


def page(*bodies: str, script: str = MODULE) -> str:
    """A page of these elements."""
    head = f'<!doctype html><html lang="en"><link rel="icon" href="/blank.html"><title>A page</title>{script}'
    return head + "".join(bodies)


def picture(source: str, attributes: str = "", of_image: str = "") -> str:
    """An element around a picture."""
    return f'<gamut-img {attributes}><img src="{source}" alt="A cup" {of_image}></gamut-img>'


def settled(browser: Browser, site: Site, html: str, gamut: str = "p3", policy: str = POLICY) -> list[list[str]]:
    """Show a page on a screen of a gamut: state and reason of each of its elements."""
    site.add("page.html", html, Content_Security_Policy=policy)
    browser.emulate(color_gamut=gamut)  # type: ignore[attr-defined]
    browser.complaints()
    browser.open(f"{site.address}/page.html")
    told: list[list[str]] = browser.run(SETTLED)
    return told


def complaints(browser: Browser) -> list[str]:
    """What the console was told since, but for what SwiftShader says of every read-back."""
    return [line for line in browser.complaints() if "GPU stall" not in line]
