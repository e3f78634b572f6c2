"""What a Markdown file holds that can be checked: its code blocks, its links, its anchors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(.*)$")
_NOT_RUN = re.compile(r"^<!-- not run: (.+) -->$")
_LINK = re.compile(r"\[[^\]]*\]\(\s*([^)\s]+)[^)]*\)")
_HEADING = re.compile(r"^#{1,6} (.*?)#*$")


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    folders = (ROOT, ROOT / "docs", ROOT / "sample_images", *(ROOT / "gamutcli").rglob("*/"))
    return sorted({page for folder in folders for page in folder.glob("*.md")})


@dataclass(frozen=True)
class Block:
    """A fenced code block.

    Attributes:
        line: Of its first line in the page.
        language: What follows the fence; "" means shell.
        not_run: Why it is not run, as a comment before it says; "" where it is.
    """

    page: Path
    line: int
    language: str
    text: str
    not_run: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The code blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start, language, before = 0, None, ""
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if not fence:
            before = line.strip() or before if language is None else before
        elif language is None:
            start, language = number + 1, fence[1].strip()
        else:
            why = _NOT_RUN.match(before)
            yield Block(page, start + 1, language, "\n".join(lines[start:number]), why[1] if why else "")
            language, before = None, ""
    if language is not None:
        raise ValueError(f"{page}:{start}: a code block is not closed")


def _prose(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda code: "x" * len(code[0]), text)


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead."""
    return _LINK.findall(_prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors that code hosts give the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found: dict[str, int] = {}
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1].strip()).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
    return {slug if not n else f"{slug}-{n}" for slug, count in found.items() for n in range(count + 1)}
