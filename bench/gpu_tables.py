"""Tables of what bench/gpu.py measured, for people: Markdown."""

from __future__ import annotations

from typing import Any

Found = dict[str, Any]
PRESETS = ("fast", "balanced", "best", "paper")


def markdown(results: Found) -> str:
    """All tables; a dash where something was not measured."""
    steps: Found = results["steps"]
    parts = [
        "# gamutcli on a GPU",
        "**A rehearsal on torch's CPU device: these figures say nothing.**" if results["rehearsal"] else "",
        _machine(results),
        "## Fit, seconds",
        _fits(steps),
        _fits_together(steps),
        "## The network over a picture, seconds",
        _networks(steps),
        "## Whole commands, start-up included",
        _commands(steps),
        "## Many pictures of 1.6 megapixels, as many at a time as there are cores",
        _batches(steps),
        "## How far the devices lie apart, 16-bit codes",
        _differences(steps),
        "## Pretraining (`--model 23kb`)",
        _pretraining(steps),
        _missing(steps),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(head: str, rows: list[list[str]]) -> str:
    titles = head.split(" | ")
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(step: Found | None, name: str, digits: int = 2) -> str:
    value = (step or {}).get(name)
    return "–" if value is None else f"{value:,.{digits}f}"


def _machine(results: Found) -> str:
    known = results.get("machine")
    if known is None:
        return ""
    lines = [
        f"- {known.get('gpu', 'no GPU')}, {_number(known, 'gpu_mib', 0)} MiB; {known['processor']}, "
        f"{known['cores']} cores",
        f"- torch {known['torch']} (CUDA {known['cuda'] or 'none'}), numpy {known['numpy']}, Python {known['python']}, "
        f"{known['system']}",
        f"- torch and the GPU are up after {known['torch_start_s']:.1f} s",
    ]
    tests = results["tests"]
    if tests:
        failed = tests["failures"] + tests["errors"]
        lines.append(
            f"- tests marked gpu: {tests['tests']}, of which {failed} failed and {tests['skipped']} were skipped, "
            f"in {tests['seconds']:.0f} s"
        )
    return "\n".join(lines)


def _fits(steps: Found) -> str:
    rows = []
    for preset in PRESETS:
        cuda, cpu = steps.get(f"fit {preset}, cuda"), steps.get(f"fit {preset}, cpu")
        cells = [_number(cuda, "first_s"), _number(cuda, "warm_s"), _number(cpu, "first_s")]
        cells += [_number(cuda, "psnr_og"), _number(cpu, "psnr_og"), _number(cuda, "gpu_reserved_mib", 0)]
        rows.append([preset, *cells])
    return _table("preset | first | warm, median of 5 | CPU | dB OG | dB OG, CPU | GPU memory, MiB", rows)


def _networks(steps: Found) -> str:
    rows = []
    for preset in ("balanced", "paper"):
        step = steps.get(f"network {preset}")
        names = ("on_device_s", "fused_s", "fused_first_s", "transfers_s", "together_s")
        times = [_number(step, name, 3) for name in names]
        rows.append([preset, _number(step, "pixels", 0), *times, _number(step, "gpu_reserved_mib", 0)])
    head = "preset | pixels | by torch's kernels | by our own | with its compiling | transfers | torch's and transfers"
    return _table(f"{head} | GPU memory, MiB", rows)


def _fits_together(steps: Found) -> str:
    step = steps.get("fits together")
    return (
        f"`balanced`, {_number(step, 'pictures', 0)} pictures in the same steps: {_number(step, 'together_s')} s; one: "
        f"{_number(step, 'one_s')} s."
    )


def _batches(steps: Found) -> str:
    rows = []
    for verb in ("reduce", "expand"):
        pair = [steps.get(f"batch {verb}, {device}") for device in ("cuda", "cpu")]
        seconds = [_number(step, "process_s", 1) for step in pair]
        rows.append([f"batch {verb}, balanced", _number(pair[0], "pictures", 0), *seconds])
    return _table("command | pictures | GPU, s | CPU, s", rows)


def _commands(steps: Found) -> str:
    rows = []
    for verb in ("reduce", "expand"):
        for preset in ("balanced", "paper"):
            pair = [steps.get(f"{verb} {preset}, {device}") for device in ("cuda", "cpu")]
            seconds = [_number(step, "process_s", 1) for step in pair]
            memory = [_number(step, "peak_mib", 0) for step in pair]
            rows.append([f"{verb}, {preset}", *seconds, *memory])
    return _table("command | GPU, s | CPU, s | GPU: resident, MiB | CPU: resident, MiB", rows)


def _differences(steps: Found) -> str:
    rows = []
    for preset in ("balanced", "paper"):
        step = steps.get(f"difference {preset}")
        cells = [_number(step, "largest_codes", 0), _number(step, "differing_pct"), _number(step, "beyond_2_codes", 0)]
        rows.append([preset, *cells])
    return _table("preset | largest | pixels that differ, % | pixels beyond 2 codes", rows)


def _pretraining(steps: Found) -> str:
    rows = []
    for device in ("cuda", "cpu"):
        step = steps.get(f"pretrain, {device}")
        cells = [_number(step, "spent_s", 0), _number(step, "crops", 0), _number(step, "crops_a_second")]
        cells += [_number(step, "steps_a_second", 0), _number(step, "gpu_reserved_mib", 0)]
        rows.append([device, *cells])
    return _table("device | seconds | crops | crops a second | steps a second | GPU memory, MiB", rows)


def _missing(steps: Found) -> str:
    lines = [f"- {name}: {step['status']}, {step['reason']}" for name, step in steps.items() if "reason" in step]
    return "\n".join(["## Not measured", "", *lines]) if lines else ""
