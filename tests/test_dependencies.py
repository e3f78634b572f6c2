"""What the package imports is what it declares: no dependency more, none less."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: What an extra brings to the package itself; the others (samples, test, dev) serve scripts and tests.
EXTRAS = ("gpu", "heic", "raw", "exr", "plots", "watch", "remote", "ray")
#: What fsspec imports, by the beginning of an address.
BY_NAME = {"s3fs", "gcsfs"}
#: What another distribution brings where it can be used, and what the package does without it elsewhere.
BROUGHT_BY = {"triton": "torch"}


def named(requirements: list[str]) -> set[str]:
    """The distributions that requirements name."""
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}


def imported() -> set[str]:
    """Other people's modules that the package imports, inside functions too."""
    found: set[str] = set()
    for path in (ROOT / "gamutcli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"gamutcli"}


def distributions_of(module: str) -> set[str]:
    """The distributions that bring a module; its own name where it is not installed."""
    return {name.lower().replace("_", "-") for name in packages_distributions().get(module, [module.replace("_", "-")])}


def declared() -> set[str]:
    extras = [requirement for extra in EXTRAS for requirement in PROJECT["optional-dependencies"][extra]]
    return named(PROJECT["dependencies"] + extras)


@pytest.mark.parametrize("module", sorted(imported()))
def test_what_is_imported_is_declared(module: str) -> None:
    assert distributions_of(BROUGHT_BY.get(module, module)) & declared()


@pytest.mark.parametrize("distribution", sorted(declared() - BY_NAME))
def test_what_is_declared_is_imported(distribution: str) -> None:
    assert distribution in set().union(*map(distributions_of, imported()))


def test_a_lower_bound_is_said_for_each() -> None:
    groups = [
        PROJECT["dependencies"],
        *(PROJECT["optional-dependencies"][name] for name in (*EXTRAS, "samples", "test")),
    ]
    requirements = [text for group in groups for text in group if not text.startswith("gamutcli[")]
    assert [text for text in requirements if ">=" not in text] == []
