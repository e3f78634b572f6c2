"""Figures in the README: commands write them between two comments, and nobody types them.

A block reads ``<!-- figures: NAME, by COMMAND -->``, what the command found, ``<!-- /figures -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- figures: {re.escape(name)}, by [^>]+ -->\n)(.*?)(<!-- /figures -->)", re.S)


def block(name: str, path: Path = README) -> str:
    """What stands in a block now."""
    found = _pattern(name).search(path.read_text(encoding="utf-8"))
    if not found:
        raise SystemExit(f"{path.name} has no block of figures named {name}")
    return found[2]


def publish(name: str, text: str, write: bool, path: Path = README) -> None:
    """Print figures, and put them into the README if wanted."""
    print(text, flush=True)
    if write:
        block(name, path)
        whole = path.read_text(encoding="utf-8")
        path.write_text(_pattern(name).sub(lambda found: f"{found[1]}{text}\n{found[3]}", whole), encoding="utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the first column is text, all others are figures."""
    lines = [head, ("---", *["--:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
