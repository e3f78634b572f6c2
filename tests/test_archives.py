"""The archives in dist/ (`make build`): what they hold, and the wheel at work where nothing else of the project is."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import gamutcli

pytestmark = pytest.mark.package

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME = f"gamutcli-{gamutcli.__version__}"
SAMPLE = ROOT / "sample_images" / "dahlia.tif"


def the_only(pattern: str) -> Path:
    (path,) = DIST.glob(pattern)
    return path


def tracked(*under: str) -> set[str]:
    """The files that the repository holds; in an unpacked source archive, all that it was unpacked to."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z", *under], cwd=ROOT, capture_output=True, text=True, check=True)
        return {name for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
    pytest.skip("what belongs to the project is known in its repository only")


def test_the_source_archive_is_the_repository() -> None:
    with tarfile.open(the_only("*.tar.gz")) as archive:
        held = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    assert held == tracked() | {"PKG-INFO"}


def test_the_wheel_is_the_package_and_nothing_else() -> None:
    with zipfile.ZipFile(the_only("*.whl")) as wheel:
        held = {name for name in wheel.namelist() if not name.startswith(f"{NAME}.dist-info/")}
    assert held == tracked("gamutcli")
    assert {"gamutcli/py.typed", "gamutcli/report/page.html"} < held
    assert any(name.endswith(".safetensors") for name in held)


@pytest.fixture(scope="module")
def metadata() -> Message:
    with zipfile.ZipFile(the_only("*.whl")) as wheel:
        return email.message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))


def test_the_metadata_is_that_of_the_project(metadata: Message) -> None:
    assert metadata["Version"] == gamutcli.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_all("Project-URL") == [f"{name}, {url}" for name, url in PROJECT["urls"].items()]


def test_the_long_description_leads_out_of_the_index_into_files_that_there_are(metadata: Message) -> None:
    text = str(metadata.get_payload())
    targets = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r'\b(?:src|href|srcset)="([^"\s]+)', text)
    ours = [target for target in targets if PROJECT["urls"]["Repository"].removeprefix("https://github.com") in target]
    assert all(target.startswith(("https://", "#")) for target in targets), targets
    assert ours
    for target in ours:
        base, name = target.split(f"/v{gamutcli.__version__}/")
        assert (ROOT / name.split("#")[0]).exists(), target
        assert base.startswith("https://raw.") or not name.endswith((".jpg", ".png", ".svg")), "a page, not a picture"


class Bare:
    """A fresh environment with the wheel and what it asks for, in a folder away from the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self.bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", the_only("*.whl"))

    def run(self, *words: object) -> str:
        """Run a program of the environment; what it prints."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GAMUT_"))}
        program = shutil.which(str(words[0]), path=self.bin)
        assert program, words[0]
        done = subprocess.run(
            [program, *map(str, words[1:])], cwd=self.folder, env=ours, capture_output=True, text=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: object) -> Any:
        return json.loads(self.run(*words, "--json"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    return Bare(tmp_path_factory.mktemp("bare"))


def test_the_wheel_brings_what_it_needs_and_no_tool_of_ours(bare: Bare) -> None:
    bare.run("python", "-m", "pip", "check")
    for module in ("pytest", "torch", "matplotlib"):
        probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is not None)"
        bare.run("python", "-c", probe)
    place = Path(bare.run("python", "-c", "import gamutcli; print(gamutcli.__file__)").strip())
    assert place.is_relative_to(bare.folder.resolve())


@pytest.mark.parametrize("words", [("gamut",), ("gamutcli",), ("python", "-m", "gamutcli")], ids=" ".join)
def test_the_command_answers_to_each_of_its_names(bare: Bare, words: tuple[str, ...]) -> None:
    assert gamutcli.__version__ in bare.run(*words, "--version")
    assert bare.run(*words, "--help") == bare.run("gamut", "--help")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_wheel_reduces_expands_and_judges(bare: Bare, suffix: str) -> None:
    reduced, restored, report = (bare.folder / f"dahlia{suffix}{ending}" for ending in (suffix, ".tif", ".html"))
    written = bare.json("gamut", "reduce", SAMPLE, reduced, "--preset", "fast")
    assert bare.json("gamut", "info", reduced)["status"] == "ok"
    bare.run("gamut", "expand", reduced, restored)
    judged = bare.json("gamut", "eval", reduced, "--gt", SAMPLE, "--report", report)
    assert judged["restored"]["psnr_og"] > judged["plain"]["psnr_og"] + 10
    assert judged["payload_bytes"] == written["payload_bytes"]
    assert restored.stat().st_size > 1_000_000
    assert "<html" in report.read_text("utf-8")


def test_the_wheel_starts_from_the_weights_inside(bare: Bare) -> None:
    target = bare.folder / "meta.png"
    written = bare.json("gamut", "reduce", SAMPLE, target, "--preset", "paper", "--init", "shipped")
    assert written["psnr_og"] > written["clip_psnr_og"] + 5
