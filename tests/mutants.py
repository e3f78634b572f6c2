"""What tests would notice: mutants of the code that keeps files and payloads, made by cosmic-ray (`make mutants`).

A sample of the mutants of each module is tried with the tests of its own, in a copy of the tree; those that survive are
listed with what was changed.

    python tests/mutants.py build/mutants --each 40
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PAYLOAD, _STORAGE = "tests/payload", "tests/test_storage.py"
#: Modules, and the tests that are theirs.
MODULES = {
    "gamutcli/payload/parts.py": f"{_PAYLOAD}/test_parts.py {_PAYLOAD}/test_carriers.py",
    "gamutcli/payload/format.py": f"{_PAYLOAD}/test_format.py {_PAYLOAD}/test_fields.py tests/test_golden.py",
    "gamutcli/payload/in_xmp.py": f"{_PAYLOAD}/test_in_xmp.py {_PAYLOAD}/test_carriers.py",
    "gamutcli/payload/in_exif.py": f"{_PAYLOAD}/test_in_exif.py {_PAYLOAD}/test_carriers.py",
    "gamutcli/payload/in_jpeg.py": f"{_PAYLOAD}/test_in_jpeg.py {_PAYLOAD}/test_carriers.py",
    "gamutcli/payload/carriers.py": f"{_PAYLOAD}/test_carriers.py",
    "gamutcli/payload/in_tiff.py": f"{_PAYLOAD}/test_carriers.py",
    "gamutcli/payload/in_blocks.py": f"{_PAYLOAD}/test_carriers.py {_PAYLOAD}/test_in_png.py",
    "gamutcli/storage/publishing.py": _STORAGE,
    "gamutcli/storage/temporary.py": _STORAGE,
    "gamutcli/storage/targets.py": _STORAGE,
}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("out", type=Path, help="folder for the copy and what was found")
    parser.add_argument("--each", type=int, default=40, help="mutants of each module (default 40)")
    parser.add_argument("--seed", type=int, default=0, help="which mutants these are (default 0)")
    parser.add_argument("modules", nargs="*", help="of these modules alone")
    chosen = parser.parse_intermixed_args(words)
    tree = chosen.out / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for part in ("gamutcli", "tests", "sample_images", "pyproject.toml", "docs", "examples"):
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        tree.mkdir(parents=True, exist_ok=True)
        copy(source, tree / part)
    for module, tests in MODULES.items():
        if not chosen.modules or module in chosen.modules:
            tried, survived = try_module(tree, module, tests, chosen.each, chosen.seed)
            print(
                f"{module}: {tried} mutants, {tried - survived} killed ({100 * (tried - survived) // tried} %)",
                flush=True,
            )


def try_module(tree: Path, module: str, tests: str, each: int, seed: int) -> tuple[int, int]:
    """Try mutants of one module; returns how many, and how many survived, which are shown."""
    name = module.replace("/", "-")
    config, session = tree / f"{name}.toml", tree / f"{name}.sqlite"
    command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {tests}"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = 120.0\nexcluded-modules = []\ntest-command = "{command}"\n'
        '[cosmic-ray.distributor]\nname = "local"\n',
        "utf-8",
    )
    _call(tree, "init", config.name, session.name)
    tried = sample(session, each, seed)
    _call(tree, "exec", config.name, session.name)
    with sqlite3.connect(session) as base:
        rows = base.execute(
            "SELECT m.operator_name, m.start_pos_row, r.diff FROM mutation_specs m JOIN work_results r USING (job_id) "
            "WHERE r.test_outcome LIKE '%SURVIVED%'"
        ).fetchall()
    for operator, row, diff in rows:
        changed = [line for line in (diff or "").splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        print(f"survived: {module}:{row} {operator}\n    " + "\n    ".join(changed))
    return tried, len(rows)


def sample(session: Path, each: int, seed: int) -> int:
    """Leave so many of a session's mutants, chosen at random; types in hints are none that a test could notice."""
    with sqlite3.connect(session) as base:
        jobs = sorted(
            base.execute(
                "SELECT job_id, start_pos_row, start_pos_col, operator_name FROM mutation_specs "
                "WHERE operator_name NOT LIKE '%BinaryOperator_BitOr%'"
            ).fetchall(),
            key=lambda job: job[1:],
        )
        kept = {job[0] for job in random.Random(seed).sample(jobs, min(each, len(jobs)))}
        for (job,) in base.execute("SELECT job_id FROM mutation_specs").fetchall():
            if job not in kept:
                base.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
                base.execute("DELETE FROM work_items WHERE job_id = ?", (job,))
    return len(kept)


def _call(tree: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "cosmic_ray.cli", *words], cwd=tree, check=True, env=_environment(tree))


def _environment(tree: Path) -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(tree.resolve()), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


if __name__ == "__main__":
    main(sys.argv[1:])
