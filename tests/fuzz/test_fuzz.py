"""The short form of `make fuzz`: some hundred mutants, always the same; and the fuzzing itself finds what is there."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

import gamutcli
from gamutcli.errors import InputError, NoPayload
from tests.fuzz import seeds
from tests.fuzz.formats import FORMATS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")

if os.name == "posix":
    from tests.fuzz.operations import Mutant
    from tests.fuzz.parent import Hunt, Leg, table
    from tests.fuzz.targets import TARGETS, mutant_of
    from tests.fuzz.verdict import judge

    NAMES = [name for name, target in TARGETS.items() if target.files()]
else:
    NAMES = []

MUTANTS = 25


@pytest.mark.parametrize("share", range(4))
def test_no_mutant_is_worse_than_refused(tmp_path: Path, share: int) -> None:
    hunt = Hunt(tmp_path, grow=False)
    hunt.try_mutants([Leg(name, 1, MUTANTS) for name in NAMES[share::4]])
    assert not any(tally.findings for tally in hunt.tallies.values()), table(hunt.tallies)
    assert {tally.mutants for tally in hunt.tallies.values()} == {MUTANTS}


@pytest.mark.parametrize("path", sorted(seeds.GOLDEN.iterdir()), ids=lambda path: path.name)
def test_what_is_taken_apart_can_be_put_together(tmp_path: Path, path: Path) -> None:
    if path.suffix not in FORMATS:
        pytest.skip("a sidecar")
    form, data = FORMATS[path.suffix], path.read_bytes()
    joined = form.join(form.split(data))
    (tmp_path / path.name).write_bytes(joined)
    if joined != data:  # items and strips have other places
        assert path.suffix in (".avif", ".tif")
        assert gamutcli.inspect_image(tmp_path / path.name).status == "ok"


@pytest.mark.parametrize("name", NAMES)
def test_mutants_differ_and_come_back_by_their_number(name: str) -> None:
    made = [mutant_of(name, number)[1] for number in range(8)]
    assert made == [mutant_of(name, number)[1] for number in range(8)]
    assert len({(file.data, *file.beside.values()) for file in made}) > 3


@pytest.fixture
def mutant(tmp_path: Path) -> Mutant:
    path = tmp_path / "mutant.jpg"
    path.write_bytes((seeds.GOLDEN / "default.jpg").read_bytes())
    (tmp_path / "stderr").touch()
    return Mutant(path, b"", Random(0))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), "ValueError"),
        (MemoryError(), "memory"),
        (InputError("the file is damaged"), "no file named"),
        (InputError("mutant.jpg: is\ndamaged"), "several lines"),
        (InputError("mutant.jpg: does not fit into memory"), "memory"),
        (NoPayload("mutant.jpg: holds none"), None),
    ],
)
def test_a_documented_error_that_names_its_file_is_all_that_may_be_raised(
    mutant: Mutant, error: Exception, kind: str | None
) -> None:
    def operation(mutant: Mutant) -> str:
        raise error

    _, finding = judge(operation, mutant, mutant.path.with_name("stderr"))
    assert (finding.kind if finding else None) == kind


def test_what_is_printed_is_found(mutant: Mutant) -> None:
    def operation(mutant: Mutant) -> str:
        mutant.path.with_name("stderr").write_text("libfoo warning: bar", "utf-8")
        return "done"

    _, finding = judge(operation, mutant, mutant.path.with_name("stderr"))
    assert finding is not None
    assert finding.words == "libfoo warning: bar"


def test_a_process_that_dies_is_found_and_the_next_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUZZ_DIES_AT", "2")
    hunt = Hunt(tmp_path, grow=False)
    hunt.try_mutants([Leg("weights", 1, 3)])
    (finding,) = hunt.tallies["weights"].findings
    assert finding.kind == "SIGKILL"
    assert hunt.tallies["weights"].mutants == 3
    (kept,) = tmp_path.iterdir()
    assert (kept / "mutant.safetensors").read_bytes() == mutant_of("weights", 2)[1].data
