"""`python -m tests.survival install` gets the tools; `python -m tests.survival` writes docs/SURVIVAL.md.

The page is written from the outcomes of the last `pytest -m survival`.
"""

from __future__ import annotations

import sys

from .report import OUTCOMES, Record, page
from .tools import ROOT, install


def main(words: list[str]) -> None:
    """Do what the words say."""
    if words == ["install"]:
        install()
    elif words or not OUTCOMES.is_file():
        sys.exit("run `pytest -m survival` first; then this takes no words, or `install`")
    else:
        target = ROOT / "docs" / "SURVIVAL.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(page(Record.load()), "utf-8")
        print(f"written: {target.relative_to(ROOT)}")


main(sys.argv[1:])
