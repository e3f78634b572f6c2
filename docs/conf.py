"""How Sphinx builds these pages into a site; `make docs` runs it, with warnings as errors and without a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from reference import commands, library

import gamutcli

project = "gamutcli"
author = "The gamutcli authors"
version = release = gamutcli.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]


# Anchors for headings, made as code hosts make them, so that the same links work there.
myst_heading_anchors = 4
default_role = "literal"  # our docstrings write `code`
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_use_ivar = True

# Furo loads nothing from elsewhere: no fonts, no scripts.
html_theme = "furo"
html_title = f"gamutcli {release}"
html_show_sourcelink = False
html_copy_source = False


# A link to a file beside docs/ becomes a copy of that file: the site is complete in itself.
OUTWARD = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#]+)(?:#[^)]*)?\)")


def setup(app: Any) -> None:
    """Let pages be made ready for Sphinx when they are read."""
    app.connect("source-read", _made_ready)


def _made_ready(app: Any, name: str, source: list[str]) -> None:
    text = OUTWARD.sub(r"{download}`\1 <\2>`", source[0])
    source[0] = text.replace("<!-- commands -->", commands()).replace("<!-- library -->", library())
