"""What the distribution says about itself is true, and said alike in every place."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import gamutcli

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
#: Files that have to name the repository's address, as what reads them knows no other.
NAMING = ("pyproject.toml", "CITATION.cff", "SECURITY.md", ".github/ISSUE_TEMPLATE/config.yml")
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", NAMING)
def test_the_repository_has_one_address(name: str) -> None:
    addresses = re.findall(r"https://(?:github|raw\.githubusercontent)\.com/([\w.-]+/[\w.-]+)", text_of(name))
    assert addresses
    assert {f"https://github.com/{address}" for address in addresses} == {REPOSITORY}


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {gamutcli.__version__}\n" in text_of("CITATION.cff")


def pythons() -> list[str]:
    named = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    return [match[1] for match in map(named.fullmatch, PROJECT["classifiers"]) if match]


def test_the_first_python_named_is_the_lowest_allowed() -> None:
    assert PROJECT["requires-python"] == f">={pythons()[0]}"


def test_continuous_integration_runs_on_every_system_and_every_python_that_is_named() -> None:
    workflow = text_of(".github/workflows/ci.yml")
    matrix = re.search(r"\n +os: \[(.*)\]\n +python: \[(.*)\]\n", workflow)
    assert matrix
    assert matrix[1].split(", ") == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert re.findall(r'"(3\.\d+)"', matrix[2]) == pythons()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_calls_rules_that_there_are(path: Path) -> None:
    called = {rule for line in re.findall(r"run: make (.*)", path.read_text("utf-8")) for rule in line.split()}
    assert called
    assert called <= set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))


def test_both_names_of_the_command_are_the_same_command() -> None:
    """`uvx gamutcli` and `pipx run gamutcli` look for a command with the distribution's name."""
    assert PROJECT["scripts"] == {"gamut": "gamutcli.cli:main", "gamutcli": "gamutcli.cli:main"}
    (script,) = entry_points(group="console_scripts", name="gamut")
    assert callable(script.load())


def test_no_message_names_an_install_line_that_an_unpublished_package_cannot_keep() -> None:
    """`pip install 'gamutcli[gpu]'` fails where gamutcli is installed from a clone: name the library instead."""
    for path in (ROOT / "gamutcli").rglob("*.py"):
        assert "gamutcli[" not in path.read_text("utf-8"), path
