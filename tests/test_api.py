"""The library: what it promises to have, and what it must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gamutcli


def test_all_is_what_the_library_promises() -> None:
    assert set(gamutcli.__all__) == {
        "Evaluation",
        "ExpandResult",
        "Info",
        "ReduceResult",
        "Scores",
        "Transfer",
        "__version__",
        "embed_payload",
        "errors",
        "evaluate",
        "expand_image",
        "extract_payload",
        "inspect_image",
        "reduce_image",
        "strip_payload",
        "write_report",
    }
    assert dir(gamutcli) == sorted(gamutcli.__all__)


@pytest.mark.parametrize("name", gamutcli.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(gamutcli, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'reduce_picture'"):
        gamutcli.reduce_picture  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, gamutcli; sys.exit(bool({'numpy', 'torch', 'click', 'rich', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
