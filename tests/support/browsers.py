"""Real browsers without a screen, behind one small interface, and pages served to them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest

#: WebGL2 where there is no GPU, by SwiftShader.
CHROMIUM = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *(
        "--use-gl=angle",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--force-color-profile=display-p3-d65",
    ),
)
FIREFOX = {
    "remote.active-protocols": 1,
    "webgl.force-enabled": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.disabledForTesting": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
#: WebGL2 without a screen and a GPU, by Mesa.
SOFTWARE_GL = {"LIBGL_ALWAYS_SOFTWARE": "1", "EGL_PLATFORM": "surfaceless", "MOZ_WEBGL_FORCE_EGL": "1"}
SECONDS = 120


class Browser(Protocol):
    """What a test asks of a browser."""

    name: str

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""

    def run(self, script: str, *values: Any) -> Any:
        """Run the body of an async function on the page, with its values in `arguments`; what it returns as JSON."""

    def complaints(self) -> list[str]:
        """What the console was told as a warning or an error since the last call."""

    def quit(self) -> None:
        """End it."""


class Chromium:
    """Chromium, by Selenium."""

    name = "chromium"

    def __init__(self, driver: str) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        for argument in CHROMIUM:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        self.driver.set_script_timeout(SECONDS)

    def open(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str, *values: Any) -> Any:
        wrapped = f"const done = arguments[arguments.length - 1]; {_told(script)}.then(done);"
        return _answer(self.driver.execute_async_script(wrapped, *values))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]

    def emulate(self, width: int = 1280, height: int = 800, **features: str) -> None:
        """Have a window of this size, and media features: color_gamut="p3"."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})

    def quit(self) -> None:
        self.driver.quit()


class Firefox:
    """Firefox, by the WebDriver BiDi that it speaks itself: Debian has no geckodriver."""

    name = "firefox"

    def __init__(self, program: str, **preferences: Any) -> None:
        import websocket

        self._profile = tempfile.TemporaryDirectory(prefix="firefox-")
        settings = {**FIREFOX, **{name.replace("_", "."): value for name, value in preferences.items()}}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in settings.items())
        Path(self._profile.name, "user.js").write_text("\n".join(lines), "utf-8")
        self._process = subprocess.Popen(
            [program, "--headless", "--no-remote", "--profile", self._profile.name, "--remote-debugging-port=0"],
            # Without a home that can be written it waits for ever.
            env={**os.environ, **SOFTWARE_GL, "HOME": self._profile.name},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stderr is not None
        marked = "WebDriver BiDi listening on "
        ended = threading.Timer(SECONDS, self._process.kill)
        ended.start()
        address = next((line.split(marked)[1].strip() for line in self._process.stderr if marked in line), None)
        ended.cancel()
        if address is None:
            self._process.wait(20)
            self._process.stderr.close()
            self._profile.cleanup()
            raise RuntimeError(f"Firefox did not start within {SECONDS} seconds")
        # Whoever writes to a pipe that nobody reads comes to a halt.
        self._reader = threading.Thread(target=self._process.stderr.read, daemon=True)
        self._reader.start()
        self._socket = websocket.create_connection(f"{address}/session", timeout=SECONDS, suppress_origin=True)
        self._numbers = itertools.count(1)
        self._complaints: list[str] = []
        self._ask("session.new", capabilities={})
        self._ask("session.subscribe", events=["log.entryAdded"])
        self._context = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def _ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("method") == "log.entryAdded" and message["params"]["level"] in ("warn", "error"):
                self._complaints.append(str(message["params"]["text"]))
            if message.get("id") == number:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return message["result"]

    def open(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def run(self, script: str, *values: Any) -> Any:
        given = f"(function () {{ return {_told(script)}; }}).apply(null, {json.dumps(values)})"
        told = self._ask("script.evaluate", expression=given, target={"context": self._context}, awaitPromise=True)
        assert told["type"] == "success", told
        return _answer(told["result"]["value"])

    def complaints(self) -> list[str]:
        self._ask("browsingContext.getTree")
        told, self._complaints = self._complaints, []
        return told

    def quit(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._profile.cleanup()


def _told(script: str) -> str:
    """An expression: a promise of what a script returns, or of the error that it throws, as JSON text."""
    return (
        f"(async function () {{ {script} }}).apply(null, arguments)"
        ".then(value => JSON.stringify({value}), error => JSON.stringify({error: String(error) + ' ' + error.stack}))"
    )


def _answer(text: str) -> Any:
    told = json.loads(text)
    if "error" in told:
        raise RuntimeError(told["error"])
    return told.get("value")


def installed() -> dict[str, Any]:
    """What starts the browsers that there are, by name."""
    found: dict[str, Any] = {}
    if driver := shutil.which("chromedriver"):
        found["chromium"] = partial(Chromium, driver)
    if program := shutil.which("firefox-esr") or shutil.which("firefox"):
        found["firefox"] = partial(Firefox, program)
    return found


@dataclass
class Site:
    """Files served on this machine: by path, content and headers. `asked` are the paths that were asked for."""

    address: str
    files: dict[str, tuple[bytes, Mapping[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, path: str, content: bytes | str, **headers: str) -> str:
        """Serve this under a path; its address."""
        data = content.encode() if isinstance(content, str) else content
        self.files[path] = (data, {name.replace("_", "-"): value for name, value in headers.items()})
        return f"{self.address}/{path}"


TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
}
TYPES |= {".jpg": "image/jpeg", ".webp": "image/webp"}


@contextmanager
def served() -> Iterator[Site]:
    """A site of its own port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0].lstrip("/")
            site.asked.append(path)
            content, headers = site.files.get(path, (b"", {}))
            self.send_response(200 if path in site.files else 404)
            self.send_header("Content-Type", TYPES.get(Path(path).suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


@contextmanager
def open_browser() -> Iterator[Any]:
    """Chromium as Selenium has it; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("chromedriver is not installed")
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield opened
    finally:
        opened.quit()
