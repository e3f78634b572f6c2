"""What the documentation shows works: links lead somewhere, commands run, Python runs.

A code block without a language is shell, `python` is a program, and any other language (`text`) is only read.
Every block runs in a folder of its own, where small photographs stand in for the files that it names; with the fast
preset where it names none. What cannot run here is marked before the block, `<!-- not run: why -->`, or belongs to
programs that only `LOOKED_AT` knows: of these it is checked that targets, extras and options exist.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import gamutcli
from gamutcli import cli
from tests.support.markdown import ROOT, Block, anchors, blocks, links, pages
from tests.support.pictures import sample_crop, write_tiff

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHELL = ("", "sh", "bash", "shell")
#: Programs that are never run from here: they install, build, or take hours.
LOOKED_AT = ("make", "pip", "uv", "uvx", "pipx", "git", "cd", "gamut experiment", "gamut pretrain")
#: In lines that write a file, it is the last that is named, or follows one of these.
_WRITES = re.compile(r"\b(reduce|expand|strip|extract|embed|optimi[sz]e)")
_WRITTEN = re.compile(r"(?:--map|--report|-o|--output|>)\s*(\S+)")
_FILE = re.compile(r"[\w$./-]*\w\.(?:tiff?|jpe?g|png|webp|avif|jxl|gamut)\b")
ALL = [block for page in pages() for block in blocks(page)]


def chosen(*languages: str) -> list[Block]:
    return [block for block in ALL if block.language in languages and not block.not_run]


def commands(block: Block) -> Iterator[str]:
    """The command lines of a shell block, those that go on joined, without comments."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = re.sub(r"(^|\s)#\s.*$", "", line).rstrip().removeprefix("$ ")
        if words.strip():
            yield words


def looked_at(line: str) -> bool:
    return any(line.strip() == name or line.strip().startswith(name + " ") for name in LOOKED_AT)


def missing(line: str) -> bool:
    """Whether a line needs a program that is not here, like jq."""
    heads = [part.split()[0] for part in re.split(r"\||&&|;", line) if part.split()]
    programs = [
        head for head in heads if re.fullmatch(r"[a-z0-9_-]+", head) and head not in ("gamut", "for", "do", "done")
    ]
    return any(shutil.which(program) is None for program in programs)


def inputs(text: str) -> set[str]:
    """The files that a block reads before it makes them."""
    made: set[str] = set()
    read: set[str] = set()
    for line in text.splitlines():
        names = [name for name in _FILE.findall(re.sub(r"#\s.*$", "", line)) if "$" not in name]
        written = set(_WRITTEN.findall(line))
        if _WRITES.search(line) and names and not written:
            written.add(names[-1])
        read |= set(names) - written - made
        made |= written
    return read


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiff(tmp_path_factory.mktemp("photographs") / "photo.tif", sample_crop("dahlia", 140, 250))


@pytest.fixture
def folder(tmp_path: Path, photograph: Path) -> Path:
    """A folder with two photographs, one in a folder, the examples, and `gamut` and `python` in `bin`."""
    (tmp_path / "photos/day").mkdir(parents=True)
    for name in ("photo.tif", "second.tif", "photos/day/photo.tif"):
        shutil.copy(photograph, tmp_path / name)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    programs = tmp_path / ".bin"
    programs.mkdir()
    for name, call in (
        ("gamut", f"{shlex.quote(sys.executable)} -m gamutcli"),
        ("python", shlex.quote(sys.executable)),
    ):
        (programs / name).write_text(f'#!/bin/sh\nexec {call} "$@"\n')
        (programs / name).chmod(0o755)
    return tmp_path


