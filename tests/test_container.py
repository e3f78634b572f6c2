"""The Dockerfile: its steps run one after the other, in fresh environments and folders that stand for its stages.

No container runtime is needed, and none is replaced: what a step says is run as it is, but for paths, which lead into
the folder of its stage. Only the new user is not made here, where that would be one of this machine.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from tests.support.batches import files_of, shoot
from tests.support.markdown import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
Step = tuple[str, str]


def stages() -> dict[str, list[Step]]:
    """The steps of every stage, each a word and what follows it; the last stage has no name."""
    found: dict[str, list[Step]] = {}
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            steps = found.setdefault(name, [])
            steps.append(("FROM", base))
        else:
            steps.append((word, rest))
    return found


def context() -> list[str]:
    """What the builder may see: .dockerignore names that, and leaves out all else."""
    everything, *lines = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert everything == "*"
    return [line[1:] for line in lines if line.startswith("!")]


class Stage:
    """A folder that stands for the file system of a stage, with an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.place = "/"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GAMUT_"))}
        self.variables = {**kept, "PATH": f"{folder / 'venv/bin'}{os.pathsep}{kept['PATH']}"}
        self._paths: set[str] = set()

    def at(self, path: str) -> Path:
        """Where a path of the stage is."""
        return self.root / str(PurePosixPath(self.place) / path).lstrip("/")

    def do(self, word: str, rest: str, others: dict[str, Stage]) -> None:
        """Do a step."""
        if word == "WORKDIR":
            self.place = rest
            self.at(rest).mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            self._copy(shlex.split(rest), others)
        elif word == "ARG":
            name, _, value = rest.partition("=")
            self.variables[name] = value
        elif word == "RUN" and not rest.startswith("useradd "):
            self.run(
                "sh", "-c", re.sub(r"(?<![\w.*])/(?:source|wheel|work)\b", lambda path: str(self.at(path[0])), rest)
            )

    def run(self, *words: str) -> str:
        """Run a program of the stage; what it prints."""
        program = shutil.which(words[0], path=self.variables["PATH"])
        assert program, words[0]
        done = subprocess.run(
            [program, *words[1:]], cwd=self.at("."), env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _copy(self, words: list[str], others: dict[str, Stage]) -> None:
        if words[0].startswith("--from="):
            shutil.copytree(others[words[0].removeprefix("--from=")].at(words[1]), self.at(words[2]))
            return
        assert words == [".", "."]
        for name in context():
            source, target = ROOT / name, self.at(name)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)


def test_it_starts_from_a_slim_python_that_is_supported() -> None:
    for steps in stages().values():
        found = re.fullmatch(r"python:(3\.\d+)-slim", steps[0][1])
        assert found
        assert f"Programming Language :: Python :: {found[1]}" in PROJECT["classifiers"]


def test_what_runs_is_gamut_and_nobody_of_power() -> None:
    steps = stages()[""]
    names = [word for word, _ in steps]
    assert json.loads(dict(steps)["ENTRYPOINT"]) == ["gamut"]
    made = next(
        rest.partition(" && ")[0].split() for word, rest in steps if word == "RUN" and rest.startswith("useradd ")
    )
    assert dict(steps)["USER"] == made[-1] != "root"
    assert names.index("USER") > max(at for at, word in enumerate(names) if word == "RUN")


def test_it_brings_extras_that_there_are_but_no_cuda() -> None:
    extras = dict(stages()[""])["ARG"].removeprefix("EXTRAS=").split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"]) - {"gpu", "dev", "test"}


def test_what_the_builder_sees_is_there_and_enough_for_a_wheel() -> None:
    assert all((ROOT / name).exists() for name in context())
    assert {"gamutcli", "pyproject.toml", "README.md", *PROJECT["license-files"]} == set(context())


@pytest.mark.package
def test_its_steps_end_with_a_gamut_that_works(tmp_path: Path) -> None:
    done: dict[str, Stage] = {}
    for name, steps in stages().items():
        done[name] = stage = Stage(tmp_path / (name or "last"))
        for word, rest in steps:
            stage.do(word, rest, done)
    last = done[""]
    command = json.loads(dict(stages()[""])["ENTRYPOINT"])
    assert "reduce" in last.run(*command, *json.loads(dict(stages()[""])["CMD"]))
    shoot(last.at("photos"), 2)
    last.run(*command, "batch", "reduce", "photos", "-o", "web", "--preset", "fast")
    assert list(files_of(last.at("web"))) == ["day0/000.jpg", "day1/001.jpg"]
    for module in ("pi_heif", "rawpy", "OpenEXR", "s3fs"):
        last.run("python", "-c", f"import {module}")