def provide(folder: Path, text: str, photograph: Path) -> None:
    """Put stand-ins where a block expects files: photographs, and pictures reduced from them, in a folder too."""
    if re.search(r"gamut (audit|batch expand|batch eval) web/", text):
        (folder / "web/day").mkdir(parents=True)
        gamutcli.reduce_image(photograph, folder / "web/day/photo.jpg", preset="fast")
    for name in inputs(text):
        target = folder / name
        if target.exists() or name.startswith(("/", "..")):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix in (".tif", ".tiff"):
            shutil.copy(photograph, target)
        elif target.suffix == ".gamut":
            gamutcli.reduce_image(photograph, target.with_suffix(""), preset="fast", carrier="sidecar", overwrite=True)
        else:
            gamutcli.reduce_image(photograph, target, preset="fast")


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GAMUT_")}
    path = os.pathsep.join([str(folder / ".bin"), kept.get("PATH", "")])
    modules = os.pathsep.join(filter(None, [str(Path(gamutcli.__file__).parents[1]), kept.get("PYTHONPATH", "")]))
    return {**kept, "PATH": path, "PYTHONPATH": modules, "GAMUT_PRESET": "fast", "GAMUT_OVERWRITE": "1"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize("block", chosen(*SHELL), ids=str)
def test_a_shell_block_runs(block: Block, folder: Path, photograph: Path) -> None:
    lines = [line for line in commands(block) if not looked_at(line)]
    if not lines:
        return
    if any(map(missing, lines)):
        pytest.skip("a program that this block uses is not here")
    provide(folder, "\n".join(lines), photograph)
    script = "\n".join(["set -e -o pipefail", *lines])
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{block}\n{script}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("block", chosen("python"), ids=str)
def test_a_python_block_runs(block: Block, folder: Path, photograph: Path) -> None:
    provide(folder, block.text, photograph)
    done = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block}\n{done.stderr}"


@pytest.mark.parametrize("block", [block for block in ALL if block.language in SHELL], ids=str)
def test_what_is_not_run_could_be(block: Block) -> None:
    for line in filter(looked_at, commands(block)):
        words = shlex.split(line)
        if words[0] == "make":
            goals = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
            known = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            assert set(goals) <= set(known), f"{block}: {line}"
        elif words[0] == "gamut":
            _parse(cli.gamut, words[1:])
        for extras in re.findall(r"(?:gamutcli|\.)\[([\w,]+)\]", line):
            assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]), f"{block}: {line}"


def _parse(command: click.Command, words: list[str]) -> None:
    """Let click read a command line to its end, without running anything."""
    context = command.make_context(command.name, words, resilient_parsing=False)
    if isinstance(command, click.Group):
        _, child, rest = command.resolve_command(context, words)
        assert child is not None
        _parse(child, rest)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        target = _local(link)
        if target is None:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {link}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name}: {link}"


def _local(link: str) -> str | None:
    """The path behind a link, also where it names this project's own repository; None where it leads elsewhere."""
    for address in PROJECT.get("urls", {}).values():
        own = re.match(re.escape(address.rstrip("/")) + r"/(?:blob|tree|raw)/[^/]+/(.*)", link)
        if own:
            return str(ROOT / own[1])
    return None if re.match(r"[a-z]+:", link) else link


def test_every_page_is_in_the_site() -> None:
    toctrees = "\n".join(block.text for block in blocks(ROOT / "docs/index.md") if block.language == "{toctree}")
    named = {line for line in toctrees.splitlines() if line and not line.startswith(":")}
    assert named == {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}


def test_the_rules_tell_what_runs(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run: hours -->\n```\na\n```\n\n```text\nb\n```\n\n```\nmake demo  # c\nd \\\n  e\n```\n")
    found = list(blocks(page))
    assert [block.not_run for block in found] == ["hours", "", ""]
    assert [block.language for block in found] == ["", "text", ""]
    lines = list(commands(found[2]))
    assert [looked_at(line) for line in lines] == [True, False]
    assert inputs("gamut reduce in.tif out.jpg\ngamut eval out.jpg --gt in.tif --report page.html") == {"in.tif"}
    with pytest.raises(click.UsageError):
        _parse(cli.gamut, ["experiment", "table", "--no-such-option"])
